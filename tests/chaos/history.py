"""What happened in a storm, as far as traces and the store tell: processes, attempts, gets, wipes.

Nothing of furu is imported here or in `invariants`: names on disk and the values of the graph are said a second time,
so that a mistake in furu can't excuse itself.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos import traces

_TOKEN: Final = r"[0-9]{20}-[0-9a-f]{12}"
_CLAIM: Final = re.compile(rf"(?P<base>.+)/new-(?P<token>{_TOKEN}) (?P=base)/lock")
_END: Final = re.compile(rf"(?P<base>.+)/lock/(?P<token>{_TOKEN}) (?P=base)/attempts/(?P=token)\.(?P<ending>\w+)")
_PUBLISH: Final = re.compile(
    rf"(?P<base>.+)/lock/(?P<token>{_TOKEN})/(success|withdrawn)\.json (?P=base)/SUCCESS\.json"
)
_WITHDRAW: Final = re.compile(rf"(?P<base>.+)/SUCCESS\.json (?P=base)/lock/(?P<token>{_TOKEN})/withdrawn\.json")
_ADOPT: Final = re.compile(rf"(?P<base>.+)/files/(?P<source>{_TOKEN}) (?P=base)/files/(?P<token>{_TOKEN})")
_BEAT: Final = re.compile(rf"(?P<base>.+)/lock/(?P<token>{_TOKEN})/owner\.json")
_RECORD: Final = re.compile(rf"(?P<base>.+)/new-(?P<token>{_TOKEN})/(?P=token)/owner\.json")
NEVER: Final = math.inf
WIPED: Final = ("Wiped", "Cramped")
"""Classes whose artifacts are deleted in a storm, so that another result may come."""


@dataclass
class Process:
    """A process: who it was and how it ended."""

    name: str
    pid: int = 0
    role: str = "worker"
    host: str = ""
    lease_sec: float = 1.0
    poll_sec: float = 1.0
    is_cached: bool = False
    forked_from: str | None = None
    began: float = 0.0
    killed_at: float = NEVER
    code: int | None = None
    has_left: bool = False
    stops: list[tuple[float, float]] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)
    injected: list[tuple[float, str]] = field(default_factory=list)
    idle: list[tuple[float, str, list[str]]] = field(default_factory=list)


@dataclass
class Call:
    """A step on the disk. `effect` is None where its process died before it could tell."""

    process: Process
    thread: str
    at: float
    name: str
    paths: list[str]
    done: float = NEVER
    effect: bool | None = None
    errno: int = 0
    is_injected: bool = False
    ending: str = ""

    @property
    def may_have_happened(self) -> bool:
        return self.effect is not False


@dataclass
class Attempt:
    """All that is known of one token."""

    token: str
    base: str
    claim: Call | None = None
    record: Call | None = None
    beats: list[Call] = field(default_factory=list)
    ends: list[Call] = field(default_factory=list)
    publishes: list[Call] = field(default_factory=list)
    withdrawals: list[Call] = field(default_factory=list)
    adoptions: list[tuple[Call, str]] = field(default_factory=list)
    creates: list[tuple[float, Process]] = field(default_factory=list)
    created_at: float = NEVER
    failed_at: float = NEVER

    @property
    def owner(self) -> Process | None:
        return self.claim.process if self.claim else None

    @property
    def over_at(self) -> float:
        """When it was certainly ended, by whomever."""
        return min((call.done for call in self.ends if call.effect), default=NEVER)


@dataclass
class Get:
    """One `get()`, from its call to its end."""

    process: Process
    thread: str
    node: str
    base: str
    at: float
    is_outermost: bool
    end: float = NEVER
    token: str | None = None
    value: str | None = None
    raised: str | None = None
    text: str = ""
    errno: int = 0


@dataclass
class Stored:
    """An artifact's directory after the storm."""

    holders: list[str] = field(default_factory=list)
    attempts: dict[str, str | None] = field(default_factory=dict)
    token: str | None = None
    is_damaged: bool = False
    files: str = ""


