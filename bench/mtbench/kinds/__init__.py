"""The kinds of work, in the order of the report."""

from __future__ import annotations

from ..kind import Kind
from .big import Big
from .chunk import Chunk
from .memory import Memory
from .parts import Parts
from .pipe import Pipe
from .probe import Probe
from .scaling import Scaling
from .small import Small
from .start import Start
from .transcode import Transcode

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Small, Probe, Big, Transcode, Pipe, Memory, Chunk, Scaling, Start, Parts)}
