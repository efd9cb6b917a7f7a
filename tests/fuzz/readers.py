"""Everything that reads what lies below a root. What one gives must be right, and what it raises must be furu's."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.cli import main as cli
from furu.execution import attach_slurm_dag, build_plan
from furu.execution.payload import run_payload
from furu.execution.pool.adopt import PoolFiles, new_record
from furu.execution.reporting.run_record import list_runs, read_run
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import last_ending, look_at_jobs
from furu.storage.layout import RootPaths
from furu.testing import FakeSlurm
from tests.fuzz.stores import POOL_RUN, RUNNING, files_below, pool_of_store, right_values
from tests.fuzz.study import ALIAS, ONE, REPORT, RIGHT, Checkpoint, Failing, Queued, Report, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIGS: Final = (*RIGHT, Failing(key=0), Queued(key=5), RUNNING)


class WrongValueError(AssertionError):
    """A reader gave what is not so."""


@contextlib.contextmanager
def named_errors() -> Iterator[None]:
    """The reader may say that it can't, in furu's own words."""
    with contextlib.suppress(furu.FuruError):
        yield


def read_configs() -> None:
    """The verbs of every config that need no computing."""
    for config in CONFIGS:
        verbs = (config.exists, config.get_metadata, config.log, lambda each=config: each.furu_dir)
        for verb in (*verbs, lambda each=config: furu.annotations_of(each)):
            with named_errors():
                verb()


def get_values() -> None:
    """`get()` gives what was stored, or computes the same."""
    for config in RIGHT:
        with named_errors():
            value = config.get()
            if value not in right_values(config):
                raise WrongValueError(f"{config} gives {value!r:.200}")
    with named_errors():
        if Checkpoint().get().read_bytes() != b"weights":
            raise WrongValueError("another checkpoint")


def get_elsewhere() -> None:
    """`get()` in executor mode, with other code, and of what has failed or runs."""
    with furu.using(on_code_change="warn"):
        for config in (ONE, ALIAS, REPORT):
            with named_errors():
                config.get()
    with furu.using(retry_failed=False):
        for key in range(2):
            with named_errors():
                Failing(key=key).get()
    with furu.using(max_wait_sec=0.0), named_errors():
        RUNNING.get()


def read_refs() -> None:
    """Stored artifacts as values."""
    for ref in furu.refs():
        for read in (ref.metadata, ref.load_config, ref.load_result, ref.why_stale, lambda each=ref: each.version):
            with named_errors():
                found = read()
                if read == ref.load_result and found not in RIGHT.values() and not _is_checkpoint(found):
                    raise WrongValueError(f"{ref.reference} gives {found!r:.200}")


def _is_checkpoint(found: Any) -> bool:
    return getattr(found, "name", "") == "checkpoint"


def read_history() -> None:
    """What became of stored configs, and what would."""
    actions = [
        furu.stale,
        furu.impact,
        furu.plan_migrations,
        Value.all_current,
        Value.all_successful,
        Value.all_stale_refs,
        Report.all_current,
        lambda: furu.explain(Value(key=77)),
        lambda: furu.explain(REPORT),
        lambda: furu.diff(ONE, Value(key=4)),
        lambda: furu.migrate(ONE, ALIAS),
    ]
    for action in actions:
        with named_errors():
            action()


def undo_deletions(root: Path) -> None:
    """Have back what lies in the trash, twice, then empty it."""
    for name in files_below(root):
        if name.startswith("trash/") and name.endswith("/journal.jsonl"):
            for verb in ("--resume", "--undo"):
                _call("gc", verb, name.split("/")[1])
    _call("gc", "--empty", "--yes")


def undo_migrations(root: Path) -> None:
    """Take every migration back."""
    for name in files_below(root):
        if name.startswith("migrations/") and name.endswith(".jsonl"):
            with named_errors():
                furu.undo_migration(name.removeprefix("migrations/").removesuffix(".jsonl"))


def search() -> None:
    """The index, by its own words."""
    for text in ("", "status:failed", "key>0", "hash:0"):
        with named_errors():
            for row in furu.query(text):
                row.to_json()


def plan() -> None:
    """What a run would do, and cost."""
    with named_errors():
        str(build_plan([REPORT, Failing(key=0), Queued(key=5), RUNNING]).summary())


def read_runs(root: Path) -> None:
    """Records of runs."""
    for run_id in list_runs(str(root)):
        with named_errors():
            record = read_run(RootPaths(str(root)).run(run_id))
            _ = record.end, record.last_events(), record.failures(), [node.name for node in record.nodes.values()]
        with named_errors():
            attach_slurm_dag(run_id, slurm=FakeSlurm()).look()


def read_jobs() -> None:
    """Jobs that stand for artifacts."""
    for config in (Failing(key=0), Failing(key=1), Queued(key=5)):
        paths = artifact_paths(config)
        with named_errors():
            found = look_at_jobs([paths], THIS_PROCESS, stale_after_sec=1e9)
            if paths.base in found:
                last_ending(paths, found[paths.base], THIS_PROCESS)


def read_payloads(root: Path) -> None:
    """Workers build their nodes; never does anything but a `NodeEnd` come out."""
    for name in files_below(root):
        if "/payloads/" in name or "/todo/" in name or "/claimed/" in name:
            with contextlib.suppress(UnicodeDecodeError):
                run_payload((root / name).read_bytes().decode())


def read_pools(root: Path) -> None:
    """Queue and records of a pool, by its controller, a worker and another pool."""
    files, queue = pool_of_store(root)
    for action in (
        files.beat,
        queue.workers,
        queue.ends,
        queue.claims,
        lambda: queue.claim("w1", "default", lambda _name: True),
        lambda: queue.shall_leave("w1"),
    ):
        with named_errors():
            action()
    record = new_record("20240102T000000-0123abcd", [REPORT.furu_hash], {"default": "spec"}, 1.0, THIS_PROCESS)
    other = PoolFiles(RootPaths(str(root)).runs, record, THIS_PROCESS)
    other.open()
    for earlier in (None, POOL_RUN):
        with named_errors():
            for orphan in other.orphans(earlier):
                other.adopt(orphan)


_TARGET: Final = "tests.fuzz.study:Value"
COMMANDS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "ls": (("ls",), ("ls", "--json"), ("ls", "key=1")),
    "show": (("show", ONE.furu_hash), ("show", "--json", REPORT.furu_hash), ("show", Failing(key=0).furu_hash)),
    "logs": (("logs", ONE.furu_hash), ("logs", Failing(key=0).furu_hash)),
    "why": (("why", REPORT.furu_hash), ("why", RUNNING.furu_hash), ("why", Failing(key=0).furu_hash)),
    "diff": (("diff", ONE.furu_hash, ALIAS.furu_hash),),
    "plan": (("plan", _TARGET, "key=1,2,9"),),
    "run": (("run", _TARGET, "key=1"),),
    "rm": (("rm", ONE.furu_hash), ("rm", "--yes", Failing(key=1).furu_hash)),
    "tag": (("tag", ONE.furu_hash, "best"),),
    "note": (("note", ONE.furu_hash),),
    "pin": (("pin", REPORT.furu_hash),),
    "unpin": (("unpin", REPORT.furu_hash),),
    "du": (("du",),),
    "gc": (("gc",), ("gc", "--list"), ("gc", "--leftovers", "--runs-older", "0d"), ("gc", "key=1", "--grace", "0d")),
    "graph": (("graph", REPORT.furu_hash), ("graph",)),
    "runs": (("runs",), ("runs", "2"), ("runs", "--json")),
    "cancel": (("cancel", "2"),),
    "stale": (("stale",),),
    "impact": (("impact",),),
    "migrate": (("migrate",),),
    "index": (("index", "refresh"), ("index", "status"), ("index", "rebuild")),
    "doctor": (("doctor",),),
}
"""How each subcommand of `furu` is called."""

SERVERS: Final = frozenset({"dashboard", "attach"})
"""Subcommands that go on until somebody stops them; what they read others read as well, and `tests/dashboard`."""


def call_commands(names: tuple[str, ...]) -> None:
    """The command line: it says what is wrong and ends; a traceback would come out of here."""
    for name in names:
        for arguments in COMMANDS[name]:
            _call(*arguments)


def _call(*arguments: str) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # as strict as a terminal about what is text
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = cli.run(arguments)
        out.flush()
    if code not in (0, cli.FAILED, cli.USAGE, cli.MISSING):
        raise WrongValueError(f"furu {' '.join(arguments)} ends with {code}")


READERS: Final[tuple[Callable[[Any], None], ...]] = (
    lambda _root: read_configs(),
    lambda _root: read_refs(),
    lambda _root: read_history(),
    lambda _root: search(),
    lambda _root: plan(),
    read_runs,
    lambda _root: read_jobs(),
    lambda _root: call_commands(tuple(name for name in COMMANDS if name not in ("run", "rm"))),
    lambda _root: get_values(),
    lambda _root: get_elsewhere(),
    read_payloads,
    read_pools,
    lambda _root: call_commands(("run", "rm")),
    undo_deletions,
    undo_migrations,
)
"""In this order: first those that change nothing."""

IN_READERS: Final = frozenset(
    "ArtifactRef Furu FuruList annotations_of diff explain impact migrate plan_migrations query refs stale"
    " undo_migration".split()
)
"""Public names that read a store, and are called above."""

READ_NOTHING: Final = frozenset(
    "ArtifactRow ArtifactStatus Codec Difference EXEC_CONTEXT ExecContext Explanation Impact Migration MigrationPlan"
    " Rows Settings SlurmSpec StaleArtifact configure field in_executor is_lease_lost note pin raw_dir register_codec"
    " tag time_left unpin untag using".split()
)
"""Public names that don't."""
