"""What is stored, as values: `furu.refs()`, and the class-level verbs."""

from __future__ import annotations

import contextlib
import json
from functools import partial
from pathlib import Path

import pytest

import furu
from furu import ArtifactStatus
from furu.identity.decode import FuruDecodeError
from furu.lifecycle.artifact import Artifact, Terms
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS, Lease
from furu.storage.layout import Ending
from tests.evolution.histories import Data, Report, Train
from tests.evolution.shapes import Filed, New, Old, OldParent, Text
from tests.evolution.stores import publish_document
from tests.support import computed


@pytest.fixture
def old(own_store):
    return partial(publish_document, own_store)


def test_nothing_is_stored():
    assert [] == furu.refs()
    assert ([], [], []) == (New.all_current(), New.all_successful(), New.all_stale_refs())


def test_a_ref_tells_all_without_the_class(old, own_store):
    reference = old("evolved/gone", {"a": 1}, version="2", schema={"a": {"type": "int"}}, value=[1, 2])
    (ref,) = furu.refs()
    assert (reference, own_store, "evolved/gone") == (ref.reference, ref.root, ref.namespace)
    assert (ArtifactStatus.PUBLISHED, None) == (ref.status, ref.error)
    assert ({"a": 1}, {"a": {"type": "int"}}, "2") == (ref.fields, ref.schema, ref.version)
    assert ("gone:Gone", own_store / "data" / reference) == (ref.class_path, ref.directory)
    assert ([1, 2], True) == (ref.load_result(), ref.has_result)
    assert "can't be imported" in str(ref.why_stale())
    with pytest.raises(FuruDecodeError, match="can't be imported"):
        ref.load_config()
    with pytest.raises(FuruDecodeError, match="can't be imported"):
        ref.load_config(strict=False)


def test_the_config_of_a_ref():
    part = Old(learning_rate=0.5)
    config = OldParent(part=part, others=frozenset({part, Old(learning_rate=1.0)}))
    config.get()
    (ref,) = furu.refs(namespace="tests/evolution/shapes/OldParent")
    assert config == ref.load_config() == ref.load_config(strict=False)
    assert (None, "old parent of old 0.5") == (ref.why_stale(), ref.load_result())
    assert config.get_metadata() | {"node": ""} == ref.metadata() | {"node": ""}
    assert config.furu_dir == ref.result_dir


def test_a_ref_of_another_shape_gives_a_config_of_today_when_it_need_not_be_the_same(old):
    data = old("evolved/data", {"size": 7, "colour": "red"})
    old("evolved/train", {"data": {"$config": data}, "lr": 0.5, "verbose": True})
    (_, ref) = furu.refs()
    assert "has no field 'colour', which was \"red\"" in str(furu.refs()[0].why_stale())
    assert Train(data=Data(size=7), lr=0.5) == ref.load_config(strict=False)


def test_statuses(notes):
    for name in ("published", "failed", "preempted", "taken back"):
        computed.RAISES["create text failed"] = RuntimeError("boom")
        computed.RAISES["create text preempted"] = KeyboardInterrupt()
        with contextlib.suppress(RuntimeError, KeyboardInterrupt):
            Text(name=name).get()
    (Text(name="taken back")._base_furu_dir() / "SUCCESS.json").unlink()
    furu.migrate(Text(name="published"), Text(name="alias"))
    lease = Artifact(artifact_paths(Text(name="running")), THIS_PROCESS).acquire(Terms("somebody", 100, 10))
    assert isinstance(lease, Lease)
    New.all_current()
    OldParent(part=Old(learning_rate=0.5)).get()
    Old(learning_rate=0.5).delete()
    statuses = {ref.fields.get("name", ref.namespace[-9:]): ref.status for ref in furu.refs()}
    running = {ref.status for ref in furu.refs() if ref.document is None}
    THIS_PROCESS.end(lease, Ending.FAILED)
    assert {
        "published": ArtifactStatus.PUBLISHED,
        "failed": ArtifactStatus.FAILED,
        "preempted": ArtifactStatus.PREEMPTED,
        "taken back": ArtifactStatus.INVALID,
        "alias": ArtifactStatus.ALIAS,
        "shapes/Text": ArtifactStatus.RUNNING,
        "OldParent": ArtifactStatus.PUBLISHED,
        "hapes/Old": ArtifactStatus.RECORDED,
    }.items() - {("shapes/Text", ArtifactStatus.RUNNING)} <= statuses.items()
    assert {ArtifactStatus.RUNNING} == running


