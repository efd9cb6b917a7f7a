"""The project as it was at first and after each of five commits: file names and their text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Commit:
    """A state of the project.

    Attributes:
        message: what was changed.
        files: text by name; a file without text is gone.
    """

    message: str
    files: dict[str, str | None]


# What every state does when it runs: take over what is stored, show that nothing means something else, do its work.
_MAIN = '''
"""Take over what is stored, check what is served, then make the report."""

import json

import furu
from study.report import REPORT, FITS, made_with

plan = furu.plan_migrations()
plan.apply()

taken_over = {planned.target for planned in plan.aliases}
refused = {each.reference: each.because for each in furu.plan_migrations().refused}
served, wrong = [], []
for fit in FITS.all_successful():
    served.append(repr(fit))
    # What nobody could say then is what the code did then: it trained without momentum, and on everything.
    then = {"debug": False, "momentum": 0.0} | fit.get()
    now = {"debug": False, "momentum": 0.0} | made_with(fit)
    if then != now:
        wrong.append([repr(fit), then, now])

targets = {
    json.loads((ref.directory / "alias.json").read_text())["target"]
    for ref in furu.refs()
    if ref.status is furu.ArtifactStatus.ALIAS
}
lost = [
    ref.reference
    for ref in furu.refs()
    if ref.status is furu.ArtifactStatus.PUBLISHED
    and ref.why_stale()
    and ref.reference not in targets
    and ref.reference not in refused
]

missing = sum(not fit.exists() for fit in REPORT.fits)
REPORT.get()
print(json.dumps({
    "taken over": len(taken_over), "served": sorted(served), "wrong": wrong, "lost": lost,
    "refused": refused, "computed": missing,
}))
'''

_REPORT = '''
"""What the project is after."""

import furu
from study.{module} import Data, {fit}

FITS = {fit}


def made_with(fit):
    """What a result depends on, as it stands in the config."""
    return {{"size": fit.data.size, {made_with}}}


class Report(furu.Furu[list[float]]):
    """A number for each fit."""

    fits: list[{fit}]

    def _create(self) -> list[float]:
        return [fit.get()["learning_rate"] for fit in self.fits]


REPORT = Report(fits=[{fits}])
'''

_DATA = '''
class Data(furu.Furu[list[int]]):
    """Numbers to learn from."""

    size: int = {size}
{history}
    def _create(self) -> list[int]:
        return list(range(self.size))
'''

_FIT = '''
class {name}(furu.Furu[dict[str, Any]]):
    """Its result tells what it was made with, so that nobody can take it for something else."""

    data: Data = Data()
    learning_rate: float = 0.1
{fields}{history}
    def _create(self) -> dict[str, Any]:
        return {{"size": len(self.data.get()), {made_with}}}
'''

_HEAD = '''"""Data and models."""

from typing import Any

import furu
'''


def _module(*parts: str) -> str:
    return "\n".join([_HEAD, *parts])


def _report(module: str, fit: str, fits: str, *names: str) -> str:
    made_with = ", ".join(f'"{name}": fit.{name}' for name in names)
    return _REPORT.format(module=module, fit=fit, fits=fits, made_with=made_with)


def _fit(name: str, fields: str, history: str, *names: str) -> str:
    made_with = ", ".join(f'"{name}": self.{name}' for name in names)
    return _FIT.format(name=name, fields=fields, history=history, made_with=made_with)


_DEBUG = "    debug: bool = False\n"
_MOMENTUM = "    momentum: float = 0.9\n"
_RENAMED = '        furu.Migration(from_class="study.training.Train"),\n'
_MOVED = '        furu.Migration(from_class="study.training.Fit"),\n'
_GAINED = '        furu.Migration(steps=[Add("momentum", 0.0)]),\n'
_LOST = '        furu.Migration(steps=[Drop("debug", only_if=False)]),\n'
_STEPS = "from furu.evolution import Add, Drop\n"
_DATA_MOVED = '\n    _migrations = (furu.Migration(from_class="study.training.Data"),)\n'


def _history(*entries: str) -> str:
    return "\n    _migrations = (\n" + "".join(entries) + "    )\n"


def _data(size: int, history: str = "") -> str:
    return _DATA.format(size=size, history=history)


_TRAINS = "Train(), Train(learning_rate=0.2), Train(debug=True)"
_FITS = "Fit(), Fit(learning_rate=0.2), Fit(debug=True)"
_OLD_NAMES = ("learning_rate", "debug")
_ALL_NAMES = ("learning_rate", "debug", "momentum")
_NEW_NAMES = ("learning_rate", "momentum")

COMMITS = [
    Commit(
        "a project",
        {
            "study/__init__.py": "",
            "study/__main__.py": _MAIN,
            "study/training.py": _module(_data(100), _fit("Train", _DEBUG, "", *_OLD_NAMES)),
            "study/report.py": _report("training", "Train", _TRAINS, *_OLD_NAMES),
        },
    ),
    Commit(
        "rename Train to Fit",
        {
            "study/training.py": _module(_data(100), _fit("Fit", _DEBUG, _history(_RENAMED), *_OLD_NAMES)),
            "study/report.py": _report("training", "Fit", _FITS, *_OLD_NAMES),
        },
    ),
    Commit(
        "move everything to study.models",
        {
            "study/training.py": None,
            "study/models.py": _module(
                _data(100, _DATA_MOVED), _fit("Fit", _DEBUG, _history(_RENAMED, _MOVED), *_OLD_NAMES)
            ),
            "study/report.py": _report("models", "Fit", _FITS, *_OLD_NAMES),
        },
    ),
    Commit(
        "Fit gains momentum; all there is was made without",
        {
            "study/models.py": _module(
                _STEPS,
                _data(100, _DATA_MOVED),
                _fit("Fit", _DEBUG + _MOMENTUM, _history(_RENAMED, _MOVED, _GAINED), *_ALL_NAMES),
            ),
            "study/report.py": _report("models", "Fit", _FITS + ", Fit(momentum=0.0)", *_ALL_NAMES),
        },
    ),
    Commit(
        "Fit loses debug; only results made without it are still good",
        {
            "study/models.py": _module(
                _STEPS,
                _data(100, _DATA_MOVED),
                _fit("Fit", _MOMENTUM, _history(_RENAMED, _MOVED, _GAINED, _LOST), *_NEW_NAMES),
            ),
            "study/report.py": _report("models", "Fit", "Fit(), Fit(momentum=0.0)", *_NEW_NAMES),
        },
    ),
    Commit(
        "the default size of Data is 200; what was made with 100 still is what it was",
        {
            "study/models.py": _module(
                _STEPS,
                _data(200, _DATA_MOVED),
                _fit("Fit", _MOMENTUM, _history(_RENAMED, _MOVED, _GAINED, _LOST), *_NEW_NAMES),
            ),
            "study/report.py": _report("models", "Fit", "Fit(), Fit(data=Data(size=100))", *_NEW_NAMES),
        },
    ),
]
