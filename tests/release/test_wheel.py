"""What is released: the files' contents, and what furu does where nothing but the wheel is installed."""

from __future__ import annotations

import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import furu
from tests.support.fresh import run_fresh

PROJECT = Path(__file__).parents[2]
SOURCES = PROJECT / "src"
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
STUDY = """
from pathlib import Path
import furu
from furu.execution import build_plan, run_local
from furu.execution.plan import Status

class Number(furu.Furu[int]):
    seed: int = 0

    def _create(self) -> int:
        return self.seed + 1

class Total(furu.Furu[Path]):
    parts: tuple[Number, ...]

    def _create(self) -> Path:
        file = self.furu_dir / "total.txt"
        file.write_text(str(sum(part.get() for part in self.parts)))
        return file

class Table(furu.Furu[object]):
    library: str

    def _create(self) -> object:
        import numpy, pandas, polars
        made = {"numpy": numpy.arange(2), "pyarrow": pandas.DataFrame({"a": [1]}), "polars": polars.DataFrame()}
        return made[self.library]
"""
USE = """
from study import *

total = Total(parts=tuple(Number(seed=seed) for seed in range(3)))
assert not total.exists()
print(build_plan([total]).counts()[Status.TODO])
run_local([total], max_workers=2)
print(total.get().read_text(), total.exists(), len(furu.query("status:published")))
print(total == Total.from_dict(total.to_dict()), furu.__version__, Path(furu.__file__).parents[1])
"""
TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-c", sys.argv[1]])))
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def user(stranger):
    (stranger.home / "study.py").write_text(STUDY)
    return stranger


class TestContents:
    def test_the_wheel_has_the_package_and_nothing_else(self, release):
        with zipfile.ZipFile(release.wheel) as wheel:
            names = set(wheel.namelist())
        inner = {str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*") if path.is_file()}
        assert {"furu/py.typed"} < {name for name in inner if "__pycache__" not in name} <= names
        about = f"furu-{DECLARED['version']}.dist-info"
        wanted = {f"{about}/{name}" for name in "METADATA WHEEL RECORD entry_points.txt licenses/LICENSE".split()}
        assert wanted == names - inner

    def test_the_wheel_says_what_it_needs_and_offers(self, release):
        with zipfile.ZipFile(release.wheel) as wheel:
            about = wheel.read(f"furu-{DECLARED['version']}.dist-info/METADATA").decode()
        lines = about.partition("\n\n")[0].splitlines()
        always = [line for line in lines if line.startswith("Requires-Dist: ") and "extra ==" not in line]
        assert ["pydantic", "pydantic-settings"] == sorted(line.split()[1].partition(">")[0] for line in always)
        assert set(DECLARED["optional-dependencies"]) == {
            line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra: ")
        }
        assert about.endswith((PROJECT / "README.md").read_text())

    def test_the_sdist_has_what_it_takes_to_test_it(self, release):
        with tarfile.open(release.sdist) as sdist:
            names = {name.partition("/")[2] for name in sdist.getnames()}
        assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "src/furu/py.typed"} < names
        assert "tests/release/test_wheel.py" in names
        assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "furu-data"))]

    def test_the_version_is_said_once(self):
        assert DECLARED["version"] == furu.__version__


class TestInAnEmptyEnvironment:
    def test_a_study_is_declared_computed_and_loaded(self, user):
        first = user.run(user.python, "-W", "error", "-c", USE)
        place = next((user.home / "venv" / "lib").glob("python*/site-packages"))
        assert ["4", "6 True 4", f"True {furu.__version__} {place}"] == first.splitlines()

    @pytest.mark.parametrize(
        "command", [["bin/furu"], ["bin/python", "-m", "furu.cli", "ls"]], ids=["script", "module"]
    )
    def test_the_command_says_what_to_install(self, user, command):
        said = user.run(user.home / "venv" / command[0], *command[1:], code=1)
        assert "furu: the command needs click: pip install 'furu[cli]'\n" == said

    @pytest.mark.parametrize(
        ("words", "extra"), [(["dashboard", "--no-browser"], "dashboard")], ids=lambda value: value[0]
    )
    def test_a_command_says_which_extra_it_needs(self, user, with_cli, words, extra):
        said = user.run(user.python, "-m", "furu.cli", *words, code=1, **with_cli)
        assert f"pip install 'furu[{extra}]'" in said

    def test_the_commands_need_no_more_than_click(self, user, with_cli):
        assert "STATUS" in user.run(user.python, "-m", "furu.cli", "ls", **with_cli)

    def test_a_run_on_a_terminal_does_without_rich(self, user):
        run = "from study import *; run_local([Number(seed=90)], max_workers=1); print('through')"
        assert "through" in user.run(user.python, "-c", TERMINAL, run)

    @pytest.mark.parametrize("library", ["numpy", "pyarrow", "polars"])
    def test_a_result_that_needs_a_library_names_it(self, user, library):
        get = f"from study import *; Table(library={library!r}).get()"
        user.run(sys.executable, "-c", get)
        assert f"hint: install {library} where results are loaded" in user.run(user.python, "-c", get, code=1)

    def test_a_picture_of_a_graph_says_what_to_install(self, user, with_cli):
        compute = "from study import *; number = Number(seed=92); number.get(); print(number.furu_hash)"
        drawn = user.run(user.python, "-c", compute).strip()
        said = user.run(user.python, "-m", "furu.cli", "graph", drawn, "--svg", "graph.svg", code=1, **with_cli)
        assert "pip install 'furu[graph]'" in said
        assert "Number" in user.run(user.python, "-m", "furu.cli", "graph", drawn, **with_cli)

    def test_batch_jobs_do_without_submitit(self, user):
        submit = "from furu.execution import submit_slurm_dag; submit_slurm_dag([Number(seed=91)], specs=SPECS)"
        specs = "SPECS = {'default': furu.SlurmSpec(time_min=5)}"
        wait = f"from study import *; {specs}; import os; os.environ['PATH'] = ''; {submit}"
        assert "hint: run this where Slurm is installed" in user.run(user.python, "-c", wait, code=1)

    def test_the_plugin_for_pytest_is_there(self, user):
        lines = ["from importlib.metadata import entry_points", "print(*entry_points(group='pytest11'))"]
        assert "furu.testing" in user.run(user.python, "-c", "; ".join(lines))


def where() -> str:
    return furu.__file__


def test_processes_that_tests_start_find_the_furu_under_test():
    assert furu.__file__ == run_fresh(where)


def test_no_test_leads_its_processes_to_the_checkouts_package():
    """`PACKAGES` is what belongs on their path; these read the source, or make one of their own."""
    readers = {"test_architecture.py", "test_config.py", "test_wheel.py"}
    others = [path for path in (PROJECT / "tests").rglob("*.py") if path.name not in readers]
    assert [] == [path for path in others if '/ "src"' in path.read_text(encoding="utf-8")]
