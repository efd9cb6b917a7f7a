"""Asking for workers, and asking Slurm about them, with a clock of the test's own."""

from __future__ import annotations

import pytest

from furu.execution.pool.records import SeatRecord
from furu.execution.pool.roster import Roster
from furu.execution.pool.staff import FuruPoolError, Staff
from furu.execution.slurm.fake import FakeSlurm, Trouble
from furu.execution.slurm.jobs import JobMemory
from furu.execution.slurm.submit import submitter
from furu.execution.slurm_spec import SlurmSpec
from furu.storage.submitit_layout import SubmititPaths
from tests.support.memory_queue import MemoryQueue
from tests.support.pool_names import worker


class Scene:
    """A staff of at most 4, whose Slurm does what the test says."""

    def __init__(self, directory: str) -> None:
        self.now = 0.0
        self.slurm = FakeSlurm(now=lambda: self.now)
        self.queue = MemoryQueue()
        self.seats: list[SeatRecord] = []
        self.roster = Roster(stale_sec=60, quiet_sec=10, memory=JobMemory(unknown_grace_sec=60))
        self.staff = Staff(
            run_id="run",
            pool="/pool",
            specs={"default": SlurmSpec(time_min=5), "gpu/big": SlurmSpec(partition="gpu", gpus=2)},
            max_workers_total=4,
            idle_timeout_sec=30,
            beat_sec=5,
            roster=self.roster,
            submitter=submitter(self.slurm),
            slurm=self.slurm,
            folders=SubmititPaths(directory),
            on_seats=self.seats.extend,
            now=lambda: self.now,
        )

    def tend(self, demand: dict[str, int], busy=()) -> None:
        self.staff.look(self.queue, 1.0)
        self.staff.adjust(self.queue, demand, busy)

    def questions(self) -> int:
        return sum(words[0] == "squeue" for words in self.slurm.commands)

    def states(self) -> list[str]:
        known = {job_id: str(self.slurm.job(job_id).state) for job_id in self.slurm.job_ids()}
        return list(known.values())

    def enter(self, number: int) -> str:
        """The worker of a seat comes."""
        seat = self.seats[number]
        name = f"w{number}"
        self.queue.enter(worker(name, ticket=seat.ticket, spec_key=seat.spec_key, job_id=seat.job_id))
        return name


@pytest.fixture
def scene(tmp_path) -> Scene:
    return Scene(str(tmp_path))


def test_workers_of_a_key_are_one_array_with_its_resources_and_own_tickets(scene, tmp_path):
    scene.tend({"gpu/big": 3})
    assert ["1_0", "1_1", "1_2"] == scene.slurm.job_ids() == [seat.job_id for seat in scene.seats]
    job = scene.slurm.job("1_0")
    assert ("gpu", "2") == (job.partition, job.options["gpus-per-node"])
    assert job.options["output"].startswith(f"{tmp_path}/workers/gpu%2Fbig/run/")
    for seat in scene.seats:
        assert f"--ticket={seat.ticket}" in job.script
    assert 3 == len({seat.ticket for seat in scene.seats})
    scene.tend({"gpu/big": 3})
    assert 3 == len(scene.seats)


def test_slurm_is_asked_less_and_less_often_about_waiting_workers(scene):
    scene.tend({"default": 1})
    for second in range(1, 601):
        scene.now = float(second)
        scene.tend({"default": 1})
    assert 40 < scene.questions() < 120
    before = scene.questions()
    for second in range(601, 661):
        scene.now = float(second)
        scene.tend({"default": 1})
    assert scene.questions() - before <= 3


def test_a_new_doubt_is_asked_about_at_once(scene):
    scene.tend({"default": 1})
    for second in range(1, 301):
        scene.now = float(second)
        scene.tend({"default": 1})
    before = scene.questions()
    scene.tend({"default": 2})
    scene.tend({"default": 2})
    assert before + 1 == scene.questions()


