"""What is recorded up to the power cut, what was promised by then, and what must hold of whatever survives."""

from __future__ import annotations

import contextlib
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.compute import render_identity
from furu.lifecycle.lease import THIS_PROCESS
from furu.storage.atomic import Disk
from furu.storage.process import ProcessIdentity, this_process
from tests.power_loss.recording import Recording, recording
from tests.support.disks import working_through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.power_loss.surviving import Tree

_TURNS: Final = itertools.count()


class Small(furu.Furu[str]):
    """Lies in SUCCESS.json; no two computations give the same."""

    key: int = 0

    def _create(self) -> str:
        return f"small {self.key} {next(_TURNS)}"


class Large(furu.Furu[list[str]]):
    """Lies beside the record, written by a codec."""

    def _create(self) -> list[str]:
        return [f"large {next(_TURNS)}"] * 9000


class Files(furu.Furu[str]):
    """Files in nested directories; each names the attempt that wrote it."""

    def _create(self) -> str:
        directory = self.furu_dir
        for name in ("a", "one/b", "one/two/c"):
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(directory.name * 3)
        return directory.name

    def _load(self) -> str:
        directory = self.furu_dir
        for name in ("a", "one/b", "one/two/c"):
            assert directory.name * 3 == (directory / name).read_text(), f"{name} is not whole"
        return directory.name


class Report(furu.Furu[str]):
    """Computes what it needs."""

    small: Small
    files: Files

    def _create(self) -> str:
        return f"{self.small.get()} {self.files.get()}"


class Continued(furu.Furu[str], resumable=True):
    """Fails in its first attempt, and goes on in its files in the second."""

    def _create(self) -> str:
        path = self.furu_dir / "steps"
        steps = path.read_text() if path.exists() else ""
        path.write_text("first ")
        if not steps:
            raise RuntimeError("only half done")
        path.write_text("first second")
        return "first second"


Promise = "Callable[[], list[str]]"


@dataclass(frozen=True)
class Step:
    """Something is done, and from then on something is promised.

    Attributes:
        action: what is done; what it gives is handed to `promise`.
        promise: checks what survived; a sentence for each thing that is wrong.
        is_kept_meanwhile: what was promised before holds until the action has returned.
    """

    action: Callable[[], Any]
    promise: Callable[[Any], list[str]]
    is_kept_meanwhile: bool = True


@dataclass(frozen=True)
class Scenario:
    """Steps; and the configs whose `get()` must find or make a right result in whatever survives."""

    steps: tuple[Step, ...]
    configs: tuple[furu.Furu[Any], ...]


def computed_again(config: furu.Furu[Any]) -> Any:
    """Replace the published result."""
    with furu.using(always_rerun={f"{type(config).__module__}.{type(config).__qualname__}"}):
        return config.get()


def failing(config: furu.Furu[Any]) -> None:
    """An attempt that fails."""
    with contextlib.suppress(RuntimeError):
        config.get()


def stored(*configs: furu.Furu[Any]) -> Callable[[Any], list[str]]:
    """The first one's result is the one that was given, and all of them are on record."""

    def check(given: Any) -> list[str]:
        missing = [config for config in configs if not config.exists()]
        if missing:
            return [f"{config} is lost" for config in missing]
        wrong = [f"{configs[0]} is another one"] if configs[0].get() != given else []
        return wrong + [f"config.json of {config} is lost" for config in configs if not is_recorded(config)]

    return check


def is_recorded(config: furu.Furu[Any]) -> bool:
    """Whether config.json is there and whole."""
    content = THIS_PROCESS.disk.read(artifact_paths(config).config)
    return content is not None and content == render_identity(config)


def gone(config: furu.Furu[Any]) -> Callable[[Any], list[str]]:
    """There is no result."""
    return lambda _given: [f"{config} is back"] if config.exists() else []


def aliased(own: furu.Furu[Any], of: furu.Furu[Any]) -> Callable[[Any], list[str]]:
    """The alias stands for its original."""

    def check(_given: Any) -> list[str]:
        if not own.exists() or not of.exists():
            return [f"{own if of.exists() else of} is lost"]
        return [] if own.get() == of.get() and is_recorded(own) else [f"{own} is not what it stands for"]

    return check


def annotated(what: str, *, is_pinned: bool, tags: int = 0) -> Callable[[Any], list[str]]:
    """That is what is said of `A`; with a tag, it has a result as well."""

    def check(_given: Any) -> list[str]:
        found = furu.annotations_of(A)
        is_so = found.is_pinned is is_pinned and len(found.tags) >= tags and A.exists() >= bool(tags)
        return [] if is_so else [f"{A} is not {what} any more"]

    return check


def nothing(_given: Any) -> list[str]:
    """Nothing is promised."""
    return []


def undo_last(given: list[str]) -> None:
    """Take the migration back that `given` names."""
    furu.undo_migration(given[-1])


_MIGRATIONS: Final[list[str]] = []


def migrate(source: furu.Furu[Any], target: furu.Furu[Any]) -> None:
    """Make an alias."""
    answer = furu.migrate(source, target)
    assert answer.id is not None
    _MIGRATIONS.append(answer.id)


A, B, C = Small(), Small(key=1), Small(key=2)
_REPORT: Final = Report(small=A, files=Files())

