"""The example: after each of five commits every old result is loaded or refused, and none for what it isn't."""

from __future__ import annotations

import pytest

from examples.evolution import __main__ as evolution


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return evolution.story(tmp_path_factory.mktemp("story"))


@pytest.mark.parametrize("number", range(6))
def test_after_each_commit_every_result_is_loaded_or_refused_and_none_means_something_else(told, number):
    _, report = told[number]
    assert ([], []) == (report["wrong"], report["lost"])
    assert all(report["refused"].values())


def test_what_is_taken_over_and_what_is_computed_anew(told):
    assert [0, 4, 5, 4, 4, 0] == [report["taken over"] for _, report in told]
    assert [3, 0, 0, 3, 0, 1] == [report["computed"] for _, report in told]
    assert [0, 3, 3, 3, 4, 4] == [len(report["served"]) for _, report in told]


def test_only_what_was_made_in_a_way_that_is_gone_is_refused(told):
    assert [0, 0, 0, 0, 4, 4] == [len(report["refused"]) for _, report in told]
    assert all("'debug' was true, and only false may" in because for because in told[-1][1]["refused"].values())


def test_the_story_is_told(told, capsys, monkeypatch):
    monkeypatch.setattr(evolution, "story", lambda _: told)
    evolution.main()
    lines = capsys.readouterr().out.splitlines()
    assert [commit.message for commit, _ in told] == [line[2:] for line in lines if line.startswith("*")]
    assert 17 == sum(line.strip().startswith("loads") for line in lines)
