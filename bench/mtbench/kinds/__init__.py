"""The kinds of work, in the order of the report."""

from __future__ import annotations

from ..kind import Kind
from .big import Big
from .memory import Memory
from .pipe import Pipe
from .probe import Probe
from .scheduling import Scheduling
from .small import Small
from .transcode import Transcode

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Small, Probe, Big, Transcode, Pipe, Memory, Scheduling)}
