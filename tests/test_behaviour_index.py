"""Each numbered behaviour of the sections that this file lists is named by some test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SECTIONS = {
    "identity, declaration, serialisation": [*range(1, 19), *range(20, 27)],
    "interactive get and exists": [*range(30, 48), *range(50, 60)],
    "executor mode": [*range(60, 77)],
    "locks, crashes, signals": [*range(87, 89), *range(90, 102), *range(105, 111)],
    "aliases": [*range(120, 130)],
    "dependencies": [*range(130, 138)],
    "planner": [*range(140, 152)],
    "local executor": [*range(160, 181)],
    "worker entry": [*range(80, 87)],
    "Slurm DAG": [*range(190, 211)],
    "Slurm pool": [*range(220, 245)],
}


@pytest.fixture(scope="module")
def named() -> set[int]:
    texts = (path.read_text() for path in TESTS.rglob("*.py") if path != Path(__file__))
    return {int(number) for text in texts for number in re.findall(r"(?:_s|\bS)(\d{3})(?!\d)", text)}


@pytest.mark.parametrize("section", SECTIONS)
def test_each_behaviour_is_named_by_a_test(section, named):
    assert [] == [f"S{number:03}" for number in SECTIONS[section] if number not in named]
