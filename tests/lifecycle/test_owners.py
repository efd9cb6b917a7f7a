"""Several processes and one artifact: who computes, who waits, and who takes over."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import furu
from furu import FuruWaitTimeout
from tests.lifecycle.steps import Asking, Impatient, Parent, Replaced, Told, edit, endings, holders, make_foreign

GET = "print('got', Told().get())"
WAIT = f"announce_naps(); {GET}"


@pytest.fixture
def quick(monkeypatch) -> None:
    """Leases of a quarter of a second."""
    monkeypatch.setenv("FURU_LEASE_SECS", "0.25")
    monkeypatch.setenv("FURU_HEARTBEAT_SECS", "0.05")
    monkeypatch.setenv("FURU_POLL_INTERVAL_SECS", "0.05")


class TestWaiting:
    def test_s090_a_second_process_waits_then_loads(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        waiter = start(WAIT)
        waiter.expect("napping")
        owner.tell("go on")
        assert owner.expect("got") == waiter.expect("got") == f"made by {owner.pid}"
        assert "creating a" not in [line.strip() for line in waiter.lines]

    def test_s091_n_processes_make_one_creation(self, start) -> None:
        scripts = [start(f"print('ready'); listen(); {GET}") for _ in range(5)]
        for script in scripts:
            script.expect("ready")
        for script in scripts:
            script.tell("start")
            script.tell("go on")
        results = {script.expect("got") for script in scripts}
        created = [script for script in scripts if "creating a\n" in script.lines]
        assert [f"made by {created[0].pid}"] == list(results)
        assert 1 == len(created)
        assert ["ok"] == [ending for ending in endings(Told()) if ending != "noop"]

    def test_s092_other_artifacts_are_unaffected(self, start) -> None:
        start(GET).expect("creating")
        other = start("print('got', Told(name='b').get())")
        other.expect("creating b")
        other.tell("go on")
        assert f"made by {other.pid}" == other.expect("got")

    def test_s100_exists_is_false_while_another_computes(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        assert not Told().exists()
        owner.tell("go on")
        owner.expect("got")
        assert Told().exists()

    def test_s093_a_live_owner_keeps_its_lease_for_longer_than_the_lease(self, start, quick, monkeypatch) -> None:
        monkeypatch.setenv("FURU_LEASE_SECS", "0.7")
        owner = start(GET)
        owner.expect("creating")
        make_foreign(Told())  # so that only its heartbeat speaks for it
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "1.5")
        with pytest.raises(FuruWaitTimeout):
            Told().get()
        owner.tell("go on")
        assert f"made by {owner.pid}" == owner.expect("got")
        assert ["ok"] == endings(Told())

    def test_s099_a_waiter_sees_the_owners_failure_with_retry_off(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        waiters = [start(WAIT, FURU_RETRY_FAILED="0") for _ in range(2)]
        for waiter in waiters:
            waiter.expect("napping")
        owner.tell("fail")
        for waiter in waiters:
            assert 1 == waiter.finish()
            assert "Computation previously failed" in waiter.errors()
            assert "RuntimeError: told to fail" in waiter.errors()
        assert 1 == owner.finish()
        assert ["failed"] == endings(Told())

    def test_s099_a_waiter_takes_over_with_retry_on(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        waiter = start(WAIT)
        waiter.expect("napping")
        owner.tell("fail")
        waiter.expect("creating")
        waiter.tell("go on")
        assert f"made by {waiter.pid}" == waiter.expect("got")
        assert ["failed", "ok"] == endings(Told())

    def test_s043_a_failure_is_visible_to_other_processes(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        owner.tell("fail")
        assert 1 == owner.finish()
        late = start(GET, FURU_RETRY_FAILED="No")
        assert 1 == late.finish()
        assert "FuruComputeError" in late.errors()

    def test_s047_threads_of_one_process_share_one_computation(self) -> None:
        barrier = threading.Barrier(16)

        def run() -> int:
            barrier.wait(30)
            return Counted().get()

        COUNTED.clear()
        with ThreadPoolExecutor(16) as pool:
            assert [1] * 16 == [future.result(30) for future in [pool.submit(run) for _ in range(16)]]
        assert 1 == len(COUNTED)


COUNTED: list[None] = []


class Counted(furu.Furu[int]):
    def _create(self) -> int:
        COUNTED.append(None)
        return len(COUNTED)


class Slow(furu.Furu[int]):
    def _create(self) -> int:
        STARTED.set()
        assert GO_ON.wait(30)
        return 1


STARTED, GO_ON = threading.Event(), threading.Event()


class TestTimeout:
    def test_s094_the_error_names_directory_owner_heartbeat_and_variables(self, start, monkeypatch) -> None:
        owner = start(GET)
        owner.expect("creating")
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0.1")
        with pytest.raises(FuruWaitTimeout) as caught:
            Told().get()
        error, record = caught.value, json.loads((holders(Told())[0] / "owner.json").read_text())
        for fact in (
            str(Told()._base_furu_dir()),
            f"host {record['host']} pid {owner.pid}",
            "last heartbeat",
            "FURU_MAX_WAIT_SECS",
            "FURU_LEASE_SECS",
        ):
            assert fact in str(error)
        assert (f"Told({Told().furu_hash})", Told()._base_furu_dir()) == (error.node, error.furu_dir)
        assert isinstance(error, TimeoutError)
        assert 0.1 <= error.waited_sec < 20
        owner.tell("go on")  # it was left alone
        assert f"made by {owner.pid}" == owner.expect("got")

    def test_s095_the_class_option_counts_while_the_variable_is_unset(self, start, monkeypatch) -> None:
        monkeypatch.delenv("FURU_MAX_WAIT_SECS")
        owner = start("Impatient().get()")
        owner.expect("creating")
        with pytest.raises(FuruWaitTimeout):
            Impatient().get()
        assert 0.2 == Impatient._max_wait_time_sec
        owner.tell("go on")
        assert 0 == owner.finish()

    def test_s095_the_variable_overrides_the_class(self, start) -> None:
        owner = start("Impatient().get()")
        owner.expect("creating")
        waiter = start("announce_naps(); print('got', Impatient().get())", FURU_MAX_WAIT_SECS="60")
        for _ in range(40):
            waiter.expect("napping")
        owner.tell("go on")
        assert f"made by {owner.pid}" == waiter.expect("got")

    def test_s094_no_wait_at_all(self, start, monkeypatch) -> None:
        start(GET).expect("creating")
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0")
        with pytest.raises(FuruWaitTimeout):
            Told().get()

    def test_a_dependency_that_takes_too_long_is_no_failure_of_its_parent(self, start, monkeypatch) -> None:
        start(GET).expect("creating")
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0.1")
        with pytest.raises(FuruWaitTimeout):
            Parent().get()
        assert ["preempted"] == endings(Parent())

    def test_s094_a_thread_that_computes_is_named_as_such(self, monkeypatch) -> None:
        STARTED.clear()
        GO_ON.clear()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(Slow().get)
            assert STARTED.wait(30)
            monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0.05")
            with pytest.raises(FuruWaitTimeout, match="another thread of this process"):
                Slow().get()
            GO_ON.set()
            assert 1 == future.result(30)


class TestCrash:
    def test_s096_a_dead_owner_is_reconciled_at_once(self, start) -> None:
        """With the default lease of two minutes."""
        owner = start(GET)
        owner.expect("creating")
        waiter = start(WAIT)
        waiter.expect("napping")
        owner.kill()
        waiter.expect("creating", timeout_sec=10)
        waiter.tell("go on")
        assert f"made by {waiter.pid}" == waiter.expect("got")
        assert ["crashed", "ok"] == endings(Told())
        assert "took the lease from host" in waiter.errors()
        assert "process is gone" in waiter.errors()

    def test_s097_any_number_of_crashes_is_no_failure(self, start) -> None:
        for _ in range(3):
            owner = start(GET, FURU_RETRY_FAILED="0")
            owner.expect("creating")
            owner.kill()
        last = start(GET, FURU_RETRY_FAILED="0")
        last.expect("creating")
        last.tell("go on")
        last.expect("got")
        assert ["crashed"] * 3 + ["ok"] == endings(Told())

    def test_a_pid_that_another_process_has_now_proves_the_death(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        edit(holders(Told())[0] / "owner.json", started="1")
        heir = start(GET)
        heir.expect("creating")
        assert ["crashed"] == endings(Told())

    def test_a_reboot_of_the_same_machine_proves_the_death(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        edit(holders(Told())[0] / "owner.json", boot="an earlier one")
        heir = start(GET)
        heir.expect("creating")
        assert ["crashed"] == endings(Told())

    def test_s110_a_crash_ends_every_attempt_that_was_open(self, start) -> None:
        owner = start("Parent().get()")
        owner.expect("creating a")
        owner.kill()
        heir = start("Parent().get()")
        heir.expect("creating a")
        heir.tell("go on")
        assert 0 == heir.finish()
        assert [["crashed", "ok"]] * 2 == [endings(Parent()), endings(Told())]


class TestSilence:
    def test_s098_a_silent_owner_elsewhere_is_replaced_and_does_no_harm_when_it_wakes(self, start, quick) -> None:
        owner = start(GET)
        owner.expect("creating")
        owner.send(signal.SIGSTOP)
        make_foreign(Told())
        heir = start(GET)
        heir.expect("creating")
        heir.tell("go on")
        assert f"made by {heir.pid}" == heir.expect("got")
        published = (Told()._base_furu_dir() / "SUCCESS.json").read_bytes()
        owner.tell("go on")
        owner.send(signal.SIGCONT)
        assert f"made by {heir.pid}" == owner.expect("got")  # it takes the newer result, too
        assert 0 == owner.finish()
        assert "lease was lost" in owner.errors()
        assert published == (Told()._base_furu_dir() / "SUCCESS.json").read_bytes()
        assert str(heir.pid) == (Told().furu_dir / "by").read_text()
        assert ["lost", "ok"] == endings(Told())
        assert [] == holders(Told())

    def test_s098_the_failure_of_a_replaced_owner_harms_nothing(self, start, quick) -> None:
        owner = start(GET)
        owner.expect("creating")
        owner.send(signal.SIGSTOP)
        make_foreign(Told())
        heir = start(GET)
        heir.expect("creating")
        owner.tell("fail")
        owner.send(signal.SIGCONT)
        assert 1 == owner.finish()
        assert 1 == len(holders(Told()))  # the heir's, untouched by the other's end
        heir.tell("go on")
        assert f"made by {heir.pid}" == heir.expect("got")
        assert ["lost", "ok"] == endings(Told())
        assert f"made by {heir.pid}" == Told().get()

    def test_s098_a_replaced_owner_that_wakes_first_publishes_nothing(self, start, quick) -> None:
        owner = start(GET)
        owner.expect("creating")
        owner.send(signal.SIGSTOP)
        make_foreign(Told())
        heir = start(GET)
        heir.expect("creating")
        owner.tell("go on")
        owner.send(signal.SIGCONT)
        heir.tell("go on")
        assert owner.expect("got") == heir.expect("got") == f"made by {heir.pid}"
        assert ["lost", "ok"] == endings(Told())

    def test_b2_an_owner_that_was_replaced_is_told_so(self, start, quick) -> None:
        owner = start("Asking().get()")
        owner.expect("creating asking")
        owner.send(signal.SIGSTOP)
        make_foreign(Asking())
        heir = start("print('got', Asking().get())")
        heir.expect("creating asking")
        heir.tell("go on")
        owner.send(signal.SIGCONT)
        owner.expect("lost it")
        assert "made" == heir.expect("got")
        assert not furu.is_lease_lost()

    def test_s098_an_owner_alive_on_this_kernel_is_given_ten_leases(self, start, quick, monkeypatch) -> None:
        monkeypatch.setenv("FURU_LEASE_SECS", "0.1")
        owner = start(GET)
        owner.expect("creating")
        owner.send(signal.SIGSTOP)
        with monkeypatch.context() as patient:
            patient.setenv("FURU_MAX_WAIT_SECS", "0.4")  # four leases
            with pytest.raises(FuruWaitTimeout):
                Told().get()
        heir = start(GET)
        heir.expect("creating")
        heir.tell("go on")
        heir.expect("got")
        assert ["lost", "ok"] == endings(Told())


def test_a_reader_sees_the_whole_old_result_while_a_new_one_is_published(start) -> None:
    first = start("print('got', Replaced().get())")
    first.tell("old")
    first.expect("got")
    reader = start("print('got', Replaced().get())")
    reader.expect("half loaded")
    (Replaced()._base_furu_dir() / "invalid").touch()
    writer = start("print('got', Replaced().get())")
    writer.tell("new")
    assert "new" == writer.expect("got")
    reader.tell("go on")
    assert "oldold" == reader.expect("got")
