"""`get()` in executor mode: load-only, unless it is forced on a worker with the very key."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import furu
from furu import EXEC_CONTEXT, ExecContext, FuruComputeError, FuruError, FuruMissingArtifact, FuruSpecMismatch
from furu.execution.context import executing
from tests.lifecycle.steps import endings, leave_lease

SEEN: list[ExecContext] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


def worker(key: str | None = "default", node: str | None = "feedbeef") -> Any:
    """What an executor sets around its work on a node."""
    return executing(ExecContext("executor", key, "local", node))


class Leaf(furu.Furu[int]):
    name: str = "a"
    fails: bool = furu.field(default=False, identity=False)

    def _create(self) -> int:
        SEEN.append(EXEC_CONTEXT.get())
        if self.fails:
            raise RuntimeError("boom")
        return len(SEEN)


class OnGpu(Leaf):
    def _executor_spec_key(self) -> str:
        return "gpu"


class Declared(furu.Furu[int]):
    leaf: Leaf = Leaf()

    def _create(self) -> int:
        return self.leaf.get() + 1


class Undeclared(furu.Furu[int]):
    def _create(self) -> int:
        return Leaf(name="undeclared").get()


class Forcing(furu.Furu[int]):
    """Computes another node than its own, with the worker's key."""

    def _create(self) -> int:
        return Leaf().get(force=True)


class Refused(furu.Furu[int]):
    """Its published results are not good while `IS_GOOD` is empty."""

    def _create(self) -> int:
        SEEN.append(EXEC_CONTEXT.get())
        return len(SEEN)

    def _validate(self) -> bool:
        return bool(IS_GOOD)


IS_GOOD: list[bool] = []


@pytest.fixture
def good() -> Any:
    IS_GOOD.append(True)
    yield IS_GOOD
    IS_GOOD.clear()


class TestContext:
    def test_s060_it_is_interactive_by_default_and_frozen(self) -> None:
        assert ExecContext("interactive", None, None, None) == EXEC_CONTEXT.get()
        with pytest.raises(dataclasses.FrozenInstanceError):
            EXEC_CONTEXT.get().mode = "executor"  # type: ignore[misc]

    def test_s060_in_executor_follows_it(self) -> None:
        assert not furu.in_executor()
        with worker():
            assert furu.in_executor()
        assert not furu.in_executor()

    def test_s060_a_new_thread_starts_interactive(self) -> None:
        with worker(), ThreadPoolExecutor(1) as pool:
            assert "interactive" == pool.submit(EXEC_CONTEXT.get).result().mode

    def test_s039_interactive_create_runs_interactively(self) -> None:
        Declared().get()
        assert [ExecContext("interactive", None, None, None)] == SEEN


class TestLoadOnly:
    def test_s061_s062_missing_is_refused_with_the_given_text(self, store) -> None:
        leaf = Leaf()
        with worker(), pytest.raises(FuruMissingArtifact) as caught:
            leaf.get()
        assert (
            f"Missing artifact Leaf({leaf.furu_hash}) in executor mode. "
            "Requested by feedbeef. Declare it as a dependency."
        ) == str(caught.value)
        assert (f"Leaf({leaf.furu_hash})", "feedbeef") == (caught.value.node, caught.value.requested_by)
        assert [] == SEEN
        assert not store.exists()

    def test_s063_present_is_loaded(self) -> None:
        assert 1 == Leaf().get()
        with worker("another key"):
            assert 1 == Leaf().get()
        assert 1 == len(SEEN)

    @pytest.mark.parametrize("retry", ["0", "1"])
    def test_s064_failed_counts_as_missing(self, retry, monkeypatch) -> None:
        monkeypatch.setenv("FURU_RETRY_FAILED", retry)
        with pytest.raises(RuntimeError):
            Leaf(fails=True).get()
        with worker(), pytest.raises(FuruMissingArtifact):
            Leaf().get()

    def test_s071_invalid_counts_as_missing(self) -> None:
        Refused().get()
        with worker(), pytest.raises(FuruMissingArtifact):
            Refused().get()
        assert 1 == len(SEEN)

    def test_s073_always_rerun_loads_without_force(self, monkeypatch) -> None:
        Leaf().get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        with worker():
            assert 1 == Leaf().get()

    def test_s101_a_running_dependency_is_missing_at_once(self) -> None:
        leave_lease(Leaf(), b"whatever holds it")
        with worker(), pytest.raises(FuruMissingArtifact):
            Leaf().get()


