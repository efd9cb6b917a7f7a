"""S171-S175 and what else goes wrong: failures, retries, other owners, and errors of the run itself."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import furu
from furu.execution import FuruFailedDependencies, FuruRunError, run_local
from tests.lifecycle.steps import endings, holders, leave_lease
from tests.support import graphs
from tests.support.deeds import Deed, created
from tests.support.graphs import CREATED, PATIENCE_SEC, Gate, Heard, Node, chain, failing, leaf


@pytest.fixture
def no_retries(monkeypatch) -> None:
    monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")


class TestStop:
    def test_s171_the_error_names_class_hash_directory_and_the_original(self, monkeypatch):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        graphs.DOES["a"] = failing(ValueError("bad luck"))
        a = leaf("a")
        with pytest.raises(furu.FuruComputeError) as caught:
            run_local([Node(name="top", needs=(a,))])
        error = caught.value
        assert (f"Node({a.furu_hash})", a._base_furu_dir()) == (error.node, error.furu_dir)
        assert f"Node({a.furu_hash}) in {a._base_furu_dir()} failed: ValueError: bad luck" in str(error)
        assert isinstance(error.__cause__, ValueError)
        assert ["a"] == CREATED

    def test_s171_nothing_new_is_started_and_what_runs_may_finish(self, no_retries):
        gate = Gate()
        graphs.DOES["slow"] = gate
        graphs.DOES["bad"] = lambda: (gate.await_arrivals(), failing()())
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [leaf("slow"), leaf("bad"), *(leaf(str(number)) for number in range(5))]
            run = pool.submit(run_local, roots, max_workers=2, reporter=heard)
            heard.await_event("end bad compute failed")
            gate.open()
            with pytest.raises(furu.FuruComputeError):
                run.result(PATIENCE_SEC)
        assert {"slow", "bad"} == set(CREATED)
        assert leaf("slow").exists()
        assert heard.report is not None
        assert (1, 1, 5) == (len(heard.report.succeeded), len(heard.report.failed), len(heard.report.unstarted))

    def test_s173_a_sticky_failure_is_named_before_anything_is_computed(self, monkeypatch):
        graphs.DOES["bad"] = failing()
        for name in ("bad",):
            with pytest.raises(ValueError, match="told"):
                leaf(name).get()
        graphs.forget()
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        roots = [Node(name="top", needs=(leaf("bad"), leaf("good")))]
        with pytest.raises(RuntimeError, match="failed dependencies") as caught:
            run_local(roots)
        assert isinstance(caught.value, FuruFailedDependencies)
        assert (f"Node({leaf('bad').furu_hash})",) == caught.value.nodes
        assert f"Node({leaf('bad').furu_hash})" in str(caught.value)
        assert [] == CREATED
        monkeypatch.setenv("FURU_RETRY_FAILED", "1")
        run_local(roots)
        assert {"bad", "good", "top"} == set(CREATED)


class TestRetries:
    @pytest.mark.parametrize(("retries", "attempts"), [("0", 1), ("1", 2), ("3", 4)])
    def test_s172_retries_come_after_the_first_attempt(self, retries, attempts, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", retries)
        graphs.DOES["a"] = failing()
        with pytest.raises(furu.FuruComputeError, match="told to fail"):
            run_local([leaf("a")])
        assert ["a"] * attempts == CREATED
        assert ["failed"] * attempts == endings(leaf("a"))

    def test_s172_a_retry_that_succeeds_is_a_success(self):
        graphs.DOES["a"] = failing(times=2)
        heard = Heard()
        run_local([Node(name="top", needs=(leaf("a"),))], reporter=heard)
        assert ["a", "a", "a", "top"] == CREATED
        assert ["a delayed: compute failed once of 4", "a delayed: compute failed twice of 4"] == heard.verdicts[:2]

    def test_s172_the_budget_is_each_nodes_own(self, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "1")
        for name in ("a", "b", "c"):
            graphs.DOES[name] = failing(times=1)
        run_local([leaf(name) for name in ("a", "b", "c")])
        assert 6 == len(CREATED)

    def test_others_go_on_during_the_pause(self):
        """One worker: it does not sleep with the node that pauses."""
        graphs.DOES["a"] = failing(times=1)
        heard = Heard()
        run_local([leaf("a"), leaf("b")], max_workers=1, reporter=heard)
        assert ["a", "b", "a"] == heard.starts()

    def test_sys_exit_in_create_fails_its_node_only(self, no_retries):
        graphs.DOES["a"] = sys.exit
        with pytest.raises(furu.FuruComputeError, match="SystemExit"):
            run_local([leaf("a")])
        assert ["preempted"] == endings(leaf("a"))
        graphs.forget()
        run_local([leaf("a")])

    def test_a_keyboard_interrupt_that_a_node_raises_does_not_go_on_for_ever(self):
        graphs.DOES["a"] = failing(KeyboardInterrupt(), times=3)
        run_local([leaf("a")])
        assert 4 == len(CREATED)

    def test_a_result_that_no_codec_stores_is_never_retried(self):
        graphs.DOES["a"] = lambda: setattr(sys.modules[__name__], "_unused", 1)
        with pytest.raises(furu.FuruCodecError):
            run_local([Unstorable()])
        assert ["failed"] == endings(Unstorable())


class Unstorable(furu.Furu[object]):
    def _create(self) -> object:
        return lambda: 0


class TestContinue:
    def test_it_finishes_what_can_be_finished_then_lists_all(self, no_retries):
        graphs.DOES["bad"] = failing(ValueError("bad luck"))
        graphs.DOES["worse"] = failing(KeyError("no"))
        bad, worse, good = leaf("bad"), leaf("worse"), leaf("good")
        both = Node(name="both", needs=(bad, worse, good))
        above = Node(name="above", needs=(both,))
        fine = Node(name="fine", needs=(good,))
        with pytest.raises(FuruRunError) as caught:
            run_local([above, fine], on_error="continue")
        error = caught.value
        assert {"bad", "worse", "good", "fine"} == set(CREATED)
        assert {bad_name(bad): "ValueError: bad luck", bad_name(worse): "KeyError: 'no'"} == {
            node: reason.partition(" (")[0] for node, reason in error.failed.items()
        }
        assert {bad_name(both), bad_name(above)} == set(error.skipped)
        assert all({bad_name(bad), bad_name(worse)} == set(causes) for causes in error.skipped.values())
        assert "2 nodes failed, 2 were skipped because of that" in str(error)
        assert f"failed {bad_name(bad)}: ValueError: bad luck" in str(error)

    def test_a_protocol_failure_is_one_of_the_failed(self):
        with pytest.raises(FuruRunError) as caught:
            run_local([graphs.Undeclared(), leaf("a")], on_error="continue", max_workers=1)
        assert "FuruMissingArtifact" in str(caught.value)
        assert ["undeclared", "a"] == CREATED

    def test_a_long_list_is_cut_in_the_text_only(self, no_retries):
        roots = [leaf(f"bad{number}") for number in range(30)]
        graphs.DOES.update({root.name: failing() for root in roots})
        with pytest.raises(FuruRunError, match="and 10 more") as caught:
            run_local(roots, on_error="continue")
        assert 30 == len(caught.value.failed)

    def test_without_failures_it_just_ends(self):
        run_local(chain(3), on_error="continue")


def bad_name(obj: furu.Furu[int]) -> str:
    return f"{type(obj).__name__}({obj.furu_hash})"


class TestOtherOwners:
    BUSY = "Deed(name='busy', deed='wait').get()"

    @pytest.fixture
    def busy(self) -> Deed:
        return Deed(name="busy")

    def test_s174_an_owner_is_waited_for_and_its_result_used(self, start, busy):
        owner = start("Deed(name='busy', deed='listen').get()")
        owner.expect("creating")
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [Deed(name="top", needs=(busy,)), leaf("meanwhile")]
            run = pool.submit(run_local, roots, poll_interval_sec=0.01, reporter=heard)
            heard.await_event("end meanwhile succeeded")
            assert ["busy"] == created()
            owner.tell("go on")
            run.result(PATIENCE_SEC)
        assert ["busy", "top"] == created()
        assert "owner busy succeeded" in heard.events

    def test_s175_a_dead_owners_node_is_computed_here_with_what_it_needs(self, start):
        """A plan does not look below a node in progress; what that needs comes to light with its owner's death."""
        owner = start("Deed(name='busy', needs=(Deed(name='below'),), deed='wait').get()")
        owner.expect("creating")
        busy = Deed(name="busy", needs=(Deed(name="below"),))
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [Deed(name="top", needs=(busy,)), leaf("meanwhile")]
            run = pool.submit(run_local, roots, poll_interval_sec=0.01, reporter=heard)
            heard.await_event("end meanwhile succeeded")
            owner.kill()
            run.result(PATIENCE_SEC)
        assert ["busy", "below", "busy", "top"] == created()
        assert ["crashed", "ok"] == endings(busy)
        assert "belowbusytop" == Deed(name="top", needs=(busy,)).get()

    def test_s175_an_owner_that_fails_is_followed_by_us(self, start, busy):
        owner = start("Deed(name='busy', deed='listen').get()")
        owner.expect("creating")
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, [busy], poll_interval_sec=0.01)
            owner.tell("fail")
            run.result(PATIENCE_SEC)
        assert ["failed", "ok"] == endings(busy)

    def test_s175_with_retry_off_its_failure_is_ours(self, start, busy, monkeypatch):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        owner = start("Deed(name='busy', deed='listen').get()")
        owner.expect("creating")
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, [Deed(name="top", needs=(busy,))], poll_interval_sec=0.01)
            owner.tell("fail")
            with pytest.raises(FuruFailedDependencies, match="failed dependencies"):
                run.result(PATIENCE_SEC)
        assert ["busy"] == created()

    def test_a_dead_owners_node_with_a_failed_dependency_is_refused_with_retry_off(self, start, monkeypatch):
        below = Deed(name="below", deed="fail")
        with pytest.raises(ValueError, match="told to fail"):
            below.get()
        owner = start("Deed(name='busy', needs=(Deed(name='below'),), deed='wait').get()")
        owner.expect("creating")
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        busy = Deed(name="busy", needs=(below,))
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, [busy, leaf("meanwhile")], poll_interval_sec=0.01, reporter=heard)
            heard.await_event("end meanwhile succeeded")
            owner.kill()
            with pytest.raises(FuruFailedDependencies) as caught:
                run.result(PATIENCE_SEC)
        assert (f"Deed({below.furu_hash})",) == caught.value.nodes

    @pytest.fixture
    def frozen(self, start, monkeypatch):
        """An owner that is stopped while it computes, and a rule that calls it stale soon."""
        monkeypatch.setenv("FURU_LEASE_SECS", "0.2")
        monkeypatch.setenv("FURU_STALE_AFTER_SECS", "0.3")
        owner = start(self.BUSY)
        owner.expect("creating")
        owner.send(19)  # SIGSTOP
        return owner

    def test_s175_a_frozen_owner_loses_its_lease(self, frozen, busy):
        run_local([busy], poll_interval_sec=0.02)
        assert ["lost", "ok"] == endings(busy)

    def test_s175_a_frozen_owner_is_an_error_with_retry_off(self, frozen, busy, monkeypatch):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        with pytest.raises(RuntimeError, match=f"Stale Deed.{busy.furu_hash}.: no heartbeat"):
            run_local([busy], poll_interval_sec=0.02)
        assert [] == endings(busy)
        assert 1 == len(holders(busy))

    def test_a_live_owner_is_not_stale_however_short_the_rule(self, start, busy, monkeypatch):
        """It beats every 0.25 s, and said so."""
        monkeypatch.setenv("FURU_LEASE_SECS", "1")
        monkeypatch.setenv("FURU_STALE_AFTER_SECS", "0.001")
        owner = start("Deed(name='busy', deed='listen').get()")
        owner.expect("creating")
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(run_local, [busy, leaf("slow")], poll_interval_sec=0.01, reporter=heard)
            graphs.threading.Event().wait(0.6)
            owner.tell("go on")
            run.result(PATIENCE_SEC)
        assert ["busy"] == created()

    def test_an_owner_nobody_can_read_is_given_up_in_time(self, busy, monkeypatch):
        monkeypatch.setenv("FURU_STALE_AFTER_SECS", "0.1")
        monkeypatch.setattr("furu.execution.owners.UNREADABLE_LEASE_SEC", 0.1)
        leave_lease(busy, b"?")
        run_local([busy], poll_interval_sec=0.02)
        assert ["lost", "ok"] == endings(busy)

    def test_dependents_of_a_result_that_another_owner_repairs_wait_for_it(self, start):
        """The refused result is still there while it is repaired; it must not pass for the new one."""
        checked = graphs.Checked(name="x")
        checked.get()
        owner = start(
            "from tests.support import graphs\n"
            "graphs.REFUSED.add('x')\n"
            "graphs.DOES['x'] = lambda: (say('creating'), input(), graphs.REFUSED.clear())\n"
            "graphs.Checked(name='x').get()\n"
            "say('repaired')"
        )
        owner.expect("creating")
        graphs.REFUSED.add("x")
        heard = Heard()
        with ThreadPoolExecutor(1) as pool:
            roots = [Node(name="top", needs=(checked,)), leaf("meanwhile")]
            run = pool.submit(run_local, roots, poll_interval_sec=0.01, reporter=heard)
            heard.await_event("end meanwhile succeeded")
            graphs.threading.Event().wait(0.1)
            assert ["start meanwhile", "end meanwhile succeeded"] == heard.events
            graphs.REFUSED.clear()
            owner.tell("go on")
            run.result(PATIENCE_SEC)
        assert ["x", "meanwhile", "top"] == CREATED


class TestOwnErrors:
    def test_an_error_of_the_reporter_ends_the_run_and_reaches_the_caller(self):
        class Broken(Heard):
            def node_ended(self, *_: object) -> None:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run_local(chain(5), max_workers=2, reporter=Broken())
        assert ["n0"] == CREATED

    def test_a_root_that_cant_be_written_is_named(self, own_store):
        own_store.rmdir()
        own_store.write_text("a file")
        with pytest.raises(furu.FuruStoreError):
            run_local([leaf("a")])
