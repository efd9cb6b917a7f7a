"""f37: whatever a power cut leaves of unsynced writes, nothing is wrong, nothing is lost, and all can go on."""

from __future__ import annotations

import itertools
import logging
import shutil
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.power_loss.scenarios import SCENARIOS, build, judge, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.power_loss.recording import Recording
    from tests.power_loss.surviving import Tree

THOROUGH: Final = 1000
"""So many examples are tried where there is time for minutes."""

QUICK: Final = 40
"""How many of the trees of a scenario are looked at without the slow tests."""

for_minutes = pytest.mark.skipif(settings().max_examples < THOROUGH, reason="takes minutes: make fuzz")

_NUMBERS: Final = itertools.count()


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> None:
    """Taking over from the dead is worth a warning, but not thousands."""
    caplog.set_level(logging.CRITICAL, logger="furu")


@pytest.fixture
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power-loss", numbered=True)


Survivor = tuple[str, "Tree", "Callable[[], list[str]] | None"]


def survivors(recorded: Recording) -> Iterator[Survivor]:
    """What may be there at each moment, each tree once for each promise."""
    seen: set[Any] = set()
    for cut in recorded.cuts:
        for chosen in cut.choices():
            tree = cut.tree(chosen)
            key = (cut.holds, tuple(sorted(tree.items())))
            if key not in seen:
                seen.add(key)
                yield cut.label, tree, cut.holds


def problems(name: str, found: list[Survivor], top: Path) -> list[str]:
    """What is wrong with these, and where the power was cut."""
    wrong = []
    for label, tree, holds in found:
        place = top / f"after-{next(_NUMBERS)}"
        build(tree, place)
        wrong += [f"{label}: {each}" for each in judge(SCENARIOS[name], holds, place)]
        shutil.rmtree(place)
    return wrong


def made(top: Path, name: str = "recorded") -> Path:
    (top / name).mkdir()
    return top / name


@pytest.mark.parametrize("name", SCENARIOS)
def test_f37_what_survives_a_power_cut_is_right_or_made_again(name: str, top: Path) -> None:
    found = list(survivors(record(SCENARIOS[name], made(top))))
    assert len(found) > QUICK
    assert [] == problems(name, found[:: len(found) // QUICK] + found[-QUICK // 2 :], top)


@pytest.mark.slow
@for_minutes
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENARIOS)
def test_f37_the_same_for_every_survivor(name: str, top: Path) -> None:
    assert [] == problems(name, list(survivors(record(SCENARIOS[name], made(top)))), top)


@cache
def _recorded(name: str, top: Path) -> Recording:
    return record(SCENARIOS[name], made(top, name.replace(" ", "-")))


@settings(max_examples=50)
@given(data=st.data())
def test_f37_any_combination_of_what_was_not_synced(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Not one thing lost or kept, but any mixture."""
    top = tmp_path_factory.getbasetemp() / "any-combination"
    top.mkdir(exist_ok=True)
    name = data.draw(st.sampled_from(sorted(SCENARIOS)))
    cut = data.draw(st.sampled_from(_recorded(name, top).cuts))
    chosen = {slot: data.draw(st.sampled_from(options)) for slot, options in cut.options.items()}
    assert [] == problems(name, [(cut.label, cut.tree(chosen), cut.holds)], top)


def _is_number(number: int, at: int, _path: str) -> bool:
    return number == at


class TestControls:
    """The same look at a store that was not synced must find what the syncs are there for."""

    @pytest.mark.parametrize(
        ("name", "wrong"), [("small", "is lost"), ("files", "get of Files()"), ("deleted", "back")]
    )
    def test_without_fsync_it_is_seen(self, name: str, wrong: str, top: Path) -> None:
        found = list(survivors(record(SCENARIOS[name], made(top), fsync=False)))
        assert any(wrong in each for each in problems(name, found[:: len(found) // 200 or 1], top))

    @pytest.mark.slow
    @for_minutes
    @pytest.mark.timeout(1800)
    @pytest.mark.parametrize("name", ["files", "deleted"])
    def test_no_fsync_is_for_nothing(self, name: str, top: Path) -> None:
        """Whichever one the disk lies about, something goes wrong; facts that attempts share aside."""
        whole = record(SCENARIOS[name], made(top, "whole"))
        unneeded = []
        for number, path in enumerate(whole.syncs, 1):
            lying = record(SCENARIOS[name], made(top, f"{number}"), is_ignored=partial(_is_number, number))
            is_shared = "/environments/" in path or "/code/" in path
            if not is_shared and not any(problems(name, [each], top) for each in reversed([*survivors(lying)])):
                unneeded.append(path.replace(str(top), ""))
        assert [] == unneeded
