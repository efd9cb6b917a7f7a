"""Run a function in a process of its own: single-threaded, free to fork, to be killed, and to change its user.

`run_fresh(function, *arguments)` gives what `function` returned, by way of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.support.installed import PACKAGES
from tests.support.zygote import PROJECT, Child

if TYPE_CHECKING:
    from collections.abc import Callable


def spawn(function: Callable[..., Any], *arguments: Any, **environment: str) -> Child:
    """Start `function(*arguments)` in a new process and group; its last line of output is the result."""
    path = os.pathsep.join([str(PROJECT), str(PACKAGES), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    settings = {"PYTHONPATH": path, "FURU_LOG_LEVEL": "ERROR", "FURU_RECORD_GIT": "ignore", **environment}
    return Child(
        "from tests.support.fresh import main; main()",
        argv=["-c", f"{function.__module__}:{function.__qualname__}", json.dumps(arguments)],
        environment={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        has_own_session=True,
    )


def finish(process: Child, timeout_sec: float = 100) -> Any:
    """What the function returned; an `AssertionError` with its stderr if it raised."""
    try:
        output, errors = process.communicate(timeout=timeout_sec)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, f"exit {process.returncode}\n{errors[-6000:]}"
    return json.loads(output.splitlines()[-1])


def run_fresh(function: Callable[..., Any], *arguments: Any, timeout_sec: float = 100, **environment: str) -> Any:
    """`function(*arguments)` in a new process, with `FURU_...` variables as keywords."""
    return finish(spawn(function, *arguments, **environment), timeout_sec)


def fork(action: Callable[[], Any]) -> int:
    """Start `action` in a forked child that ends with `os._exit`; 0 when it returned, 1 when it raised. Its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        action()
        status = 0
    except BaseException as error:
        if not isinstance(error, SystemExit | KeyboardInterrupt):
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def exit_code(pid: int) -> int:
    """Wait for a child: its status, negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    module, name = sys.argv[1].split(":")
    result = getattr(import_module(module), name)(*json.loads(sys.argv[2]))
    print("\n" + json.dumps(result))
