"""`decide()` on every combination of facts, against its rules said once more and differently."""

from __future__ import annotations

import itertools

import pytest

from furu.lifecycle.decide import Action, Facts, decide

TRUTH = (False, True)
SPACE = {
    "is_executor": TRUTH,
    "is_forced": TRUTH,
    "is_published": TRUTH,
    "is_valid": TRUTH,
    "is_always_rerun": TRUTH,
    "required_spec": ("default", "gpu"),
    "worker_spec": (None, "default", "gpu"),
    "holder": (None, "host a pid 1"),
    "has_failed": TRUTH,
    "retry_failed": TRUTH,
}
ALL = [Facts(*values) for values in itertools.product(*SPACE.values())]


def conditions(facts: Facts) -> dict[Action, bool]:
    """Each action's whole condition, without an order among them."""
    is_good = facts.is_published and facts.is_valid
    is_rerun = facts.is_always_rerun and (facts.is_forced or not facts.is_executor)
    is_load = is_good and not is_rerun
    is_load_only = facts.is_executor and not facts.is_forced
    has_key = not facts.is_executor or facts.required_spec == facts.worker_spec
    may_compute = not is_load and not is_load_only and has_key
    is_sticky = facts.has_failed and not facts.retry_failed
    return {
        Action.LOAD: is_load,
        Action.REFUSE_MISSING: not is_load and is_load_only,
        Action.REFUSE_SPEC: not is_load and facts.is_executor and facts.is_forced and not has_key,
        Action.WAIT: may_compute and facts.holder is not None,
        Action.REFUSE_FAILED: may_compute and facts.holder is None and is_sticky,
        Action.COMPUTE: may_compute and facts.holder is None and not is_sticky,
    }


def test_the_space_is_all_facts() -> None:
    assert Facts._fields == tuple(SPACE)
    assert 1536 == len(ALL)


def test_every_combination_has_one_action_and_it_is_decided() -> None:
    for facts in ALL:
        expected = [action for action, holds in conditions(facts).items() if holds]
        assert expected == [decide(facts).action], facts


def test_every_action_is_reached() -> None:
    assert set(Action) == {decide(facts).action for facts in ALL}


@pytest.mark.parametrize(
    ("action", "word"),
    [
        (Action.LOAD, "published"),
        (Action.WAIT, "host a pid 1 computes it"),
        (Action.REFUSE_MISSING, "load-only"),
        (Action.REFUSE_SPEC, "it wants"),
        (Action.REFUSE_FAILED, "FURU_RETRY_FAILED"),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_the_reason_names_what_decided(action: Action, word: str) -> None:
    reasons = {decide(facts).because for facts in ALL if decide(facts).action is action}
    assert reasons
    assert all(word in reason for reason in reasons)


def test_the_reason_to_compute_tells_missing_from_invalid_from_rerun() -> None:
    reasons = {
        (facts.is_published, facts.is_valid and facts.is_published): decide(facts).because
        for facts in ALL
        if decide(facts).action is Action.COMPUTE
    }
    assert {
        (False, False): "it is missing",
        (True, False): "its result is not valid any more",
        (True, True): "FURU_ALWAYS_RERUN names its class",
    } == reasons


def test_s061_executor_mode_without_force_computes_and_waits_for_nothing() -> None:
    actions = {decide(facts).action for facts in ALL if facts.is_executor and not facts.is_forced}
    assert {Action.LOAD, Action.REFUSE_MISSING} == actions


def test_s065_no_worker_computes_with_another_key() -> None:
    foreign = [facts for facts in ALL if facts.is_executor and facts.required_spec != facts.worker_spec]
    assert Action.COMPUTE not in {decide(facts).action for facts in foreign}


def test_s035_force_means_nothing_interactively() -> None:
    for facts in ALL:
        if not facts.is_executor:
            assert decide(facts._replace(is_forced=False)) == decide(facts._replace(is_forced=True))
