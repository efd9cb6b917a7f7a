"""The map of the package: what lies on which layer, and who may do what only few may.

Read by `architecture.py`. A name stands for the module and for all below it, so a new file in a folder that is
listed needs nothing here.
"""

from __future__ import annotations

from typing import Final

# Lowest layer first; the longest name that fits wins.
LAYERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("base", ("furu.errors", "furu.config", "furu.clock", "furu.lazy", "furu.logs", "furu.execution.context")),
    ("drawing", ("furu.drawing",)),
    ("identity", ("furu.identity",)),
    ("storage", ("furu.storage",)),
    ("lifecycle", ("furu.lifecycle",)),
    ("evolution", ("furu.evolution",)),
    ("index", ("furu.index",)),
    ("core", ("furu.core",)),
    ("execution", ("furu.execution",)),
    ("gc", ("furu.gc",)),
    ("package", ("furu",)),
    ("interfaces", ("furu.__main__", "furu.cli", "furu.dashboard", "furu.testing")),
)
PURE: Final = (
    "furu.drawing",
    "furu.dashboard.artifact_table",
    "furu.dashboard.charts",
    "furu.dashboard.comparison",
    "furu.dashboard.config_tree",
    "furu.dashboard.queries",
    "furu.execution.scheduling",
    "furu.execution.pool.crew",
    "furu.execution.pool.roster",
    "furu.execution.slurm.groups",
    "furu.execution.slurm.jobs",
    "furu.execution.slurm.report",
    "furu.execution.slurm_spec",
    "furu.execution.slurm.text",
    "furu.execution.reporting.tally",
    "furu.evolution.differences",
    "furu.evolution.steps",
    "furu.gc.budget",
    "furu.gc.decide",
    "furu.gc.facts",
    "furu.identity",
    "furu.index.conditions",
    "furu.index.plain",
    "furu.index.query",
    "furu.lifecycle.decide",
    "furu.lifecycle.reconcile",
)
# What pure modules may import of ours: values without effects.
PURE_MAY_IMPORT: Final = (*PURE, "furu.errors", "furu.storage.layout", "furu.storage.records")
IMPURE: Final = frozenset(
    "asyncio concurrent fcntl glob http io logging mmap multiprocessing os random secrets select shutil signal socket"
    " sqlite3 subprocess tempfile threading time urllib".split()
)
IMPURE_CALLS: Final = frozenset(
    "cwd expanduser home input iterdir lstat mkdir open print read_bytes read_text rglob rmdir stat touch unlink uuid1"
    " uuid4 write_bytes write_text".split()
)
# May wait for an event with a timeout; nobody else may let time pass.
WAITS: Final = (
    "furu.dashboard.watcher",
    "furu.execution",
    "furu.lifecycle.lease",
    "furu.lifecycle.waiting",
    "furu.testing",
)
WRITES: Final = ("furu.index.location", "furu.logs", "furu.storage.atomic", "furu.storage.results", "furu.testing")
# (importer, imported) that a function may import: optional parts with libraries of their own.
LAZY: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("furu.config.current", "furu.config.sources"),
        ("furu.core.furu", "furu.core.notebook"),
        ("furu.core.furu_list", "furu.core.notebook"),
        ("furu.evolution.refs", "furu.evolution.notebook"),
        ("furu.execution.reporting.progress", "furu.execution.reporting.live_view"),
    }
)
VAGUE: Final = frozenset({"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"})
# Must not be loaded by `import furu`.
HEAVY: Final = (
    "IPython",
    "click",
    "fastapi",
    "igraph",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic_settings",
    "rich",
    "submitit",
    "torch",
)
MAX_FILE_LINES: Final = 350
MAX_FUNCTION_LINES: Final = 60
