"""A store that holds a file of every kind, and which kinds there are."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import furu
from furu import clock
from furu.cli import main as cli
from furu.execution import run_local, submit_slurm_dag
from furu.execution.payload import PayloadWriter
from furu.execution.pool.adopt import PoolFiles, new_record
from furu.execution.pool.queue import FileQueue, TaskName, WorkerRecord
from furu.execution.pool.records import SeatRecord
from furu.execution.run import Task
from furu.execution.scheduling.outcomes import Outcome, Start
from furu.execution.worker import NodeEnd
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.schedulers import record_ending, record_job
from furu.storage.layout import RootPaths
from furu.storage.pool_layout import pool_of
from furu.storage.records import EndedJobRecord, JobRecord, OwnerRecord, render
from furu.testing import FakeSlurm
from tests.fuzz.study import AFRESH, ALIAS, ONE, REPORT, RIGHT, Checkpoint, Failing, Queued, Value

RUNNING: Final = Value(key=9)
"""Somebody on another host computes it."""

POOL_RUN: Final = "20240101T000000-0123abcd"
TOKEN: Final = "01700000000000000000-0123456789ab"

_ARTIFACT: Final = r"data/[^/]+(?:/[^/]+)*/[0-9a-f]{32}"
_ATTEMPT: Final = r"(?:lock/[0-9]{20}-[0-9a-f]{12}|attempts/[0-9]{20}-[0-9a-f]{12}\.[a-z]+)"
KINDS: Final[dict[str, str]] = {
    "config": rf"{_ARTIFACT}/config\.json",
    "success": rf"{_ARTIFACT}/SUCCESS\.json",
    "alias": rf"{_ARTIFACT}/alias\.json",
    "owner": rf"{_ARTIFACT}/{_ATTEMPT}/owner\.json",
    "error": rf"{_ARTIFACT}/{_ATTEMPT}/error\.json",
    "own success": rf"{_ARTIFACT}/{_ATTEMPT}/success\.json",
    "tag": rf"{_ARTIFACT}/tag\.[^/]+",
    "note": rf"{_ARTIFACT}/note\.json",
    "pin": rf"{_ARTIFACT}/pin\.json",
    "log": rf"{_ARTIFACT}/{_ATTEMPT}/furu\.log",
    "job": rf"{_ARTIFACT}/jobs/[^/]+(?<!\.ended)\.json",
    "ended job": rf"{_ARTIFACT}/jobs/[^/]+\.ended\.json",
    "result": rf"{_ARTIFACT}/files/[^/]+/\.result/[^/]+",
    "environment": r"environments/[^/]+\.json",
    "code": r"code/[^/]+\.json",
    "journal": r"migrations/[^/]+\.jsonl",
    "trash": r"trash/[^/]+/journal\.jsonl",
    "plan": r"runs/[^/]+/plan\.json",
    "configs": r"runs/[^/]+/configs\.jsonl",
    "events": r"runs/[^/]+/events-[^/]+\.jsonl",
    "jobs": r"runs/[^/]+/jobs\.jsonl",
    "payload": r"runs/[^/]+/payloads/[^/]+\.json",
    "pool": r"runs/[^/]+/pool/pool\.json",
    "seats": r"runs/[^/]+/pool/seats\.jsonl",
    "adoption": r"runs/[^/]+/pool/adopted\.json",
    "task": r"runs/[^/]+/pool/(?:todo|claimed)/[^/]+/[^/]+",
    "end of a task": r"runs/[^/]+/pool/ended/[^/]+",
    "worker": r"runs/[^/]+/pool/workers/[^/]+",
}
"""Every kind of file that furu reads again, by a pattern for its path below the root."""

NO_RECORDS: Final = {
    r"data/.*/files/[^/]+/(?!\.result).*": "what _create() wrote: the user's own",
    r"runs/open-pools/[^/]+": "an empty mark; only its name is read",
    r"runs/[^/]+/pool/over": "an empty mark; only its name is read",
    rf"{_ARTIFACT}/{_ATTEMPT}/(?:config|withdrawn)\.json": "taken away by a deletion, to be removed",
    r"trash/[^/]+/(?!journal).*": "carried off, to be put back or emptied",
    r"submitit/.*": "output and scripts of batch jobs; never read",
}
"""Files that are not fuzzed, each with the reason."""


def kind_of(path: str) -> str | None:
    """The kind of a path below the root; None for one that is no record."""
    return next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, path)), None)


def files_below(root: Path) -> list[str]:
    """Paths of all files below a root, sorted."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def fill(root: Path) -> None:
    """Compute, fail, alias, submit, queue."""
    with furu.using(path=root, fsync=False, record_git="ignore"):
        run_local([REPORT], max_workers=1, reporter=None)
        for config in RIGHT:
            if config != ALIAS:
                config.get()
        Checkpoint().get()
        for key in range(2):
            _fail(Failing(key=key))
        furu.migrate(ONE, ALIAS)
        Value(key=21).get()
        assert 0 == cli.run(["gc", "--yes", "--grace", "0s", "key=21"])
        furu.tag(ONE, "paper", "best")
        furu.note(ONE, "the first")
        furu.pin(REPORT, "for the paper")
        _leave_running()
        submit_slurm_dag([Queued(key=5)], specs={"default": furu.SlurmSpec()}, slurm=FakeSlurm())
        _leave_jobs()
        _leave_pool(root)


