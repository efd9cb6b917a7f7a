"""For tests of code that uses furu: a store of their own, and results put in the place of computed ones.

A pytest plugin, active wherever furu is installed. Fixtures:

    furu_root              the test's own store, empty; gives its path
    override_results       call it with {config: value}; holds until the test ends
    override_results_for   call it with (config, {"field.path": value}); holds until the test ends

Option in pytest's configuration: `furu_isolate = true` gives every test a store of its own.

`FakeSlurm` is a Slurm in memory for `submit_slurm_dag(..., slurm=FakeSlurm(body=run_script))`.

`isolated_root()`, `override_results()` and `override_results_for()` are context managers that need no pytest.

`python -m furu.testing.chaos package.module:Class` computes a graph while its processes are killed and stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.lazy import load_from
from furu.testing.isolation import isolated_root
from furu.testing.plugin import pytest_addoption as pytest_addoption
from furu.testing.plugin import pytest_configure as pytest_configure
from furu.testing.results import override_results, override_results_for

if TYPE_CHECKING:
    from furu.execution.slurm.client import JobRequest
    from furu.execution.slurm.fake import FakeSlurm, Trouble, run_script

# Loaded when first used: this module is loaded by every run of pytest.
_HOMES: Final = {
    "FakeSlurm": "slurm.fake",
    "JobRequest": "slurm.client",
    "Trouble": "slurm.fake",
    "run_script": "slurm.fake",
}

__all__ = [
    "FakeSlurm",
    "JobRequest",
    "Trouble",
    "isolated_root",
    "override_results",
    "override_results_for",
    "run_script",
]

__getattr__ = load_from(__name__, {name: f"furu.execution.{home}" for name, home in _HOMES.items()})
