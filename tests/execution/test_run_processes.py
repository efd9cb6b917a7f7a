"""`run_local(workers="process")`: the same results, and what happens when a worker process dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from typing import Any

import psutil
import pytest

import furu
from furu.execution import FuruRunError, run_local
from tests.lifecycle.steps import endings, holders
from tests.support.deeds import Deed, Refusal, Settled, Undeclared, created, pids
from tests.support.graphs import Heard
from tests.support.installed import PACKAGES
from tests.support.scripts import PATIENCE_SEC, PROJECT


def run(*roots: furu.Furu[Any], max_workers: int = 2, **options: Any) -> Heard:
    heard = Heard()
    run_local(roots, max_workers=max_workers, workers="process", reporter=heard, **options)
    return heard


@pytest.fixture(autouse=True)
def nobody_is_left() -> Any:
    yield
    assert [] == multiprocessing.active_children()
    assert [] == [pid for pid in pids() if pid != os.getpid() and psutil.pid_exists(pid)]


class TestResults:
    def test_s160_they_are_as_with_threads_and_in_other_processes(self):
        nodes = [Deed(name=f"n{number}", deed="await two") for number in range(2)]
        top = Deed(name="-top", needs=tuple(nodes))
        run(top)
        assert "n0n1-top" == top.get()
        assert 3 == len(created()) == len(set(created()))
        assert os.getpid() not in pids()
        assert 2 == len(pids())

    def test_s161_a_node_runs_in_executor_mode_with_its_key_and_backend(self):
        run(furu_context := ContextDeed(key="gpu"))
        assert f"executor gpu process {furu_context.furu_hash}" == furu_context.get()

    def test_fields_beside_the_identity_keep_the_drivers_values(self):
        """The deed is one; without it the node would do nothing."""
        run(Deed(name="a", deed="have children"))
        assert ["a"] == created()

    def test_settings_travel(self, tmp_path):
        with furu.using(path=tmp_path / "elsewhere", retry_failed=False):
            run(Settled())
            assert f"{tmp_path / 'elsewhere'} False" == Settled().get()
        assert not Settled().exists()

    def test_a_finished_graph_starts_no_process(self, monkeypatch):
        Deed(name="a").get()
        monkeypatch.setattr(multiprocessing, "get_context", None)
        run(Deed(name="a"))


class ContextDeed(furu.Furu[str]):
    key: str

    def _executor_spec_key(self) -> str:
        return self.key

    def _create(self) -> str:
        context = furu.EXEC_CONTEXT.get()
        return f"{context.mode} {context.spec_key} {context.backend} {context.current_node_hash}"


class TestFailures:
    def test_an_exception_that_does_not_pickle_is_told_in_words(self, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "0")
        with pytest.raises(TypeError):
            pickle.dumps(Refusal("no", 3))
        with pytest.raises(furu.FuruComputeError, match="failed: Refusal: no") as caught:
            run(Deed(name="a", deed="refuse"))
        assert "in _refuse" in "".join(caught.value.__notes__)

    def test_s170_an_undeclared_dependency_surfaces_as_itself(self):
        with pytest.raises(furu.FuruMissingArtifact) as caught:
            run(Undeclared())
        assert f"Deed({Deed(name='hidden').furu_hash})" == caught.value.node
        assert Undeclared().furu_hash == caught.value.requested_by

    def test_s172_retries_are_counted_as_with_threads(self, monkeypatch):
        monkeypatch.setenv("FURU_MAX_COMPUTE_RETRIES", "1")
        with pytest.raises(FuruRunError):
            run(Deed(name="a", deed="fail"), Deed(name="b", deed="exit python"), on_error="continue")
        assert ["a", "a", "b", "b"] == sorted(created())

    def test_a_class_that_workers_cant_import_is_named(self):
        module = type(sys)("made_here_only")
        sys.modules["made_here_only"] = module
        try:
            source = "import furu\nclass Local(furu.Furu[int]):\n    def _create(self) -> int:\n        return 1\n"
            exec(source, module.__dict__)
            with pytest.raises(furu.FuruProtocolError, match="can't build its node") as caught:
                run(module.Local())
            assert "made_here_only" in str(caught.value)
        finally:
            del sys.modules["made_here_only"]


class TestCrashes:
    @pytest.mark.parametrize(
        ("deed", "code"),
        [("exit once", 3), ("kill once", -signal.SIGKILL), ("fork and kill once", -signal.SIGKILL)],
        ids=str,
    )
    def test_the_death_of_a_worker_costs_its_node_one_attempt(self, deed, code):
        bad, good = Deed(name="bad", deed=deed), Deed(name="good", needs=(Deed(name="below", deed="nap"),))
        heard = run(Deed(name="top", needs=(bad, good)))
        assert ["bad", "bad", "below", "good", "top"] == sorted(created())
        assert ["crashed", "ok"] == endings(bad)
        assert "end bad worker lost" in heard.events
        assert f"exit code {code}" in heard.lost["bad"].error_text

    def test_a_worker_that_is_told_to_stop_ends_its_attempt(self):
        term = Deed(name="term", deed="term once")
        run(term)
        assert ["preempted", "ok"] == endings(term)

    def test_a_node_that_kills_every_worker_is_given_up(self):
        with pytest.raises(FuruRunError) as caught:
            run(Deed(name="bad", deed="exit"), Deed(name="good"), on_error="continue")
        (reason,) = caught.value.failed.values()
        assert "ended with exit code 3" in reason
        assert "worker lost 4 times" in reason
        assert ["bad"] * 4 == [name for name in created() if name == "bad"]
        assert Deed(name="good").exists()


SCRIPT = "run_local([Deed(name='stuck', deed='clean up'), Deed(name='other')], workers='process', max_workers=3)"


class TestInterruption:
    @pytest.mark.parametrize("is_for_all", [False, True], ids=["driver only", "whole group"])
    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
    )
    def test_workers_end_and_their_attempts_are_preempted(self, start, tmp_path, number, code, is_for_all):
        """A terminal, or a batch system, signals the whole group; that must not cut the clean-up short."""
        script = start(f"import os; os.setpgid(0, 0)\n{SCRIPT}")
        script.expect("creating stuck")
        if is_for_all:
            os.killpg(script.pid, number)
        else:
            script.send(number)
        assert code == script.finish()
        assert "Traceback" not in script.errors()
        assert ["preempted"] == endings(Deed(name="stuck"))
        assert [] == holders(Deed(name="stuck"))
        assert (tmp_path / "cleaned stuck").exists()

    def test_a_driver_that_is_killed_leaves_nobody(self, start):
        script = start(SCRIPT)
        script.expect("creating stuck")
        script.kill()
        for process in [psutil.Process(pid) for pid in pids() if psutil.pid_exists(pid)]:
            process.wait(PATIENCE_SEC)
        assert ["preempted"] == endings(Deed(name="stuck"))


class TestScripts:
    def run_script(self, tmp_path, source: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "my_classes.py").write_text(
            "import furu\n\nclass Mine(furu.Furu[int]):\n    x: int\n\n    def _create(self) -> int:\n"
            "        return self.x\n"
        )
        (tmp_path / "script.py").write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, "script.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGES), str(PROJECT)])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_without_a_guard_it_is_a_clear_error_and_no_fork_bomb(self, tmp_path):
        ended = self.run_script(
            tmp_path,
            """
            from furu.execution import run_local
            from my_classes import Mine
            open("imported", "a").write("x")
            run_local([Mine(x=1)], workers="process", max_workers=2)
            """,
        )
        assert 1 == ended.returncode
        last = ended.stderr[ended.stderr.rindex("Traceback") :]
        assert "FuruWorkerError: a worker process ended with exit code 1 while it started" in last
        assert 'if __name__ == "__main__":' in last
        assert "FuruUnguardedScript" in ended.stderr
        assert len((tmp_path / "imported").read_text()) <= 3

    def test_with_a_guard_workers_import_what_lies_beside_the_script(self, tmp_path):
        ended = self.run_script(
            tmp_path,
            """
            from furu.execution import run_local
            from my_classes import Mine
            if __name__ == "__main__":
                run_local([Mine(x=1), Mine(x=2)], workers="process", max_workers=2)
                print(Mine(x=1).get() + Mine(x=2).get())
            """,
        )
        assert (0, "3\n") == (ended.returncode, ended.stdout), ended.stderr

    def test_classes_of_the_main_script_are_refused_before_anything_starts(self, tmp_path):
        ended = self.run_script(
            tmp_path,
            """
            import furu
            from furu.execution import run_local
            class Here(furu.Furu[int]):
                def _create(self) -> int:
                    return 1
            if __name__ == "__main__":
                run_local([Here()], workers="process")
            """,
        )
        assert 1 == ended.returncode
        assert "__main__" in ended.stderr.splitlines()[-1] + ended.stderr.splitlines()[-2]
