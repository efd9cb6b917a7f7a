"""Traces made by hand: what processes could write down, good or bad."""

from __future__ import annotations

from typing import Any, Final

from tests.chaos import history, safety
from tests.chaos.history import History, Stored

BASE: Final = f"data/graph/Leaf/{'a' * 32}"
NODE: Final = "Leaf/3"
T1: Final = f"{'1' * 20}-{'a' * 12}"
T2: Final = f"{'2' * 20}-{'b' * 12}"


class Story:
    """Events of several processes on one clock, which goes on by a tenth of a second with each."""

    def __init__(self) -> None:
        self.now = 100.0
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.store = {BASE: Stored(attempts={f"{T1}.ok": T1}, token=T1)}
        self.outside: list[str] = []
        self._calls = 0

    def note(self, process: str, what: str, /, **facts: Any) -> None:
        """One event of one process."""
        self.now += 0.1
        event = {"at": self.now, "thread": "MainThread", "what": what, **facts}
        self.events.setdefault(process, []).append(event)

    def hello(self, name: str, **facts: Any) -> None:
        """A process begins; its pid is the number in its name."""
        defaults = {"pid": int(name.strip("abcdefghijklmnopqrstuvwxyz")), "role": "worker", "host": "h1"}
        self.note(name, "hello", **{**defaults, "lease_sec": 0.8, "poll_sec": 0.2, **facts})

    def call(self, name: str, kind: str, *paths: str, effect: bool | None = True, is_injected: bool = False) -> None:
        """A step on the disk; with `effect=None` its process died in it."""
        self._calls += 1
        self.note(name, "call", id=self._calls, name=kind, paths=list(paths))
        if effect is not None:
            self.note(name, "done", id=self._calls, effect=effect, errno=5 * is_injected, is_injected=is_injected)

    def get(self, name: str) -> None:
        self.note(name, "get", node=NODE, base=BASE)

    def got(self, name: str, token: str = T1, value: str = "") -> None:
        self.note(name, "got", node=NODE, base=BASE, token=token, value=value or safety.expected(NODE))

    def claim(self, name: str, token: str = T1, *, has_record: bool = True) -> None:
        if has_record:
            self.call(name, "write_new", f"{BASE}/new-{token}/{token}/owner.json")
        self.call(name, "rename", f"{BASE}/new-{token}", f"{BASE}/lock")

    def create(self, name: str, token: str = T1) -> None:
        self.note(name, "create", node=NODE, base=BASE, token=token)

    def created(self, name: str, token: str = T1) -> None:
        self.note(name, "created", node=NODE, base=BASE, token=token, value="")

    def publish(self, name: str, token: str = T1) -> None:
        self.call(name, "link", f"{BASE}/lock/{token}/success.json", f"{BASE}/SUCCESS.json")

    def beat(self, name: str, token: str = T1) -> None:
        self.call(name, "beat", f"{BASE}/lock/{token}/owner.json")

    def end(self, name: str, token: str = T1, ending: str = "ok", **facts: Any) -> None:
        self.call(name, "rename", f"{BASE}/lock/{token}", f"{BASE}/attempts/{token}.{ending}", **facts)

    def idle(self, name: str, leases: tuple[str, ...] = ()) -> None:
        self.note(name, "idle", leases=list(leases))

    def bye(self, name: str) -> None:
        self.note(name, "bye", leases=[])

    def kill(self, pid: int) -> None:
        """The storm kills a process."""
        if "storm0" not in self.events:
            self.hello("storm0", role="storm")
        self.note("storm0", "kill", pid=pid)

    def survive(self, token: str = T1) -> None:
        """Somebody new gets it after all is over."""
        self.hello("survivor99", role="survivor")
        self.get("survivor99")
        self.got("survivor99", token)
        self.bye("survivor99")

    def compute(self, name: str, token: str = T1) -> None:
        """All that a healthy owner does."""
        self.get(name)
        self.claim(name, token)
        self.create(name, token)
        self.created(name, token)
        self.publish(name, token)
        self.end(name, token)
        self.got(name, token)
        self.idle(name)

    def history(self) -> History:
        """As the checker sees it."""
        found = history.of(self.events)
        found.store, found.outside = self.store, self.outside
        return found


def good() -> Story:
    """One computes, another loads, nothing goes wrong."""
    story = Story()
    story.hello("w1")
    story.compute("w1")
    story.hello("w2", host="h2")
    story.get("w2")
    story.got("w2")
    story.bye("w1")
    story.bye("w2")
    story.survive()
    return story
