"""Settings: where they come from, who wins, what is refused, and what a reader pays for."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import typing
from pathlib import Path

import pytest

from furu import config
from furu.config import VARIABLES, Settings, SettingValues
from furu.errors import FuruSettingsError

FIRST_READER = """
import sys
import furu.config
furu.config.root()
furu.config.is_always_rerun("a.B")
print("pydantic_settings" in sys.modules, "tomllib" in sys.modules)
furu.config.settings()
print("pydantic_settings" in sys.modules)
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A project of our own with nothing said about furu."""
    for name in os.environ:
        if name.startswith("FURU_"):
            monkeypatch.delenv(name)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    config.reload()
    yield tmp_path
    config.reload()


def write_table(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.furu]\n{text}\n")
    config.reload()


class TestSources:
    def test_defaults(self, project: Path) -> None:
        assert Settings() == config.settings()
        assert project / "furu-data" == config.settings().path
        assert project / "furu-data" / "submitit" == config.settings().submitit_path

    @pytest.mark.parametrize(
        ("variable", "raw", "field", "expected"),
        [
            ("FURU_PATH", "/data/furu", "path", Path("/data/furu")),
            ("FURU_VERSION_CONTROLLED_PATH", "/repo/vc", "version_controlled_path", Path("/repo/vc")),
            ("FURU_SUBMITIT_PATH", "/data/jobs", "submitit_path", Path("/data/jobs")),
            ("FURU_LEASE_SECS", "10", "lease_sec", 10.0),
            ("FURU_LEASE_SECS", "10", "heartbeat_sec", 2.5),
            ("FURU_LEASE_SECS", "", "lease_sec", 120.0),
            ("FURU_HEARTBEAT_SECS", "1.5", "heartbeat_sec", 1.5),
            ("FURU_POLL_INTERVAL_SECS", " 0.05 ", "poll_interval_sec", 0.05),
            ("FURU_MAX_WAIT_SECS", "7", "max_wait_sec", 7.0),
            ("FURU_MAX_WAIT_SECS", "None", "max_wait_sec", None),
            ("FURU_STALE_AFTER_SECS", "60", "stale_after_sec", 60.0),
            ("FURU_RETRY_FAILED", "NO", "retry_failed", False),
            ("FURU_RETRY_FAILED", "0", "retry_failed", False),
            ("FURU_RETRY_FAILED", "False", "retry_failed", False),
            ("FURU_RETRY_FAILED", "yEs", "retry_failed", True),
            ("FURU_RETRY_FAILED", "1", "retry_failed", True),
            ("FURU_MAX_COMPUTE_RETRIES", "0", "max_compute_retries", 0),
            ("FURU_ALWAYS_RERUN", "a.B, c.D.E,", "always_rerun", {"a.B", "c.D.E"}),
            ("FURU_ALWAYS_RERUN", "all", "always_rerun", {"ALL"}),
            ("FURU_RECORD_GIT", "Ignore", "record_git", "ignore"),
            ("FURU_FSYNC", "0", "fsync", False),
            ("FURU_LOG_LEVEL", "debug", "log_level", "DEBUG"),
            ("FURU_CANCELLED_IS_PREEMPTED", "true", "cancelled_is_preempted", True),
        ],
    )
    def test_a_variable_is_seen_by_the_next_call(self, monkeypatch, variable, raw, field, expected) -> None:
        config.settings()
        monkeypatch.setenv(variable, raw)
        assert expected == getattr(config.settings(), field)

    def test_pyproject_is_read_and_its_paths_are_relative_to_it(self, project, monkeypatch) -> None:
        write_table(project, 'path = "store"\nlease_sec = 8\nalways_rerun = ["a.B"]\nretry_failed = false')
        (project / "deep" / "er").mkdir(parents=True)
        monkeypatch.chdir(project / "deep" / "er")
        config.reload()
        found = config.settings()
        assert (project / "store", 8.0) == (found.path, found.lease_sec)
        assert ({"a.B"}, False) == (found.always_rerun, found.retry_failed)
        assert str(project / "store") == config.root()
        assert config.is_always_rerun("a.B")

    def test_the_nearer_source_wins(self, project, monkeypatch) -> None:
        seen = []
        write_table(project, "lease_sec = 1")
        seen.append(config.settings().lease_sec)
        monkeypatch.setenv("FURU_LEASE_SECS", "2")
        seen.append(config.settings().lease_sec)
        with config.using(lease_sec=3) as inside:
            seen.append(config.settings().lease_sec)
            assert inside == config.settings()
            with config.using(lease_sec=4, fsync=False):
                seen.append(config.settings().lease_sec)
            seen.append(config.settings().lease_sec)
        seen.append(config.settings().lease_sec)
        assert [1, 2, 3, 4, 3, 2] == seen

    @pytest.mark.parametrize("marker", ["pyproject.toml", ".git"])
    def test_the_project_is_the_nearest_directory_with_a_marker(self, project, monkeypatch, marker) -> None:
        inner = project / "inner"
        (inner / "src").mkdir(parents=True)
        (inner / marker).touch()
        monkeypatch.chdir(inner / "src")
        config.reload()
        assert str(inner / "furu-data") == config.root()
        assert str(inner / "furu-data-vc") == config.version_controlled_root()

    def test_a_changed_directory_does_not_move_the_store(self, project, monkeypatch) -> None:
        monkeypatch.setenv("FURU_PATH", "relative/store")
        before = config.root(), config.settings().path, config.version_controlled_root()
        (project / "elsewhere").mkdir()
        monkeypatch.chdir(project / "elsewhere")
        monkeypatch.setenv("FURU_LEASE_SECS", "5")
        assert before == (config.root(), config.settings().path, config.version_controlled_root())
        assert str(project / "relative/store") == config.root()
        config.reload()
        assert str(project / "elsewhere/relative/store") == config.root()

    @pytest.mark.parametrize(
        "spelling", ["[tool]\nfuru = {fsync = false}", "tool.furu.fsync = false", "[ tool . 'furu' ]\nfsync = false"]
    )
    def test_every_spelling_of_the_table_is_found(self, project, spelling) -> None:
        (project / "pyproject.toml").write_text(spelling)
        assert not config.settings().fsync


class TestUsing:
    def test_holds_for_threads_that_were_started_before_and_inside(self, tmp_path) -> None:
        go, seen = threading.Event(), []

        def look() -> None:
            assert go.wait(10)
            seen.append(config.root())

        threads = [threading.Thread(target=look)]
        threads[0].start()
        with config.using(path=tmp_path / "inside"):
            threads.append(threading.Thread(target=look))
            threads[1].start()
            go.set()
            for thread in threads:
                thread.join()
        assert [str(tmp_path / "inside")] * 2 == seen

    def test_is_undone_by_an_exception(self) -> None:
        before = config.settings()
        with pytest.raises(KeyError), config.using(path="/x"):
            raise KeyError
        assert before == config.settings()

    def test_blocks_may_end_in_any_order(self) -> None:
        first, second = config.using(lease_sec=1), config.using(lease_sec=2, path="/two")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert (2, "/two") == (config.settings().lease_sec, config.root())
        second.__exit__(None, None, None)
        assert Settings() == config.settings()

    def test_an_empty_value_wins_too(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", "ALL")
        with config.using(always_rerun=frozenset()):
            assert not config.is_always_rerun("a.B")

    def test_configure_lies_between_using_and_the_environment(self, monkeypatch) -> None:
        # configure() has no way back, so it gets a process of its own.
        script = """