@dataclass
class History:
    """Everything."""

    processes: dict[str, Process] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    gets: list[Get] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    wipes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    store: dict[str, Stored] = field(default_factory=dict)
    continued: int = 0
    outside: list[str] = field(default_factory=list)

    def attempts_at(self, base: str) -> list[Attempt]:
        """The attempts at an artifact, in the order of their claims."""
        found = [attempt for attempt in self.attempts.values() if attempt.base == base and attempt.claim]
        return sorted(found, key=lambda attempt: attempt.claim.at if attempt.claim else NEVER)

    def by_base(self) -> dict[str, list[Attempt]]:
        """`attempts_at` of all artifacts."""
        found: dict[str, list[Attempt]] = {}
        for attempt in self.attempts.values():
            if attempt.claim:
                found.setdefault(attempt.base, []).append(attempt)
        for attempts in found.values():
            attempts.sort(key=lambda attempt: attempt.claim.at if attempt.claim else NEVER)
        return found

    def is_wiped(self, base: str, since: float, until: float) -> bool:
        """Whether the artifact's directory was, or was being, deleted in that time."""
        return any(done >= since and at <= until for at, done in self.wipes.get(base, ()))


def kind(base: str) -> str:
    """The class of an artifact."""
    return base.split("/")[-2]


def is_replaced(base: str) -> bool:
    """Whether an artifact may come to have another result in a storm."""
    return kind(base) in (*WIPED, "Renewed")


def held(history: History, attempt: Attempt) -> tuple[float, float] | None:
    """When its name certainly was in the lock; None if nobody can say."""
    if attempt.claim is None or not attempt.claim.effect:
        return None
    ends = [call.at for call in attempt.ends if call.may_have_happened]
    wipes = [at for at, done in history.wipes.get(attempt.base, ()) if done >= attempt.claim.at]
    return attempt.claim.done, min([*ends, *wipes], default=NEVER)


def read(directory: str, top: str) -> History:
    """What is below `directory/traces`, and in the stores below `top`."""
    history = of(traces.read(f"{directory}/traces"))
    for base in sorted({get.base for get in history.gets} | {each.base for each in history.attempts.values()}):
        history.store[base] = look(Path(top, base))
    history.outside = [*os.listdir(f"{directory}/outside"), *(["imported"] * os.path.exists(f"{directory}/imported"))]
    return history


def look(base: Path) -> Stored:
    """What lies in an artifact's directory, and whether the files of its result are whole and of its attempt."""
    stored = Stored(holders=_names(base / "lock"))
    for name in _names(base / "attempts"):
        stored.attempts[name] = _token_in(base / "attempts" / name / "owner.json")
    if (base / "SUCCESS.json").exists():
        stored.token = _token_in(base / "SUCCESS.json")
        stored.is_damaged = stored.token is None
        if stored.token is not None and kind(str(base)) not in ("Small", "Root"):
            stored.files = _judge_files(base, stored.token)
    return stored


def _judge_files(base: Path, token: str) -> str:
    """What is wrong with the files of a result; empty if nothing is."""
    data = json.loads((base / "SUCCESS.json").read_text())["data"]
    directory = base / "files" / str(data)
    shared = base / "files" / "shared"  # where a broken variant puts them
    directory = directory if directory.exists() or not shared.exists() else shared
    wanted = ["steps", "b"] if kind(str(base)) == "Steps" else ["a", "b"]
    try:
        texts = [(directory / name).read_text() for name in wanted]
    except OSError as error:
        return f"a file is missing: {error}"
    for name, text in zip(wanted, texts, strict=True):
        if name != "steps" and (text.split()[:1] != [token] or not text.endswith("\n")):
            return f"{name} is of another attempt, or cut off: {text!r}"
    if "a" in wanted and texts[0] != texts[1]:
        return f"two attempts: {texts}"
    return ""


def _names(path: Path) -> list[str]:
    return sorted(os.listdir(path)) if path.is_dir() and not path.is_symlink() else []


