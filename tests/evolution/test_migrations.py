"""What `plan_migrations()` makes of a store whose classes are gone, and what `apply()` does."""

from __future__ import annotations

import dataclasses
import errno
import importlib.abc
import os
import sys
from functools import partial
from typing import Any

import pytest

import furu
from furu.evolution import Drop
from furu.execution import Status, build_plan
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.storage.atomic import Disk
from furu.storage.layout import Ending
from furu.storage.records import SuccessRecord, render
from tests.evolution.histories import (
    Counted,
    Data,
    Declares,
    Mapped,
    Optimizer,
    Optional,
    Reads,
    Report,
    Stated,
    Train,
    Typed,
)
from tests.evolution.shapes import Choice, New, Old, OldChoice, OldParent, Parent
from tests.evolution.stores import TOKEN, publish, publish_document
from tests.support import computed

SGD = {"$enum": "evolved.old:Optimizer", "member": "SGD"}


def to(reference: str) -> dict[str, str]:
    return {"$config": reference}


def reasons(plan: furu.MigrationPlan) -> list[str]:
    return [refused.because for refused in plan.refused]


def aliases(plan: furu.MigrationPlan) -> dict[str, str]:
    return {planned.own: planned.target for planned in plan.aliases}


@pytest.fixture
def old(own_store):
    """Publishes documents in the test's store."""
    return partial(publish_document, own_store)


@pytest.fixture
def old_tree(old):
    """A report of two trainings of one data set, of a version of the code that is long gone."""
    data = old("evolved/old/Dataset", {"n": 5}, value="the data")
    fields = {"data": to(data), "verbose": False, "optimizer": SGD, "workers": 4}
    schema = {"workers": {"type": "int", "identity": False}}
    trains = [
        old("evolved/old/Train", {**fields, "learning_rate": lr}, schema=schema, value=f"train {lr}")
        for lr in (0.5, 1.0)
    ]
    report = old("evolved/report", {"trains": [to(each) for each in trains]}, value="the report")
    return [data, *trains, report]


DATA = Data(size=5)
TRAINS = [Train(data=DATA, lr=lr, optimizer=Optimizer.SGD) for lr in (0.5, 1.0)]
REPORT = Report(trains=TRAINS)


def test_a_whole_tree_of_results_stays_valid(old_tree):
    plan = furu.plan_migrations()
    assert [] == reasons(plan)
    assert set(old_tree) == set(aliases(plan).values())
    assert 4 == plan.apply().made
    assert ["the data", "train 0.5", "train 1.0", "the report"] == [each.get() for each in (DATA, *TRAINS, REPORT)]
    assert Status.DONE is build_plan([REPORT]).nodes[REPORT.furu_hash].status
    assert [] == computed.NOTES


@pytest.mark.parametrize(
    "scope", [(Data,), (Train,), ("evolved/old",), ("evolved/old/Dataset",), (Report,), (Train, "evolved")]
)
def test_a_change_is_followed_up_and_down_from_wherever_one_begins(old_tree, scope):
    assert set(old_tree) == set(aliases(furu.plan_migrations(*scope)).values())


def test_what_is_out_of_scope_is_left_alone(old_tree):
    assert {} == aliases(furu.plan_migrations(Typed, "other"))


def test_planning_writes_nothing(old_tree, tree):
    before = tree()
    print(furu.plan_migrations())
    assert before == tree()


def test_only_what_was_computed_is_aliased(old):
    data = old("evolved/old/Dataset", {"n": 5}, value=None)
    fields = {"data": to(data), "verbose": False, "optimizer": SGD, "learning_rate": 0.5}
    train = old("evolved/old/Train", fields)
    plan = furu.plan_migrations()
    assert [train] == list(aliases(plan).values())
    plan.apply()
    assert not DATA.exists()
    assert "old" == TRAINS[0].get()


def test_a_second_plan_has_nothing_to_do(old_tree, tree):
    furu.plan_migrations().apply()
    before = tree()
    plan = furu.plan_migrations()
    assert ((), (), (), 4) == (plan.aliases, plan.conflicts, plan.refused, plan.done)
    assert furu.plan_migrations().apply().id is None
    assert before == tree()


def test_a_migrated_artifact_is_recorded_as_if_it_had_been_computed(old_tree, own_store, tmp_path):
    furu.plan_migrations().apply()
    records = {name: path.read_bytes() for name, path in config_files(own_store).items() if "/old/" not in name}
    with furu.using(path=tmp_path):
        REPORT.get()
        for name, path in config_files(tmp_path).items():
            assert records[name] == path.read_bytes()