def test_waiting_workers_that_are_too_many_for_long_enough_are_cancelled(scene):
    scene.tend({"default": 4})
    for scene.now in (1.0, 30.0):
        scene.tend({"default": 1})
        assert ["PENDING"] * 4 == scene.states()
    scene.now = 31.0
    scene.tend({"default": 1})
    cancels = [words for words in scene.slurm.commands if words[0] == "scancel"]
    assert [("scancel", "1_3", "1_2", "1_1")] == cancels
    scene.now = 40.0
    scene.tend({"default": 4})
    assert 7 == len(scene.seats)


def test_demand_that_comes_back_in_time_keeps_them(scene):
    scene.tend({"default": 4})
    for scene.now in (1.0, 29.0):
        scene.tend({})
    scene.now = 30.0
    scene.tend({"default": 4})
    for scene.now in (31.0, 59.0):
        scene.tend({})
    assert ["PENDING"] * 4 == scene.states()


def test_an_idle_worker_makes_room_for_another_key(scene):
    scene.tend({"default": 4})
    names = [scene.enter(number) for number in range(4)]
    for number in range(4):
        scene.slurm.start(f"1_{number}")
    scene.tend({"default": 2, "gpu/big": 1}, busy=names[:2])
    assert [False, False, True, False] == [scene.queue.shall_leave(name) for name in names]


def test_refused_submissions_are_tried_again_later_and_not_for_ever(scene):
    scene.slurm.disturb(Trouble.UNREACHABLE, "sbatch")

    def attempts() -> int:
        return sum(words[0] == "sbatch" for words in scene.slurm.commands)

    scene.tend({"default": 1})
    scene.now = 1.9
    scene.tend({"default": 1})
    assert 1 == attempts()
    scene.now = 2.0
    scene.tend({"default": 1})
    assert 2 == attempts()
    scene.now = 6.0
    with pytest.raises(FuruPoolError, match="refused 3 times"):
        scene.tend({"default": 1})


def test_refused_submissions_end_nothing_while_others_work(scene):
    scene.tend({"default": 1})
    scene.enter(0)
    scene.slurm.start("1")
    scene.slurm.disturb(Trouble.UNREACHABLE, "sbatch")
    for scene.now in range(0, 600, 2):
        scene.queue.beat("w0")
        scene.tend({"default": 2}, busy=["w0"])
    scene.slurm.recover()
    scene.now += 120
    scene.queue.beat("w0")
    scene.tend({"default": 2}, busy=["w0"])
    assert 2 == len(scene.seats)


def test_a_lost_answer_is_not_submitted_again_before_its_workers_had_their_time(scene):
    scene.slurm.disturb(Trouble.HANGS, "sbatch")
    scene.tend({"default": 2})
    assert ["", ""] == [seat.job_id for seat in scene.seats]
    scene.slurm.recover()
    scene.now = 60.0
    scene.tend({"default": 2})
    assert 2 == len(scene.seats)
    scene.now = 60.1
    scene.tend({"default": 2})
    assert 4 == len(scene.seats)


def test_at_the_end_those_that_have_not_begun_are_cancelled(scene):
    scene.tend({"default": 2})
    scene.slurm.start("1_0")
    scene.enter(0)
    scene.staff.look(scene.queue, 1.0)
    scene.staff.dismiss_all()
    assert ["RUNNING", "CANCELLED"] == scene.states()


def test_a_slurm_that_can_not_cancel_ends_nothing(scene, caplog):
    scene.tend({"default": 2})
    scene.slurm.disturb(Trouble.UNREACHABLE, "scancel")
    scene.staff.dismiss_all()
    assert "could not cancel" in caplog.text


def test_the_total_holds_over_all_keys(scene):
    scene.tend({"default": 10, "gpu/big": 10})
    assert {"default": 2, "gpu/big": 2} == {
        key: sum(seat.spec_key == key for seat in scene.seats) for key in ("default", "gpu/big")
    }
