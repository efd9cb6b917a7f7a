"""Which pools have lost their controller, and who gets their workers."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from furu.errors import FuruStoreError
from furu.execution.pool.adopt import FuruPoolAlive, FuruPoolTaken, PoolFiles, new_record
from furu.execution.pool.records import AdoptionRecord, PoolRecord, SeatRecord, parse_seats, render
from furu.execution.slurm_spec import SlurmSpec
from furu.lifecycle.lease import Participant
from furu.storage.atomic import DISK
from furu.storage.pool_layout import open_pool
from furu.storage.process import ProcessIdentity
from furu.storage.records import parse

SPECS = {"default": SlurmSpec(), "gpu": SlurmSpec(gpus=1)}
ROOTS = ["b" * 32, "a" * 32]
US = ProcessIdentity("login1", "m1", "boot1", 1, 100, "5", "me")


def participant(identity: ProcessIdentity = US, running: tuple[int, ...] = ()) -> Participant:
    return Participant(identity=lambda: identity, is_running=lambda pid, started: pid in running)


class Store:
    """Pools below one directory, of any controllers."""

    def __init__(self, path: Path) -> None:
        self.runs = str(path / "runs")

    def pool(self, run_id: str, me: Participant, *, roots=ROOTS, specs=SPECS) -> PoolFiles:
        files = PoolFiles(self.runs, new_record(run_id, roots, specs, 1.0, me), me)
        files.open()
        return files

    def names(self) -> list[str]:
        return sorted(os.listdir(open_pool(self.runs, "")))


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def them(**facts) -> ProcessIdentity:
    return dataclasses.replace(US, pid=200, **facts)


@pytest.mark.parametrize(
    ("identity", "running", "silent_sec", "is_orphan"),
    [
        pytest.param(them(), (), 0, True, id="its process is gone"),
        pytest.param(them(), (200,), 0, False, id="its process runs"),
        pytest.param(them(), (200,), 1e6, False, id="its process runs, and hangs"),
        pytest.param(them(boot="boot0"), (200,), 0, True, id="our machine was booted since"),
        pytest.param(them(pid_namespace=2), (), 0, False, id="it is in another container, and beats"),
        pytest.param(them(host="login2", machine="m2", boot="x"), (), 100, False, id="elsewhere, and beats"),
        pytest.param(them(host="login2", machine="m2", boot="x"), (), 130, True, id="elsewhere, and silent"),
        pytest.param(them(host="login2", machine="m2", boot=""), (), 0, False, id="nothing is known"),
    ],
)
def test_whose_controller_is_dead(store, identity, running, silent_sec, is_orphan):
    other = store.pool("old", participant(identity))
    other.let_go()
    beat = time.time() - silent_sec
    os.utime(other.paths.record, (beat, beat))
    ours = store.pool("new", participant(running=running))
    assert (["old"] if is_orphan else []) == [orphan.record.run_id for orphan in ours.orphans()]
    if not is_orphan:
        with pytest.raises(FuruPoolAlive, match=f"run old is driven by host {identity.host} pid 200"):
            ours.orphans("old")


def test_a_run_of_this_very_process_is_an_orphan_when_it_drives_it_no_longer(store):
    first, second = store.pool("first", participant()), store.pool("second", participant())
    assert [] == second.orphans()
    first.let_go()
    assert ["first"] == [orphan.record.run_id for orphan in second.orphans()]


def test_pools_of_other_roots_are_left_alone_unless_they_are_named(store):
    store.pool("old", participant(them()), roots=ROOTS[:1]).let_go()
    ours = store.pool("new", participant())
    assert [] == ours.orphans()
    assert ["old"] == [orphan.record.run_id for orphan in ours.orphans("old")]
    with pytest.raises(FuruStoreError, match="there is no pool of a run never"):
        ours.orphans("never")


def test_the_order_of_roots_does_not_matter(store):
    store.pool("old", participant(them()), roots=ROOTS[::-1]).let_go()
    assert 1 == len(store.pool("new", participant()).orphans())


def test_adopting_takes_seats_queue_and_mark(store):
    old = store.pool("old", participant(them()))
    DISK.make_directories(old.paths.todo_of("default"))
    seats = [SeatRecord("t1", "default", "7_0"), SeatRecord("t2", "gpu", "")]
    old.note(seats[:1])
    old.note(seats[1:])
    DISK.append(old.paths.seats, b'{"v": 1, "ticket": "torn')
    old.let_go()
    ours = store.pool("new", participant())
    (orphan,) = ours.orphans()
    assert seats == ours.adopt(orphan)
    assert ["new"] == store.names()
    assert not Path(old.paths.todo).exists()
    assert Path(old.paths.withdrawn, "default").is_dir()
    record = parse(AdoptionRecord, Path(old.paths.adopted).read_bytes(), "")
    assert AdoptionRecord(ours.paths.base, ["default", "gpu"]) == record
    assert [] == ours.orphans()


def test_only_workers_with_the_same_resources_are_taken(store):
    old = store.pool("old", participant(them()), specs={**SPECS, "gpu": SlurmSpec(gpus=2), "tpu": SlurmSpec()})
    old.let_go()
    ours = store.pool("new", participant())
    ours.adopt(*ours.orphans())
    assert ["default"] == parse(AdoptionRecord, Path(old.paths.adopted).read_bytes(), "").spec_keys


def test_one_of_two_adopters_wins(store):
    old = store.pool("old", participant(them()))
    old.note([SeatRecord("t1", "default", "7")])
    old.let_go()
    first, second = store.pool("first", participant()), store.pool("second", participant())
    (orphan,) = first.orphans()
    assert 1 == len(first.adopt(orphan))
    assert [] == second.adopt(orphan)
    assert first.paths.base == parse(AdoptionRecord, Path(old.paths.adopted).read_bytes(), "").pool


def test_a_controller_that_was_taken_for_dead_hears_of_it(store):
    old = store.pool("old", participant(them()))
    old.beat()
    old.let_go()
    ours = store.pool("new", participant())
    ours.adopt(*ours.orphans())
    with pytest.raises(FuruPoolTaken) as caught:
        old.beat()
    assert ours.paths.base == caught.value.pool


def test_a_closed_pool_is_none_to_adopt(store):
    old = store.pool("old", participant(them()))
    old.close()
    old.close()
    assert [] == store.pool("new", participant()).orphans()


def test_records_survive_the_disk():
    record = new_record("r", ROOTS, SPECS, 2.0, participant())
    assert record == parse(PoolRecord, render(record), "")
    assert sorted(ROOTS) == record.roots
    assert [] == parse_seats(b"", "")
