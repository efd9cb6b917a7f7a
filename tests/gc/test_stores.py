"""Whole stores: what is kept is never touched, an undo gives back all, and who computes meanwhile is not hurt."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import furu
from furu import clock
from furu.gc.facts import Rules
from furu.gc.journal import read_journal
from furu.gc.plan import carry_out, make_plan
from furu.gc.trash import give_back
from furu.index.query import parse
from tests.support.computed import Sum, Value
from tests.support.fresh import fork, run_fresh
from tests.support.stored import Stored, config, token
from tests.support.trees import tree

ARTIFACTS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["published", "published", "failed", "crashed", "recorded", "running"]),
            "files": st.booleans(),
            "needs": st.lists(st.integers(0, 5), max_size=2),
            "alias_of": st.none() | st.integers(0, 5),
            "said": st.sampled_from([None, None, "tag", "pin", "note"]),
        }
    ),
    min_size=1,
    max_size=6,
)
QUERIES = st.sampled_from(["", "status:failed", "class:C1,C2", "number>=2"])
RULES = st.fixed_dictionaries(
    {
        "keep_bytes": st.sampled_from([None, None, 0, 20_000]),
        "keep_tags": st.sampled_from([None, frozenset()]),
        "keeps_needed": st.booleans(),
    }
)


def fill(root: Path, artifacts: list[dict]) -> list[str]:
    """Artifacts as they are described; each may need and stand for those before it."""
    stored, made = Stored(root), []
    for number, facts in enumerate(artifacts):
        needs = [config(made[each]) for each in facts["needs"] if each < number]
        is_alias = facts["alias_of"] is not None and facts["alias_of"] < number
        status = "recorded" if is_alias else facts["status"]
        reference = stored.add(f"lab/C{number % 3}", status, number=number, needs=needs)
        made.append(reference)
        if is_alias:
            stored.alias(reference, made[facts["alias_of"]])
        if facts["files"] and not is_alias:
            files = root / "data" / reference / "files" / token(number)
            files.mkdir(parents=True)
            (files / "data").write_bytes(b"x" * 10_000 * (number + 1))
        ref = next(ref for ref in furu.refs(root) if ref.reference == reference)
        if facts["said"] == "tag":
            furu.tag(ref, "t")
        elif facts["said"] == "pin":
            furu.pin(ref)
        elif facts["said"] == "note":
            furu.note(ref, "n")
    return made


@settings(max_examples=15)
@given(ARTIFACTS, QUERIES, RULES, st.booleans())
def test_what_is_kept_is_untouched_and_an_undo_gives_back_every_byte(artifacts, text, rules, sweeps):
    with tempfile.TemporaryDirectory() as top, furu.using(path=f"{top}/store"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FURU_INDEX_DIR", f"{top}/index")
        root = Path(top) / "store"
        made = fill(root, artifacts)
        before = tree(root)
        plan = make_plan(
            str(root), parse(text), Rules(clock.unix() + 1, grace_sec=0.0, **rules), (), run_sec=0.0 if sweeps else None
        )
        journal, refused = carry_out(plan)
        assert {} == refused
        going = {each.reference for each in plan.artifacts}
        after = tree(root)
        for reference in set(made) - going:
            loose = {end.path for end in plan.loose}
            kept = {name for name in before if reference in name and not any(name.startswith(each) for each in loose)}
            assert {name: before[name] for name in kept} == {name: after.get(name) for name in kept}
        assert not [name for name in after if "SUCCESS.json" in name and any(each in name for each in going)]
        assert {} == give_back(read_journal(str(root), journal.token))
        assert before == tree(root)


@pytest.mark.slow
def test_who_computes_and_loads_meanwhile_gets_what_is_right(tmp_path):
    assert {"wrong": 0, "status": 0} == run_fresh(gets_during_gc, str(tmp_path))


def gets_during_gc(top: str) -> dict[str, int]:
    """One process takes everything again and again, this one computes what is gone."""
    os.environ["FURU_INDEX_DIR"] = f"{top}/index"
    with furu.using(path=f"{top}/store"):
        configs = [Sum(parts=(Value(name=str(number), value=number), Value(name="b", value=1))) for number in range(4)]
        for each in configs:
            each.get()
        child = fork(lambda: _take_everything(f"{top}/store", 20))
        wrong = 0
        while not _has_ended(child):
            wrong += sum(each.get() != number + 1 for number, each in enumerate(configs))
        wrong += sum(each.get() != number + 1 for number, each in enumerate(configs))
        return {"wrong": wrong, "status": _STATUSES.pop(child)}


_STATUSES: dict[int, int] = {}


def _has_ended(child: int) -> bool:
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
        _STATUSES[child] = status
    return bool(found)


def _take_everything(root: str, rounds: int) -> None:
    for _ in range(rounds):
        plan = make_plan(root, parse(""), Rules(clock.unix() + 1, grace_sec=0.0), (), run_sec=0.0)
        journal, _ = carry_out(plan)
        if len(journal.artifacts) % 2:
            give_back(journal)
