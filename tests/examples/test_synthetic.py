"""The store that `benchmarks.scale` measures is one that furu takes for its own."""

from __future__ import annotations

import pytest

import furu
from benchmarks.scale_cases import CASES
from benchmarks.synthetic import Family, Score, Train, fill
from furu.execution import build_plan
from furu.execution.plan import Status
from furu.storage.layout import TOKEN

COUNT = 300


@pytest.fixture
def family(own_store):
    fill(COUNT)
    return list(Family(COUNT))


def names_below(config):
    """The names in an artifact's directory, without what tells tokens apart."""
    top = config._base_furu_dir()
    return {TOKEN.sub("token", str(path.relative_to(top))) for path in top.rglob("*")}


def test_all_but_what_failed_is_there(family):
    assert COUNT == len({config.furu_hash for config in family})
    failed = [config for config in family if not config.exists()]
    assert {Train} == {type(config) for config in failed}
    assert {config._create() for config in family[:50]} == {config.get() for config in family[:50]}
    assert len(failed) == build_plan(family).counts()[Status.TODO]
    assert COUNT - len(failed) == len(furu.query("status:published"))


def test_an_artifact_has_the_files_that_a_computed_one_has(family, tmp_path):
    made = next(
        config for config in family if isinstance(config, Score) and not (config.furu_dir / "weights.bin").exists()
    )
    filled = names_below(made)
    with furu.using(path=tmp_path):
        made.get()
        assert filled == names_below(made) - {"attempts/token.ok/furu.log"}


@pytest.mark.parametrize("name", ["plan all", "plan one", "look", "memory"])
def test_a_case_gives_figures(family, own_store, name):
    assert all(value > 0 for value in CASES[name](str(own_store), COUNT).values())