def config_files(root: Any) -> dict[str, Any]:
    return {str(path.relative_to(root)): path for path in root.rglob("config.json")}


@pytest.mark.parametrize(
    ("namespace", "fields", "options", "text"),
    [
        pytest.param(
            "evolved/old/Train", {"data": None}, {}, "has no field 'learning_rate'", id="a step that doesn't fit"
        ),
        pytest.param(
            "evolved/gone", {}, {}, "can't be imported: No module named 'gone'; Migration(from_class=", id="nobody"
        ),
        pytest.param(
            "evolved/data", {"size": 1, "shuffled": False, "x": 7}, {}, "has no field 'x', which was 7", id="field"
        ),
        pytest.param("evolved/data", {}, {}, "now also has 'size'", id="absent field"),
        pytest.param(
            "evolved/data",
            {"size": 1, "shuffled": False},
            {"version": "2"},
            "has the version None now, this is of '2'",
            id="v",
        ),
        pytest.param("evolved/typed", {"lr": 1}, {}, "makes 1.0 of lr=1; say so with Map('lr', …)", id="type"),
        pytest.param("evolved/typed", {"lr": "x"}, {}, "lr: Input should be a valid number", id="value"),
        pytest.param("evolved/old/Strict", {"size": 6}, {}, "RuntimeError: too large", id="the class raises"),
        pytest.param("evolved/ambiguous", {"kind": "a"}, {}, "leads to several configs", id="ambiguous"),
        pytest.param(
            "evolved/report", {"trains": [to("evolved/train/" + 32 * "0")]}, {}, "is not stored", id="absent config"
        ),
        pytest.param(
            "evolved/old/Declares", {"size": 1}, {}, "_dependencies() names other configs than", id="other dependencies"
        ),
        pytest.param(
            "evolved/counted",
            {"threads": 4},
            {"schema": {"threads": {"type": "int", "identity": False}}},
            "now also has 'threads', whose value was not part of the identity",
            id="a field that has become part of the identity",
        ),
        pytest.param(
            "evolved/old/Nested",
            {"rates": {}, "kind": {"$dataclass": "gone:Kind", "fields": {"x": 2}}},
            {},
            "'x' was 2, and only 1 may be dropped",
            id="inside",
        ),
    ],
)
def test_a_result_that_would_mean_something_else_is_refused_with_the_reason(old, namespace, fields, options, text):
    reference = old(namespace, fields, **options)
    plan = furu.plan_migrations()
    assert [reference] == [refused.reference for refused in plan.refused]
    assert text in reasons(plan)[0]
    assert {} == aliases(plan)


def test_who_holds_what_is_refused_is_refused_with_the_same_reason(old):
    data = old("evolved/old/Dataset", {"n": 5, "noise": 3})
    train = old("evolved/train", {"data": to(data)}, version="3")
    plan = furu.plan_migrations()
    assert {data, train} == {refused.reference for refused in plan.refused}
    assert f"it holds {data}, and evolved" not in reasons(plan)[0]
    assert f"it holds {data}, and " in reasons(plan)[1]
    assert all("has no field 'noise', which was 3" in reason for reason in reasons(plan))


def test_a_config_in_a_field_that_is_dropped_does_not_matter(old, monkeypatch):
    """Where nobody can read that config, only its reference can tell; a function that asks for it is refused."""
    gone = old("evolved/gone", {})
    old("evolved/typed", {"lr": 1.0, "helper": to(gone)})
    monkeypatch.setattr(Typed, "_migrations", [furu.Migration(steps=[Drop("helper", only_if=lambda _: True)])])
    assert "refers to evolved/gone" in reasons(furu.plan_migrations(Typed))[1]
    old("evolved/old/Dataset", {"n": 5}, value=None)
    old("evolved/typed", {"lr": 2.0, "helper": to(old("evolved/data", {"size": 5, "shuffled": False}, value=None))})
    monkeypatch.setattr(Typed, "_migrations", [furu.Migration(steps=[Drop("helper", only_if=DATA)])])
    assert 1 == len(furu.plan_migrations(Typed).aliases)