SCENARIOS: Final = {
    "small": Scenario((Step(A.get, stored(A)),), (A,)),
    "two of a class": Scenario((Step(A.get, stored(A)), Step(B.get, stored(B))), (A, B)),
    "large": Scenario((Step(Large().get, stored(Large())),), (Large(),)),
    "files": Scenario((Step(Files().get, stored(Files())),), (Files(),)),
    "nested": Scenario((Step(_REPORT.get, stored(_REPORT, A, Files())),), (_REPORT, A, Files())),
    "replaced": Scenario(
        (
            Step(Files().get, lambda _given: [] if Files().exists() else ["lost"]),
            Step(lambda: computed_again(Files()), stored(Files())),
        ),
        (Files(),),
    ),
    "replaced small": Scenario(
        (
            Step(A.get, lambda _given: [] if A.exists() else ["lost"]),
            Step(lambda: computed_again(A), stored(A)),
        ),
        (A,),
    ),
    "resumed": Scenario(
        (Step(lambda: failing(Continued()), nothing), Step(Continued().get, stored(Continued()))), (Continued(),)
    ),
    "deleted": Scenario(
        (
            Step(Files().get, stored(Files())),
            Step(Files().delete, gone(Files()), is_kept_meanwhile=False),
            Step(Files().get, stored(Files()), is_kept_meanwhile=False),
        ),
        (Files(),),
    ),
    "alias": Scenario(
        (
            Step(A.get, stored(A)),
            Step(lambda: migrate(A, B), aliased(B, A)),
            Step(lambda: undo_last(_MIGRATIONS), gone(B), is_kept_meanwhile=False),
        ),
        (A, B),
    ),
    "annotated": Scenario(
        (
            Step(lambda: furu.pin(A, "for the paper"), annotated("pinned", is_pinned=True)),
            Step(lambda: (A.get(), furu.tag(A, "paper")), annotated("pinned and tagged", is_pinned=True, tags=1)),
            Step(lambda: furu.unpin(A), annotated("tagged", is_pinned=False, tags=1), is_kept_meanwhile=False),
        ),
        (A,),
    ),
    "alias in the place of a failure": Scenario(
        (
            Step(A.get, stored(A)),
            Step(lambda: _fail_once(C), nothing),
            Step(lambda: migrate(A, C), aliased(C, A)),
        ),
        (A, C),
    ),
}


def _fail_once(config: Small) -> None:
    def fail(_self: Small) -> str:
        raise RuntimeError("not this time")

    real, Small._create = Small._create, fail  # type: ignore[method-assign]
    try:
        failing(config)
    finally:
        Small._create = real  # type: ignore[method-assign]


def record(scenario: Scenario, top: Path, *, fsync: bool = True, **options: Any) -> Recording:
    """Do it below `top`, and keep every moment."""
    with furu.using(path=top / "store", fsync=fsync), recording(top, **options) as seen:
        seen.step("begun")
        for step in scenario.steps:
            if not step.is_kept_meanwhile:
                seen.holds = None
            given = step.action()
            seen.holds = _bound(step, given)
            seen.step("returned")
    return seen


def _bound(step: Step, given: Any) -> Callable[[], list[str]]:
    return lambda: step.promise(given)


class LaterDisk(Disk):
    """The real one, whose clock goes on as fast as somebody waits."""

    def __init__(self) -> None:
        self._now_sec = 0.0

    def now(self) -> float:
        return self._now_sec

    def sleep(self, seconds: float) -> None:
        self._now_sec += max(seconds, 10.0)


def _after_reboot() -> ProcessIdentity:
    return replace(this_process(), machine="m", boot="after the power cut", pid=1, started="1")


@contextmanager
def rebooted() -> Iterator[None]:
    """This process is another one, that began after the power cut."""
    before, THIS_PROCESS.identity = THIS_PROCESS.identity, _after_reboot
    try:
        with working_through(LaterDisk()):
            yield
    finally:
        THIS_PROCESS.identity = before


def build(tree: Tree, top: Path) -> None:
    """Put what survived on a real disk."""
    top.mkdir(parents=True)
    for name, content in tree.items():
        if content is None:
            (top / name).mkdir()
        else:
            (top / name).write_bytes(content)


def judge(scenario: Scenario, holds: Callable[[], list[str]] | None, top: Path) -> list[str]:
    """What is wrong with what survived: a promise broken, a wrong result, or one that nobody can make again."""
    problems: list[str] = []
    with furu.using(path=top / "store", fsync=False), rebooted():
        try:
            problems += holds() if holds is not None else []
        except Exception as error:
            problems.append(f"promised, and {error!r}")
        for config in scenario.configs:
            problems += _heal(config)
        try:
            furu.refs()
        except Exception as error:
            problems.append(f"refs: {error!r}")
    return problems


def _heal(config: furu.Furu[Any]) -> list[str]:
    for _ in range(2):  # an interrupted computation may go on and fail as it did before
        try:
            value = config.get()
        except RuntimeError:
            continue
        except Exception as error:
            return [f"get of {config}: {error!r}"]
        return [] if _is_right(config, value) else [f"get of {config} gives {json.dumps(value)[:80]}"]
    return [f"get of {config} fails again and again"]


def _is_right(config: furu.Furu[Any], value: Any) -> bool:
    if isinstance(config, Small):
        return value.split()[0] == "small" and value.split()[2].isdecimal()
    if isinstance(config, Large):
        return len(value) == 9000 and len(set(value)) == 1
    if isinstance(config, Files):
        return value == config.furu_dir.name == config._load()
    if isinstance(config, Report):
        return value.startswith("small 0 ")
    return value == "first second"
