"""How hard hypothesis looks: `pytest --hypothesis-profile=quick`, `standard` (the default) or `thorough`.

`conftest.py` calls `register()`. The first two try the same examples in every run, so that a change never fails by the
luck of another's draw; `thorough` draws new ones.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def register() -> None:
    """Make the profiles known and load `standard`; the command line's choice overrides it."""
    # One loaded machine must not fail a test for being slow: pytest-timeout bounds each test.
    base = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
    settings.register_profile("quick", base, max_examples=15, derandomize=True)
    settings.register_profile("standard", base, max_examples=100, derandomize=True)
    settings.register_profile("thorough", base, max_examples=2000, derandomize=False)
    settings.load_profile("standard")