def test_values_that_may_differ_without_meaning_anything_do_not_get_in_the_way(old):
    """Fields that are no part of the identity come and go, and one that was added with `unless-default`."""
    schema = {"threads": {"type": "int", "identity": False}}
    data = old("evolved/old/Dataset", {"n": 5})
    fields = {
        "data": to(data),
        "lr": 0.5,
        "optimizer": {"$enum": "evolved.old:Optimizer", "member": "SGD"},
        "threads": 3,
    }
    old(
        "evolved/old/Train", {**fields, "learning_rate": 0.5, "verbose": False} | {"lr": 0.5}, schema=schema, value=None
    )
    del fields["lr"]
    train = old("evolved/old/Train", {**fields, "learning_rate": 0.5, "verbose": False}, schema=schema)
    assert train in aliases(furu.plan_migrations()).values()


def test_a_field_that_has_become_part_of_the_identity_can_be_stated(old):
    old("evolved/stated", {"threads": 4}, schema={"threads": {"type": "int", "identity": False}})
    furu.plan_migrations().apply()
    assert (True, False) == (Stated(threads=8).exists(), Stated(threads=4).exists())
    assert not Counted(threads=4).exists()


def test_dependencies_that_are_declared_migrate_too(old):
    data = old("evolved/old/Dataset", {"n": 7})
    old("evolved/old/Declares", {"size": 7}, dependencies=(data,))
    furu.plan_migrations().apply()
    assert "old" == Declares(size=7).get()


def test_a_result_that_only_a_load_can_read_is_refused(old, own_store):
    reference = old("evolved/old/Reads", {})
    path = own_store / "data" / reference / "SUCCESS.json"
    path.write_bytes(render(SuccessRecord(TOKEN, None, 1.0, [])))
    assert ["no value was stored with it, and Reads has no _load()"] == reasons(furu.plan_migrations(Reads))


def test_a_damaged_result_is_refused(old, own_store):
    reference = old("evolved/old/Dataset", {"n": 5})
    (own_store / "data" / reference / "SUCCESS.json").write_text("{")
    assert ["no JSON" in reason for reason in reasons(furu.plan_migrations())] == [True]


def test_an_alias_that_stands_for_nothing_offers_nothing(old_tree, own_store):
    furu.plan_migrations().apply()
    (own_store / "data" / old_tree[0] / "SUCCESS.json").unlink()
    plan = furu.plan_migrations()
    assert ((), (), ()) == (plan.aliases, plan.conflicts, plan.refused)


def test_an_alias_can_not_lead_out_of_its_root(old, tmp_path, monkeypatch):
    reference = old("evolved/old/Dataset", {"n": 5})
    options = dataclasses.replace(Data.__furu_options__, version_controlled=True)
    monkeypatch.setattr(Data, "__furu_options__", options)
    with furu.using(version_controlled_path=tmp_path):
        (refused,) = furu.plan_migrations().refused
    assert (reference, True) == (refused.reference, "can't lead out of its root" in refused.because)


