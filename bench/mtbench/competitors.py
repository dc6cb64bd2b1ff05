"""What the library is compared with, besides the ffmpeg program of the system: set up under build/bench by bench/competitors.sh. What could not
be set up is left out, and the report says so."""

from __future__ import annotations

from pathlib import Path

from .process import said

STATIC_FFMPEG = "ffmpeg-static"
PYTHON = "venv/bin/python"
ASTIAV = "astiav"
PYAV_VERSION = "import av; print(f'{av.__version__}, FFmpeg {av.ffmpeg_version_info}')"
NONE = "could not be set up"


def facts(programs: Path) -> dict[str, str]:
    """Versions by name."""
    static = said(str(programs / STATIC_FFMPEG), "-version").splitlines()[0].split(" Copyright")[0]
    astiav = said("go", "version", "-m", str(programs / ASTIAV))
    version = next((line.split()[2] for line in astiav.splitlines() if "asticode/go-astiav\t" in line), NONE)
    found = {"static ffmpeg": static, "PyAV": said(str(programs / PYTHON), "-c", PYAV_VERSION), "go-astiav": version}
    return {name: NONE if value == "unknown" else value for name, value in found.items()}
