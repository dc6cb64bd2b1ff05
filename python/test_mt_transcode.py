"""All scenarios of tests/scenarios.md through mt_transcode, and a check of its structs against the C compiler.

    python3 -m unittest test_mt_transcode        in this folder; or pytest

The scenarios stand in scenarios/, by theme.
"""

import unittest

from scenarios.basic import Basic
from scenarios.errors import Errors
from scenarios.events import Events
from scenarios.flow import Flow
from scenarios.handles import Handles
from scenarios.hosts import Hosts
from scenarios.layout import Layout
from scenarios.lifecycle import Lifecycle
from scenarios.live import Live
from scenarios.pipes import Pipes
from scenarios.pythonic import Pythonic

__all__ = ["Basic", "Errors", "Events", "Flow", "Handles", "Hosts", "Layout", "Lifecycle", "Live", "Pipes", "Pythonic"]

if __name__ == "__main__":
    unittest.main()
