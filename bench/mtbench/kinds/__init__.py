"""The kinds of work, in the order of the report."""

from __future__ import annotations

from ..kind import Kind
from .big import Big
from .closing import Closing
from .latency import Latency
from .live import Live
from .memory import Memory
from .pipe import Pipe
from .probe import Probe
from .small import Small
from .transcode import Transcode

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Small, Probe, Big, Transcode, Pipe, Memory)}
KINDS |= {kind.name: kind for kind in (Live, Latency, Closing)}
