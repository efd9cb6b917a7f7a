"""S058, S059: the log of an artifact, and what the console says."""

from __future__ import annotations

import logging

import pytest

from tests.support import computed
from tests.support.computed import Talker, Value
from tests.support.scripts import Script


@pytest.fixture(autouse=True)
def _begin(notes):
    """Notes of other tests are gone."""


class TestArtifactLog:
    def test_s058_each_artifact_has_what_was_said_while_it_was_created(self):
        """Nested creations log to the nested one, then it goes back."""
        inner = Talker(name="inner")
        outer = Talker(inner=inner)
        outer.get()
        logs = {config.name: config.log().read_text() for config in (outer, inner)}
        assert ["outer begins", "outer ends"] == said(logs["outer"])
        assert ["inner begins", "inner ends"] == said(logs["inner"])
        assert outer.log().is_relative_to(outer._base_furu_dir())

    def test_s058_the_traceback_of_a_failure_is_kept_there(self):
        computed.RAISES["create outer"] = RuntimeError("no luck")
        with pytest.raises(RuntimeError):
            Talker().get()
        text = Talker().log().read_text()
        assert "outer ends" in text
        assert "Traceback" in text
        assert "RuntimeError: no luck" in text

    def test_s058_while_it_runs_log_is_the_running_attempt_s(self):
        paths = []
        Watches.seen = paths
        Watches().get()
        assert paths[0].name == Watches().log().name
        assert "hello" in Watches().log().read_text()

    def test_s058_log_is_a_path_also_before_anything_ran(self):
        assert Value().log().is_relative_to(Value()._base_furu_dir())
        assert not Value().log().exists()

    def test_s059_a_hit_writes_nothing(self):
        config = Talker()
        config.get()
        before = sorted((path, path.stat().st_mtime_ns) for path in config._base_furu_dir().rglob("*"))
        config.get()
        assert config.exists()
        assert before == sorted((path, path.stat().st_mtime_ns) for path in config._base_furu_dir().rglob("*"))


class Watches(Talker):
    """Notes where its log is while it runs."""

    seen = None

    def _create(self) -> int:
        logging.getLogger("user").info("hello")
        self.seen.append(self.log())
        return 1


def said(log: str) -> list[str]:
    return [line.split(": ")[-1].split("user.")[-1].partition(" ")[2] for line in log.splitlines() if "user." in line]


def test_s059_the_console_announces_what_is_computed_and_is_quiet_about_hits():
    source = """
from tests.support.computed import Talker
import sys
config = Talker(inner=Talker(name="inner"))
print("=", config.furu_hash, config.inner.furu_hash)
config.get()
sys.stderr.write("-- again\\n")
config.get()
config.exists()
print("end")
"""
    script = Script(source)
    outer, inner = script.expect("=").split()
    script.expect("end")
    assert 0 == script.finish()
    script.close()
    first, _, again = script.errors().partition("-- again\n")
    assert [f"get Talker {outer}", f"get Talker {inner}"] == [line.split("furu: ")[1] for line in first.splitlines()]
    assert "" == again
    assert "load_or_create" not in first
