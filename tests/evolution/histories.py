"""Classes with a past that is nowhere but in their `_migrations` and in the store."""

from __future__ import annotations

import enum
from typing import Any

import furu
from furu.evolution import Add, Drop, Inside, Map, MovedType, Rename
from tests.support import computed


class Optimizer(enum.Enum):
    """Was in another module."""

    SGD = "sgd"
    ADAM = "adam"


class Data(furu.Furu[str], name="evolved/data"):
    """Was `Dataset`."""

    size: int = 200
    shuffled: bool = False

    _migrations = (
        furu.Migration(from_class="evolved.old.Dataset", steps=[Rename("n", "size")]),
        furu.Migration(steps=[Add("shuffled", False)]),
    )

    def _create(self) -> str:
        computed.note("create data")
        return "new data"


class Train(furu.Furu[str], name="evolved/train", version="3"):
    """Has a bit of every kind of change behind it."""

    data: Data
    lr: float = 0.1
    optimizer: Optimizer = Optimizer.ADAM
    more: dict[str, frozenset[Data]] = furu.field(default_factory=dict)
    workers: int = furu.field(default=4, identity=False)
    momentum: float = furu.field(default=0.0, identity="unless-default")

    _migrations = (
        furu.Migration(
            from_class="evolved.old.Train",
            from_version=None,
            to_version="2",
            steps=[
                Rename("learning_rate", "lr"),
                Drop("verbose", only_if=False),
                MovedType("evolved.old:Optimizer", Optimizer),
            ],
        ),
        furu.Migration(from_version="2", to_version="3", steps=[Add("more", {})]),
    )

    def _create(self) -> str:
        computed.note("create train")
        return "new train"


class Report(furu.Furu[str], name="evolved/report"):
    """Never changed itself."""

    trains: list[Train]

    def _create(self) -> str:
        computed.note("create report")
        return "new report"


class Ambiguous(furu.Furu[str], name="evolved/ambiguous"):
    """Its history can't tell what a value meant."""

    kind: str
    extra: int = 0

    _migrations = (
        furu.Migration(steps=[Map("kind", {"a": "b", "b": "a"})]),
        furu.Migration(steps=[Add("extra", 0)]),
    )

    def _create(self) -> str:
        return "new"


class Typed(furu.Furu[str], name="evolved/typed"):
    """A field has another type now."""

    lr: float = 1.0

    def _create(self) -> str:
        return "new"


class Mapped(furu.Furu[str], name="evolved/mapped"):
    """A field has another type now, and says so; results of many old values stand for one."""

    lr: float = 1.0

    _migrations = (furu.Migration(from_class="evolved.old.Mapped", steps=[Map("lr", lambda lr: float(abs(lr)))]),)

    def _create(self) -> str:
        return "new"


class Counted(furu.Furu[str], name="evolved/counted"):
    """A field has become part of the identity."""

    threads: int = 1

    def _create(self) -> str:
        return "new"


class Stated(furu.Furu[str], name="evolved/stated"):
    """As `Counted`, and says what old results were made with."""

    threads: int = 1

    _migrations = (furu.Migration(steps=[Drop("threads", only_if=lambda _: True), Add("threads", 8)]),)

    def _create(self) -> str:
        return "new"


class Declares(furu.Furu[str], name="evolved/declares"):
    """Needs a config that is in none of its fields."""

    size: int = 1

    _migrations = (furu.Migration(from_class="evolved.old.Declares"),)

    def _dependencies(self) -> Any:
        return Data(size=self.size)

    def _create(self) -> str:
        return "new"


class Reads(furu.Furu[str], name="evolved/reads"):
    """Has no `_load()` any more, or never had one."""

    _migrations = (furu.Migration(from_class="evolved.old.Reads"),)

    def _create(self) -> str:
        return "new"


class Nested(furu.Furu[str], name="evolved/nested"):
    """Holds a plain dataclass's fields."""

    rates: dict[str, float] = furu.field(default_factory=dict)
    kind: Any = None

    _migrations = (furu.Migration(from_class="evolved.old.Nested", steps=[Inside("kind", [Drop("x", only_if=1)])]),)

    def _create(self) -> str:
        return "new"


class Strict(furu.Furu[str], name="evolved/strict"):
    """Refuses some values."""

    size: int = 1

    _migrations = (furu.Migration(from_class="evolved.old.Strict"),)

    def __post_init__(self) -> None:
        if self.size > 5:
            raise RuntimeError("too large")

    def _create(self) -> str:
        return "new"


class Optional(furu.Furu[str], name="evolved/optional"):
    """The default of a field that is left out of the hash while it has it was 0.0 once."""

    size: int = 1
    momentum: float = furu.field(default=0.5, identity="unless-default")

    def _create(self) -> str:
        return "new"
