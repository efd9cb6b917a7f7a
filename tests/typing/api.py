"""Only type-checked, never run: what a user's checker says of code that uses furu.

A line that must be refused has a `# type: ignore[code]`; mypy complains where one isn't needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, assert_type

import furu
from furu import evolution
from furu.execution import (
    DagReport,
    DependencyPlan,
    Reporter,
    SlurmDag,
    SlurmDagSubmission,
    SlurmPoolResult,
    Status,
    attach_slurm_dag,
    build_plan,
    ready_todo,
    run_local,
    run_slurm_pool,
    submit_slurm_dag,
)
from furu.testing import FakeSlurm, Trouble, isolated_root, override_results, override_results_for, run_script

T = TypeVar("T")


class Data(furu.Furu[list[int]]):
    """A config without a `_load()`."""

    name: str = "digits"

    def _create(self) -> list[int]:
        return [1]


class Train(furu.Furu[Path], version="2", name="acme/train", resumable=True, max_wait_sec=3600):
    """All class options, and each kind of field."""

    seed: int
    data: Data = Data()
    workers: int = furu.field(default=4, identity=False)
    momentum: float = furu.field(default=0.0, identity="unless-default")
    tags: list[str] = furu.field(default_factory=list)

    def _create(self) -> Path:
        assert_type(self.data.get(), list[int])
        return self.furu_dir / self.data.name

    def _load(self) -> Path:
        return self.furu_dir

    def _dependencies(self) -> list[Data]:
        return [self.data]


class Cell(furu.Furu[T], Generic[T]):
    """A generic config."""

    value: T

    def _create(self) -> T:
        return self.value


class IntCell(Cell[int]):
    """What a generic is made for."""


class Sweep(furu.FuruList[Train]):
    """A collection."""

    first = Train(seed=1)


def results() -> None:
    """`get()` has the type that the class names."""
    x: Path = Train(seed=1).get()
    y: int = Train(seed=1).get()  # type: ignore[assignment]
    assert_type(Data().get(), list[int])
    assert_type(Cell(value="a").get(), str)
    assert_type(IntCell(value=1).get(), int)
    assert_type(Train(seed=1).get(force=True), Path)
    Train(seed=1).get(True)  # type: ignore[call-arg]
    del x, y


def construction() -> None:
    """Fields are keyword-only, typed, and frozen."""
    train = Train(seed=1, data=Data(name="a"), workers=2, momentum=0.5, tags=["x"])
    Train(1)  # type: ignore[call-arg]
    Train()  # type: ignore[call-arg]
    Train(seed="one")  # type: ignore[arg-type]
    Train(seed=1, speed=2)  # type: ignore[call-arg]
    Train(seed=1, data=train)  # type: ignore[arg-type]
    train.seed = 2  # type: ignore[misc]
    furu.field(default=1, identity="sometimes")  # type: ignore[call-overload]


def wrong_classes() -> None:
    """Hooks and options of the wrong type."""

    class Wrong(furu.Furu[int]):
        def _create(self) -> str:  # type: ignore[override]
            return "a"

    class Options(furu.Furu[int], version=2):  # type: ignore[arg-type]
        def _create(self) -> int:
            return 1

    furu.Furu()  # type: ignore[abstract]
    del Wrong, Options


def verbs(train: Train, anything: furu.Furu[Any]) -> Iterator[object]:
    """The public verbs."""
    assert_type(train.exists(), bool)
    assert_type(train.furu_hash, str)
    assert_type(train.furu_dir, Path)
    assert_type(train.log(), Path)
    assert_type(train.to_dict(), dict[str, Any])
    assert_type(Train.from_dict({}), Train)
    assert_type(train.to_python(), str)
    assert_type(train.get_metadata(), dict[str, Any])
    assert_type(train.delete(), bool)
    assert_type(train._get_dependencies(recursive=False), list[furu.Furu[Any]])
    yield from (anything == train, {train: 1})


def collections() -> None:
    """A `FuruList` knows what its members are."""
    assert_type(Sweep.first, Train)
    assert_type(Sweep.by_name("first"), Train)
    assert_type(Sweep.all(), list[Train])
    assert_type(Sweep.names(), list[str])
    assert_type(Sweep.items(), list[tuple[str, Train]])
    furu.FuruList[int]  # type: ignore[type-var]


def settings(root: Path) -> None:
    """Settings are keyword arguments with types."""
    with furu.using(path=root, lease_sec=10, retry_failed=False) as current:
        assert_type(current, furu.Settings)
    furu.configure(lease_sec="long")  # type: ignore[arg-type]
    furu.configure(leese_sec=1)  # type: ignore[call-arg]


def queries(ref: furu.ArtifactRef) -> None:
    """What is stored, as rows and as artifacts."""
    rows = furu.query("class:Train lr<=0.1", limit=10, order="newest")
    assert_type(rows, furu.Rows)
    assert_type(rows.next_page, str | None)
    row = rows[0]
    assert_type(row, furu.ArtifactRow)
    assert_type(row.status, furu.ArtifactStatus)
    assert_type(row.config, dict[str, Any])
    assert_type(row.took_sec, float | None)
    assert_type(row.ref(), furu.ArtifactRef)
    assert_type(furu.refs(namespace="acme"), list[furu.ArtifactRef])
    config = ref.load_config()
    assert_type(config.get() if isinstance(config, Train) else None, Path | None)
    furu.query(limit="10")  # type: ignore[arg-type]
    row.status = furu.ArtifactStatus.FAILED  # type: ignore[misc]


def remarks(train: Train, ref: furu.ArtifactRef, row: furu.ArtifactRow) -> None:
    """Configs, artifacts and rows can be tagged alike; nothing else can."""
    for each in (train, ref, row):
        furu.tag(each, "paper", "talk")
        furu.note(each, None)
        furu.pin(each, "table 2")
    furu.tag("0532", "paper")  # type: ignore[arg-type]


class Moved(furu.Furu[int], version="3"):
    """A class with a history."""

    lr: float

    _migrations = (
        furu.Migration(from_class="study.old.Train"),
        furu.Migration(steps=[evolution.Rename("rate", "lr"), evolution.Drop("verbose", only_if=False)]),
        furu.Migration(from_version="2", to_version="3", steps=[evolution.Map("lr", float)]),
    )

    def _create(self) -> int:
        return 1


def changes(train: Train) -> None:
    """What becomes of results when classes change."""
    plan = furu.plan_migrations(Moved)
    assert_type(plan, furu.MigrationPlan)
    assert_type(plan.apply(conflict="skip").id, str | None)
    assert_type(furu.undo_migration("id"), int)
    assert_type(furu.explain(train), furu.Explanation)
    assert_type(furu.diff(train, train), list[furu.Difference])
    assert_type(furu.stale(code=True), list[furu.StaleArtifact])
    assert_type(furu.impact(), furu.Impact)
    assert_type(Moved.all_current(), list[Moved])
    furu.migrate(train, train)
    plan.apply(conflict="overwrite")  # type: ignore[arg-type]
    furu.Migration(steps=["rename"])  # type: ignore[list-item]
    evolution.Rename("rate")  # type: ignore[call-arg]


def running(train: Train, reporter: Reporter) -> None:
    """Plans and executors."""
    plan = build_plan([train])
    assert_type(plan, DependencyPlan)
    assert_type(plan.counts(), Counter[Status])
    assert_type(ready_todo(plan), list[str])
    run_local([train], max_workers=2, workers="process", on_error="continue", limits={"gpu": 1}, reporter=reporter)
    build_plan(["train"])  # type: ignore[list-item]
    run_local([train], workers="fiber")  # type: ignore[arg-type]
    run_local([train], window_size="all")  # type: ignore[arg-type]


def slurm(train: Train) -> None:
    """Jobs, pools, and what they ask for."""
    specs = {"default": furu.SlurmSpec(partition="cpu", cpus=4, mem_gb=8, time_min=60, extra={"slurm_account": "lab"})}
    submission = submit_slurm_dag([train], specs=specs)
    assert_type(submission, SlurmDagSubmission)
    assert_type(submission.job_id_by_hash, dict[str, str])
    dag = attach_slurm_dag(submission.run_id)
    assert_type(dag, SlurmDag)
    assert_type(dag.wait(timeout_sec=3.0), DagReport)
    assert_type(run_slurm_pool([train], specs=specs, max_workers_total=3), SlurmPoolResult)
    assert_type(furu.time_left(), float | None)
    furu.SlurmSpec(cpus="4")  # type: ignore[arg-type]
    furu.SlurmSpec(memory_gb=8)  # type: ignore[call-arg]
    submit_slurm_dag([train])  # type: ignore[call-arg]


def fakes(train: Train) -> None:
    """What tests put in the place of results, stores and clusters."""
    with isolated_root() as root, override_results({train: 3}), override_results_for(train, {"data": [1]}):
        assert_type(root, Path)
    fake = FakeSlurm(body=run_script, partitions={"cpu": ["c1"]})
    submit_slurm_dag([train], specs={"default": furu.SlurmSpec()}, slurm=fake)
    fake.disturb(Trouble.UNREACHABLE, "squeue")
    assert_type(fake.job_ids(), list[str])
    override_results({"train": 3})  # type: ignore[dict-item]
    fake.disturb("unreachable")  # type: ignore[arg-type]