import furu.config as c
c.configure(lease_sec=3); c.configure(fsync=False)
with c.using(lease_sec=4): print(c.settings().lease_sec)
print(c.settings().lease_sec, c.settings().fsync)
try: c.configure(lease_sec=-1)
except ValueError: print(c.settings().lease_sec)
"""
        monkeypatch.setenv("FURU_LEASE_SECS", "2")
        assert "4.0\n3.0 False\n3.0\n" == run_python(script)


BAD = {
    "FURU_LEASE_SECS": ["0", "-1", "abc", "nan", "inf"],
    "FURU_HEARTBEAT_SECS": ["0", "120", "x"],
    "FURU_POLL_INTERVAL_SECS": ["0"],
    "FURU_MAX_WAIT_SECS": ["-1", "soon"],
    "FURU_STALE_AFTER_SECS": ["never"],
    "FURU_RETRY_FAILED": ["maybe", "2"],
    "FURU_MAX_COMPUTE_RETRIES": ["-1", "1.5", "many"],
    "FURU_ALWAYS_RERUN": ["ALL,a.B", "NoModule", "a..B", "a.B;c.D", "f.<locals>.C"],
    "FURU_RECORD_GIT": ["cached"],
    "FURU_FSYNC": ["sometimes"],
    "FURU_LOG_LEVEL": ["LOUD"],
    "FURU_CANCELLED_IS_PREEMPTED": ["?"],
}


class TestRefusals:
    @pytest.mark.parametrize(("variable", "raw"), [(name, raw) for name, raws in BAD.items() for raw in raws])
    def test_a_bad_variable_is_named_with_its_value_and_what_is_accepted(self, monkeypatch, variable, raw) -> None:
        monkeypatch.setenv(variable, raw)
        with pytest.raises(FuruSettingsError) as caught:
            config.settings()
        accepts = next(known.accepts for known in VARIABLES.values() if known.name == variable)
        assert variable == caught.value.variable
        assert f"{variable}={raw!r}" in str(caught.value)
        assert accepts in str(caught.value)
        assert isinstance(caught.value, ValueError)

    def test_all_bad_values_are_told_at_once(self, project, monkeypatch) -> None:
        write_table(project, "poll_interval_sec = -2\nlease_secs = 3")
        monkeypatch.setenv("FURU_LEASE_SECS", "x")
        monkeypatch.setenv("FURU_HEARTBEAT_SECS", "y")
        with pytest.raises(FuruSettingsError) as caught, config.using(fsync="often"):
            pass
        text = str(caught.value)
        assert text.startswith("5 settings can't be used:")
        for part in (
            "FURU_LEASE_SECS='x'",
            "FURU_HEARTBEAT_SECS='y'",
            "[tool.furu] poll_interval_sec = -2",
            "[tool.furu] lease_secs = 3: there is no such setting; did you mean lease_sec?",
            "fsync='often' in furu.configure() or furu.using()",
        ):
            assert part in text
        assert pickle.loads(pickle.dumps(caught.value)).variable == caught.value.variable

    def test_a_bad_lease_is_not_blamed_on_what_is_derived_from_it(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_LEASE_SECS", "x")
        with pytest.raises(FuruSettingsError) as caught:
            config.settings()
        assert "\n" not in str(caught.value)

    def test_a_heartbeat_as_long_as_the_lease_tells_the_lease(self, monkeypatch) -> None:
        monkeypatch.setenv("FURU_HEARTBEAT_SECS", "30")
        with pytest.raises(FuruSettingsError, match="the lease is 30 s"), config.using(lease_sec=30):
            pass

    def test_a_refused_block_changes_nothing(self) -> None:
        before = config.settings()
        with pytest.raises(FuruSettingsError, match="There are path"), config.using(nonsense=1):
            pass
        assert before is config.settings()

    @pytest.mark.parametrize(
        "text",
        ["[tool.furu\npath = 1", "[tool]\nfuru = 3", "[tool.furu]\npath = 3"],
        ids=["syntax", "no table", "type"],
    )
    def test_a_bad_pyproject_is_named(self, project, text) -> None:
        (project / "pyproject.toml").write_text(text)
        for read in (config.settings, config.root):
            config.reload()
            with pytest.raises(FuruSettingsError) as caught:
                read()
            assert caught.value.variable.startswith("[tool.furu]")

    def test_a_misspelt_variable_is_pointed_out_once(self, monkeypatch, caplog) -> None:
        monkeypatch.setenv("FURU_LEASE_SECONDS", "3")
        monkeypatch.setenv("FURU_OF_MY_OWN", "3")
        for lease in "12":
            monkeypatch.setenv("FURU_LEASE_SECS", lease)
            config.settings()
        assert ["FURU_LEASE_SECONDS is not a variable of furu; did you mean FURU_LEASE_SECS?"] == caplog.messages


class TestAlwaysRerun:
    @pytest.mark.parametrize(
        ("raw", "expected"),
        [("", False), ("a.B", True), ("x.Y,a.B", True), ("a.Bc", False), ("ALL", True)],
    )
    def test_is_asked_by_qualified_name(self, monkeypatch, raw, expected) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", raw)
        assert expected == config.is_always_rerun("a.B")

    @pytest.mark.parametrize(
        "raw", ["ALL", "pathlib.Path", "os.path.sys.flags.__class__", "logging.handlers.QueueHandler", ""]
    )
    def test_entries_that_exist_pass(self, monkeypatch, raw) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", raw)
        config.resolve_always_rerun()
        config.resolve_always_rerun()

    def test_a_class_of_the_main_script_passes(self) -> None:
        script = "import furu.config as c\nclass Train: ...\nwith c.using(always_rerun='__main__.Train'): "
        assert run_python(script + "c.resolve_always_rerun()") == ""

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            ("pathlib.Path,pathlib.Pith", "pathlib.Pith: 'pathlib' has no 'Pith'"),
            ("nowhere_at_all.Train", "there is no module 'nowhere_at_all'"),
            ("logging.nothing.Train", "'logging' has no 'nothing'"),
            ("pathlib.Path.home", "it is not a class"),
        ],
    )
    def test_entries_that_do_not_are_named_with_the_variable(self, monkeypatch, raw, why) -> None:
        monkeypatch.setenv("FURU_ALWAYS_RERUN", raw)
        with pytest.raises(FuruSettingsError, match="FURU_ALWAYS_RERUN=") as caught:
            config.resolve_always_rerun()
        assert why in str(caught.value)

    def test_a_module_that_cannot_be_imported_says_why(self, project, monkeypatch) -> None:
        (project / "broken_module_of_mine.py").write_text("import nowhere_at_all")
        monkeypatch.syspath_prepend(project)
        with (
            config.using(always_rerun=["broken_module_of_mine.Train"]),
            pytest.raises(FuruSettingsError, match="No module named 'nowhere_at_all'"),
        ):
            config.resolve_always_rerun()


class TestCost:
    def test_the_path_of_a_hit_loads_no_heavy_library(self, project) -> None:
        (project / "pyproject.toml").write_text('[project]\ndependencies = ["furu"]\n[tool.other]\nx = 1\n')
        assert "False False\nTrue\n" == run_python(FIRST_READER)

    def test_nothing_changed_means_the_same_object(self) -> None:
        assert config.settings() is config.settings()

    def test_settings_pickle_without_pydantic_settings(self) -> None:
        found = config.settings()
        assert type(found) is Settings
        assert found == pickle.loads(pickle.dumps(found))


class TestNames:
    def test_every_field_has_a_variable_and_a_keyword(self) -> None:
        assert set(Settings.model_fields) == set(VARIABLES) == set(typing.get_type_hints(SettingValues))


def run_python(script: str) -> str:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("FURU_")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