def _token_in(path: Path) -> str | None:
    try:
        token: str = json.loads(path.read_text())["token"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return token


def of(events_of: dict[str, list[dict[str, Any]]]) -> History:
    """The history that traces tell, given by name."""
    history = History()
    for name, events in events_of.items():
        _Reader(history, name).read(events)
    pids: dict[int, list[Process]] = {}
    for process in history.processes.values():
        pids.setdefault(process.pid, []).append(process)
    for events in events_of.values():
        for event in events:
            if "pid" in event and event["what"] != "hello":
                _torment(pids.get(event["pid"], []), event)
    history.gets.sort(key=lambda get: get.at)
    return history


def _torment(candidates: list[Process], event: dict[str, Any]) -> None:
    """What the storm did to a process: the youngest of that pid that was there already."""
    born = [each for each in candidates if each.began <= event["at"] and each.role != "storm"]
    if not born:
        return
    process = max(born, key=lambda each: each.began)
    match event["what"].split():
        case ["kill"]:
            process.killed_at = min(process.killed_at, event["at"])
        case ["stop"]:
            process.stops.append((event["at"], NEVER))
        case ["woken"] if process.stops:
            process.stops[-1] = (process.stops[-1][0], event["at"])
        case ["ended", code]:
            process.code = int(code)


class _Reader:
    """Reads one process's trace into the history."""

    def __init__(self, history: History, name: str) -> None:
        self.history = history
        self.process = history.processes.setdefault(name, Process(name))
        self.open_calls: dict[int, Call] = {}
        self.open_gets: dict[str, list[Get]] = {}

    def read(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            handler = getattr(self, f"_{event['what'].split()[0]}", None)
            if handler is not None:
                handler(event)

    def _attempt(self, match: re.Match[str]) -> Attempt:
        return self.history.attempts.setdefault(match["token"], Attempt(match["token"], match["base"]))

    def _hello(self, event: dict[str, Any]) -> None:
        known = {name: value for name, value in event.items() if name in Process.__dataclass_fields__}
        vars(self.process).update(known, began=event["at"])

    def _bye(self, event: dict[str, Any]) -> None:
        self.process.has_left = True
        self._idle(event)

    def _idle(self, event: dict[str, Any]) -> None:
        self.process.idle.append((event["at"], event["thread"], event["leases"]))

    def _jump(self, event: dict[str, Any]) -> None:
        self.process.jumps.append((event["at"], event["sec"]))

    def _failing(self, event: dict[str, Any]) -> None:
        self.process.injected.append((event["at"], event["thread"]))

    def _wipe(self, event: dict[str, Any]) -> None:
        self.history.wipes.setdefault(event["base"], []).append((event["at"], NEVER))

    def _wiped(self, event: dict[str, Any]) -> None:
        wipes = self.history.wipes[event["base"]]
        latest = max(index for index, (at, done) in enumerate(wipes) if done == NEVER and at <= event["at"])
        wipes[latest] = (wipes[latest][0], event["at"])

    def _continued(self, event: dict[str, Any]) -> None:
        self.history.continued += 1

    def _call(self, event: dict[str, Any]) -> None:
        call = Call(self.process, event["thread"], event["at"], event["name"], event["paths"])
        self.open_calls[event["id"]] = call
        self.history.calls.append(call)
        text = " ".join(call.paths)
        if call.name == "rename" and (match := _CLAIM.fullmatch(text)):
            self._attempt(match).claim = call
        elif call.name == "rename" and (match := _END.fullmatch(text)):
            call.ending = match["ending"]
            self._attempt(match).ends.append(call)
        elif call.name in ("rename", "link") and (match := _PUBLISH.fullmatch(text)):
            self._attempt(match).publishes.append(call)
        elif call.name == "rename" and (match := _WITHDRAW.fullmatch(text)):
            self._attempt(match).withdrawals.append(call)
        elif call.name == "rename" and (match := _ADOPT.fullmatch(text)):
            self._attempt(match).adoptions.append((call, match["source"]))
        elif call.name == "beat" and (match := _BEAT.fullmatch(text)):
            self._attempt(match).beats.append(call)
        elif call.name == "write_new" and (match := _RECORD.fullmatch(text)):
            self._attempt(match).record = call

    def _done(self, event: dict[str, Any]) -> None:
        call = self.open_calls.pop(event["id"])
        call.done, call.effect = event["at"], event["effect"]
        call.errno, call.is_injected = event["errno"], event["is_injected"]
        if call.is_injected:
            self.process.injected.append((event["at"], event["thread"]))

    def _get(self, event: dict[str, Any]) -> None:
        stack = self.open_gets.setdefault(event["thread"], [])
        get = Get(self.process, event["thread"], event["node"], event["base"], event["at"], is_outermost=not stack)
        stack.append(get)
        self.history.gets.append(get)

    def _got(self, event: dict[str, Any]) -> None:
        get = self.open_gets[event["thread"]].pop()
        get.end, get.token, get.value = event["at"], event["token"], event["value"]

    def _raised(self, event: dict[str, Any]) -> None:
        get = self.open_gets[event["thread"]].pop()
        get.end, get.raised, get.text, get.errno = event["at"], event["type"], event["text"], event["errno"]

    def _create(self, event: dict[str, Any]) -> None:
        attempt = self.history.attempts.setdefault(event["token"], Attempt(event["token"], event["base"]))
        attempt.creates.append((event["at"], self.process))

    def _created(self, event: dict[str, Any]) -> None:
        self.history.attempts[event["token"]].created_at = event["at"]

    def _failed(self, event: dict[str, Any]) -> None:
        self.history.attempts[event["token"]].failed_at = event["at"]
