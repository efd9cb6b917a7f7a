"""A gc, and an undo, that are killed at each call. Runs in a process of its own: `run_fresh(...)`."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import furu
from furu import clock
from furu.errors import FuruError
from furu.gc.facts import Rules
from furu.gc.journal import read_journal, tokens
from furu.gc.plan import Plan, carry_out, finish, make_plan
from furu.gc.trash import empty, give_back
from furu.index.query import parse
from tests.support.computed import RAISES, Filed, Value
from tests.support.disks import Fault, FaultyDisk, NumberedDisk, working_through
from tests.support.fresh import exit_code, fork
from tests.support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable

FILED = Filed(name="f")
FAILED = Filed(name="failing")
NUMBER = Value(name="a", value=3)
RULES = {"grace_sec": 0.0, "keep_tags": frozenset({"never"})}


_LEFT = re.compile(r"/new-|/lock/[^/]*/owner\.json$|\.(crashed|noop)/(owner|success)\.json$|\.tmp$")


def prepare(root: str) -> dict[str, bytes]:
    """A store with files, a failure, a config that nobody needs and an old run; its tree."""
    FILED.get()
    NUMBER.get()
    furu.tag(FILED, "x")
    RAISES["create failing"] = ValueError("no")
    try:
        FAILED.get()
    except ValueError:
        RAISES.clear()
    furu.tag(Value(name="bare"), "y")
    furu.untag(Value(name="bare"), "y")
    os.makedirs(f"{root}/runs/20230101T000000-00000000")
    for name in ("events-h-1.jsonl", ""):
        path = f"{root}/runs/20230101T000000-00000000/{name}"
        if name:
            Path(path).write_text("{}\n")
        os.utime(path, (1.0, 1.0))
    return state(root)


def state(root: str) -> dict[str, bytes]:
    """What matters below a root: without the trash, and without what any killed owner may leave."""
    return {
        name: content
        for name, content in tree(Path(root)).items()
        if not name.startswith("trash/") and not _LEFT.search(name)
    }


def plan(root: str) -> Plan:
    """All that may go."""
    return make_plan(root, parse(""), Rules(now=clock.unix() + 1, **RULES), (), run_sec=0.0)  # type: ignore[arg-type]


def resume(root: str) -> list[str]:
    """Whatever was begun, go on with it."""
    return [f"{name}: {why}" for token in tokens(root) for name, why in _each(root, token, finish).items()]


def undo(root: str) -> list[str]:
    """Whatever was begun, put it back."""
    return [f"{name}: {why}" for token in tokens(root) for name, why in _each(root, token, give_back).items()]


def _each(root: str, token: str, action: Callable[[Any], dict[str, str]]) -> dict[str, str]:
    try:
        return action(read_journal(root, token))
    except FuruError:  # killed before there was a journal, so nothing was moved
        empty(root, [token])
        return {}


_LOOKING = ("list_directory", "read", "read_beaten", "is_real_directory", "sync_file", "beat")


def changing(calls: list[str]) -> list[tuple[int, str]]:
    """The calls that change something, with their numbers: between two of them it is all one when the kill comes."""
    return [(at, call) for at, call in enumerate(calls, 1) if call.split()[1] not in _LOOKING]


def calls_of(root: str, prepared: Callable[[], object], act: Callable[[], object]) -> list[str]:
    """The calls of a run in which nothing goes wrong."""
    disk = NumberedDisk()
    with furu.using(path=root):
        prepared()
        with working_through(disk):
            act()
    return [str(call) for call in disk.calls]


def kill_taking(top: str, then: str) -> dict[str, Any]:
    """SIGKILL at each call of a gc; then resumed and undone, undone at once, or computed anew."""
    os.environ["FURU_INDEX_DIR"] = f"{top}/index"
    calls = calls_of(f"{top}/count", lambda: prepare(f"{top}/count"), lambda: carry_out(plan(f"{top}/count")))
    problems = []
    for at, call in changing(calls):
        root = f"{top}/{at}"
        with furu.using(path=root):
            before = prepare(root)
            with working_through(FaultyDisk(at, Fault("kill"))):
                status = exit_code(fork(lambda root=root: carry_out(plan(root))))  # type: ignore[misc]
            found = [] if status == -signal.SIGKILL else [f"status {status}"]
            if then == "get":
                found += _computed_anew(root)
            else:
                found += resume(root) if then == "resume" else []
                found += undo(root)
                found += _differences(before, state(root))
                found += [f"{token} is left" for token in tokens(root)]
        problems += [f"{call}: {problem}" for problem in found]
    return {"calls": calls, "problems": problems}


def kill_undoing(top: str) -> dict[str, Any]:
    """SIGKILL at each call of an undo, which is called again then."""
    os.environ["FURU_INDEX_DIR"] = f"{top}/index"

    def taken(root: str) -> dict[str, bytes]:
        before = prepare(root)
        carry_out(plan(root))
        return before

    calls = calls_of(f"{top}/count", lambda: taken(f"{top}/count"), lambda: undo(f"{top}/count"))
    problems = []
    for at, call in changing(calls):
        root = f"{top}/{at}"
        with furu.using(path=root):
            before = taken(root)
            with working_through(FaultyDisk(at, Fault("kill"))):
                exit_code(fork(lambda root=root: undo(root)))  # type: ignore[misc]
            found = undo(root) + _differences(before, state(root))
            found += [] if FILED.exists() and NUMBER.exists() else ["a result is not back"]
        problems += [f"{call}: {problem}" for problem in found]
    return {"calls": calls, "problems": problems}


def _computed_anew(root: str) -> list[str]:
    """`get()` finds its way at once, and what was taken can't take the new result's place."""
    values = (FILED.get().removeprefix("created ").removeprefix("loaded "), NUMBER.get())
    found = [] if values == ("f", 3) else [f"values {values}"]
    published = {name: content for name, content in state(root).items() if name.endswith("SUCCESS.json")}
    undo(root)
    after = state(root)
    return found + [f"{name} was replaced" for name, content in published.items() if after.get(name) != content]


def _differences(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    lost = [f"lost {name}" for name in before.keys() - after.keys()]
    new = [f"new {name}" for name in after.keys() - before.keys()]
    return lost + new + [f"other {name}" for name in before.keys() & after.keys() if before[name] != after[name]]
