"""The table of faults names a test for each, and each of these tests is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TEXT = (HERE / "README.md").read_text(encoding="utf-8")
FAULTS = TEXT.partition("## Faults")[2].partition("\n## ")[0]


def test_every_fault_and_invariant_has_a_line() -> None:
    # A fault begins its cell, or follows a comma in it: `| 41 poison_task, 42 queue_old_mtime |`.
    cells = [line.split("|")[1] for line in FAULTS.splitlines() if re.match(r"\| \d", line)]
    faults = [int(number) for cell in cells for number in re.findall(r"(?:^|, )\s*(\d+) ", cell)]
    assert sorted(faults) == list(range(1, 47))
    assert re.findall(r"^\| (I\d+) ", TEXT, re.MULTILINE) == [f"I{number}" for number in range(1, 19)]


def test_every_test_that_is_named_is_there() -> None:
    defined = set(re.findall(r"def (test_\w+)", "\n".join(path.read_text() for path in HERE.parent.rglob("test_*.py"))))
    named = set(re.findall(r"`(test_\w+(?:\.\.\.)?)`", TEXT))
    assert len(named) > 30
    missing = [name for name in named if not any(_fits(name, each) for each in defined)]
    assert missing == []


def _fits(name: str, defined: str) -> bool:
    return defined.startswith(name[:-3]) if name.endswith("...") else defined == name


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:\.\./|tests/)?[\w/]+\.py)`", TEXT))
    roots = (HERE, HERE.parents[1], HERE.parent / "chaos")
    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []
