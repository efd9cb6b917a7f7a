"""SIGTERM and SIGINT while something is computed, and what is left of our handlers afterwards."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import furu
from furu.lifecycle.signals import _setup_signal_handlers, computing
from tests.lifecycle.steps import Parent, Stubborn, Told, endings, holders

GET = "print('got', Told().get())"
KINDS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)


class TestPreemption:
    @KINDS
    def test_s105_s106_it_is_preempted_and_the_next_get_computes_at_once(self, start, number, code) -> None:
        owner = start(GET)
        owner.expect("creating")
        owner.send(number)
        assert code == owner.finish()
        assert "Traceback" not in owner.errors()
        assert ["preempted"] == endings(Told())
        assert [] == holders(Told())
        assert not Told().exists()
        heir = start(GET, FURU_RETRY_FAILED="0")
        heir.expect("creating", timeout_sec=10)
        heir.tell("go on")
        assert f"made by {heir.pid}" == heir.expect("got")

    @KINDS
    def test_s105_a_waiter_takes_over(self, start, number, code) -> None:
        owner = start(GET)
        owner.expect("creating")
        waiter = start(f"announce_naps(); {GET}", FURU_RETRY_FAILED="0")
        waiter.expect("napping")
        owner.send(number)
        waiter.expect("creating", timeout_sec=10)
        assert code == owner.finish()

    @KINDS
    def test_s110_every_attempt_that_is_open_ends_as_preempted(self, start, number, code) -> None:
        owner = start("Parent().get()")
        owner.expect("creating a")
        owner.send(number)
        assert code == owner.finish()
        assert [["preempted"]] * 2 == [endings(Parent()), endings(Told())]
        assert [[], []] == [holders(Parent()), holders(Told())]

    def test_s110_while_it_waits_for_another_owner_that_one_goes_on(self, start) -> None:
        owner = start(GET)
        owner.expect("creating")
        above = start("announce_naps(); Parent().get()")
        above.expect("napping")
        above.send(signal.SIGTERM)
        assert 143 == above.finish()
        assert ["preempted"] == endings(Parent())
        owner.tell("go on")
        assert f"made by {owner.pid}" == owner.expect("got")
        assert ["ok"] == endings(Told())

    def test_a_second_signal_ends_the_process_at_once(self, start) -> None:
        owner = start("Stubborn().get()")
        owner.expect("creating")
        owner.send(signal.SIGTERM)
        owner.expect("cleaning up")
        owner.send(signal.SIGTERM)
        assert 143 == owner.finish()
        assert 1 == len(holders(Stubborn()))  # nobody had the time to end it
        start("Stubborn().get()").expect("creating", timeout_sec=10)
        assert ["crashed"] == endings(Stubborn())

    def test_an_interrupt_is_caught_as_keyboard_interrupt_and_the_process_goes_on(self, start) -> None:
        """As in a notebook."""
        session = start(
            "try:\n"
            "    Told().get()\n"
            "except KeyboardInterrupt as error:\n"
            "    print('caught', type(error).__mro__[1].__name__, error.code)\n"
            f"{GET}"
        )
        session.expect("creating")
        session.send(signal.SIGINT)
        assert "KeyboardInterrupt 130" == session.expect("caught")
        session.expect("creating")
        session.tell("go on")
        session.expect("got")
        assert 0 == session.finish()
        assert ["preempted", "ok"] == endings(Told())

    def test_a_second_computation_can_be_interrupted_as_the_first(self, start) -> None:
        session = start("for _ in range(3):\n try:\n  Told().get()\n except KeyboardInterrupt:\n  pass")
        for _ in range(3):
            session.expect("creating")
            session.send(signal.SIGINT)
        assert 0 == session.finish()
        assert ["preempted"] * 3 == endings(Told())


class TestShield:
    @pytest.mark.parametrize(
        ("method", "part", "is_before"),
        [
            ("write_new", "/success.json", True),
            ("write_new", "/success.json", False),
            ("link", "/SUCCESS.json", True),
            ("link", "/SUCCESS.json", False),
            ("rename", ".ok", True),
            ("rename", ".ok", False),
        ],
    )
    def test_s107_a_signal_while_it_publishes_loses_nothing(self, start, method, part, is_before) -> None:
        owner = start(f"signal_at({method!r}, signal.SIGTERM, part={part!r}, is_before={is_before}); {GET}")
        owner.expect("creating")
        owner.tell("go on")
        assert 143 == owner.finish()
        assert ["ok"] == endings(Told())
        assert [] == holders(Told())
        assert f"made by {owner.pid}" == Told().get()

    @pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
    def test_a_signal_at_the_step_that_takes_the_lease_leaks_nothing(self, start, is_before) -> None:
        owner = start(f"signal_at('rename', signal.SIGTERM, part='/new-', is_before={is_before}); {GET}")
        assert 143 == owner.finish()
        assert [] == holders(Told())
        assert [] == list(Told()._base_furu_dir().glob("new-*"))
        start(GET).expect("creating", timeout_sec=10)

    def test_s107_a_signal_after_the_success_keeps_it(self, start) -> None:
        owner = start(f"{GET}; listen()")
        owner.expect("creating")
        owner.tell("go on")
        owner.expect("got")
        owner.send(signal.SIGTERM)
        assert -signal.SIGTERM == owner.finish()  # as if furu weren't there
        assert Told().exists()
        assert ["ok"] == endings(Told())


class TestHandlers:
    def test_s108_a_later_interrupt_is_an_ordinary_one(self, start) -> None:
        owner = start(f"try:\n {GET}; listen()\nexcept KeyboardInterrupt as error:\n print('caught', type(error))")
        owner.expect("creating")
        owner.tell("go on")
        owner.expect("got")
        owner.send(signal.SIGINT)
        assert "<class 'KeyboardInterrupt'>" == owner.expect("caught")

    @pytest.mark.parametrize("raises", [False, True], ids=["after success", "after failure"])
    def test_s108_handlers_stand_while_it_computes_and_are_restored(self, raises) -> None:
        before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        HANDLERS.clear()
        try:
            Looking(raises=raises).get()
        except RuntimeError:
            assert raises
        assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        assert all(handler not in before for handler in HANDLERS)
        assert 2 == len(HANDLERS)

    def test_s108_nested_computations_share_them(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with computing():
            inside = signal.getsignal(signal.SIGTERM)
            with computing():
                assert inside == signal.getsignal(signal.SIGTERM) != before
            assert inside == signal.getsignal(signal.SIGTERM)
        assert before == signal.getsignal(signal.SIGTERM)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["are installed", "are restored"])
    def test_s108_a_signal_while_they(self, number, monkeypatch) -> None:
        """SIGINT arrives as soon as its handler stands, or while the other's is put back."""
        before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
        change = signal.signal

        def change_and_send(changed: int, handler: Any) -> Any:
            previous = change(changed, handler)
            if changed == number and (handler in before) == (number == signal.SIGTERM):
                os.kill(os.getpid(), signal.SIGINT)
            return previous

        monkeypatch.setattr(signal, "signal", change_and_send)
        with pytest.raises(KeyboardInterrupt), computing():
            pass
        assert before == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]

    def test_s108_the_applications_own_handler_is_called_afterwards(self, start) -> None:
        owner = start(
            "signal.signal(signal.SIGTERM, lambda number, frame: print('own', number, *endings(Told())))\n" + GET
        )
        owner.expect("creating")
        owner.send(signal.SIGTERM)
        assert f"{signal.SIGTERM.value} preempted" == owner.expect("own")
        assert 143 == owner.finish()

    def test_s108_the_applications_own_handler_may_say_how_to_exit(self, start) -> None:
        owner = start(f"signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); {GET}")
        owner.expect("creating")
        owner.send(signal.SIGTERM)
        assert 7 == owner.finish()
        assert ["preempted"] == endings(Told())

    def test_an_ignored_signal_stays_ignored(self, start) -> None:
        """As under nohup."""
        owner = start(f"signal.signal(signal.SIGINT, signal.SIG_IGN); {GET}")
        owner.expect("creating")
        owner.send(signal.SIGINT)
        owner.tell("go on")
        assert f"made by {owner.pid}" == owner.expect("got")

    def test_s085_s109_worker_threads_install_nothing(self, start) -> None:
        owner = start(
            "worker = threading.Thread(target=Told().get); worker.start();"
            "print('main', signal.getsignal(signal.SIGTERM)); worker.join()"
        )
        assert "0" == owner.expect("main")
        owner.expect("creating")
        owner.send(signal.SIGTERM)
        assert -signal.SIGTERM == owner.finish()
        start(GET).expect("creating", timeout_sec=10)
        assert ["crashed"] == endings(Told())

    @pytest.mark.skipif(sys.version_info[:2] != (3, 12), reason="only Python 3.12 starts no threads at the exit")
    def test_a_thread_that_outlives_the_main_thread_computes_nothing_without_a_heart(self, start) -> None:
        owner = start(
            """
import contextlib

def outlive():
    with contextlib.suppress(RuntimeError):  # until Python starts no threads any more
        while True:
            threading.Thread(target=int).start()
    Told().get()

threading.Thread(target=outlive).start()
            """,
            PYTHONUNBUFFERED="1",  # an interpreter of its own, which ends as one does
        )
        owner.finish()
        assert "hint: join your threads in the main thread" in owner.errors()
        assert [] == holders(Told()) == endings(Told())

    def test_s109_setting_up_does_nothing_outside_the_main_thread(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_setup_signal_handlers).result(30)
        assert before == signal.getsignal(signal.SIGTERM)


HANDLERS: list[object] = []


class Looking(furu.Furu[int]):
    raises: bool = False

    def _create(self) -> int:
        assert threading.current_thread() is threading.main_thread()
        HANDLERS.extend(signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT))
        if self.raises:
            raise RuntimeError("boom")
        return 1


class Interrupted(furu.Furu[int]):
    error: str = "KeyboardInterrupt"

    def _create(self) -> int:
        if TRIES.append(None) or len(TRIES) == 1:  # type: ignore[func-returns-value]
            raise {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit(3)}[self.error]
        return 1


TRIES: list[None] = []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_s045_an_interrupt_that_create_raises_itself_is_no_failure(error, monkeypatch) -> None:
    monkeypatch.setenv("FURU_RETRY_FAILED", "0")
    TRIES.clear()
    with pytest.raises(error):
        Interrupted(error=error.__name__).get()
    assert ["preempted"] == endings(Interrupted(error=error.__name__))
    assert 1 == Interrupted(error=error.__name__).get()
