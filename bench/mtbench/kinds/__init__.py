"""The kinds of work, in the order of the report."""

from __future__ import annotations

from ..kind import Kind
from .big import Big
from .chunk import Chunk
from .closing import Closing
from .latency import Latency
from .live import Live
from .memory import Memory
from .parts import Parts
from .pipe import Pipe
from .probe import Probe
from .scaling import Scaling
from .scheduling import Scheduling
from .small import Small
from .start import Start
from .transcode import Transcode

ORDER = (Small, Probe, Start, Big, Transcode, Scaling, Scheduling, Pipe, Chunk, Memory, Live, Latency, Closing, Parts)
KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in ORDER}