@pytest.mark.parametrize("content", ["", "{", "[]", '{"v": 1}', '{"v": 99}', None], ids=repr)
def test_a_config_that_can_not_be_read_is_a_ref_with_its_error(content):
    Text().get()
    path = Text()._base_furu_dir() / "config.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    (ref,) = furu.refs()
    assert ref.error
    assert ref.document is ref.version is ref.class_path is None
    assert ({}, {}, "a") == (ref.fields, ref.schema, ref.load_result())
    assert [ref] == Text.all_stale_refs()
    assert [] == Text.all_current()
    with pytest.raises(furu.FuruStoreError):
        ref.load_config()


def test_a_config_copied_from_elsewhere_is_not_believed():
    Text(name="a").get(), Text(name="b").get()
    source = Text(name="a")._base_furu_dir() / "config.json"
    (Text(name="b")._base_furu_dir() / "config.json").write_bytes(source.read_bytes())
    assert [Text(name="a")] == Text.all_current()
    assert ["is not the document of" in str(ref.error) for ref in Text.all_stale_refs()] == [True]


def test_a_result_that_only_its_class_can_read():
    Filed().get()
    (ref,) = furu.refs()
    with pytest.raises(furu.FuruError, match="has a _load"):
        ref.load_result()
    assert "a" == (ref.result_dir / "text").read_text()
    loaded = ref.load_config()
    assert isinstance(loaded, Filed)
    assert "a" == loaded.get()


def test_a_ref_without_a_result():
    OldParent(part=Old(learning_rate=0.5)).get()
    Old(learning_rate=0.5).delete()
    (ref,) = furu.refs(namespace="tests/evolution/shapes/Old")
    assert not ref.has_result
    for ask in (ref.load_result, ref.metadata, lambda: ref.result_dir):
        with pytest.raises(furu.FuruNothingPublished):
            ask()


def test_refs_of_a_namespace_and_of_another_root(old, tmp_path):
    for namespace in ("evolved/data", "evolved/data/more", "evolved/database"):
        old(namespace, {})
    assert ["evolved/data", "evolved/data/more"] == [ref.namespace for ref in furu.refs(namespace="evolved/data")]
    assert 3 == len(furu.refs(namespace="evolved"))
    publish_document(tmp_path, "other", {})
    assert ["other"] == [ref.namespace for ref in furu.refs(tmp_path)]
    assert [] == furu.refs(tmp_path / "nowhere")


def test_current_successful_and_stale(old):
    done, failed = Text(name="done"), Text(name="failed")
    done.get()
    computed.RAISES["create text failed"] = RuntimeError("boom")
    with pytest.raises(RuntimeError):
        failed.get()
    furu.migrate(done, Text(name="alias"))
    stale = old("tests/evolution/shapes/Text", {"name": "x", "more": 1})
    assert {"done", "failed", "alias"} == {config.name for config in Text.all_current()}
    assert {"done", "alias"} == {config.name for config in Text.all_successful()}
    assert [stale] == [ref.reference for ref in Text.all_stale_refs()]


def test_results_under_a_former_name_are_stale(old):
    former, current = old("evolved/old/Dataset", {"n": 1}), old("evolved/data", {"n": 1})
    assert [former, current] == [ref.reference for ref in Data.all_stale_refs()]


def test_a_field_that_is_left_out_of_the_hash_while_it_has_its_default_makes_nothing_stale():
    """As it is for an artifact that is older than the field."""
    train = Train(data=Data())
    train.get()
    path = train._base_furu_dir() / "config.json"
    document = json.loads(path.read_text())
    for name in ("momentum", "workers"):
        del document["fields"][name]
    path.write_text(json.dumps(document))
    assert [train] == Train.all_successful()


def test_a_history_is_not_inherited():
    class Sub(New):
        pass

    assert [] == Sub.all_stale_refs()


def test_version_controlled_artifacts_are_found(own_store):
    with furu.using(version_controlled_path=own_store / "kept"):
        Report(trains=[]).get()
        assert ["evolved/report"] == [ref.namespace for ref in furu.refs()]
        assert own_store == Path(furu.refs()[0].root)
