"""The scenarios of tests/scenarios.md for Python."""
