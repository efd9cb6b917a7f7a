"""The pytest plugin of `furu.testing`, in runs of pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.installed import PACKAGES


def run_python(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)


CONFIGS = """
import furu

class Number(furu.Furu[int]):
    value: int = 1

    def _create(self) -> int:
        return self.value

class Doubled(furu.Furu[int]):
    number: Number

    def _create(self) -> int:
        return 2 * self.number.get()
"""
WITH_FIXTURES = """
import pytest
from configs import Doubled, Number
from furu.config import root

def test_a_store_of_its_own(furu_root, tmp_path):
    assert str(furu_root) == root() and furu_root.parent == tmp_path and furu_root.is_dir()
    assert Number().get() == 1

def test_nothing_is_left_of_the_test_before(furu_root):
    assert not Number().exists()

def test_override(override_results, override_results_for):
    override_results({Number(): 5})
    override_results_for(Doubled(number=Number(value=2)), {"number": 7})
    assert [10, 14] == [Doubled(number=Number()).get(), Doubled(number=Number(value=2)).get()]

def test_overrides_end_with_the_test(furu_root):
    assert not Number().exists() and not Number(value=2).exists()

def test_a_failing_assert_is_explained(furu_root):
    assert Number().get() == 2
"""
ISOLATED = """
from configs import Number
from furu.config import root

def test_without_a_fixture(tmp_path):
    assert root() == str(tmp_path / "furu-data")
"""
OF_THE_MODULE = """
import pytest
from configs import Number
from furu.testing import isolated_root

@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    with isolated_root(tmp_path_factory.mktemp("store")):
        yield

def test_computed():
    assert Number().get() == 1

def test_shared():
    assert Number().exists()
"""
STRICT = "[pytest]\nfilterwarnings = error\naddopts = --strict-config --strict-markers\n"


class TestPlugin:
    def run(self, tmp_path, source, ini=STRICT, conftest=""):
        files = {"configs.py": CONFIGS, "test_it.py": source, "pytest.ini": ini, "conftest.py": conftest}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        plugin = [] if conftest else ["-p", "furu.testing"]
        real_store = tmp_path / "real"
        finished = run_python(
            "-m", "pytest", "-q", "--basetemp=temporary", *plugin, cwd=tmp_path, FURU_PATH=str(real_store)
        )
        assert not real_store.exists(), "a test reached the real store"
        return finished.stdout + finished.stderr

    def test_fixtures_with_warnings_as_errors(self, tmp_path):
        said = self.run(tmp_path, WITH_FIXTURES)
        assert "1 failed, 4 passed" in said
        assert "assert 1 == 2" in said, "asserts of tests are still rewritten"

    def test_furu_isolate_gives_every_test_a_store(self, tmp_path):
        assert "1 passed" in self.run(tmp_path, ISOLATED, ini=f"{STRICT}furu_isolate = true\n")

    def test_furu_isolate_leaves_a_store_that_a_module_has_set(self, tmp_path):
        assert "2 passed" in self.run(tmp_path, OF_THE_MODULE, ini=f"{STRICT}furu_isolate = true\n")

    def test_a_conftest_may_name_the_plugin(self, tmp_path):
        said = self.run(tmp_path, WITH_FIXTURES, conftest='pytest_plugins = ["furu.testing"]')
        assert "1 failed, 4 passed" in said

    def test_importing_it_loads_neither_pytest_nor_a_heavy_library(self, tmp_path):
        code = "import furu.testing, sys; print({'pytest', '_pytest', 'numpy', 'pydantic_settings'} & set(sys.modules))"
        assert run_python("-c", code, cwd=tmp_path).stdout == "set()\n"
