"""Tags, notes and pins: who annotates at once, what survives, and what is no tag."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

import furu
from furu.lifecycle.computable import artifact_paths
from furu.storage.annotations import Annotations
from tests.support.computed import Sum, Value
from tests.support.privileges import run_bound_by_permissions

VALUE = Value(name="a", value=3)


def names(config) -> set[str]:
    return set(os.listdir(artifact_paths(config).base))


def test_a_result_is_tagged_noted_and_pinned():
    VALUE.get()
    before = names(VALUE)
    furu.tag(VALUE, "paper", "figure-3")
    furu.note(VALUE, "the one of the talk")
    furu.pin(VALUE, "table 2")
    expected = Annotations(("figure-3", "paper"), "the one of the talk", is_pinned=True, pin_reason="table 2")
    assert expected == furu.annotations_of(VALUE)
    (ref,) = furu.refs()
    assert (("figure-3", "paper"), "the one of the talk", True) == (ref.tags, ref.note, ref.is_pinned)
    furu.untag(ref, "figure-3", "never-there")
    furu.note(ref, None)
    furu.unpin(ref)
    assert Annotations(("paper",)) == furu.annotations_of(VALUE)
    furu.untag(ref, "paper")
    assert before == names(VALUE)


def test_who_and_when_is_on_record():
    furu.pin(VALUE, "first")
    furu.pin(VALUE, "second")
    with open(artifact_paths(VALUE).pin, encoding="utf-8") as file:
        record = json.load(file)
    assert ("second", 1) == (record["text"], record["v"])
    assert record["user"]
    assert record["at"] > 1e9


def test_what_is_not_computed_yet_can_be_annotated():
    config = Sum(parts=(VALUE, Value(name="b", value=4)))
    furu.tag(config, "later")
    assert {"recorded"} == {ref.status.value for ref in furu.refs()}
    assert 7 == config.get()
    assert ("later",) == furu.annotations_of(config).tags
    other = Value(name="never")
    furu.untag(other, "x")
    furu.unpin(other)
    furu.note(other, None)
    assert Annotations() == furu.annotations_of(other)
    assert not os.path.exists(artifact_paths(other).base)


def test_they_outlive_the_result():
    VALUE.get()
    furu.tag(VALUE, "paper")
    furu.note(VALUE, "n")
    with furu.using(always_rerun={"ALL"}):
        VALUE.get()
    assert VALUE.delete()
    assert not VALUE.exists()
    assert 3 == VALUE.get()
    assert Annotations(("paper",), "n") == furu.annotations_of(VALUE)


def test_what_is_pinned_is_not_deleted_by_mistake():
    VALUE.get()
    furu.pin(VALUE, "table 2")
    with pytest.raises(furu.FuruPinned, match="pinned: table 2"):
        VALUE.delete()
    assert VALUE.exists()
    assert VALUE.delete(force=True)
    assert furu.annotations_of(VALUE).is_pinned


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a b", "a,b", "-x", "ü", "x" * 65, "a\n", "a\0"])
def test_what_can_be_no_tag_is_refused_and_leaves_nothing(name):
    VALUE.get()
    before = names(VALUE)
    for verb in (furu.tag, furu.untag):
        with pytest.raises(furu.FuruAnnotationError, match="can't be a tag"):
            verb(VALUE, "good", name)
    assert before == names(VALUE)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001], ids=["empty", "blank", "long"])
def test_what_can_be_no_note_is_refused(text):
    with pytest.raises(furu.FuruAnnotationError, match="can't be a note"):
        furu.note(VALUE, text)


def test_many_annotate_at_once_and_all_have_their_way():
    VALUE.get()

    def annotate(number: int) -> None:
        furu.tag(VALUE, f"t{number}", "common")
        furu.note(VALUE, f"n{number}")
        furu.pin(VALUE, f"p{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(annotate, range(24)))
    found = furu.annotations_of(VALUE)
    assert {"common", *(f"t{number}" for number in range(24))} == set(found.tags)
    assert found.note in {f"n{number}" for number in range(24)}
    assert not [name for name in names(VALUE) if name.endswith(".tmp")]


def test_each_change_shows_in_the_time_stamps():
    """Of the artifact's directory, for who looks at each, and of the class's, for who looks at that alone."""
    VALUE.get()
    base = artifact_paths(VALUE).base
    changes = [
        lambda: furu.tag(VALUE, "a"),
        lambda: furu.untag(VALUE, "a"),
        lambda: furu.note(VALUE, "one"),
        lambda: furu.note(VALUE, "two"),
        lambda: furu.note(VALUE, None),
        lambda: furu.pin(VALUE),
        lambda: furu.unpin(VALUE),
    ]
    for change in changes:
        for directory in (base, os.path.dirname(base)):
            os.utime(directory, (1.0, 1.0))
        change()
        assert os.stat(base).st_mtime > 1
        assert os.stat(os.path.dirname(base)).st_mtime > 1


def test_a_damaged_pin_is_a_pin_and_a_damaged_note_is_told():
    VALUE.get()
    for name in ("pin.json", "note.json"):
        with open(f"{artifact_paths(VALUE).base}/{name}", "w", encoding="utf-8") as file:
            file.write("{")
    with pytest.raises(furu.FuruCorruptRecord, match=r"note\.json is damaged"):
        furu.annotations_of(VALUE)
    furu.note(VALUE, "whole")
    assert Annotations((), "whole", is_pinned=True) == furu.annotations_of(VALUE)
    assert 3 == VALUE.get()


def test_a_store_that_is_only_read_is_a_clean_refusal():
    VALUE.get()
    base = artifact_paths(VALUE).base
    os.chmod(base, 0o500)
    try:
        for verb in (lambda: furu.tag(VALUE, "a"), lambda: furu.note(VALUE, "a"), lambda: furu.pin(VALUE)):
            with pytest.raises(furu.FuruReadOnlyStore, match="can't be annotated"):
                run_bound_by_permissions(verb)
    finally:
        os.chmod(base, 0o700)


def test_an_artifact_that_is_gone():
    VALUE.get()
    (ref,) = furu.refs()
    os.rename(ref.directory, f"{ref.directory}-gone")
    with pytest.raises(furu.FuruStoreError, match="not there any more"):
        furu.tag(ref, "a")
