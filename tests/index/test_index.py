"""The index says what the directories say: refreshed, paged, thrown away and made again."""

from __future__ import annotations

import json
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

import furu
from furu.evolution.archive import store_roots
from furu.index.database import clear, opened
from furu.index.location import index_path
from furu.index.refresh import refresh
from furu.index.search import FuruPageError, counts
from tests.support.computed import Sum, Value
from tests.support.fresh import run_fresh
from tests.support.stored import Stored, config


def refreshed():
    with opened(store_roots()) as connection:
        return refresh(connection, store_roots())


def age(stored, *references):
    """As if nothing had happened there for a while, so that a time stamp alone tells of changes."""
    for reference in references:
        os.utime(stored.root / "data" / reference, (1.0, 1.0))


def test_a_row_tells_what_is_on_disk(study, stored):
    (row,) = furu.query("seed=1")
    assert ("Train", "published", 3.0, "host1", "ada", None) == (
        *(row.class_name, row.status.value, row.took_sec, row.host, row.user, row.error),
    )
    assert {"name": "wiki", "vocab": 32_000} == row.config["data"]
    assert row.directory == stored.root / "data" / study["good"]
    assert row.ref().document["fields"]["seed"] == 1
    assert json.loads(json.dumps(row.to_json()))["config"]["data"]["vocab"] == 32_000


def test_a_computed_artifact_is_found_and_loaded():
    obj = Sum(parts=(Value(name="a", value=3), Value(name="b", value=4)))
    value = obj.get()
    (row,) = furu.query("class:Sum parts[1].name=b")
    assert (obj.furu_hash, value) == (row.furu_hash, row.ref().load_result())
    obj.delete()
    assert ["recorded"] == [row.status.value for row in furu.query("class:Sum")]


def test_only_what_changed_is_looked_at_again(study, stored):
    age(stored, *study.values())
    assert 7 == refreshed().looked_at
    assert 1 == refreshed().looked_at  # somebody is at work in one
    stored.end(study["never"], "published", 50)
    stored.end(study["busy"], "published", 51)
    shutil.rmtree(stored.root / "data" / study["toy"])
    done = refreshed()
    assert (6, 2, 1) == (done.stored, done.looked_at, done.removed)
    assert {"published": 4, "failed": 1, "preempted": 1} == counts()


def test_a_directory_that_changed_just_now_is_looked_at_again(study):
    assert 7 == refreshed().looked_at == refreshed().looked_at


def test_a_running_attempt_that_ends_beside_others_is_seen(stored):
    """Ending changes no name in the artifact's own directory if it has attempts already."""
    reference = stored.add("lab/Train", "crashed", lr=1)
    stored.end(reference, "running", 9)
    age(stored, reference)
    assert "running" == furu.query()[0].status.value
    base = stored.root / "data" / reference
    (lease,) = (base / "lock").iterdir()
    lease.rename(base / "attempts" / f"{lease.name}.preempted")
    age(stored, reference)
    assert "preempted" == furu.query()[0].status.value


def test_an_alias_has_its_status(study, stored):
    stored.alias(study["never"], study["good"])
    assert [study["never"]] == [row.reference for row in furu.query("status:alias")]


@pytest.mark.parametrize("order", ["newest", "oldest", "slowest", "hash"])
def test_pages_follow_each_other(study, order):
    whole = [row.reference for row in furu.query(order=order)]
    paged, after = [], None
    for _ in range(len(study)):
        page = furu.query(limit=3, after=after, order=order)
        paged += [row.reference for row in page]
        after = page.next_page
        if after is None:
            break
    assert whole == paged
    assert set(study.values()) == set(whole)


@pytest.mark.parametrize("after", ["x", "!", "W10", "WyJoYXNoIiwgMSwgMV0"])
def test_what_is_no_page_is_refused(study, after):
    with pytest.raises(FuruPageError):
        furu.query(after=after)


def test_an_order_that_there_is_none_of_is_refused(study):
    with pytest.raises(FuruPageError, match="orders are: newest, oldest"):
        furu.query(order="best")


def test_rows_as_a_table(study):
    table = furu.query("class:Train version!=1").to_pandas()
    assert {3e-4, 0.1} == set(table["config.lr"])
    assert {"toy", "wiki"} == set(table["config.data.name"])


def test_a_damaged_index_is_made_again(study, index_dir):
    furu.query()
    (path,) = index_dir.glob("*.sqlite")
    path.write_bytes(b"not a database" * 1000)
    assert 7 == len(furu.query())


def test_an_index_of_another_format_is_made_again(study):
    furu.query()
    with opened(store_roots()) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("DROP TABLE field")
    assert 7 == len(furu.query())


def test_each_store_has_its_own(study, tmp_path):
    assert 7 == len(furu.query())
    with furu.using(path=tmp_path / "other"):
        assert [] == furu.query()


