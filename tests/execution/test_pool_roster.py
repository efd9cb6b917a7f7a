"""Who works for a pool, told from heartbeats and from Slurm, at each boundary instant."""

from __future__ import annotations

import pytest

from furu.execution.pool.crew import Crew
from furu.execution.pool.queue import WorkerSight
from furu.execution.pool.roster import Roster
from furu.execution.slurm.jobs import JobFacts, JobMemory, JobState
from tests.support.pool_names import worker

STALE_SEC = 60.0
QUIET_SEC = 10.0


@pytest.fixture
def roster() -> Roster:
    memory = JobMemory(unknown_grace_sec=STALE_SEC, rerun_grace_sec=20)
    return Roster(stale_sec=STALE_SEC, quiet_sec=QUIET_SEC, memory=memory)


def seen(name: str, *, beat: float = 1.0, left: bool = False, **facts) -> WorkerSight:
    return WorkerSight(worker(name, ticket="t", job_id="7", **facts), 0.0 if left else beat, left)


def job(state: str, **facts) -> JobFacts:
    return JobFacts(job_id="7", state=JobState(state), **facts)


def look(roster: Roster, now: float, *sights: WorkerSight, says: JobFacts | None = None) -> dict[str, Crew]:
    roster.look(sights, now)
    if says is not None:
        roster.learn([says], now)
    roster.settle(now)
    return roster.crews((), now)


class TestAWorkerThatWasAskedFor:
    def test_is_pending_until_it_shows_itself_and_slurm_is_asked_meanwhile(self, roster):
        roster.seat("t", "default", "7", 0)
        assert {"default": Crew(("t",))} == look(roster, 0)
        assert ["7"] == roster.to_ask(0)
        assert {"default": Crew(("t",))} == look(roster, 5, says=job("PENDING"))
        assert {"default": Crew((), 1, ("w",))} == look(roster, 6, seen("w"))
        assert [] == roster.to_ask(6)

    @pytest.mark.parametrize("state", ["FAILED", "COMPLETED", "CANCELLED", "OUT_OF_MEMORY"])
    def test_that_ended_before_it_began_is_barren(self, roster, state):
        roster.seat("t", "gpu", "7", 0)
        assert {} == look(roster, 1, says=job(state))
        assert ("7",) == roster.barren("gpu")
        assert () == roster.barren("default")
        assert [] == roster.to_ask(1)

    def test_that_we_cancelled_is_not_barren_and_gone_when_nobody_knows_it(self, roster):
        """An element of a waiting array that is cancelled alone vanishes."""
        roster.seat("t", "default", "7", 0)
        assert ["7"] == roster.cancelled(["t"])
        assert {"default": Crew((), 0, (), 1)} == look(roster, 1)
        assert {} == look(roster, 2, says=job("UNKNOWN"))
        assert () == roster.barren("default")

    def test_that_nobody_knows_is_given_time(self, roster):
        roster.seat("t", "default", "7", 0)
        assert {"default": Crew(("t",))} == look(roster, 0, says=job("UNKNOWN"))
        assert {"default": Crew(("t",))} == look(roster, STALE_SEC - 1, says=job("UNKNOWN"))
        assert {} == look(roster, STALE_SEC, says=job("UNKNOWN"))

    def test_whose_job_id_was_lost_is_known_by_its_ticket(self, roster):
        roster.seat("t", "default", "", 0)
        assert [] == roster.to_ask(0)
        assert {"default": Crew(("t",))} == look(roster, STALE_SEC)
        assert {"default": Crew((), 1, ("w",))} == look(roster, STALE_SEC + 1, seen("w"))
        assert ["7"] == roster.open_job_ids()

    def test_whose_job_id_was_lost_and_that_never_comes_is_given_up(self, roster):
        roster.seat("t", "default", "", 0)
        assert {} == look(roster, STALE_SEC + 1)


