"""An artifact that stands for another one's result: `furu.migrate()`, and what `get()` and executors make of it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

import furu
from furu import EXEC_CONTEXT, ExecContext, FuruConfigError, FuruCorruptRecord, FuruLockNotAcquired
from furu.execution import Status, build_plan, run_local
from furu.execution.context import executing
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.lifecycle.published import why_inactive
from furu.storage.layout import Ending
from tests.evolution.shapes import Filed, New, Number, Old, Text
from tests.support import computed

ORIGINAL, ALIAS = Filed(name="a"), Filed(name="b")
RERUN = frozenset({"tests.evolution.shapes.Filed"})


def worker(key: str = "default") -> Any:
    return executing(ExecContext("executor", key, "local", "feedbeef"))


def created() -> list[str]:
    return [line for line in computed.NOTES if line.startswith("create")]


def success_of(obj: furu.Furu[Any]) -> Path:
    return obj._base_furu_dir() / "SUCCESS.json"


@pytest.fixture
def aliased() -> furu.Furu[str]:
    """`ALIAS` stands for `ORIGINAL`, and nothing is noted yet."""
    ORIGINAL.get()
    assert 1 == furu.migrate(ORIGINAL, ALIAS, policy="alias").made
    computed.NOTES.clear()
    return ALIAS


def test_s120_an_alias_loads_the_originals_result_and_computes_nothing(aliased):
    assert aliased.exists()
    assert "a" == aliased.get()
    assert [] == created()


def test_s121_furu_dir_is_the_originals_and_the_base_directory_its_own(aliased):
    assert ORIGINAL.furu_dir == aliased.furu_dir
    assert ORIGINAL._base_furu_dir() != aliased._base_furu_dir()
    assert ALIAS.furu_hash == aliased._base_furu_dir().name


def test_the_metadata_of_an_alias_is_the_originals(aliased):
    metadata = aliased.get_metadata()
    assert str(ORIGINAL._base_furu_dir()) == metadata["directory"]
    assert ORIGINAL.get_metadata()["environment"] == metadata["environment"]
    assert metadata["environment"]


def test_s122_an_alias_loads_in_executor_mode(aliased):
    with worker():
        assert aliased.exists()
        assert "a" == aliased.get()
        assert "a" == aliased.get(force=True)
    assert [] == created()


def test_s123_a_plan_says_that_an_alias_is_done(aliased):
    assert Status.DONE is build_plan([aliased]).nodes[aliased.furu_hash].status
    run_local([aliased])
    assert [] == created()


def test_s124_rerunning_an_alias_gives_it_a_result_of_its_own(aliased, tree):
    before = {name: content for name, content in tree().items() if ORIGINAL.furu_hash in name}
    with furu.using(always_rerun=RERUN):
        assert "b" == aliased.get()
    assert ["create b"] == created()
    assert aliased.furu_dir.is_relative_to(aliased._base_furu_dir())
    assert ("b", "a") == (aliased.get(), ORIGINAL.get())
    assert before == {name: content for name, content in tree().items() if ORIGINAL.furu_hash in name}


def test_s125_without_the_original_an_alias_is_inactive_and_is_computed(aliased, caplog):
    assert ORIGINAL.delete(force=True)
    assert not aliased.exists()
    assert "which has no result any more" in str(why_inactive(artifact_paths(aliased), THIS_PROCESS.disk))
    with worker(), pytest.raises(furu.FuruMissingArtifact):
        aliased.get()
    with caplog.at_level(logging.WARNING, "furu"):
        assert "b" == aliased.get()
    assert "it is an alias of" in caplog.text
    assert (success_of(ALIAS).exists(), success_of(ORIGINAL).exists()) == (True, False)


def test_s125_an_alias_of_an_original_that_is_not_valid_for_it_is_computed_and_the_original_kept(aliased):
    computed.INVALID.add("b")
    assert not aliased.exists()
    assert Status.TODO is build_plan([aliased]).nodes[aliased.furu_hash].status
    computed.RAISES["create b"] = RuntimeError("once")
    with pytest.raises(RuntimeError, match="once"):
        aliased.get()
    computed.RAISES.clear()
    before = success_of(ORIGINAL).read_bytes()
    assert "b" == aliased.get()
    assert before == success_of(ORIGINAL).read_bytes()
    assert ORIGINAL.exists()


def test_s126_an_alias_follows_an_original_that_is_computed_anew(aliased):
    with furu.using(always_rerun=RERUN):
        ORIGINAL.get()
    computed.NOTES.clear()
    assert ORIGINAL.furu_dir == aliased.furu_dir
    assert "a" == aliased.get()
    assert [] == created()


def test_s127_only_a_published_original_can_be_aliased():
    with pytest.raises(furu.FuruNothingPublished):
        furu.migrate(ORIGINAL, ALIAS)
    computed.RAISES["create a"] = RuntimeError("boom")
    with pytest.raises(RuntimeError, match="boom"):
        ORIGINAL.get()
    with pytest.raises(furu.FuruNothingPublished):
        furu.migrate(ORIGINAL, ALIAS)
    assert not ALIAS._base_furu_dir().exists()


def test_s128_forcing_an_alias_in_an_executor_with_always_rerun_detaches_it(aliased):
    with furu.using(always_rerun=RERUN), worker():
        assert "b" == aliased.get(force=True)
    assert ["create b"] == created()
    assert success_of(ALIAS).exists()
    assert "a" == ORIGINAL.get()


def test_s128_a_run_with_always_rerun_detaches_it(aliased):
    with furu.using(always_rerun=RERUN):
        run_local([aliased])
    assert ["create b"] == created()
    assert "b" == aliased.get()


def test_s129_the_entry_of_a_batch_job_has_nothing_to_do_for_an_alias(aliased):
    aliased._worker_entry()
    aliased._run_locally(0.0)
    assert [] == created()
    assert not success_of(ALIAS).exists()


def test_s129_the_entry_of_a_batch_job_computes_an_inactive_alias(aliased):
    shutil.rmtree(ORIGINAL._base_furu_dir())
    aliased._worker_entry()
    assert ["create b"] == created()
    assert EXEC_CONTEXT.get().mode == "interactive"


# -- making one -------------------------------------------------------------------------------------------------------


def test_an_alias_leaves_nothing_behind_but_a_config_and_itself(aliased):
    assert {"alias.json", "config.json"} == {path.name for path in aliased._base_furu_dir().iterdir()}


def test_an_alias_of_an_alias_points_to_where_the_result_lies(aliased):
    third = Filed(name="c")
    furu.migrate(aliased, third)
    assert ALIAS.delete()
    assert "a" == third.get()


def test_chains_that_somebody_made_by_hand_are_followed(aliased):
    third = Filed(name="c")
    furu.migrate(aliased, third)
    path = third._base_furu_dir() / "alias.json"
    path.write_text(path.read_text().replace(ORIGINAL.furu_hash, ALIAS.furu_hash))
    assert "a" == third.get()
    assert ORIGINAL.furu_dir == third.furu_dir


def test_a_ring_is_refused_when_it_is_made():
    ORIGINAL.get()
    furu.migrate(ORIGINAL, ALIAS)
    with pytest.raises(FuruConfigError, match="alias of itself"):
        furu.migrate(ALIAS, ORIGINAL)
    with furu.using(always_rerun=RERUN):
        ALIAS.get()
    ORIGINAL.delete(force=True)
    with pytest.raises(FuruConfigError, match="in a ring"):
        furu.migrate(ALIAS, ORIGINAL)


def test_a_ring_that_somebody_made_by_hand_is_an_error_and_no_endless_loop(aliased):
    text = (ALIAS._base_furu_dir() / "alias.json").read_text()
    swapped = text.replace(ORIGINAL.furu_hash, "x").replace(ALIAS.furu_hash, ORIGINAL.furu_hash)
    (ORIGINAL._base_furu_dir() / "alias.json").write_text(swapped.replace("x", ALIAS.furu_hash))
    success_of(ORIGINAL).unlink()
    with pytest.raises(FuruCorruptRecord, match="in a ring"):
        aliased.get()


@pytest.mark.parametrize("size", [0, 20], ids=["empty", "half"])
def test_an_alias_record_after_a_power_cut(aliased, size):
    path = ALIAS._base_furu_dir() / "alias.json"
    path.write_bytes(path.read_bytes()[:size])
    if size:
        with pytest.raises(FuruCorruptRecord):
            aliased.get()
    else:
        assert "b" == aliased.get()


def test_a_config_is_no_alias_of_itself():
    ORIGINAL.get()
    with pytest.raises(FuruConfigError, match="itself"):
        furu.migrate(ORIGINAL, Filed(name="a"))


@pytest.mark.parametrize(
    ("to_obj", "options", "text"),
    [
        pytest.param(Number(), {}, "gives <class 'int'>", id="other type of result"),
        pytest.param(Text(), {}, "has no _load", id="files that the class can't read"),
        pytest.param(ALIAS, {"policy": "copy"}, "only policy", id="policy"),
        pytest.param(ALIAS, {"conflict": "ask"}, "neither 'throw' nor 'skip'", id="conflict"),
    ],
)
def test_what_is_refused(to_obj, options, text):
    ORIGINAL.get()
    with pytest.raises(FuruConfigError, match=text):
        furu.migrate(ORIGINAL, to_obj, **options)
    assert not to_obj._base_furu_dir().exists()


def test_a_result_of_another_type_by_consent():
    Text().get()
    furu.migrate(Text(), Number(), check_types=False)
    assert "a" == Number().get()


def test_another_class_with_the_same_type_of_result():
    Old(learning_rate=0.5).get()
    new = New(lr=0.5, momentum=0.0)
    furu.migrate(Old(learning_rate=0.5), new)
    assert "old 0.5" == new.get()


def test_twice_the_same_alias_is_nothing_new(aliased):
    assert furu.migrate(ORIGINAL, ALIAS).id is None


def test_a_result_of_its_own_is_a_conflict():
    ORIGINAL.get(), ALIAS.get()
    with pytest.raises(furu.FuruMigrationConflict, match="result of its own") as caught:
        furu.migrate(ORIGINAL, ALIAS)
    assert caught.value.migration is None
    answer = furu.migrate(ORIGINAL, ALIAS, conflict="skip")
    assert (0, 1) == (answer.made, len(answer.skipped))
    assert "b" == ALIAS.get()


def test_another_alias_is_a_conflict(aliased):
    other = Filed(name="c")
    other.get()
    with pytest.raises(furu.FuruMigrationConflict, match="is an alias of"):
        furu.migrate(other, ALIAS)
    assert "a" == aliased.get()


def test_somebody_who_computes_it_is_a_conflict():
    ORIGINAL.get()
    artifact = Artifact(artifact_paths(ALIAS), THIS_PROCESS)
    lease = artifact.acquire(Terms("somebody", 100, 10))
    assert isinstance(lease, Lease)
    try:
        with pytest.raises(furu.FuruMigrationConflict, match="somebody is computing it"):
            furu.migrate(ORIGINAL, ALIAS)
        assert not (ALIAS._base_furu_dir() / "alias.json").exists()
    finally:
        THIS_PROCESS.end(lease, Ending.FAILED)
    furu.migrate(ORIGINAL, ALIAS)
    assert "a" == ALIAS.get()
    assert [Ending.FAILED] == [attempt.ending for attempt in artifact.lock.ended()]


def test_an_original_is_named_by_its_ref_when_its_class_is_gone():
    ORIGINAL.get()
    (ref,) = furu.refs()
    furu.migrate(ref, ALIAS)
    assert "a" == ALIAS.get()


# -- deleting one -----------------------------------------------------------------------------------------------------


def test_deleting_an_alias_keeps_the_original(aliased):
    assert aliased.delete()
    assert not aliased.exists()
    assert "a" == ORIGINAL.get()
    assert [] == created()


def test_deleting_a_detached_alias_does_not_bring_the_original_back(aliased):
    with furu.using(always_rerun=RERUN):
        aliased.get()
    assert aliased.delete()
    assert not aliased.exists()


def test_deleting_an_original_that_aliases_stand_for_wants_force(aliased):
    with pytest.raises(furu.FuruAliased, match="1 aliases stand for") as caught:
        ORIGINAL.delete()
    assert (f"tests/evolution/shapes/Filed/{ALIAS.furu_hash}",) == caught.value.aliases
    assert ORIGINAL.exists()
    assert ORIGINAL.delete(force=True)
    assert not aliased.exists()


@pytest.mark.parametrize("how", ["deleted", "detached"])
def test_an_alias_that_does_not_need_the_original_any_more_does_not_keep_it(aliased, how):
    if how == "deleted":
        aliased.delete()
    else:
        with furu.using(always_rerun=RERUN):
            aliased.get()
    assert ORIGINAL.delete()


def test_an_alias_that_is_being_computed_is_not_deleted(aliased):
    lease = Artifact(artifact_paths(aliased), THIS_PROCESS).acquire(Terms("somebody", 100, 10))
    assert isinstance(lease, Lease)
    with pytest.raises(FuruLockNotAcquired):
        aliased.delete()
    THIS_PROCESS.end(lease, Ending.FAILED)
    assert "a" == aliased.get()
