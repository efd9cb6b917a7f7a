"""`furu.testing`: a store of the test's own, and results in the place of computed ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

import furu
from furu.config import root, settings
from furu.execution.context import ExecContext, executing
from furu.execution.plan import Status, build_plan
from furu.testing import isolated_root, override_results, override_results_for

EXECUTOR = ExecContext("executor", "gpu", "local", "0" * 32)


class Number(furu.Furu[int]):
    value: int = 1

    def _create(self) -> int:
        return self.value


class Refuser(furu.Furu[int]):
    """Must never be computed."""

    number: int = 0

    def _create(self) -> int:
        raise AssertionError(self.furu_hash)

    def _executor_spec_key(self) -> str:
        return "cpu"


class Doubled(furu.Furu[int]):
    source: Refuser

    def _create(self) -> int:
        return 2 * self.source.get()


class SummedInThreads(furu.Furu[int]):
    sources: tuple[Refuser, ...]

    def _create(self) -> int:
        with ThreadPoolExecutor(max_workers=2) as pool:
            return sum(pool.map(lambda source: source.get(), self.sources))


class Checked(furu.Furu[int]):
    def _create(self) -> int:
        return 1

    def _validate(self) -> bool:
        raise AssertionError


@dataclass(frozen=True)
class Pair:
    left: Number
    right: Number


class Box(BaseModel, frozen=True):
    content: Number


class Study(furu.Furu[int]):
    single: Doubled = Doubled(source=Refuser(number=1))
    models: list[Number] = furu.field(default_factory=lambda: [Number(value=2), Number(value=3)])
    members: dict[str, Number] = furu.field(default_factory=lambda: {"low": Number(value=4), "a.b": Number(value=5)})
    by_size: dict[int, Number] = furu.field(default_factory=lambda: {7: Number(value=7)})
    pair: Pair = Pair(left=Number(value=8), right=Number(value=9))
    box: Box = Box(content=Number(value=10))
    lr: float = 0.5
    tags: frozenset[str] = frozenset({"x"})

    def _create(self) -> int:
        return sum(model.get() for model in self.models)


@pytest.fixture
def store(tmp_path):
    with isolated_root(tmp_path / "store") as path:
        yield path


def files_below(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


class TestIsolatedRoot:
    def test_it_is_the_root_inside_and_only_there(self, tmp_path):
        outside = root()
        with isolated_root(tmp_path / "new") as path:
            assert (str(path), tmp_path / "new") == (root(), path)
            assert path.is_dir()
            assert settings().version_controlled_path.is_relative_to(path)
            assert settings().submitit_path.is_relative_to(path)
        assert outside == root()

    def test_a_given_directory_is_kept_with_what_was_computed(self, tmp_path):
        with isolated_root(tmp_path):
            Number().get()
        with isolated_root(tmp_path):
            assert Number().exists()

    def test_a_temporary_one_is_removed(self):
        with isolated_root() as path:
            Number().get()
            assert files_below(path) != []
        assert not path.exists()

    def test_what_the_environment_says_does_not_leak_in(self, monkeypatch, tmp_path):
        monkeypatch.setenv("FURU_PATH", str(tmp_path / "real"))
        monkeypatch.setenv("FURU_VERSION_CONTROLLED_PATH", str(tmp_path / "real"))
        monkeypatch.setenv("FURU_SUBMITIT_PATH", str(tmp_path / "real"))
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        with isolated_root() as path:
            inside = settings()
        assert [path] * 3 == [inside.path, inside.version_controlled_path.parent, inside.submitit_path.parent]
        assert frozenset() == inside.always_rerun


class TestOverrideResults:
    def test_an_equal_config_gives_the_value_and_the_disk_is_not_touched(self, store):
        with override_results({Refuser(number=1): 5}):
            assert Refuser(number=1).get() == 5
            assert Refuser(number=1).exists()
            assert not Refuser(number=2).exists()
        assert [] == list(store.iterdir())

    @pytest.mark.parametrize("value", [None, 0, object()], ids=["none", "zero", "what-no-codec-stores"])
    def test_the_value_is_given_out_as_it_is(self, store, value):
        with override_results({Refuser(): value}):
            assert Refuser().get() is value

    def test_a_published_result_is_hidden_inside_and_there_again_afterwards(self, store):
        assert Number().get() == 1
        with override_results({Number(): 5}):
            assert Number().get() == 5
        assert Number().get() == 1

    def test_it_ends_also_with_an_exception(self, store):
        with pytest.raises(ZeroDivisionError), override_results({Refuser(): 5}):
            raise ZeroDivisionError
        assert not Refuser().exists()

    def test_dependencies_loaded_inside_another_create_are_overridden(self, store):
        with override_results({Refuser(number=1): 5}):
            assert Doubled(source=Refuser(number=1)).get() == 10

    def test_and_those_loaded_in_threads(self, store):
        sources = [Refuser(number=number) for number in range(20)]
        with override_results({source: source.number for source in sources}):
            assert SummedInThreads(sources=sources).get() == sum(range(20))

    def test_the_inner_of_two_blocks_wins_and_the_outer_comes_back(self, store):
        with override_results({Refuser(): "outer", Number(): "both"}):
            with override_results({Refuser(): "inner"}):
                assert ["inner", "both"] == [Refuser().get(), Number().get()]
            assert ["outer", "both"] == [Refuser().get(), Number().get()]

    def test_blocks_that_overlap_leave_the_last_entered_in_force(self, store):
        first, second = ExitStack(), ExitStack()
        first.enter_context(override_results({Number(): "first"}))
        second.enter_context(override_results({Number(): "second"}))
        first.close()
        assert Number().get() == "second"
        second.close()
        assert Number().get() == 1

    def test_neither_validate_nor_always_rerun_is_asked(self, store):
        with override_results({Checked(): 5}), furu.using(always_rerun="ALL"):
            assert Checked().exists()
            assert Checked().get() == 5

    def test_a_local_class_can_be_overridden_though_it_has_no_place_on_disk(self, store):
        class Local(furu.Furu[int]):
            def _create(self) -> int:
                return 1

        with override_results({Local(): 5}):
            assert (True, 5) == (Local().exists(), Local().get())

    def test_a_config_without_a_value_is_refused(self, store):
        with pytest.raises(furu.FuruConfigError, match=r"given as \{config: value\}, not as a Number"):
            override_results(Number()).__enter__()  # type: ignore[arg-type]

    def test_keys_that_are_no_configs_are_refused(self, store):
        with pytest.raises(furu.FuruConfigError, match="not of 'data', 3"), override_results({"data": 1, 3: 2}):
            pass

    def test_without_a_store_of_the_test_nothing_reaches_the_real_one(self, monkeypatch, tmp_path):
        """What is computed from an override would be a wrong result for ever."""
        monkeypatch.setenv("FURU_PATH", str(tmp_path))
        with override_results({Refuser(): 5}):
            assert Doubled(source=Refuser()).get() == 10
            temporary = Path(root())
        assert [] == list(tmp_path.iterdir())
        assert not temporary.exists()
        assert str(tmp_path) == root()

    def test_a_store_set_by_using_stays(self, tmp_path):
        with furu.using(path=tmp_path), override_results({Refuser(): 5}):
            assert str(tmp_path) == root()


class TestOverrideResultsInExecutors:
    def test_an_overridden_result_counts_as_present(self, store):
        with override_results({Refuser(): 5}), executing(EXECUTOR):
            assert [5, 5] == [Refuser().get(), Refuser().get(force=True)]
            with pytest.raises(furu.FuruMissingArtifact):
                Refuser(number=1).get()

    def test_a_node_of_that_config_is_done_without_computing(self, store):
        with override_results({Refuser(): 5}):
            assert ("success", False, None) == Refuser()._run_locally(0.0, executor_mode=True)
            Refuser()._worker_entry()
        assert [] == list(store.iterdir())

    def test_a_plan_ends_at_it(self, store):
        with override_results({Refuser(): 5}):
            plan = build_plan([Doubled(source=Refuser())])
        assert [Status.TODO, Status.DONE] == [node.status for node in plan.nodes.values()]

    def test_a_node_computed_strictly_finds_its_overridden_dependency(self, store):
        node = Doubled(source=Refuser())
        with override_results({Refuser(): 5}):
            node._worker_entry()
        assert node.get() == 10


PATHS = {
    "single": Study().single,
    "single.source": Study().single.source,
    "models[1]": Number(value=3),
    "models.0": Number(value=2),
    "members.low": Number(value=4),
    "members[low]": Number(value=4),
    "members['a.b']": Number(value=5),
    'members["low"]': Number(value=4),
    "by_size[7]": Number(value=7),
    "pair.right": Number(value=9),
    "box.content": Number(value=10),
}
WRONG = [
    ("sngle", "Study, a Study, has no 'sngle'; there are: single, models, members, by_size, pair, box, lr, tags"),
    ("single.sorce", "single, a Doubled, has no 'sorce'; there are: source"),
    ("models[2]", "models, a list, has no '2'; there are: 0, 1"),
    ("models[-1]", "models, a list, has no '-1'; there are: 0, 1"),
    ("members.high", "members, a dict, has no 'high'; there are: low, a.b"),
    ("members.a.b", "members, a dict, has no 'a'; there are: low, a.b"),
    ("pair.middle", "pair, a Pair, has no 'middle'; there are: left, right"),
    ("box.lid", "box, a Box, has no 'lid'; there are: content"),
    ("lr", "is a float, not a config"),
    ("lr.x", "lr, a float, has no 'x'; there is nothing that a path can name"),
    ("tags.x", "tags, a frozenset, has no 'x'; there is nothing that a path can name"),
    ("models", "is a list, not a config"),
    *((path, "is not a path such as") for path in ("", ".single", "single.", "single..source", "models[", "models[]")),
    *((path, "is not a path such as") for path in ("models]0", "models[0]x", "[single", "members['low]")),
]


class TestOverrideResultsFor:
    @pytest.mark.parametrize(("path", "config"), PATHS.items(), ids=PATHS)
    def test_a_path_leads_through_fields_indices_and_keys(self, store, path, config):
        with override_results_for(Study(), {path: 50}):
            assert (True, 50) == (config.exists(), config.get())
        assert not config.exists()

    def test_keys_may_hold_what_separates_steps(self, store):
        with override_results_for(Study(), {"members[a.b]": 50}):
            assert Number(value=5).get() == 50

    def test_several_at_once_reach_the_code_that_asks_for_them(self, store):
        with override_results_for(Study(), {"models[0]": 20, "models[1]": 30}):
            assert Study().get() == 50

    @pytest.mark.parametrize(("path", "expected"), WRONG, ids=[repr(path) for path, _ in WRONG])
    def test_a_wrong_path_is_told_what_there_is(self, path, expected):
        with pytest.raises(furu.FuruConfigError) as caught:
            override_results_for(Study(), {path: 1})
        ((named, text),) = caught.value.issues
        assert path == named
        assert expected in text

    def test_all_wrong_paths_are_named_at_once(self):
        with pytest.raises(furu.FuruConfigError, match="results below Study can't be overridden") as caught:
            override_results_for(Study(), {"lr": 1, "models[0]": 2, "dta": 3})
        assert ["lr", "dta"] == [path for path, _ in caught.value.issues]

    def test_one_config_by_two_paths_can_not_have_two_values(self):
        paths = {"members.low": "one", "members[low]": "other"}
        with pytest.raises(furu.FuruConfigError, match=r"is the same config as 'members\.low'"):
            override_results_for(Study(), paths)
