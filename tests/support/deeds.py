"""Configs for graphs over processes: what a node does is one of its fields, and what it did is in files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import furu
from furu import config


def say(line: str) -> None:
    """Tell the test; in one write, so that threads don't mix their lines."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def place(name: str) -> Path:
    """A file that all processes of a test see."""
    return Path(os.environ["DEEDS"]) / name


def is_first(deed: str) -> bool:
    """Whether nobody did this before, in any process of the test."""
    try:
        place(f"done {deed}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def created() -> list[str]:
    """Names of nodes, in the order in which their `_create()` began."""
    return place("created").read_text().split() if place("created").exists() else []


def pids() -> list[int]:
    """The processes that created something."""
    return [int(path.name.removeprefix("pid ")) for path in Path(os.environ["DEEDS"]).glob("pid *")]


class Refusal(Exception):
    """Can't be pickled, whatever a library has taught the pickler about exceptions."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number

    def __reduce__(self) -> Any:
        raise TypeError("this one stays where it is")


class Deed(furu.Furu[str]):
    """Does what its field says; the sum of what it needs is its result."""

    name: str
    needs: tuple[furu.Furu[Any], ...] = ()
    deed: str = furu.field(default="", identity=False)
    key: str = furu.field(default="default", identity=False)

    def _executor_spec_key(self) -> str:
        return self.key

    def _create(self) -> str:
        with place("created").open("a") as file:
            file.write(f"{self.name}\n")
        place(f"pid {os.getpid()}").touch()
        if self.deed:
            DEEDS[self.deed](self.name)
        return "".join([need.get() for need in self.needs] + [self.name])


class Undeclared(furu.Furu[str]):
    """Needs something that it doesn't declare."""

    def _create(self) -> str:
        return Deed(name="hidden").get()


class Settled(furu.Furu[str]):
    """Its result is where the store is, and whether failed nodes are computed again."""

    def _create(self) -> str:
        current = config.settings()
        return f"{current.path} {current.retry_failed}"


def _exit(name: str) -> None:
    os._exit(3)


def _exit_once(name: str) -> None:
    if is_first(name):
        os._exit(3)


def _kill_once(name: str) -> None:
    if is_first(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _term_once(name: str) -> None:
    if is_first(name):
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(30)


def _fork_and_kill_once(name: str) -> None:
    """Leave a child that outlives this process, and everything it has open."""
    if is_first(name):
        if os.fork() == 0:
            threading.Event().wait(5)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)


def _fail(name: str) -> None:
    raise ValueError(f"{name} is told to fail")


def _refuse(name: str) -> None:
    raise Refusal("no", 3)


def _wait(name: str) -> None:
    """Until it is interrupted."""
    say(f"creating {name}")
    threading.Event().wait(60)


def _listen(name: str) -> None:
    """Until the test says how to go on."""
    say(f"creating {name}")
    if sys.stdin.readline().strip() == "fail":
        raise ValueError(f"{name} is told to fail")


def _clean_up(name: str) -> None:
    """Until it is interrupted; then takes its time."""
    try:
        _wait(name)
    finally:
        threading.Event().wait(0.5)
        place(f"cleaned {name}").touch()


def _nap(name: str) -> None:
    """Give a worker that starts slowly the time to take another node."""
    threading.Event().wait(0.1)


def _have_children(name: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert [1, 2] == pool.map(abs, [-1, -2])


def _exit_python(name: str) -> None:
    sys.exit(5)


def _await_two(name: str) -> None:
    """Until a second node is here too: so there are two workers at once."""
    place(f"here {name}").touch()
    for _ in range(3000):
        if len(list(Path(os.environ["DEEDS"]).glob("here *"))) > 1:
            return
        threading.Event().wait(0.01)
    raise TimeoutError(name)


def _await_go(name: str) -> None:
    """Until the test says so; says that it is there, on both streams."""
    say(f"creating {name}")
    sys.stderr.write(f"still creating {name}\n")
    for _ in range(3000):
        if place("go").exists():
            return
        threading.Event().wait(0.01)
    raise TimeoutError(name)


def _await_term_of_other(name: str) -> None:
    """Let the test know whom to kill, and wait for it once."""
    if is_first(name):
        place(f"victim {os.getpid()}").touch()
        threading.Event().wait(60)


DEEDS = {
    "exit": _exit,
    "exit once": _exit_once,
    "kill once": _kill_once,
    "term once": _term_once,
    "fork and kill once": _fork_and_kill_once,
    "fail": _fail,
    "refuse": _refuse,
    "wait": _wait,
    "listen": _listen,
    "clean up": _clean_up,
    "nap": _nap,
    "have children": _have_children,
    "exit python": _exit_python,
    "await two": _await_two,
    "await go": _await_go,
    "be a victim once": _await_term_of_other,
}