def test_damaged_documents_are_rows_with_an_error(stored):
    for number, text in enumerate(['{"v": 1', "[]", '{"v": 99}', ""]):
        directory = stored.root / "data" / "lab" / "Train" / f"{number:032x}"
        directory.mkdir(parents=True)
        (directory / "config.json").write_text(text)
    rows = furu.query()
    assert 4 == len(rows)
    assert all(row.error for row in rows)
    assert [{}] * 4 == [row.config for row in rows]


HOSTILE = [
    {"$config": 5},
    {"$tuple": 3},
    {"$dict": [1]},
    {"$enum": "x"},
    {"a": {"$nothing": 1}},
    {"k'\"]": 1},
    "\ud800 \0",
    10**40,
    "x" * 100_000,
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_harm_nobody(stored, value):
    stored.add("lab/Train", odd=value)
    stored.add("lab/Train", odd=1)
    assert 2 == len(furu.query())
    assert 1 == len(furu.query("odd=1"))


def test_nested_configs_that_double_at_each_level_stay_small(stored):
    below = stored.add("lab/Rung", level=0)
    for level in range(1, 60):
        below = stored.add("lab/Rung", level=level, left=config(below), right=config(below))
    sizes = [len(json.dumps(row.config)) for row in furu.query()]
    assert 60 == len(sizes)
    assert max(sizes) < 200_000
    assert 1 == len(furu.query("left.left.level=57"))


def test_many_threads_may_ask_at_once(study):
    with ThreadPoolExecutor(4) as pool:
        assert [7] * 12 == [len(rows) for rows in pool.map(lambda _: furu.query(), range(12))]


def test_many_processes_may_make_it_at_once(study):
    assert 0 == run_fresh(failures_in_a_race, 10)


def failures_in_a_race(rounds: int) -> int:
    """How often one of six processes that make an index at the same moment could not."""
    furu.config.settings()
    failures = 0
    for _ in range(rounds):
        shutil.rmtree(os.environ["FURU_INDEX_DIR"], ignore_errors=True)
        start, begin = os.pipe()
        children = [_wait_and_ask(start, begin) for _ in range(6)]
        os.close(begin)
        os.close(start)
        failures += sum(os.waitpid(child, 0)[1] != 0 for child in children)
    return failures


def _wait_and_ask(start: int, begin: int) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(begin)
            os.read(start, 1)
            code = 0 if len(furu.query()) == 7 else 1
        finally:
            os._exit(code)
    return child


def test_one_that_is_damaged_inside_is_cleared(study, index_dir):
    furu.query()
    with opened(store_roots()) as connection:
        connection.execute("DROP TABLE artifact")
    with pytest.raises(furu.FuruStoreError, match="furu index rebuild"):
        furu.query()
    clear(store_roots())
    assert 7 == len(furu.query())


class TestLocation:
    def test_is_a_directory_for_its_user_alone(self, monkeypatch, tmp_path):
        monkeypatch.delenv("FURU_INDEX_DIR")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        path = index_path(["/some/root"])
        assert path.startswith(f"{tmp_path}/furu-index-{os.getuid()}/index-")
        assert 0o700 == stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode)

    def test_somebody_elses_is_refused(self, monkeypatch, tmp_path):
        monkeypatch.delenv("FURU_INDEX_DIR")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / f"furu-index-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(furu.FuruStoreError, match="not a directory for you alone"):
            index_path(["/some/root"])

    def test_one_root_by_two_names_has_one_index(self, tmp_path):
        (tmp_path / "root").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "root")
        assert index_path([str(tmp_path / "root")]) == index_path([str(tmp_path / "link")])


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory):
    stored = Stored(tmp_path_factory.mktemp("large"))
    references = [
        stored.add(
            f"lab/C{number % 7}", "failed" if number % 50 == 0 else "published", seed=number, lr=number % 13 / 10
        )
        for number in range(10_000)
    ]
    age(stored, *references)
    return stored


@pytest.mark.slow
def test_ten_thousand_artifacts_are_refreshed_and_paged(ten_thousand, monkeypatch):
    monkeypatch.setenv("FURU_PATH", str(ten_thousand.root))
    assert (10_000, 10_000, 0) == refreshed()[:3]
    assert (10_000, 0, 0) == refreshed()[:3]
    seeds, after = [], None
    while True:
        page = furu.query("lr>=0.5 status:published", limit=500, after=after, is_fresh=False)
        seeds += [row.config["seed"] for row in page]
        after = page.next_page
        if after is None:
            break
    expected = [number for number in range(10_000) if number % 13 >= 5 and number % 50]
    assert expected[::-1] == seeds
    assert {"published": 9_800, "failed": 200} == counts()