class TestForce:
    def test_s065_another_key_is_refused_with_the_given_text(self) -> None:
        with worker("default"), pytest.raises(FuruSpecMismatch) as caught:
            OnGpu().get(force=True)
        expected = "force=True not allowed: required='gpu' != worker='default' (v1 exact match)"
        assert expected == str(caught.value)
        assert ("gpu", "default") == (caught.value.required, caught.value.worker)
        assert [] == SEEN

    def test_s065_no_key_never_matches(self) -> None:
        with worker(None), pytest.raises(FuruSpecMismatch, match="worker=None"):
            Leaf().get(force=True)

    def test_s066_s069_a_match_computes_in_a_context_of_its_own(self) -> None:
        node = OnGpu()
        with worker("gpu") as _:
            outside = EXEC_CONTEXT.get()
            assert 1 == node.get(force=True)
            assert outside is EXEC_CONTEXT.get()
        assert [ExecContext("executor", "gpu", "local", node.furu_hash)] == SEEN

    def test_s069_the_context_is_restored_after_an_exception(self) -> None:
        with worker():
            outside = EXEC_CONTEXT.get()
            with pytest.raises(RuntimeError, match="boom"):
                Leaf(fails=True).get(force=True)
            assert outside is EXEC_CONTEXT.get()

    def test_s067_present_is_loaded_before_the_key_is_looked_at(self) -> None:
        OnGpu().get()
        with worker("default"):
            assert 1 == OnGpu().get(force=True)
        assert 1 == len(SEEN)

    def test_s068_dependencies_are_strict_and_the_text_names_who_asked(self) -> None:
        node = Declared()
        with worker(), pytest.raises(FuruMissingArtifact, match=f"Requested by {node.furu_hash}"):
            node.get(force=True)
        assert [] == SEEN

    def test_s070_force_on_another_node_than_the_current_follows_the_key_alone(self) -> None:
        with worker():
            assert 1 == Forcing().get(force=True)

    def test_s072_an_invalid_result_is_repaired(self) -> None:
        Refused().get()
        with worker():
            assert 2 == Refused().get(force=True)
        assert ["ok", "ok"] == endings(Refused())

    def test_s073_always_rerun_recomputes_with_force(self, monkeypatch) -> None:
        Leaf().get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", f"{__name__}.Leaf")
        with worker():
            assert 2 == Leaf().get(force=True)
            assert 2 == Leaf().get()

    def test_s074_a_failure_is_final_with_retry_off(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        with worker():
            with pytest.raises(RuntimeError):
                Leaf(fails=True).get(force=True)
            with pytest.raises(FuruComputeError, match="previously failed"):
                Leaf().get(force=True)

    def test_s074_a_failure_is_computed_again_with_retry_on(self) -> None:
        with worker():
            with pytest.raises(RuntimeError):
                Leaf(fails=True).get(force=True)
            assert 2 == Leaf().get(force=True)

    def test_s036_force_is_keyword_only(self) -> None:
        with pytest.raises(TypeError):
            Leaf().get(True)  # type: ignore[misc]
        assert not hasattr(Leaf, "load_or_create")

    def test_s035_interactively_force_recomputes_nothing(self) -> None:
        assert [1, 1] == [Leaf().get(force=True), Leaf().get(force=True)]


class TestInsideCreate:
    def test_s087_an_undeclared_dependency_is_refused(self) -> None:
        node = Undeclared()
        with worker(), pytest.raises(FuruMissingArtifact, match=f"Requested by {node.furu_hash}"):
            node.get(force=True)
        assert ["failed"] == endings(node)

    def test_s088_a_valid_dependency_loads(self, good) -> None:
        Leaf().get()
        Refused().get()
        with worker():
            assert 2 == Declared().get(force=True)
            assert 2 == Refused().get()

    def test_s085_threads_of_one_process_share_a_forced_computation(self) -> None:
        barrier = threading.Barrier(8)

        def run() -> int:
            barrier.wait(30)
            with worker():
                return Leaf().get(force=True)

        with ThreadPoolExecutor(8) as pool:
            assert [1] * 8 == [future.result(30) for future in [pool.submit(run) for _ in range(8)]]
        assert 1 == len(SEEN)


def test_s075_protocol_errors_are_furu_errors_but_no_compute_errors() -> None:
    for error in (FuruMissingArtifact, FuruSpecMismatch):
        assert issubclass(error, FuruError)
        assert not issubclass(error, FuruComputeError)
    assert issubclass(FuruComputeError, FuruError)