def _fail(config: Failing) -> None:
    try:
        config.get()
    except RuntimeError:
        return


def _leave_running() -> None:
    paths = artifact_paths(RUNNING)
    lease = paths.lease(TOKEN)
    process = {"host": "elsewhere", "machine": "m", "boot": "b", "pid_namespace": 1, "pid": 2, "started": "3"}
    terms = {"token": TOKEN, "node": "Value", "lease_sec": 120.0, "at": 1.7e9}
    owner = OwnerRecord(**process, user="ada", **terms)  # type: ignore[arg-type]
    THIS_PROCESS.disk.make_directories(lease.base)
    THIS_PROCESS.disk.write_new(lease.owner, render(owner))
    THIS_PROCESS.disk.write_new(lease.log, b"still at it\n")


def _leave_jobs() -> None:
    for number, config in enumerate((Failing(key=0), Failing(key=1))):
        paths = artifact_paths(config)
        job = JobRecord("other", "", f"{number}7", "default", "r", clock.unix(), "/nowhere")
        ended = EndedJobRecord(f"{number}7", "failed", "FAILED", "", "n1", "1:0", clock.unix())
        record_job(paths, job, THIS_PROCESS)
        record_ending(paths, ended, THIS_PROCESS)


def pool_of_store(root: Path) -> tuple[PoolFiles, FileQueue]:
    """The pool that the store has, as its controller uses it."""
    runs = RootPaths(str(root)).runs
    record = new_record(POOL_RUN, [REPORT.furu_hash], {"default": "spec"}, 1.0, THIS_PROCESS)
    return PoolFiles(runs, record, THIS_PROCESS), FileQueue(pool_of(f"{runs}/{POOL_RUN}"), THIS_PROCESS.disk)


def _leave_pool(root: Path) -> None:
    files, queue = pool_of_store(root)
    files.open()
    files.let_go()
    files.note([SeatRecord("t1", "default", "11"), SeatRecord("t2", "default", "12")])
    THIS_PROCESS.disk.write_new(files.paths.adopted, b'{"v": 1, "pool": "/elsewhere", "spec_keys": ["default"]}\n')
    queue.prepare(["default"])
    writer = PayloadWriter(POOL_RUN, "pool")
    for number, config in enumerate((Queued(key=6), Queued(key=7), Queued(key=8))):
        payload = writer.payload(Task(Start(config.furu_hash, 1, "default", None), config))
        queue.put(TaskName(number, config.furu_hash, 1), "default", payload)
    queue.enter(WorkerRecord("w1", "t1", "default", "11", 0, "host", 1, 1.7e9))
    queue.enter(WorkerRecord("w2", "t2", "default", "12", 0, "host", 2, 1.7e9))
    for end in range(2):
        claim = queue.claim("w1", "default", lambda _name: True)
        assert claim is not None
        if end:
            queue.end("w1", claim.name, "failed", _report())
    queue.leave("w2")


def _report() -> str:

    return json.dumps(NodeEnd(Outcome.COMPUTE_FAILED, 1.0, error_text="no").to_json())


def copy(template: Path, root: Path) -> None:
    """The same store elsewhere; where a file names the root, it names the new one."""
    shutil.copytree(template, root, copy_function=shutil.copyfile)
    old, new = str(template).encode(), str(root).encode()
    for name in files_below(root):
        path = root / name
        if old in (content := path.read_bytes()):
            path.write_bytes(content.replace(old, new))


def right_values(config: furu.Furu[Any]) -> list[Any]:
    """What `get()` may give."""
    return [RIGHT[config], *([AFRESH[config]] if config in AFRESH else [])]
