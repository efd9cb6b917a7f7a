"""S030-S047: interactive `get()` and `exists()`, and failures."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import furu
from furu.errors import FuruComputeError, FuruNothingPublished
from tests.support import computed
from tests.support.computed import Directory, Filed, Mode, Sum, Undeclared, Value
from tests.support.scripts import Script

IMPORTS = "from tests.support.computed import *\nfrom tests.support import computed\n"


def run_script(source: str, **environment: str) -> list[str]:
    """What a process printed that ended well."""
    script = Script(IMPORTS + source + "\nprint('end')", **environment)
    try:
        script.expect("end")
        assert 0 == script.finish(), script.story()
        return script.lines[:-1]
    finally:
        script.close()


class TestGet:
    def test_s030_missing_is_created_once_and_what_create_returned_is_given(self, notes):
        assert "created a" == Filed().get()
        assert ["create a"] == notes

    def test_s030_the_very_object(self):
        thing = [1, 2]
        assert thing is Value(value=thing).get()

    def test_s031_present_is_loaded_also_by_new_instances(self, notes):
        Filed().get()
        assert ["loaded a"] * 2 == [Filed().get(), Filed().get()]
        assert ["create a", "load a", "load a"] == notes

    def test_s031_present_is_loaded_in_another_process(self):
        lines = run_script("print(Filed().get(), NOTES)")
        assert ["created a ['create a']"] == [line.strip() for line in lines]
        assert ["loaded a ['load a']"] == [line.strip() for line in run_script("print(Filed().get(), NOTES)")]

    def test_s032_the_directory_exists_before_create_starts(self):
        assert Directory().get()

    def test_s033_dependencies_are_computed_on_demand_and_a_shared_one_once(self, notes):
        shared = Value(name="shared", value=1)
        left, right = Sum(name="left", parts=(shared,)), Sum(name="right", parts=(shared,))
        assert 2 == Sum(parts=(left, right)).get()
        assert ["create sum", "create left", "create shared", "create right"] == notes

    def test_s033_undeclared_ones_too(self, notes):
        assert 21 == Undeclared().get()
        assert ["create undeclared", "create hidden"] == notes

    def test_s033_a_chain_of_fifty(self, notes):
        config: furu.Furu[Any] = Value(name="0", value=1)
        for number in range(1, 50):
            config = Sum(name=str(number), parts=(config,))
        assert 1 == config.get()
        assert 50 == len(notes)

    def test_s034_exists_tells_without_computing(self, notes):
        config = Filed()
        assert not config.exists()
        config.get()
        assert config.exists()
        assert Filed().exists()
        assert ["create a"] == notes

    def test_s034_not_while_running(self):
        seen: list[bool] = []
        config = Looks(seen=seen)
        config.get()
        assert [False] == seen
        assert config.exists()

    def test_s035_force_does_not_recompute(self, notes):
        Value(value=1).get()
        assert 1 == Value(value=1).get(force=True)
        assert ["create a"] == notes
        assert 2 == Value(value=2).get(force=True), "missing is computed"

    def test_s036_force_is_the_only_argument_and_a_keyword(self):
        for call in (
            lambda: Value().get(True),
            lambda: Value().get(retry_failed=True),
            lambda: Value().get(executor="local"),
        ):
            with pytest.raises(TypeError):
                call()
        assert not hasattr(Value, "load_or_create")

    def test_s037_none_is_a_result(self, notes):
        assert Value(value=None).get() is None
        assert Value(value=None).get() is None
        assert ["create a"] == notes

    def test_s038_a_failing_load_is_an_error_and_nothing_is_discarded(self, notes):
        Filed().get()
        computed.RAISES["load a"] = OSError("stale file handle")
        with pytest.raises(OSError, match="stale file handle"):
            Filed().get()
        assert Filed().exists()
        computed.RAISES.clear()
        assert "loaded a" == Filed().get()
        assert 1 == notes.count("create a")

    def test_s039_create_is_interactive(self):
        assert "interactive" == Mode().get()

    def test_delete_makes_it_missing(self, notes):
        Filed().get()
        assert Filed().delete()
        assert not Filed().exists()
        assert not Filed().delete()
        assert "created a" == Filed().get()

    def test_metadata_of_a_missing_one(self):
        with pytest.raises(FuruNothingPublished, match=r"Value\([0-9a-f]{32}\)"):
            Value().get_metadata()


class Looks(furu.Furu[int]):
    """Looks whether it exists while it is being created."""

    seen: Any = furu.field(default=None, identity=False)

    def _create(self) -> int:
        self.seen.append(self.exists())
        return 1


class Wordless(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.fixture
def failing(notes):
    """`Filed` fails until told otherwise."""
    computed.RAISES["create a"] = RuntimeError("no luck")


def fail(config: furu.Furu[Any]) -> BaseException:
    with pytest.raises(RuntimeError, match="no luck") as caught:
        config.get()
    return caught.value


@pytest.mark.usefixtures("failing")
class TestFailure:
    def test_s040_the_exception_itself_comes_with_a_note_of_the_directory(self):
        error = fail(Filed())
        assert computed.RAISES["create a"] is error
        assert [str(Filed()._base_furu_dir())] == [
            note.split("recorded in ")[1].split("/attempts/")[0] for note in error.__notes__
        ]

    def test_s040_type_message_and_traceback_are_recorded(self):
        fail(Filed())
        (path,) = Filed()._base_furu_dir().glob("attempts/*.failed/error.json")
        text = path.read_text()
        assert all(each in text for each in ("builtins.RuntimeError", "no luck", "Traceback", "in _create"))

    @pytest.mark.parametrize("spelling", [None, "1", "true", "Yes", "TRUE"])
    def test_s041_the_next_get_computes_again(self, notes, monkeypatch, spelling):
        if spelling is not None:
            monkeypatch.setenv("FURU_RETRY_FAILED", spelling)
        fail(Filed())
        fail(Filed())
        computed.RAISES.clear()
        assert "created a" == Filed().get()
        assert 3 == notes.count("create a")

    @pytest.mark.parametrize("spelling", ["0", "false", "No", "FALSE"])
    def test_s042_s043_sticky_failures_raise_without_computing(self, notes, monkeypatch, spelling):
        fail(Filed())
        monkeypatch.setenv("FURU_RETRY_FAILED", spelling)
        with pytest.raises(FuruComputeError, match="Computation previously failed") as caught:
            Filed().get()
        text = str(caught.value)
        for part in (Filed()._base_furu_dir(), "RuntimeError", "no luck", "Traceback", "FURU_RETRY_FAILED"):
            assert str(part) in text
        assert caught.value.state_path.is_relative_to(Filed()._base_furu_dir())
        assert caught.value.state_path.is_file()
        assert caught.value.hints
        assert 1 == notes.count("create a")

    @pytest.mark.parametrize(
        ("error", "part"),
        [
            (RuntimeError("file \udcff.txt: no luck"), "file \\udcff.txt: no luck"),
            (Wordless("no luck"), "its text can't be had: ZeroDivisionError"),
        ],
        ids=["bytes that are no text", "str() fails"],
    )
    def test_s042_whatever_the_error_says(self, monkeypatch, error, part):
        computed.RAISES["create a"] = error
        with pytest.raises(type(error)) as caught:
            Filed().get()
        assert error is caught.value
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        with pytest.raises(FuruComputeError, match="Computation previously failed") as sticky:
            Filed().get()
        assert part in str(sticky.value)

    def test_s042_what_never_failed_is_computed(self, monkeypatch):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        assert "created b" == Filed(name="b").get()

    def test_s043_another_process_sees_it(self):
        fail(Filed())
        source = "try:\n    Filed().get()\nexcept furu.FuruComputeError as error:\n    print('refused', NOTES)"
        assert ["refused []"] == [line.strip() for line in run_script(source, FURU_RETRY_FAILED="no")]

    def test_s044_a_failing_dependency_fails_the_parent_and_a_later_get_repairs_both(self, monkeypatch, notes):
        parent = Sum(parts=(Value(value=1),))
        fail(parent)
        assert not parent.exists()
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        for config in parent, Value(value=1):
            with pytest.raises(FuruComputeError, match="previously failed"):
                config.get()
        monkeypatch.delenv("FURU_RETRY_FAILED")
        computed.RAISES.clear()
        assert 1 == parent.get()
        assert Value(value=1).exists()

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
    def test_s045_an_interrupt_is_no_failure(self, monkeypatch, notes, error):
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        computed.RAISES["create a"] = error
        with pytest.raises(type(error)):
            Filed().get()
        assert [] == list(Filed()._base_furu_dir().glob("lock/*"))
        computed.RAISES.clear()
        assert "created a" == Filed().get()

    def test_s046_files_left_behind_make_no_success(self):
        """A failed attempt's files are another directory's: neither found nor in the way."""
        computed.RAISES.clear()
        computed.RAISES["create half"] = RuntimeError("no luck")
        config = HalfDone()
        fail(config)
        assert not config.exists()
        computed.RAISES.clear()
        assert ["new"] == config.get()

    def test_s046_a_directory_full_of_files_is_not_a_result(self, notes):
        computed.RAISES.clear()
        base = Filed()._base_furu_dir()
        base.mkdir(parents=True)
        (base / "text").write_text("a")
        (base / "files").mkdir()
        assert not Filed().exists()
        assert "created a" == Filed().get()


class HalfDone(furu.Furu[list[str]]):
    """Writes a file, then may fail; its result is what lay in its directory."""

    def _create(self) -> list[str]:
        (self.furu_dir / "new").touch()
        computed.note("create half")
        return sorted(path.name for path in self.furu_dir.iterdir())


class TestThreads:
    def test_s047_threads_share_one_computation(self, notes):
        workers = 8
        start = threading.Barrier(workers)

        def work(_: int) -> str:
            start.wait(30)
            return Filed().get()

        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(work, range(workers)))
        assert 1 == notes.count("create a")
        assert {"created a": 1, "loaded a": workers - 1} == {each: results.count(each) for each in sorted(set(results))}
