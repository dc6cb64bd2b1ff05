"""A host in Python: host.py REPORT HANDLER LABEL ARGS... runs one job with crash reports appended to REPORT. HANDLER: "default"; "before" or "after": faulthandler
is enabled before or after the engine is made."""

from __future__ import annotations

import faulthandler
import sys

from mt_transcode import Engine

report, handler, label, *args = sys.argv[1:]
if handler == "before":
    faulthandler.enable()
with Engine(crash_reports=report) as engine:
    if handler == "after":
        faulthandler.enable()
    engine.job(args, label=label).run()
