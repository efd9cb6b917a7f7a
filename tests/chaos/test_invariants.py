"""The checker itself: silent on a good story, and each of its functions sees the story that breaks its promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos import history, invariants, traces
from tests.chaos.history import Stored
from tests.chaos.stories import BASE, NODE, T1, T2, Story, good

if TYPE_CHECKING:
    from collections.abc import Callable


def two() -> Story:
    story = Story()
    story.hello("w1")
    story.hello("w2", host="h2")
    return story


def two_names_in_the_lock() -> Story:
    story = two()
    story.claim("w1")
    story.claim("w2", T2)
    return story


def two_names_left() -> Story:
    story = good()
    story.store[BASE].holders = [T1, T2]
    return story


def published_twice() -> Story:
    story = two()
    story.compute("w1")
    story.compute("w2", T2)
    return story


def result_gone() -> Story:
    story = good()
    story.store[BASE].token = None
    return story


def published_by_nobody() -> Story:
    story = good()
    story.store[BASE].token = T2
    return story


def torn_files() -> Story:
    story = good()
    story.store[BASE].files = "b is of another attempt"
    return story


def damaged_record() -> Story:
    story = good()
    story.store[BASE].is_damaged = True
    return story


def published_before_computed() -> Story:
    story = two()
    story.claim("w1")
    story.create("w1")
    story.publish("w1")
    story.created("w1")
    story.store = {BASE: Stored(token=T1)}
    return story


def wrong_value() -> Story:
    story = good()
    story.get("w1")
    story.got("w1", value="nonsense")
    return story


def published_after_its_end() -> Story:
    story = two()
    story.claim("w1")
    story.end("w2", ending="lost")
    story.publish("w1")
    return story


def published_without_lease() -> Story:
    story = two()
    story.publish("w1")
    return story


def beat_after_its_end() -> Story:
    story = two()
    story.claim("w1")
    story.end("w2", ending="lost")
    story.beat("w1")
    return story


def beat_for_another() -> Story:
    story = two()
    story.claim("w1")
    story.beat("w2")
    return story


def ended_twice() -> Story:
    story = two()
    story.claim("w1")
    story.end("w2", ending="lost")
    story.end("w1", ending="failed")
    return story


def failed_by_another() -> Story:
    story = two()
    story.claim("w1")
    story.end("w2", ending="failed")
    return story


def adopted_from_the_living() -> Story:
    story = two()
    story.claim("w1")
    story.create("w1")
    story.call("w2", "rename", f"{BASE}/files/{T1}", f"{BASE}/files/{T2}")
    return story


def adopted_from_the_lost() -> Story:
    story = two()
    story.claim("w1")
    story.create("w1")
    story.end("w2", ending="lost")
    story.kill(1)
    story.call("w2", "rename", f"{BASE}/files/{T1}", f"{BASE}/files/{T2}")
    return story


def one_token_computed_twice() -> Story:
    story = two()
    story.claim("w1")
    story.create("w1")
    story.create("w2")
    return story


def two_results_returned() -> Story:
    story = good()
    story.get("w2")
    story.got("w2", T2)
    return story


def returned_unpublished() -> Story:
    story = two()
    story.get("w1")
    story.got("w1")
    return story


def waited_for_the_dead() -> Story:
    story = two()
    story.claim("w1")
    story.get("w2")
    story.kill(1)
    story.now += 60.0
    story.end("w2", ending="crashed")
    story.got("w2")
    return story


def held_when_idle() -> Story:
    story = two()
    story.claim("w1")
    story.idle("w1")
    return story


def beats_when_idle() -> Story:
    story = two()
    story.claim("w1")
    story.end("w1")
    story.idle("w1", (T1,))
    return story


def raised_without_a_cause() -> Story:
    story = two()
    story.get("w1")
    story.note("w1", "raised", node=NODE, base=BASE, type="OSError", errno=5, text="OSError: out of the blue")
    return story


def raised_of_a_record_that_nobody_replaced() -> Story:
    story = two()
    story.compute("w1")
    story.get("w1")
    story.note("w1", "raised", node=NODE, base=BASE, type="FuruCorruptRecord", errno=0, text="FuruCorruptRecord: torn")
    return story


def survivor_raised() -> Story:
    story = two()
    story.compute("w1")
    story.hello("survivor99", role="survivor")
    story.get("survivor99")
    story.note("survivor99", "raised", node=NODE, base=BASE, type="OSError", errno=5, text="torn")
    return story


def survivor_never_asked() -> Story:
    story = two()
    story.compute("w1")
    return story


def never_came_back() -> Story:
    story = two()
    story.get("w1")
    return story


def ended_badly() -> Story:
    story = good()
    story.note("storm0", "ended 1", pid=2)
    return story


def never_left() -> Story:
    story = two()
    story.compute("w1")
    return story


def computed_twice_for_nothing() -> Story:
    story = two()
    story.claim("w1")
    story.create("w1")
    story.created("w1")
    story.end("w1", ending="noop")
    story.compute("w2", T2)
    return story


def computed_although_published() -> Story:
    story = two()
    story.compute("w1")
    story.claim("w2", T2)
    story.create("w2", T2)
    return story


def hit_that_writes() -> Story:
    story = good()
    story.get("w1")
    story.call("w1", "unlink", f"{BASE}/config.json")
    story.got("w1")
    return story


def seen_before_its_record() -> Story:
    story = two()
    story.claim("w1", has_record=False)
    return story


def ended_without_a_record() -> Story:
    story = good()
    story.store[BASE].attempts = {f"{T1}.ok": None}
    return story


def child_ends_its_parents() -> Story:
    story = two()
    story.claim("w1")
    story.hello("child3", forked_from="w1")
    story.end("child3")
    return story


def given_up_too_early() -> Story:
    story = two()
    story.claim("w1")
    story.beat("w1")
    story.end("w2", ending="lost")
    return story


def given_up_by_a_neighbour() -> Story:
    """On the same kernel an owner that lives has ten leases."""
    story = Story()
    story.hello("w1")
    story.hello("w2")
    story.claim("w1")
    story.now += 4.0
    story.end("w2", ending="lost")
    return story


def called_dead_alive() -> Story:
    story = two()
    story.claim("w1")
    story.now += 60.0
    story.end("w2", ending="crashed")
    return story


def code_imported() -> Story:
    story = good()
    story.outside = ["imported"]
    return story


def written_outside() -> Story:
    story = good()
    story.outside = ["lock"]
    return story


def path_outside() -> Story:
    story = good()
    story.call("w1", "write_new", "/etc/furu")
    return story


BAD: dict[str, list[Callable[[], Story]]] = {
    "I1": [two_names_in_the_lock, two_names_left],
    "I2": [published_twice, result_gone, published_by_nobody],
    "I3": [torn_files, damaged_record, published_before_computed, wrong_value],
    "I4": [published_after_its_end, published_without_lease],
    "I5": [beat_after_its_end, beat_for_another, ended_twice, failed_by_another],
    "I6": [adopted_from_the_living, adopted_from_the_lost, one_token_computed_twice],
    "I7": [two_results_returned, returned_unpublished],
    "I8": [waited_for_the_dead],
    "I9": [held_when_idle, beats_when_idle, raised_without_a_cause, raised_of_a_record_that_nobody_replaced],
    "I10": [survivor_raised, survivor_never_asked],
    "I11": [never_came_back, ended_badly, never_left],
    "I12": [computed_twice_for_nothing, computed_although_published],
    "I13": [hit_that_writes],
    "I14": [seen_before_its_record, ended_without_a_record],
    "I15": [child_ends_its_parents],
    "I16": [given_up_too_early, given_up_by_a_neighbour, called_dead_alive],
    "I17": [code_imported],
    "I18": [written_outside, path_outside],
}


def check(story: Story) -> dict[str, list[str]]:
    seen = story.history()
    return {name.partition(" ")[0]: found for name, each in invariants.CHECKS.items() if (found := each(seen))}


def test_nothing_is_said_of_a_good_story() -> None:
    assert check(good()) == {}


def test_every_invariant_has_a_control() -> None:
    assert list(BAD) == [name.partition(" ")[0] for name in invariants.CHECKS] == [f"I{n}" for n in range(1, 19)]


@pytest.mark.parametrize(
    ("number", "tell"),
    [pytest.param(number, tell, id=f"{number} {tell.__name__}") for number, tells in BAD.items() for tell in tells],
)
def test_a_bad_story_is_seen(number: str, tell: Callable[[], Story]) -> None:
    assert number in check(tell())


def test_a_kill_explains_a_second_computation() -> None:
    story = two()
    story.get("w1")
    story.claim("w1")
    story.create("w1")
    story.kill(1)
    story.get("w2")
    story.now += 1.0
    story.end("w2", ending="lost")
    story.compute("w2", T2)
    story.got("w2", T2)
    story.bye("w2")
    story.survive(T2)
    story.store = {BASE: Stored(attempts={f"{T1}.lost": T1, f"{T2}.ok": T2}, token=T2)}
    assert check(story) == {}


def test_an_owner_that_wakes_up_may_compute_in_vain() -> None:
    """It was stopped between its claim and its computation, and another one has begun since."""
    story = two()
    story.claim("w1")
    story.now += 1.0
    story.end("w2", ending="lost")
    story.claim("w2", T2)
    story.create("w2", T2)
    story.create("w1")
    assert "I12" not in check(story)


def test_a_process_that_dies_before_its_first_line_was_not_stuck() -> None:
    story = good()
    story.events["w7"] = []
    assert check(story) == {}


def test_a_step_that_nobody_knows_the_end_of_is_no_proof() -> None:
    """Killed between the rename and its note: it may have ended, so the next may begin."""
    story = two()
    story.claim("w1")
    story.call("w1", "rename", f"{BASE}/lock/{T1}", f"{BASE}/attempts/{T1}.ok", effect=None)
    story.kill(1)
    story.claim("w2", T2)
    assert "I1" not in check(story)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a": f"{T1} v\n", "b": f"{T1} v\n"}, ""),
        ({"a": f"{T1} v\n"}, "missing"),
        ({"a": f"{T1} v\n", "b": f"{T2} v\n"}, "another attempt"),
        ({"a": f"{T1} v\n", "b": f"{T1} v"}, "cut off"),
        ({"a": f"{T1} v\n", "b": f"{T1} w\n"}, "two attempts"),
    ],
    ids=["whole", "missing", "of another", "cut off", "mixed"],
)
def test_a_store_is_read(files: dict[str, str], problem: str, tmp_path: Path) -> None:
    base = tmp_path / BASE
    (base / "files" / T1).mkdir(parents=True)
    (base / "SUCCESS.json").write_text(json.dumps({"token": T1, "data": T1}))
    for name, text in files.items():
        (base / "files" / T1 / name).write_text(text)
    found = history.look(base)
    assert found.token == T1
    assert problem in found.files
    assert bool(problem) == bool(found.files)


def test_a_trace_survives_a_fork_and_a_line_cut_off(tmp_path: Path) -> None:
    trace = traces.Trace(str(tmp_path), "w1", role="worker")
    trace.note("get", node=NODE, base=BASE)
    with (tmp_path / f"{trace.name}.jsonl").open("a") as file:
        file.write('{"at": 1')
    (events,) = traces.read(str(tmp_path)).values()
    assert [event["what"] for event in events] == ["hello", "get"]
