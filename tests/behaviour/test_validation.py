"""S050-S057: `_validate()`, and classes that are always rerun."""

from __future__ import annotations

import pytest

import furu
from furu.errors import FuruSettingsError, FuruValidationError
from tests.support import computed
from tests.support.computed import Checked, Filed, Sum, Value

CHECKED = f"{computed.__name__}.Checked"


@pytest.fixture(autouse=True)
def _begin(notes):
    """Notes of other tests are gone."""


def created() -> int:
    return computed.NOTES.count("create a")


class TestValidate:
    def test_s050_it_is_not_asked_while_nothing_succeeded(self):
        assert not Checked().exists()
        assert "number 1" == Checked().get()
        assert ["create a"] == computed.NOTES

    def test_s050_false_makes_exists_false_and_get_recompute(self):
        Checked().get()
        computed.INVALID.add("a")
        assert not Checked().exists()
        assert "number 2" == Checked().get()
        computed.INVALID.clear()
        assert "number 2" == Checked().get()

    @pytest.mark.parametrize("verb", ["_validate", "_load"])
    def test_s051_a_validation_error_recomputes(self, verb):
        """Of `_validate()`, and of `_load()`, which may be the first to see that files are broken."""
        config, note = (Checked(), "validate a") if verb == "_validate" else (Filed(), "load a")
        config.get()
        computed.RAISES[note] = FuruValidationError("half a file")
        config.get()
        assert 2 == created()

    @pytest.mark.parametrize("error", [OSError("stale"), KeyError("x"), RuntimeError()], ids=repr)
    def test_s051_s052_any_other_exception_reaches_the_caller_and_nothing_is_discarded(self, error):
        """As DESIGN has it: a transient read error must not cost a result."""
        Checked().get()
        computed.RAISES["validate a"] = error
        for verb in (Checked().get, Checked().exists):
            with pytest.raises(type(error)):
                verb()
        computed.RAISES.clear()
        assert Checked().exists()
        assert "number 1" == Checked().get()
        assert 1 == created()

    def test_s052_a_validation_error_in_exists_is_false(self):
        Checked().get()
        computed.RAISES["validate a"] = FuruValidationError("gone")
        assert not Checked().exists()

    def test_s053_still_invalid_after_recomputation_is_given_once_without_a_loop(self):
        computed.INVALID.add("a")
        assert ["number 1", "number 2", "number 3"] == [Checked().get() for _ in range(3)]
        assert 3 == created()

    def test_s054_the_old_result_stays_until_the_new_one_is_there(self):
        """Overridden by DESIGN: recomputing never destroys. If it fails, the artifact is still the old success."""
        Checked().get()
        computed.INVALID.add("a")
        computed.RAISES["create a"] = RuntimeError("no luck")
        with pytest.raises(RuntimeError, match="no luck"):
            Checked().get()
        assert not Checked().exists()
        computed.INVALID.clear()
        assert Checked().exists()
        assert "number 1" == Checked().get()

    def test_an_answer_that_is_no_bool_is_refused(self):
        Vague().get()
        with pytest.raises(TypeError, match=r"Vague\._validate\(\) must return True or False, not None"):
            Vague().exists()


class Vague(furu.Furu[int]):
    """Forgot to return something."""

    def _create(self) -> int:
        return 1

    def _validate(self) -> bool:
        return None  # type: ignore[return-value]


class TestAlwaysRerun:
    def test_s055_each_get_of_that_class_recomputes_and_others_load(self, monkeypatch):
        Checked().get()
        Filed(name="b").get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", f" {CHECKED} ,{computed.__name__}.Value")
        assert ["number 2", "number 3"] == [Checked().get(), Checked().get()]
        assert "loaded b" == Filed(name="b").get()
        monkeypatch.delenv("FURU_ALWAYS_RERUN")
        assert "number 3" == Checked().get()

    def test_s055_what_it_needs_is_loaded(self, monkeypatch):
        config = Sum(parts=(Value(value=1),))
        config.get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", f"{computed.__name__}.Sum")
        assert 1 == config.get()
        assert ["create sum", "create a", "create sum"] == computed.NOTES

    def test_s055_nested_classes_by_qualified_name(self, monkeypatch):
        monkeypatch.setenv("FURU_ALWAYS_RERUN", f"{computed.__name__}.Outer.Inner")
        assert 3 == computed.Outer.Inner(number=3).get()

    @pytest.mark.parametrize("spelling", ["ALL", "all"])
    def test_s056_all_affects_every_class(self, monkeypatch, spelling):
        Checked().get()
        Value(name="b").get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", spelling)
        Checked().get()
        Value(name="b").get()
        assert (2, 2) == (created(), computed.NOTES.count("create b"))

    @pytest.mark.parametrize(
        "value",
        [
            f"ALL,{CHECKED}",
            "Checked",
            "a..b",
            "no.such.Class",
            f"{computed.__name__}.Nobody",
            f"{computed.__name__}.note",
        ],
    )
    def test_s057_what_names_no_class_is_a_value_error_before_computing(self, monkeypatch, value):
        monkeypatch.setenv("FURU_ALWAYS_RERUN", value)
        with pytest.raises(ValueError, match="FURU_ALWAYS_RERUN") as caught:
            Checked().get()
        assert isinstance(caught.value, FuruSettingsError)
        assert [] == computed.NOTES
