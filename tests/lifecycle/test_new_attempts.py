"""What the next attempt does with what the last one left: resuming, replacing, failing again."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

import furu
from furu import FuruComputeError, FuruValidationError
from tests.lifecycle.steps import Resumed, Told, endings, make_foreign

RESUME = "print('got', Resumed().get())"
CREATED: list[str] = []


@pytest.fixture(autouse=True)
def nothing_created() -> None:
    CREATED.clear()
    VERDICTS[:] = [True]


class Judged(furu.Furu[str]):
    """Writes a file; its `_validate()` says or raises what stands in VERDICTS."""

    def _create(self) -> str:
        CREATED.append(type(self).__name__)
        (self.furu_dir / "file").write_text(str(len(CREATED)))
        if "fail" in VERDICTS:
            raise RuntimeError("boom")
        return str(len(CREATED))

    def _validate(self) -> bool:
        verdict = VERDICTS[0]
        if isinstance(verdict, Exception):
            raise verdict
        return verdict


VERDICTS: list[Any] = [True]


class Loaded(furu.Furu[str]):
    """Its `_load()` raises what stands in ERRORS."""

    def _create(self) -> str:
        CREATED.append("Loaded")
        (self.furu_dir / "file").write_text(str(len(CREATED)))
        return f"created {len(CREATED)}"

    def _load(self) -> str:
        if ERRORS:
            raise ERRORS[0]
        return f"loaded {(self.furu_dir / 'file').read_text()}"


ERRORS: list[Exception] = []


@pytest.fixture
def error() -> Any:
    yield ERRORS
    ERRORS.clear()


class Fresh(furu.Furu[list[str]]):
    """Fails once, and tells what its directory held at the start."""

    def _create(self) -> list[str]:
        found = sorted(path.name for path in self.furu_dir.iterdir())
        (self.furu_dir / "left over").touch()
        CREATED.append("Fresh")
        if len(CREATED) == 1:
            raise RuntimeError("boom")
        return found


class TestResumable:
    @pytest.mark.parametrize("end", ["fail", "SIGTERM", "SIGKILL"])
    def test_it_goes_on_in_the_directory_of_an_attempt_that_is_proven_over(self, start, end) -> None:
        first = start(RESUME)
        assert "0" == first.expect("creating from")
        if end == "fail":
            first.tell(end)
        else:
            first.send(signal.Signals[end])
        assert first.finish() != 0
        second = start(RESUME)
        assert "1" == second.expect("creating from")
        second.tell("go on")
        assert "made from 1" == second.expect("got")
        assert ["checkpoint-0", "checkpoint-1"] == sorted(path.name for path in Resumed().furu_dir.iterdir())
        assert 1 == len(list((Resumed()._base_furu_dir() / "files").iterdir()))

    def test_it_skips_attempts_that_left_nothing(self, start) -> None:
        for number in range(3):
            script = start(RESUME)
            assert str(number) == script.expect("creating from")
            script.kill()
        assert ["crashed"] * 2 == endings(Resumed())

    def test_it_starts_anew_after_an_attempt_that_may_still_be_running(self, start, monkeypatch) -> None:
        monkeypatch.setenv("FURU_LEASE_SECS", "0.2")
        first = start(RESUME)
        first.expect("creating from")
        first.send(signal.SIGSTOP)
        make_foreign(Resumed())
        second = start(RESUME)
        assert "0" == second.expect("creating from")
        second.tell("go on")
        assert "made from 0" == second.expect("got")
        assert ["lost", "ok"] == endings(Resumed())

    def test_other_classes_never_see_a_failed_attempt(self) -> None:
        with pytest.raises(RuntimeError):
            Fresh().get()
        assert [] == Fresh().get()


class TestReplacing:
    def test_s050_validate_is_not_asked_while_nothing_succeeded(self) -> None:
        VERDICTS[:] = [AssertionError("asked")]
        assert not Judged().exists()
        assert "1" == Judged().get()

    @pytest.mark.parametrize("verdict", [False, FuruValidationError("stale")], ids=["False", "FuruValidationError"])
    def test_s034_s050_an_invalid_result_does_not_exist_and_is_computed_again(self, verdict) -> None:
        Judged().get()
        VERDICTS[:] = [verdict]
        assert not Judged().exists()
        assert "2" == Judged().get()  # S053: once, though it is invalid still
        VERDICTS[:] = [True]
        assert "2" == Judged().get()
        assert ["ok", "ok"] == endings(Judged())

    def test_another_error_of_validate_reaches_the_caller_and_discards_nothing(self) -> None:
        """DESIGN 3, in the place of S051 and S052."""
        Judged().get()
        VERDICTS[:] = [OSError("disk on fire")]
        for verb in (Judged().get, Judged().exists, Judged()._worker_entry):
            with pytest.raises(OSError, match="disk on fire"):
                verb()
        VERDICTS[:] = [True]
        assert "1" == Judged().get()

    def test_s038_an_error_of_load_reaches_the_caller_and_discards_nothing(self, error) -> None:
        assert "created 1" == Loaded().get()
        error.append(OSError("disk on fire"))
        with pytest.raises(OSError, match="disk on fire"):
            Loaded().get()
        error.clear()
        assert "loaded 1" == Loaded().get()

    def test_a_validation_error_of_load_computes_again(self, error) -> None:
        Loaded().get()
        error.append(FuruValidationError("the file is of an older format"))
        assert "created 2" == Loaded().get()
        error.clear()
        assert "loaded 2" == Loaded().get()

    def test_s054_a_failed_recomputation_leaves_the_old_result_as_it_was(self, monkeypatch) -> None:
        """DESIGN 3: recomputing never destroys. It is still invalid, and the failure is on record."""
        monkeypatch.setenv("FURU_RETRY_FAILED", "0")
        Judged().get()
        VERDICTS[:] = [False, "fail"]
        with pytest.raises(RuntimeError, match="boom"):
            Judged().get()
        with pytest.raises(FuruComputeError, match="previously failed"):
            Judged().get()
        assert "1" == (Judged().furu_dir / "file").read_text()
        VERDICTS[:] = [True]
        assert "1" == Judged().get()

    def test_files_of_results_that_were_replaced_just_now_stay(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        for number in (1, 2, 3):
            assert str(number) == Judged().get()
        assert 3 == len(list((Judged()._base_furu_dir() / "files").iterdir()))

    def test_files_of_results_that_were_replaced_long_ago_go_but_for_the_last(self, monkeypatch) -> None:
        Judged().get()
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        for number in (2, 3, 4):
            for record in (Judged()._base_furu_dir() / "attempts").glob("*/success.json"):
                os.utime(record, (record.stat().st_mtime - 4000, record.stat().st_mtime - 4000))
            assert str(number) == Judged().get()
        files = sorted((Judged()._base_furu_dir() / "files").iterdir())
        assert ["3", "4"] == [(path / "file").read_text() for path in files]
        assert Judged().furu_dir == files[-1]
        assert ["ok"] * 4 == endings(Judged())

    def test_s055_always_rerun_computes_each_time_what_it_names(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", f"{__name__}.Judged")
        assert ["1", "2", "created 3", "loaded 3"] == [
            Judged().get(),
            Judged().get(),
            Loaded().get(),
            Loaded().get(),
        ]

    def test_s055_two_that_want_it_anew_at_once_share_the_newer_result(self, start) -> None:
        get = "announce_naps(); print('got', Told().get())"
        first = start(get)
        first.expect("creating")
        first.tell("go on")
        assert 0 == first.finish()
        running = start(get, FURU_ALWAYS_RERUN="ALL")
        running.expect("creating")
        waiting = start(get, FURU_ALWAYS_RERUN="ALL")
        waiting.expect("napping")
        running.tell("go on")
        assert running.expect("got") == waiting.expect("got") == f"made by {running.pid}"
        assert ["ok", "ok"] == endings(Told())


class TestFailures:
    def test_s040_the_exception_reaches_the_caller_with_a_note_and_is_recorded(self) -> None:
        VERDICTS[:] = [True, "fail"]
        with pytest.raises(RuntimeError, match=r"^boom\n") as caught:
            Judged().get()
        base = Judged()._base_furu_dir()
        (attempt,) = (base / "attempts").iterdir()
        assert f"while furu computed Judged({Judged().furu_hash}); recorded in {attempt}" in caught.value.__notes__
        record = json.loads((attempt / "error.json").read_text())
        assert ("builtins.RuntimeError", "boom") == (record["type"], record["message"])
        assert "in _create" in record["traceback"]

    def test_s041_it_is_computed_again_by_default(self) -> None:
        VERDICTS[:] = [True, "fail"]
        with pytest.raises(RuntimeError):
            Judged().get()
        VERDICTS[:] = [True]
        assert "2" == Judged().get()

    def test_s044_a_failing_dependency_fails_its_parent_and_both_are_repaired(self) -> None:
        VERDICTS[:] = [True, "fail"]
        with pytest.raises(RuntimeError, match="boom"):
            Above().get()
        assert [["failed"]] * 2 == [endings(Above()), endings(Judged())]
        VERDICTS[:] = [True]
        assert "above 2" == Above().get()

    def test_s046_files_that_are_left_make_no_success(self) -> None:
        VERDICTS[:] = [True, "fail"]
        with pytest.raises(RuntimeError):
            Judged().get()
        assert (next((Judged()._base_furu_dir() / "files").iterdir()) / "file").exists()
        assert not Judged().exists()


class Above(furu.Furu[str]):
    def _create(self) -> str:
        return f"above {Judged().get()}"
