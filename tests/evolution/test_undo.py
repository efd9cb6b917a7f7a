"""Taking a migration back, and what holds for every migration of every store."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import furu
from furu.evolution import aliases as making
from furu.evolution.archive import Archive
from furu.evolution.classes import KnownClasses
from furu.evolution.translation import Translator
from tests.evolution.histories import Data, Report, Train
from tests.evolution.shapes import Filed, New, Old, OldParent, Parent
from tests.evolution.stores import publish, publish_document
from tests.support.fresh import exit_code, fork, run_fresh

STORES = itertools.count()


@pytest.fixture
def old(own_store):
    return partial(publish_document, own_store)


def test_undoing_gives_back_what_was_there(old, tree):
    for size in range(3):
        old("evolved/old/Dataset", {"n": size})
    before = tree()
    answer = furu.plan_migrations().apply()
    assert 3 == answer.made
    assert before != tree()
    assert 3 == furu.undo_migration(answer.id)
    assert before == tree()
    assert not Data(size=1).exists()


def test_undoing_twice_is_undoing_once_and_one_can_migrate_again(old, tree):
    old("evolved/old/Dataset", {"n": 1})
    answer = furu.plan_migrations().apply()
    after = tree()
    assert (1, 0) == (furu.undo_migration(answer.id), furu.undo_migration(answer.id))
    again = furu.plan_migrations().apply()
    assert set(after) == set(tree())
    assert 0 == furu.undo_migration(answer.id)
    assert Data(size=1).exists()
    assert 1 == furu.undo_migration(again.id)


def test_an_alias_made_by_hand_is_undone_in_the_same_way(tree):
    Filed(name="a").get()
    before = tree()
    answer = furu.migrate(Filed(name="a"), Filed(name="b"))
    assert 1 == furu.undo_migration(answer.id)
    assert before == tree()


def test_a_result_computed_since_stays(old):
    old("evolved/old/Dataset", {"n": 1})
    answer = furu.plan_migrations().apply()
    with furu.using(always_rerun=frozenset({"tests.evolution.histories.Data"})):
        assert "new data" == Data(size=1).get()
    furu.undo_migration(answer.id)
    assert "new data" == Data(size=1).get()


def test_a_config_that_somebody_refers_to_by_now_stays(old, own_store):
    old("evolved/old/Dataset", {"n": 1})
    answer = furu.plan_migrations().apply()
    Train(data=Data(size=1)).get()
    furu.undo_migration(answer.id)
    assert (Data(size=1)._base_furu_dir() / "config.json").exists()
    assert [Train(data=Data(size=1))] == Train.all_current()


def test_a_config_that_was_removed_is_recorded_again_when_it_is_needed(old):
    old("evolved/old/Dataset", {"n": 1})
    furu.undo_migration(str(furu.plan_migrations().apply().id))
    assert not Data(size=1)._base_furu_dir().exists()
    Train(data=Data(size=1)).get()
    assert [Data(size=1)] == Data.all_current()


def test_an_alias_that_somebody_has_replaced_stays(old):
    old("evolved/old/Dataset", {"n": 1})
    answer = furu.plan_migrations().apply()
    Data(size=1).delete()
    publish(Data(size=2), "other")
    furu.migrate(Data(size=2), Data(size=1))
    assert 0 == furu.undo_migration(answer.id)
    assert "other" == Data(size=1).get()


@pytest.mark.parametrize("name", ["", "../x", "01700000000000000000-0123456789ab"])
def test_a_migration_that_there_is_not(old, name):
    old("evolved/old/Dataset", {"n": 1})
    known = str(furu.plan_migrations().apply().id)
    with pytest.raises(furu.FuruStoreError, match="there is no migration") as caught:
        furu.undo_migration(name)
    assert known in str(caught.value)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (('"v": 1', '"v": 2'), furu.FuruFutureRecord),
        (('"aliases": 1', '"aliases": 2'), furu.FuruCorruptRecord),
        (('{"made": "data/evolved/', '{"made": "data/../evolved/'), furu.FuruCorruptRecord),
        (('{"made": "data/evolved/', '{"made": "/data/evolved/'), furu.FuruCorruptRecord),
        (("config.json", "SUCCESS.json"), furu.FuruCorruptRecord),
        (('{"made"', '"made"'), furu.FuruCorruptRecord),
    ],
)
def test_a_journal_that_is_not_what_was_written_is_refused(old, own_store, tree, change, error):
    old("evolved/old/Dataset", {"n": 1})
    answer = furu.plan_migrations().apply()
    (journal,) = (own_store / "migrations").iterdir()
    text = journal.read_text()
    assert change[0] in text
    journal.write_text(text.replace(*change))
    before = tree()
    with pytest.raises(error):
        furu.undo_migration(answer.id)
    assert before == tree()


# -- killed half-way ------------------------------------------------------------------------------------------------


def migrate_and_die(step: str, number: int) -> str:
    """Apply a plan in a child that is killed in the middle of its alias `number`; what a later process makes of it."""
    plan = furu.plan_migrations()
    disk, count = making.THIS_PROCESS.disk, itertools.count(1)

    def die(*arguments: Any, **keywords: Any) -> None:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments, **keywords)

    real = getattr(disk, step)

    def apply() -> None:
        setattr(disk, step, die)
        plan.apply()

    pid = fork(apply)
    assert -signal.SIGKILL == exit_code(pid)
    (journal,) = (name for name in os.listdir(f"{plan.roots[0]}/migrations") if name.endswith(".jsonl"))
    return journal.removesuffix(".jsonl")


@pytest.mark.parametrize("resumed", [True, False], ids=["resumed", "undone"])
@pytest.mark.parametrize("where", [("rename", 3), ("write_new", 4), ("make_directory", 5), ("write_new", 7)])
def test_a_migration_that_was_killed_is_resumed_or_undone(old, own_store, tree, where, resumed):
    """Each alias is there whole or not at all; the rest of a directory that was being made lies outside of `data/`."""
    data = [old("evolved/old/Dataset", {"n": size}, value=size) for size in range(6)]
    before = tree()
    token = run_fresh(migrate_and_die, *where)
    made = [size for size in range(6) if Data(size=size).exists()]
    assert 0 < len(made) < 6
    if resumed:
        answer = furu.plan_migrations().apply()
        assert 6 - len(made) == answer.made
        assert list(range(6)) == [Data(size=size).get() for size in range(6)]
        furu.undo_migration(answer.id)
    assert len(made) == furu.undo_migration(token)
    assert before == tree()
    assert all((own_store / "data" / reference / "SUCCESS.json").exists() for reference in data)
    assert {".jsonl"} == {path.suffix for path in (own_store / "migrations").iterdir()}


# -- every store ----------------------------------------------------------------------------------------------------

RATES = st.sampled_from([0.5, 1.0])
OLDS = st.builds(Old, learning_rate=RATES, unused=st.sampled_from([0, 0, 3]))
NEWS = st.builds(New, lr=RATES, momentum=st.sampled_from([0.0, 0.9]))
OLD_PARENTS = st.builds(OldParent, part=OLDS, others=st.frozensets(OLDS, max_size=2))
PARENTS = st.builds(Parent, part=NEWS, others=st.frozensets(NEWS, max_size=2))
DOCUMENTS = st.tuples(
    st.sampled_from(["evolved/old/Dataset", "evolved/data"]),
    st.fixed_dictionaries({}, optional={"n": st.sampled_from([1, 2]), "size": st.just(1), "shuffled": st.booleans()}),
    st.booleans(),
)


@st.composite
def stores(draw):
    configs = draw(st.lists(st.one_of(OLDS, NEWS, OLD_PARENTS, PARENTS), max_size=6, unique=True))
    return (
        configs,
        draw(st.lists(DOCUMENTS, max_size=6, unique_by=lambda each: repr((each[0], sorted(each[1].items()))))),
        draw(st.booleans()),
    )


def fill(root: Path, store: Any) -> None:
    configs, documents, has_report = store
    for config in configs:
        for each in config._get_dependencies():
            publish(each, each.furu_hash)
        publish(config, config.furu_hash)
    for namespace, fields, is_published in documents:
        publish_document(root, namespace, fields, value=fields if is_published else None)
    data = [str(path.parent.relative_to(root / "data")) for path in (root / "data").glob("evolved/*/**/config.json")]
    if has_report and data:
        fields = {"data": {"$config": min(data)}, "learning_rate": 0.5, "verbose": False}
        optimizer = {"$enum": "evolved.old:Optimizer", "member": "SGD"}
        train = publish_document(root, "evolved/old/Train", {**fields, "optimizer": optimizer}, value="train")
        publish_document(root, "evolved/report", {"trains": [{"$config": train}]}, value="report")


def old_of(new: New) -> Old | None:
    """By hand, what `New._migrations` says."""
    return Old(learning_rate=new.lr) if new.momentum == 0.0 else None


def is_meant(config: Any, value: Any) -> bool:
    """Whether a published value is one that the config stands for."""
    if isinstance(config, Data):
        size = value.get("size", value.get("n"))
        return len({"size", "n"} & value.keys()) == 1 and [size, value.get("shuffled", False)] == [*vars_of(config)]
    if value == config.furu_hash:
        return True
    if isinstance(config, New):
        old = old_of(config)
        return old is not None and value == old.furu_hash
    parts = [old_of(part) for part in (config.part, *config.others)]
    return None not in parts and value == OldParent(part=parts[0], others=frozenset(parts[1:])).furu_hash


def vars_of(data: Data) -> tuple[int, bool]:
    return data.size, data.shuffled


def content(root: Path) -> dict[str, bytes | None]:
    top = root / "data"
    paths = sorted(top.rglob("*"))
    return {str(path.relative_to(top)): path.read_bytes() if path.is_file() else None for path in paths}


def sources_by_config() -> dict[str, set[str]]:
    """For each config of today, the artifacts in which a result of it lies."""
    refs = [ref for ref in furu.refs() if ref.has_result]
    archive = Archive([str(refs[0].root)]) if refs else Archive([])
    readings = Translator(archive, KnownClasses()).read(ref.reference for ref in refs)
    sources = defaultdict(set)
    for ref in refs:
        for config in readings[ref.reference].choices:
            if config.exists():
                sources[repr(config)].add(str(config.furu_dir))
    return sources


@settings(max_examples=40)
@given(store=stores())
def test_migrating_is_undone_exactly_and_deletes_nothing(store, tmp_path_factory):
    root = tmp_path_factory.getbasetemp() / f"every-store-{next(STORES)}"
    with furu.using(path=root, fsync=False):
        fill(root, store)
        before = content(root)
        plan = furu.plan_migrations()
        assert before == content(root)
        answer = plan.apply(conflict="skip")
        after = content(root)
        assert before.items() <= after.items()  # not one result, nor anything else, is gone or another
        assert {"alias.json", "config.json"} >= {Path(name).name for name in after.keys() - before if after[name]}
        assert len(plan.aliases) == answer.made == len({planned.own for planned in plan.aliases})
        for planned in plan.aliases:
            assert planned.config.exists()
            assert "SUCCESS.json" not in os.listdir(planned.config._base_furu_dir())
        assert all(1 == len(sources) for sources in sources_by_config().values())
        for config in (*New.all_successful(), *Parent.all_successful(), *Data.all_successful()):
            assert is_meant(config, config.get())
        assert () == furu.plan_migrations().aliases
        if answer.id is not None:
            assert answer.made == furu.undo_migration(answer.id)
        assert before == content(root)


@settings(max_examples=25)
@given(store=stores())
def test_every_result_is_loaded_by_todays_code_or_refused_with_a_reason(store, tmp_path_factory):
    root = tmp_path_factory.getbasetemp() / f"every-result-{next(STORES)}"
    with furu.using(path=root, fsync=False):
        fill(root, store)
        results = {ref.reference for ref in furu.refs() if ref.has_result}
        furu.plan_migrations().apply(conflict="skip")
        plan = furu.plan_migrations()
        refused = {each.reference for each in plan.refused}
        assert all(each.because for each in plan.refused)
        served = {target for ref in furu.refs() if (target := alias_of(ref))}
        current = {ref.reference for ref in furu.refs() if ref.why_stale() is None}
        in_the_way = {each.target for each in plan.conflicts} | {
            name for each in plan.conflicts for name in results if name in each.because
        }
        assert results <= refused | served | current | in_the_way


def alias_of(ref: furu.ArtifactRef) -> str | None:
    path = ref.directory / "alias.json"
    return json.loads(path.read_text())["target"] if path.exists() else None


def test_a_report_of_a_tree_is_a_report(old):
    """The document helper makes what the classes of `histories` can take over."""
    data = old("evolved/data", {"size": 1, "shuffled": False}, value=None)
    fields = {"data": {"$config": data}, "learning_rate": 0.5, "verbose": False}
    train = old("evolved/old/Train", {**fields, "optimizer": {"$enum": "evolved.old:Optimizer", "member": "SGD"}})
    old("evolved/report", {"trains": [{"$config": train}]}, value="report")
    furu.plan_migrations().apply()
    assert ["report"] == [report.get() for report in Report.all_successful()]
