"""What a gc takes can be had back, whenever it was killed, and harms nobody who computes meanwhile."""

from __future__ import annotations

import os

import pytest

import furu
from furu.errors import FuruCorruptRecord
from furu.gc.journal import read_journal, tokens
from furu.gc.plan import carry_out
from furu.gc.trash import empty, give_back, take
from furu.lifecycle import schedulers
from furu.lifecycle.artifact import Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.removal import holding
from furu.lifecycle.schedulers import JobSight
from furu.storage.records import JobRecord
from furu.storage.trash_layout import TrashPaths
from tests.gc import kills
from tests.gc.kills import FILED, NUMBER, plan, prepare, state
from tests.support.computed import Sum
from tests.support.fresh import run_fresh

_TIMEOUT_SEC = 290
"""For hundreds of processes, on a machine that others use too."""


@pytest.fixture(autouse=True)
def root(own_store, tmp_path, monkeypatch, notes):
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "index"))
    return str(own_store)


@pytest.fixture
def before(root):
    return prepare(root)


def test_all_goes_and_comes_back(root, before):
    journal, refused = carry_out(plan(root))
    assert {} == refused
    assert not FILED.exists()
    assert {"x"} == set(furu.annotations_of(FILED).tags)
    assert not os.path.exists(f"{root}/runs/20230101T000000-00000000")
    assert not os.path.exists(artifact_paths(kills.Value(name="bare")).base)
    kept = {name for name in state(root) if name.startswith("data/")}
    assert {"config.json", "tag.x"} == {os.path.basename(name) for name in kept}
    assert {} == give_back(read_journal(root, journal.token))
    assert before == state(root)
    assert not os.path.exists(f"{root}/trash")
    assert "loaded f" == FILED.get()
    assert 3 == NUMBER.get()


def test_a_second_take_and_a_second_undo_change_nothing(root, before):
    journal, _ = carry_out(plan(root))
    after = state(root)
    assert {} == take(read_journal(root, journal.token))
    assert after == state(root)
    give_back(journal)
    assert {} == give_back(journal)
    assert before == state(root)


def test_a_result_that_was_computed_since_stays(root, before):
    journal, _ = carry_out(plan(root))
    NUMBER.get()
    new = state(root)
    refused = give_back(journal)
    assert {"it has a new result, which stays"} == set(refused.values())
    assert all(state(root)[name] == content for name, content in new.items() if name.endswith("SUCCESS.json"))
    assert FILED.exists()
    assert [journal.token] == tokens(root)  # the old one is still there to be had
    empty(root, tokens(root))
    assert not os.path.exists(f"{root}/trash")


CHANGES = [
    (lambda: furu.pin(FILED), "it is pinned by now"),
    (lambda: furu.tag(FILED, "never"), "it has the tag never by now"),
    (lambda: (FILED.delete(), FILED.get()), "it has another result by now"),
]


@pytest.mark.parametrize(("change", "because"), CHANGES, ids=[because for _, because in CHANGES])
def test_what_has_changed_since_it_was_decided_on_stays(root, before, change, because):
    decided = plan(root)
    change()
    _, refused = carry_out(decided)
    assert {because} == set(refused.values())
    assert FILED.exists()


def test_what_somebody_computes_meanwhile_stays(root, before):
    decided = plan(root)
    paths = artifact_paths(FILED)
    with holding(paths, "somebody", _terms):
        _, refused = carry_out(decided)
    assert ["somebody" in why or "computed by" in why for why in refused.values()] == [True]
    assert FILED.exists()


def _terms():
    return Terms("node", 60.0, 20.0)


def test_what_a_batch_job_is_about_to_compute_stays(root, before):
    decided = plan(root)
    sights = {"7": JobSight("alive", "PENDING")}
    schedulers.register("own", lambda ids: {each: sights[each] for each in ids})
    record = JobRecord("own", "", "7", "default", "run", 1.0, "")
    schedulers.record_job(artifact_paths(FILED), record, THIS_PROCESS)
    _, refused = carry_out(decided)
    assert {"Own job 7 (PENDING) is to compute it"} == set(refused.values())
    assert "Own job 7 (PENDING) is to compute it" in {verdict.because for verdict in plan(root).verdicts.values()}
    sights["7"] = JobSight("ended", "CANCELLED")
    assert {} == carry_out(plan(root))[1]
    assert not FILED.exists()


def test_what_an_alias_stands_for_stays(root, before):
    decided = plan(root)
    furu.migrate(FILED, kills.Filed(name="other"))
    _, refused = carry_out(decided)
    assert ["1 aliases stand for it" in why for why in refused.values()] == [True]
    assert "loaded f" == kills.Filed(name="other").get()


def test_an_alias_goes_before_what_it_stands_for(root, before):
    furu.migrate(FILED, kills.Filed(name="other"))
    before = state(root)
    journal, refused = carry_out(plan(root))
    assert {} == refused
    assert {} == give_back(journal)
    assert before == state(root)
    assert kills.Filed(name="other").exists()


def test_a_config_that_something_refers_to_by_now_is_put_back(root, before):
    decided = plan(root)
    bare = kills.Value(name="bare")
    furu.tag(Sum(parts=(bare,)), "new")
    journal, refused = carry_out(decided)
    assert {"something refers to it by now"} == set(refused.values())
    assert os.path.exists(artifact_paths(bare).config)
    assert [journal.token] == tokens(root)


ELSEWHERE = ['{"artifact": {"reference": "../x", "because": ""}}', '{"loose": {"path": "data/../../x", "because": ""}}']


@pytest.mark.parametrize("line", [*ELSEWHERE, "x"])
def test_a_journal_that_names_other_places_is_refused(root, before, line):
    journal, _ = carry_out(plan(root))
    path = TrashPaths(root, journal.token).journal
    with open(path, encoding="utf-8") as file:
        head, *rest = file.readlines()
    number = len(journal.artifacts) + len(journal.loose)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines([head.replace(f'"items": {number}', f'"items": {number + 1}'), line + "\n", *rest])
    with pytest.raises(FuruCorruptRecord):
        read_journal(root, journal.token)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("then", ["undo", "resume", "get"])
def test_killed_at_each_call(then, tmp_path):
    report = run_fresh(kills.kill_taking, str(tmp_path), then, timeout_sec=_TIMEOUT_SEC)
    assert [] == report["problems"]
    assert len(report["calls"]) > 60


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_undo_that_is_killed_at_each_call(tmp_path):
    report = run_fresh(kills.kill_undoing, str(tmp_path), timeout_sec=_TIMEOUT_SEC)
    assert [] == report["problems"]
    assert len(report["calls"]) > 50
