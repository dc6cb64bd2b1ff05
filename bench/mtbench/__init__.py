"""The benchmark: what is measured (kinds/), how turns are taken (measure.py), what is written of it (report.py)."""
