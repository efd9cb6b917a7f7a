"""A tick sees what changes by itself, at little cost; the version tells whether anything that can be seen did."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

import furu
from furu.evolution.archive import store_roots
from furu.index.database import clear, opened
from furu.index.refresh import last_walk, refresh, tick, version
from tests.support.computed import Value
from tests.support.fresh import run_fresh
from tests.support.stored import Stored


@pytest.fixture
def index():
    with opened(store_roots()) as connection:
        yield connection


@pytest.fixture
def ticked(index):
    """Ticks; how many artifacts were looked at."""
    return lambda: tick(index, store_roots()).looked_at


@pytest.fixture
def old(stored, study, index):
    """The study after a while in which nothing happened."""
    age(stored)
    refresh(index, store_roots())
    return study


def age(stored: Stored) -> None:
    """As if all had been as it is for long, so that time stamps alone tell of changes."""
    for directory, _, _ in os.walk(stored.root / "data"):
        os.utime(directory, (1.0, 1.0))


def statuses() -> dict[str, str]:
    return {row.reference: row.status.value for row in furu.query(is_fresh=False)}


def test_the_first_one_looks_at_everything(study, index):
    assert 0 == last_walk(index)
    assert 7 == tick(index, store_roots()).looked_at
    assert last_walk(index) > 0
    assert set(study.values()) == set(statuses())


def test_nothing_happened(old, index, ticked):
    before = version(index)
    assert 0 == ticked()
    assert before == version(index)
    assert [] == list(index.execute("SELECT path FROM directory WHERE mtime_ns = -1"))


def test_one_comes_and_one_goes(old, stored, index, ticked):
    before = version(index)
    new, elsewhere = stored.add("lab/Train", lr=7), stored.add("lab/deep/er/Other", x=1)
    assert 2 == ticked()
    shutil.rmtree(stored.root / "data" / old["toy"])
    shutil.rmtree(stored.root / "data" / "lab/old")
    done = tick(index, store_roots())
    assert 2 == done.removed
    assert {*old.values(), new, elsewhere} - {old["toy"], old["old"]} == set(statuses())
    assert before < done.version
    assert not [path for (path,) in index.execute("SELECT path FROM directory") if "lab/old" in path]


@pytest.mark.parametrize("name", ["bad", "never", "old"])
def test_what_is_not_published_begins_and_ends(old, stored, ticked, name):
    stored.end(old[name], "running", 50)
    assert 1 == ticked()
    assert "running" == statuses()[old[name]]
    shutil.rmtree(stored.root / "data" / old[name] / "lock")
    stored.end(old[name], "published", 51)
    assert 1 == ticked()
    assert "published" == statuses()[old[name]]


def test_a_running_attempt_that_ends_beside_others_changes_no_time_stamp(old, stored, index, ticked):
    base = stored.root / "data" / old["busy"]
    (lease,) = (base / "lock").iterdir()
    (base / "attempts").mkdir()
    age(stored)
    refresh(index, store_roots())
    assert 0 == ticked()
    lease.rename(base / "attempts" / f"{lease.name}.crashed")
    age(stored)
    assert 1 == ticked()
    assert "crashed" == statuses()[old["busy"]]


def test_annotations_of_a_result_that_is_long_done(old, stored, ticked, index):
    (row,) = furu.query("seed=1")
    age(stored)
    refresh(index, store_roots())
    before = version(index)
    furu.tag(row, "paper")
    furu.note(row, "Of The Talk")
    assert 1 == ticked()
    assert before < version(index)
    (row,) = furu.query("tag:paper talk", is_fresh=False)
    assert (("paper",), "Of The Talk", False) == (row.tags, row.note, row.is_pinned)


def test_a_result_that_furu_deletes(stored, index, ticked):
    config = Value(name="a")
    config.get()
    age(stored)
    refresh(index, store_roots())
    config.delete()
    ticked()
    assert ["recorded"] == list(statuses().values())


def test_a_change_by_hand_of_a_result_is_seen_by_the_next_walk(old, stored, index, ticked):
    (stored.root / "data" / old["good"] / "SUCCESS.json").unlink()
    assert 0 == ticked()
    refresh(index, store_roots())
    assert "invalid" == statuses()[old["good"]]


def test_what_changed_just_now_is_looked_at_once_more_when_it_is_of_age(old, stored, index, ticked):
    new = stored.add("lab/Train", lr=7)
    assert 1 == ticked()
    assert 0 == ticked()
    os.utime(stored.root / "data" / new, (1.0, 1.0))
    assert 1 == ticked()


def test_the_version_stays_where_nothing_can_be_seen(old, stored, index):
    before = version(index)
    os.utime(stored.root / "data" / old["good"], (5.0, 5.0))
    assert 2 == refresh(index, store_roots()).looked_at
    assert before == version(index)


def test_an_index_that_is_made_anew_has_a_higher_version(old, index):
    before = version(index)
    clear(store_roots())
    assert before < version(index)


def test_a_store_that_is_not_there_yet(stored, index, ticked):
    assert 0 == ticked()
    assert 0 == ticked()
    reference = stored.add("lab/Train", lr=1)
    assert 1 == ticked()
    assert [reference] == list(statuses())


def test_a_tick_and_a_walk_agree_whatever_happened(tmp_path):
    assert [] == run_fresh(disagreements, str(tmp_path))


def disagreements(top: str) -> list[str]:
    """Random changes that furu makes itself, each followed by a tick; what a walk then still has to say."""
    draw, found = random.Random(7), []
    stored = Stored(Path(top) / "store")
    with furu.using(path=stored.root), opened(store_roots()) as index:
        configs = [Value(name=str(number)) for number in range(12)]
        tick(index, store_roots())
        for step in range(60):
            config = draw.choice(configs)
            verb = draw.choice(["get", "get", "delete", "tag", "untag", "note", "pin", "unpin"])
            if verb in ("get", "delete"):
                getattr(config, verb)(**({"force": True} if verb == "delete" else {}))
            elif verb == "note":
                furu.note(config, str(step))
            else:
                getattr(furu, verb)(config, *(["t"] if verb.endswith("tag") else []))
            if draw.random() < 0.3:
                age(stored)
                refresh(index, store_roots())
            seen = tick(index, store_roots()).version
            if seen != refresh(index, store_roots()).version:
                found.append(f"{step} {verb}")
    return found
