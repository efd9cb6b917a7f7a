"""Let every call of a scenario go wrong, one after the other. Runs in a process of its own: `run_fresh(...)`."""

from __future__ import annotations

import linecache
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.errors import FuruError
from furu.lifecycle.artifact import Artifact
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from tests.reliability.scenarios import SCENARIOS, count_calls, endings, is_published, leftovers
from tests.support.disks import Fault, FaultyDisk, TimedDisk, working_through
from tests.support.fresh import exit_code, fork

if TYPE_CHECKING:
    from types import FrameType

    from furu.lifecycle.lease import Participant
    from tests.reliability.scenarios import Scenario

AT_ONCE_SEC: Final = 0.5
TRACED: Final = ("/furu/lifecycle/", "/furu/storage/locks.py")


def kill(root: str, name: str, kind: str) -> dict[str, Any]:
    """SIGKILL at each call; the next process must find its way at once."""
    scenario = SCENARIOS[name]
    calls = count_calls(scenario, f"{root}/count")
    problems, longest_wait_sec = [], 0.0
    for number, call in enumerate(calls, 1):
        if kind == "tear" and " write_new " not in call:
            continue
        with furu.using(path=f"{root}/{number}"):
            scenario.prepare()
            with working_through(FaultyDisk(number, Fault(kind))):  # type: ignore[arg-type]
                status = exit_code(fork(scenario.act))
            found = _judge_recovery(scenario, f"{root}/{number}")
            if set(endings(scenario.config)) & {"lost", "preempted"}:
                found.append(f"ended {endings(scenario.config)}")
            if status != -signal.SIGKILL:
                found.append(f"status {status}")
            problems += [f"{call}: {problem}" for problem in found if not problem.startswith("waited")]
            longest_wait_sec = max(
                longest_wait_sec, *(float(each.split()[1]) for each in found if each.startswith("waited"))
            )
    return {"calls": calls, "problems": problems, "longest_wait_sec": longest_wait_sec}


def _judge_recovery(scenario: Scenario, root: str) -> list[str]:
    problems = []
    if scenario.is_published_throughout and not is_published(scenario.config):
        problems.append("the old result is gone")
    disk = TimedDisk()
    try:
        with working_through(disk):
            scenario.check()
    except Exception as error:
        problems.append(f"next get: {error!r}")
    problems.append(f"waited {disk.slept_sec:.3f}")  # not what a clock says: the machine may be busy
    # An owner that died between its publish and its end: the next who cares for the lock writes down that it was ok.
    for config in scenario.configs:
        if Artifact(artifact_paths(config), THIS_PROCESS).holder() is not None:
            problems.append("a dead owner is kept")
    problems += [each for each in leftovers(root) if each.startswith(("held", "in memory"))]
    return problems


def fail(root: str, name: str, kind: str, numbers: list[int], for_ever: bool) -> dict[str, Any]:
    """An error at each call, once or from then on: clean error or success, no lost lease, and recovery at once."""
    scenario = SCENARIOS[name]
    calls = count_calls(scenario, f"{root}/count")
    problems, raised = [], 0
    for number in numbers:
        for at, call in enumerate(calls, 1):
            own_root = f"{root}/{number}-{at}"
            with furu.using(path=own_root):
                scenario.prepare()
                disk = FaultyDisk(at, Fault(kind, number), for_ever=for_ever)  # type: ignore[arg-type]
                found = []
                with working_through(disk):
                    try:
                        scenario.act()
                    except (OSError, FuruError, RuntimeError):  # the last is of `Checkpointed`
                        raised += 1
                    except Exception as error:
                        found.append(f"raised {error!r}")
                if scenario.is_published_throughout and not is_published(scenario.config):
                    found.append("the old result is gone")
                if not for_ever:
                    found += leftovers(own_root)
                found += [f"{lease.token} in memory" for lease in THIS_PROCESS.heart.leases()]
                found += [each for each in _judge_recovery(scenario, own_root) if not _is_quick(each)]
                problems += [f"{Fault(kind, number)} at {call}: {problem}" for problem in found]  # type: ignore[arg-type]
    return {"calls": calls, "problems": problems, "raised": raised, "runs": len(numbers) * len(calls)}


def _is_quick(problem: str) -> bool:
    return problem.startswith("waited") and float(problem.split()[1]) < AT_ONCE_SEC


def interrupt_calls(root: str, name: str, number: int) -> dict[str, Any]:
    """A signal at each call: it ends the attempt, or comes too late to undo the publish."""
    calls = count_calls(SCENARIOS[name], f"{root}/count")
    problems = []
    for at, call in enumerate(calls, 1):
        disk = FaultyDisk(at, Fault("signal", number))
        status = _interrupted(f"{root}/{at}", name, disk=disk)
        problems += [f"{call}: {problem}" for problem in _judge_interrupted(f"{root}/{at}", name, status)]
    return {"calls": calls, "problems": problems}


def interrupt_lines(root: str, name: str, number: int, step: int, first: int) -> dict[str, Any]:
    """A signal at every `step`th line of code of the protocol that is executed, beginning with `first`."""
    problems, at = [], first
    while True:
        status = _interrupted(f"{root}/{at}", name, line=at, number=number)
        if status == _NOT_REACHED:
            return {"lines": at, "problems": problems}
        problems += [f"line {at}: {problem}" for problem in _judge_interrupted(f"{root}/{at}", name, status)]
        at += step


_NOT_REACHED: Final = 77
_LEAKED: Final = 78
_HANDLERS: Final = 79
_WRONG: Final = 80
_MEANINGS: Final = {_LEAKED: "lease leaked", _HANDLERS: "handlers left installed", _WRONG: "another error"}


def _interrupted(root: str, name: str, *, disk: FaultyDisk | None = None, line: int = 0, number: int = 0) -> int:
    scenario = SCENARIOS[name]

    def act() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        tracer = _Tracer(line, number)
        status = 0
        try:
            with working_through(disk or THIS_PROCESS.disk):
                sys.settrace(tracer.trace if line else None)
                scenario.act()
        except (KeyboardInterrupt, SystemExit):
            pass
        except BaseException as error:
            sys.settrace(None)
            sys.excepthook(type(error), error, error.__traceback__)
            status = _WRONG
        finally:
            sys.settrace(None)
        os._exit(status or _judge_process(THIS_PROCESS, is_reached=not line or tracer.is_sent))

    with furu.using(path=root):
        scenario.prepare()
        return exit_code(fork(act))


def _judge_process(participant: Participant, *, is_reached: bool) -> int:
    if participant.heart.leases():
        return _LEAKED
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return _HANDLERS
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return _HANDLERS
    return 0 if is_reached else _NOT_REACHED


def _judge_interrupted(root: str, name: str, status: int) -> list[str]:
    scenario = SCENARIOS[name]
    # A default SIGTERM outside of the attempt just ends the process.
    problems = [] if status in (0, -signal.SIGTERM) else [_MEANINGS.get(status, f"status {status}")]
    with furu.using(path=root):
        found = leftovers(root)
        if status == -signal.SIGTERM:
            found = [each for each in found if "held" in each]
        had_success = is_published(scenario.config)
        scenario.check()
        if scenario.is_published_throughout and not had_success:
            problems.append("the old result is gone")
    return problems + found


class _Tracer:
    """Sends a signal to this process at the n-th line of the protocol's code."""

    def __init__(self, line: int, number: int) -> None:
        self.left = line
        self.number = number
        self.is_sent = False

    def trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if not any(part in frame.f_code.co_filename for part in TRACED):
            return None
        if event == "line":
            self.left -= 1
            # The interpreter handles no signal where a block only begins, or is left.
            source = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            is_frame = source in {"try:", "finally:"} or source.startswith("with ")
            if self.left <= 0 and not is_frame and not self.is_sent:
                self.is_sent = True
                signal.raise_signal(self.number)
        return self.trace