class TestAWorkerThatCame:
    def test_costs_no_question_while_it_beats(self, roster):
        look(roster, 0, seen("w", beat=1))
        look(roster, 8, seen("w", beat=2))
        assert [] == roster.to_ask(8 + QUIET_SEC)
        assert ["7"] == roster.to_ask(8 + QUIET_SEC + 1)

    def test_is_gone_when_it_was_silent_for_too_long(self, roster):
        look(roster, 0, seen("w"))
        look(roster, STALE_SEC, seen("w"))
        assert None is roster.why_gone("w", STALE_SEC)
        assert "no heartbeat for 61 s" == roster.why_gone("w", STALE_SEC + 1)
        look(roster, STALE_SEC + 2, seen("w", beat=2))
        assert None is roster.why_gone("w", STALE_SEC + 2)

    def test_is_gone_at_once_when_slurm_says_so(self, roster):
        look(roster, 0, seen("w"), says=job("RUNNING"))
        assert None is roster.why_gone("w", 0)
        assert {} == look(roster, 1, seen("w"), says=job("FAILED"))
        assert "its job 7 ended: failed" == roster.why_gone("w", 1)

    @pytest.mark.parametrize("says", [job("PENDING"), job("RUNNING", restarts=1)], ids=["waits", "runs anew"])
    def test_is_gone_when_its_job_was_requeued(self, roster, says):
        look(roster, 0, seen("w"), says=says)
        assert "its job 7 was put back into the queue" == roster.why_gone("w", 0)

    def test_whose_job_waits_again_is_pending(self, roster):
        assert {"default": Crew(("t",))} == look(roster, 0, seen("w"), says=job("PENDING", restarts=1))
        assert ["t"] == roster.unentered()

    def test_is_followed_by_the_next_life_of_its_job(self, roster):
        crews = look(roster, 0, seen("w"), seen("x", restarts=1), says=job("RUNNING", restarts=1))
        assert {"default": Crew((), 1, ("x",))} == crews
        assert "its job was started again" == roster.why_gone("w", 0)
        assert None is roster.why_gone("x", 0)

    def test_is_not_called_gone_while_slurm_may_run_it_again(self, roster):
        look(roster, 0, seen("w"), says=job("NODE_FAIL", is_requeueable=True))
        assert None is roster.why_gone("w", 19)
        assert "its job 7 ended: node-failed" == roster.why_gone("w", 20)

    def test_that_beats_is_there_whatever_nobody_knows(self, roster):
        for now in range(0, 600, 5):
            crews = look(roster, now, seen("w", beat=now), says=job("UNKNOWN"))
        assert {"default": Crew((), 1, ("w",))} == crews

    def test_that_left_takes_up_its_place_until_its_job_has_ended(self, roster):
        look(roster, 0, seen("w"), says=job("RUNNING"))
        assert {"default": Crew((), 0, (), 1)} == look(roster, 1, seen("w", left=True), says=job("COMPLETING"))
        assert ["7"] == roster.to_ask(1)
        assert {} == look(roster, 2, seen("w", left=True), says=job("COMPLETED"))
        assert [] == roster.to_ask(2)

    def test_that_left_is_gone_where_nobody_can_say(self, roster):
        look(roster, 0, seen("w"))
        assert {} == look(roster, 1, seen("w", left=True), says=job("UNKNOWN"))

    def test_that_left_is_gone_where_only_older_answers_are_known(self, roster):
        """Without accounting Slurm forgets a job soon after its end."""
        roster.seat("t", "default", "7", 0)
        look(roster, 0, says=job("PENDING"))
        look(roster, 1, seen("w"))
        assert {"default": Crew((), 0, (), 1)} == look(roster, 2, seen("w", left=True))
        assert {} == look(roster, 3, seen("w", left=True), says=job("UNKNOWN"))

    def test_forgives_the_barren_ones_of_its_key(self, roster):
        roster.seat("t", "default", "7", 0)
        look(roster, 1, says=job("FAILED"))
        sight = WorkerSight(worker("v", ticket="u", job_id="8"), 1.0, has_left=False)
        roster.look([sight], 2)
        assert () == roster.barren("default")

    def test_is_busy_with_a_task(self, roster):
        roster.look([seen("w")], 0)
        assert {"default": Crew((), 1, ())} == roster.crews({"w"}, 0)
