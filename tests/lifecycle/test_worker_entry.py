"""`_run_locally()` and `_worker_entry()`: what executors call."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import furu
from furu import EXEC_CONTEXT, ExecContext, FuruComputeError, FuruMissingArtifact, FuruWaitTimeout
from tests.lifecycle.steps import Told, endings, leave_lease

SEEN: list[ExecContext] = []
IS_GOOD: list[bool] = [True]


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()
    IS_GOOD[:] = [True]


class Node(furu.Furu[int]):
    fails: bool = furu.field(default=False, identity=False)

    def _create(self) -> int:
        SEEN.append(EXEC_CONTEXT.get())
        if self.fails:
            raise RuntimeError("boom")
        return len(SEEN)

    def _validate(self) -> bool:
        SEEN_BY_VALIDATE.append(EXEC_CONTEXT.get())
        return IS_GOOD[0]

    def _executor_spec_key(self) -> str:
        return "gpu"


SEEN_BY_VALIDATE: list[ExecContext] = []


class Above(furu.Furu[int]):
    node: Node = Node()

    def _create(self) -> int:
        return self.node.get() + 1


class TestRunLocally:
    def test_s076_computed_here(self, store) -> None:
        assert ("success", True, 1) == Node()._run_locally(time.time())

    def test_s076_somebody_else_did(self) -> None:
        Node().get()
        assert ("success", False, None) == Node()._run_locally(time.time())
        assert 1 == len(SEEN)

    def test_s077_failed_before_with_retry_off(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        with pytest.raises(RuntimeError, match="boom"):
            Node(fails=True)._run_locally(time.time())
        assert ("failed", False, None) == Node()._run_locally(time.time())
        assert 1 == len(SEEN)

    @pytest.mark.parametrize("executor_mode", [False, True])
    def test_s066_the_mode_of_create_is_what_was_asked_for(self, executor_mode) -> None:
        node = Node()
        node._run_locally(time.time(), executor_mode=executor_mode)
        expected = ("executor", "gpu", "local", node.furu_hash) if executor_mode else ("interactive", None, None, None)
        assert [ExecContext(*expected)] == SEEN

    def test_s073_always_rerun_computes_again(self, monkeypatch) -> None:
        Node().get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        assert ("success", True, 2) == Node()._run_locally(time.time(), executor_mode=True)

    def test_s076_an_earlier_start_leaves_less_to_wait(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "1000")
        leave_lease(Node(), b"")
        with pytest.raises(FuruWaitTimeout) as caught:
            Node()._run_locally(time.time() - 2000)
        assert 2000 <= caught.value.waited_sec < 2060

    def test_a_wait_without_a_sensible_end_is_no_error(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "1e300")
        assert ("success", True, 1) == Node()._run_locally(time.time())


class TestWorkerEntry:
    def test_s080_computes_in_the_workers_context_and_returns_none(self) -> None:
        node = Node()
        assert node._worker_entry() is None  # type: ignore[func-returns-value]
        assert [ExecContext("executor", "gpu", "submitit", node.furu_hash)] == SEEN
        assert "interactive" == EXEC_CONTEXT.get().mode
        assert node.exists()

    def test_s080_the_context_holds_for_the_whole_body(self) -> None:
        node = Node()
        node.get()
        SEEN_BY_VALIDATE.clear()
        node._worker_entry()
        assert {ExecContext("executor", "gpu", "submitit", node.furu_hash)} == set(SEEN_BY_VALIDATE)

    def test_s081_already_there_is_a_no_op(self) -> None:
        Node().get()
        Node()._worker_entry()
        assert 1 == len(SEEN)
        assert ["ok"] == endings(Node())

    def test_s082_dependencies_are_strict_and_the_failure_propagates(self) -> None:
        above = Above()
        with pytest.raises(FuruMissingArtifact, match=f"Requested by {above.furu_hash}"):
            above._worker_entry()
        assert not above.exists()

    def test_s082_what_create_raises_propagates(self) -> None:
        with pytest.raises(RuntimeError, match="boom"):
            Node(fails=True)._worker_entry()
        assert "interactive" == EXEC_CONTEXT.get().mode

    def test_s082_a_failing_job_exits_non_zero(self, start) -> None:
        job = start("Told()._worker_entry()")
        job.expect("creating")
        job.tell("fail")
        assert 1 == job.finish()
        assert "told to fail" in job.errors()

    def test_s083_sticky_failure_names_hash_and_record(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        node = Node(fails=True)
        with pytest.raises(RuntimeError):
            node._worker_entry()
        with pytest.raises(FuruComputeError, match="previously failed") as caught:
            node._worker_entry()
        error = caught.value
        assert error.state_path is not None
        assert error.state_path.is_relative_to(node.furu_dir)
        assert error.state_path.is_file()
        for fact in (node.furu_hash, str(node.furu_dir), "RuntimeError: boom", "in _create", "FURU_RETRY_FAILED"):
            assert fact in str(error)
        assert 1 == len(SEEN)

    def test_s083_retry_on_computes_again(self) -> None:
        with pytest.raises(RuntimeError):
            Node(fails=True)._worker_entry()
        Node()._worker_entry()
        assert ["failed", "ok"] == endings(Node())

    def test_s083_a_lock_held_by_another_is_waited_for(self, start) -> None:
        owner = start("Told().get()")
        owner.expect("creating")
        job = start("announce_naps(); Told()._worker_entry(); print('there', Told().exists())")
        job.expect("napping")
        owner.tell("go on")
        assert "True" == job.expect("there")
        assert [0, 0] == [owner.finish(), job.finish()]
        assert ["ok"] == endings(Told())

    def test_s083_no_success_is_no_exit_0(self, start) -> None:
        owner = start("Told().get()")
        owner.expect("creating")
        job = start("announce_naps(); Told()._worker_entry()", FURU_RETRY_FAILED="0")
        job.expect("napping")
        owner.tell("fail")
        assert 1 == job.finish()
        assert "previously failed" in job.errors()
        assert ["failed"] == endings(Told())

    def test_s084_an_invalid_result_is_repaired(self) -> None:
        Node().get()
        IS_GOOD[:] = [False]
        Node()._worker_entry()
        assert 2 == len(SEEN)
        assert ["ok", "ok"] == endings(Node())

    def test_s085_it_works_in_threads(self) -> None:
        barrier = threading.Barrier(4)

        def run() -> None:
            barrier.wait(30)
            Node()._worker_entry()

        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(run) for _ in range(4)]:
                future.result(30)
        assert 1 == len(SEEN)