def test_version_controlled_results_migrate_below_their_own_root(tmp_path, monkeypatch, own_store):
    publish_document(tmp_path, "evolved/old/Dataset", {"n": 5}, value="kept")
    options = dataclasses.replace(Data.__furu_options__, version_controlled=True)
    monkeypatch.setattr(Data, "__furu_options__", options)
    with furu.using(version_controlled_path=tmp_path):
        answer = furu.plan_migrations().apply()
        assert "kept" == DATA.get()
        assert 1 == furu.undo_migration(str(answer.id))
        assert not DATA.exists()
    assert not (own_store / "data").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests.evolution.shapes:New", "is tests.evolution.shapes:New now, with the name 'tests/evolution/shapes/New'"),
        ("tests.evolution.stores:publish", "is no class"),
        ("tests.evolution.test_migrations:Hurried", "is no furu class"),
        ("tests.evolution.breaks:Class", "RuntimeError: at import"),
    ],
)
def test_what_stands_in_the_place_of_the_class_is_not_believed(old, path, text, monkeypatch):
    class Breaks(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "tests.evolution.breaks":
                raise RuntimeError("at import")

    monkeypatch.setattr(sys, "meta_path", [Breaks(), *sys.meta_path])
    old("evolved/gone", {}, cls=path)
    (reason,) = reasons(furu.plan_migrations())
    assert text in reason
    assert "Migration(from_class='evolved/gone')" in reason


@pytest.mark.parametrize("scope", [(), (Data,)])
def test_another_scheme_of_hashing_is_refused(old, own_store, scope):
    reference = old("evolved/old/Dataset", {"n": 5})
    path = own_store / "data" / reference / "config.json"
    path.write_text(path.read_text().replace('"scheme":1', '"scheme":2'))
    assert ["it was hashed by scheme 2, this furu has 1"] == reasons(furu.plan_migrations(*scope))


def test_a_damaged_config_is_refused_and_so_is_who_holds_it(old, own_store):
    data = old("evolved/old/Dataset", {"n": 5})
    old("evolved/report", {"trains": [to(data)]})
    (own_store / "data" / data / "config.json").write_text("{")
    assert ["no JSON" in reason for reason in reasons(furu.plan_migrations())] == [True, True]


def test_a_config_that_refers_to_itself_is_refused(old, own_store):
    reference = old("evolved/report", {"trains": []})
    path = own_store / "data" / reference / "config.json"
    path.write_text(path.read_text().replace('"trains":[]', f'"trains":[{{"$config":"{reference}"}}]'))
    assert 1 == len(furu.plan_migrations().refused)


def test_a_class_that_still_exists_keeps_its_results_when_another_took_over():
    for config in (Old(learning_rate=0.5), Old(learning_rate=0.5, unused=3)):
        config.get()
    plan = furu.plan_migrations(New)
    assert 2 == plan.current
    assert ["'unused' was 3, and only 0 may be dropped: the result would mean something else"] == reasons(plan)
    plan.apply()
    assert "old 0.5" == New(lr=0.5, momentum=0.0).get() == Old(learning_rate=0.5).get()
    assert not New(lr=0.5).exists()


def test_parents_of_a_class_that_was_split_go_both_ways():
    part = Old(learning_rate=0.5)
    OldParent(part=part, others=frozenset({part, Old(learning_rate=0.25)})).get()
    Old(learning_rate=0.25).get()
    furu.plan_migrations().apply()
    new = New(lr=0.5, momentum=0.0)
    assert "old parent of old 0.5" == Parent(part=new, others=frozenset({New(lr=0.25, momentum=0.0), new})).get()
    assert OldParent(part=part, others=frozenset({part, Old(learning_rate=0.25)})).exists()


def test_a_hash_that_stands_for_another_default_now_is_told_of(own_store):
    """The result is there for what it was made with; what its old hash means today is up to the class's version."""
    publish(Optional(), "made with 0.0")
    path = Optional()._base_furu_dir() / "config.json"
    path.write_text(path.read_text().replace('"momentum":0.5', '"momentum":0.0'))
    plan = furu.plan_migrations()
    assert "another default (momentum=0.5, was 0.0): give the class another version" in reasons(plan)[0]
    plan.apply()
    assert "made with 0.0" == Optional(momentum=0.0).get()
    assert [Optional(momentum=0.0)] == Optional.all_successful()


# -- conflicts --------------------------------------------------------------------------------------------------------


def test_no_conflict_is_found_after_something_was_written(old_tree, tree):
    publish(DATA, "newer data")
    before = tree()
    plan = furu.plan_migrations()
    assert ["it has a result of its own"] == [conflict.because for conflict in plan.conflicts]
    with pytest.raises(furu.FuruMigrationConflict, match="1 conflicts"):
        plan.apply()
    assert before == tree()


def test_what_is_in_the_way_can_be_left_as_it_is(old_tree):
    publish(DATA, "newer data")
    answer = furu.plan_migrations().apply(conflict="skip")
    assert (3, 1) == (answer.made, len(answer.skipped))
    assert ["newer data", "the report"] == [DATA.get(), REPORT.get()]


def test_several_results_for_one_config_are_a_conflict(old):
    sources = sorted(old("evolved/old/Mapped", {"lr": lr}) for lr in (-1, 1))
    (conflict,) = furu.plan_migrations().conflicts
    assert f"several results stand for it: {', '.join(sources)}" == conflict.because
    furu.plan_migrations().apply(conflict="skip")
    assert not Mapped(lr=1.0).exists()


def test_several_results_of_values_that_are_now_the_same():
    for kind in ("sgd", "Sgd"):
        OldChoice(kind=kind).get()
    assert 1 == len(furu.plan_migrations(Choice).conflicts)


def test_the_result_that_stood_for_the_config_last_is_taken(old):
    """The older one was computed anew once: its newer shape has a result of its own."""
    old("evolved/old/Dataset", {"n": 5}, value="oldest")
    old("evolved/data", {"size": 5}, value="newer")
    plan = furu.plan_migrations()
    assert () == plan.conflicts
    plan.apply()
    assert "newer" == DATA.get()


def test_somebody_who_computes_is_a_conflict(old_tree):
    lease = Artifact(artifact_paths(DATA), THIS_PROCESS).acquire(Terms("somebody", 100, 10))
    assert isinstance(lease, Lease)
    (conflict,) = furu.plan_migrations().conflicts
    assert "somebody is computing it" == conflict.because
    THIS_PROCESS.end(lease, Ending.FAILED)
    assert 4 == furu.plan_migrations().apply().made


@pytest.mark.parametrize("conflict", ["throw", "skip"])
def test_who_comes_in_between_wins(old_tree, conflict):
    plan = furu.plan_migrations()
    publish(TRAINS[0], "computed meanwhile")
    if conflict == "throw":
        with pytest.raises(furu.FuruMigrationConflict) as caught:
            plan.apply()
        made = sum(planned.config.exists() for planned in plan.aliases) - 1
        assert made == furu.undo_migration(str(caught.value.migration))
    else:
        assert 3 == plan.apply(conflict="skip").made
    assert "computed meanwhile" == TRAINS[0].get()


class Hurried(Disk):
    """Somebody begins with an artifact at the moment when its alias is renamed to where it belongs."""

    def __init__(self, *, publishes: bool) -> None:
        self.publishes = publishes

    def rename(self, source: str, target: str) -> None:
        if source.endswith(".new"):
            os.makedirs(f"{target}/attempts")
            if self.publishes:
                publish(DATA, "computed meanwhile")
        super().rename(source, target)


@pytest.mark.parametrize("publishes", [True, False])
def test_who_makes_the_directory_in_between_gets_an_alias_or_has_a_result(old_tree, monkeypatch, publishes):
    monkeypatch.setattr(THIS_PROCESS, "disk", Hurried(publishes=publishes))
    plan = furu.plan_migrations(Data)
    first = furu.MigrationPlan(tuple(each for each in plan.aliases if each.config == DATA), roots=plan.roots)
    assert (0 if publishes else 1) == first.apply(conflict="skip").made
    assert ("computed meanwhile" if publishes else "the data") == DATA.get()
    assert not [name for name in os.listdir(f"{plan.roots[0]}/migrations") if name.endswith(".new")]


def test_a_disk_that_fails_leaves_nothing_half_made(old_tree, own_store, monkeypatch, tree):
    class Full(Disk):
        def write_new(self, path: str, content: bytes, *, sync: bool = False) -> None:
            if path.endswith("alias.json"):
                raise OSError(errno.ENOSPC, "full")
            super().write_new(path, content, sync=sync)

    before = tree()
    plan = furu.plan_migrations()
    with monkeypatch.context() as patch:
        patch.setattr(THIS_PROCESS, "disk", Full())
        with pytest.raises(OSError, match="full"):
            plan.apply()
    (journal,) = (own_store / "migrations").iterdir()
    assert 0 == furu.undo_migration(journal.stem)
    assert before == tree()


def test_a_result_that_goes_meanwhile_is_not_aliased(old_tree, own_store):
    plan = furu.plan_migrations()
    (own_store / "data" / old_tree[0] / "SUCCESS.json").unlink()
    assert ["the result is gone"] == [conflict.because for conflict in plan.apply(conflict="skip").skipped]
    assert not DATA.exists()


def test_a_plan_is_for_the_store_that_it_was_made_for(old_tree, tmp_path):
    plan = furu.plan_migrations()
    with furu.using(path=tmp_path), pytest.raises(furu.FuruConfigError, match="was made for the store"):
        plan.apply()


def test_a_plan_says_what_it_would_do(old_tree, old):
    old("evolved/old/Dataset", {"n": 5, "noise": 3})
    publish(DATA, "newer")
    lines = str(furu.plan_migrations()).splitlines()
    assert "3 to be aliased, 1 conflicts, 1 refused, 1 current, 0 aliased already" == lines[0]
    assert {"alias", "conflict", "refused"} == {line.split()[0] for line in lines[1:]}
    assert any("Rename(old='learning_rate', new='lr')" in line for line in lines)


def test_a_history_that_is_none_is_an_error(monkeypatch):
    monkeypatch.setattr(Typed, "_migrations", ["rename a b"])
    with pytest.raises(furu.FuruConfigError, match="must be a list or tuple of"):
        furu.plan_migrations(Typed)
