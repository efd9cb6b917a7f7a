"""A forked Python ends and looks like one that was started anew; other tests rely on it."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.scripts import Script
from tests.support.zygote import Child


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("", 0, id="to its end"),
        pytest.param("import sys; sys.exit(3)", 3, id="sys.exit"),
        pytest.param("raise ValueError", 1, id="an exception"),
        pytest.param("import os; os._exit(4)", 4, id="os._exit"),
        pytest.param("raise KeyboardInterrupt", -signal.SIGINT, id="Ctrl-C"),
        pytest.param("import os; os.kill(os.getpid(), 15)", -signal.SIGTERM, id="SIGTERM"),
        pytest.param("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, id="SIGKILL"),
    ],
)
def test_its_exit_code_is_that_of_python(source, code):
    with Child(source, environment=os.environ) as process:
        assert code == process.wait(30)


def test_what_happens_at_the_exit_happens_at_its_end():
    with Child("import atexit; atexit.register(print, 'left'); print('said')", environment=os.environ) as process:
        assert ("said\nleft\n", "") == process.communicate(30)


def test_it_has_an_environment_a_place_and_arguments_of_its_own(tmp_path):
    source = "import os, sys; print(dict(os.environ), os.getcwd(), sys.argv, __name__, os.getsid(0) == os.getpid())"
    environment, argv = {"A": "1"}, ["furu", "ls"]
    with Child(source, environment=environment, argv=argv, directory=tmp_path, has_own_session=True) as process:
        assert f"{environment} {tmp_path} {argv} __main__ True\n" == process.communicate(30)[0]


def test_a_warning_is_an_error_in_scripts():
    script = Script("import warnings; warnings.warn('careful')")
    assert 1 == script.finish()
    assert "UserWarning: careful" in script.errors()
    script.close()
