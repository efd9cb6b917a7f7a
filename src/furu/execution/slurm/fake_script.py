"""A body for `FakeSlurm` that really runs the scripts."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from furu.execution.slurm.fake_job import FakeJob

KILL_WAIT_SEC: Final = 2.0


class ScriptProcess:
    """A running script; to end it is to end all that it started, as Slurm does."""

    def __init__(self, script: str, *, directory: str | None, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-c", script], cwd=directory, env=environ, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, minus the signal that killed it, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout_sec: float) -> int:
        """Its exit code; subprocess.TimeoutExpired if it goes on for longer."""
        return self._process.wait(timeout_sec)

    def terminate(self) -> None:
        """SIGTERM, and SIGKILL after `KILL_WAIT_SEC`, to the whole session."""
        self._signal(signal.SIGTERM)
        try:
            self.wait(KILL_WAIT_SEC)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.wait(KILL_WAIT_SEC)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def run_script(job: FakeJob) -> ScriptProcess:
    """Run the job's script with bash, with Slurm's variables, in the directory and into the file that it asked for."""
    base, _, index = job.job_id.partition("_")
    script = job.script
    if output := job.options.get("output"):
        for mark, value in (("%A", base), ("%a", index), ("%j", str(job.raw_id))):
            output = output.replace(mark, value)
        script = f"exec >>{shlex.quote(output)} 2>&1\n{script}"
    return ScriptProcess(script, directory=job.options.get("chdir"), environ={**os.environ, **job.environ()})
