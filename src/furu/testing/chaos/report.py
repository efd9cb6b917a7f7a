"""Rounds compared: how often what was computed, whether the results are the same, and what to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from furu.testing.chaos.evidence import Round

_MANY: Final = 5


@dataclass
class ClassReport:
    """The artifacts of one class, over all tormented rounds.

    Attributes:
        endings: how attempts ended, and how often.
        resumed: how many attempts went on in the files of an earlier one.
        different: what was not as in the first calm round, with an example of where.
        unsteady: what differed between the two calm rounds already.
        missing: artifacts that were not published.
    """

    endings: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    different: dict[str, str] = field(default_factory=dict)
    unsteady: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    @property
    def verdict(self) -> str:
        """One word or two on its results."""
        if self.missing:
            return "MISSING"
        if self.different:
            return "DIFFERENT"
        return "equal where they ever are" if self.unsteady else "equal"


class Report:
    """What all rounds together show.

    Attributes:
        classes: by namespace.
        errors: what workers raised, with tracebacks.
        outside: files written in place outside of furu_dir.
        is_good: nothing is wrong; files outside are a warning.
    """

    def __init__(self, calm: Sequence[Round], storms: Sequence[Round]) -> None:
        self.calm = calm
        self.storms = storms
        self.classes: dict[str, ClassReport] = {}
        self.errors: dict[str, str] = {}
        self.outside: Counter[tuple[str, str]] = Counter()
        for each in (*calm, *storms):
            self.errors.update(each.errors)
            self.outside.update(each.outside)
        if calm:
            self._compare_calm()
        for storm in storms:
            self._compare(storm)

    @property
    def is_good(self) -> bool:
        bad = [each for each in self.classes.values() if each.different or each.missing]
        rounds = (*self.calm, *self.storms)
        return not (bad or self.errors or any(each.is_stuck or each.broken for each in rounds))

    def _of(self, kind: str) -> ClassReport:
        return self.classes.setdefault(kind, ClassReport())

    def _compare_calm(self) -> None:
        first, *others = self.calm
        for name, artifact in first.artifacts.items():
            report = self._of(artifact.kind)
            for other in others:
                if name in other.artifacts:
                    report.unsteady.update(artifact.differences(other.artifacts[name]))
            if artifact.result is None and artifact.endings:
                report.missing.add(name)

    def _compare(self, storm: Round) -> None:
        for kind, times in storm.resumed.items():
            self._of(kind).resumed += times
        for name, expected in self.calm[0].artifacts.items():
            report, found = self._of(expected.kind), storm.artifacts.get(name)
            if found is not None:
                report.endings.update(found.endings)
            if expected.result is None:
                continue
            if found is None or found.result is None:
                report.missing.add(name)
                continue
            for difference in expected.differences(found):
                if difference not in report.unsteady:
                    report.different.setdefault(difference, name)

    def lines(self) -> Iterator[str]:
        """The report, for people."""
        kills, stops = sum(each.kills for each in self.storms), sum(each.stops for each in self.storms)
        calm_sec = self.calm[0].took_sec
        artifacts = sum(artifact.result is not None for artifact in self.calm[0].artifacts.values())
        yield f"{artifacts} artifacts; undisturbed they took {calm_sec:.1f} s"
        yield f"{len(self.storms)} rounds under {kills} kills and {stops} stops"
        yield ""
        yield f"{'class':40} {'computed':>8} {'ok':>5} {'crashed':>7} {'lost':>5} {'failed':>6} {'resumed':>7}  results"
        for kind, report in sorted(self.classes.items()):
            ends = report.endings
            counts = f"{ends.total():8} {ends['ok']:5} {ends['crashed']:7} {ends['lost']:5} {ends['failed']:6}"
            yield f"{kind:40} {counts} {report.resumed:7}  {report.verdict}"
        yield from self._problems()
        yield from self._warnings()
        yield ""
        yield "nothing was wrong" if self.is_good else "SOMETHING IS WRONG"

    def _problems(self) -> Iterator[str]:
        for kind, report in sorted(self.classes.items()):
            for difference, name in report.different.items():
                yield f"\n{kind}: {difference} is not always the same; as in {name}"
            for name in sorted(report.missing)[:_MANY]:
                yield f"\n{name} was never published"
        for error, traceback in list(self.errors.items())[:_MANY]:
            yield f"\na worker raised {error}\n{traceback}"
        for each in (*self.calm, *self.storms):
            if each.is_stuck:
                yield "\na worker never got through"
            for code in each.broken:
                yield f"\na worker ended with {code}; see `output` in the directory of its round"

    def _warnings(self) -> Iterator[str]:
        for kind, report in sorted(self.classes.items()):
            for difference in sorted(report.unsteady)[:_MANY]:
                yield f"\n{kind}: {difference} differs between two undisturbed computations already"
        if self.outside:
            yield "\nPython code wrote these files outside of furu_dir, in place; a kill may leave them torn:"
            for (path, kind), times in self.outside.most_common(_MANY):
                yield f"  {path} ({kind}, in {times} processes)"
            yield "  (what C libraries and other programs write is not seen)"
