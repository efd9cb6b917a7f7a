"""Log files of computations, and furu's own lines on stderr."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import io
import logging
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from furu import config, logs

USER = logging.getLogger("project.train")


@pytest.fixture(autouse=True)
def untouched_logging():
    """Whatever a test does, `logging` is afterwards as it was before."""
    before = logging.getLogRecordFactory(), logging.root.level, list(logging.root.handlers)
    yield
    assert before == (logging.getLogRecordFactory(), logging.root.level, list(logging.root.handlers))


def messages(path: Path) -> list[str]:
    return [line.split(" ", 3)[3] for line in path.read_text().splitlines()] if path.exists() else []


def capture(path: Path) -> logs.Capture:
    return logs.capture(lambda: str(path))


class TestCapture:
    def test_every_logger_of_the_context_goes_to_the_file(self, tmp_path) -> None:
        quiet = logging.getLogger("project.quiet")
        quiet.propagate = False
        with capture(tmp_path / "log"):
            USER.info("epoch %d", 3)
            logging.getLogger().info("root")
            quiet.warning("does not propagate")
            logs.LOGGER.info("get Train")
            USER.debug("too detailed")
        assert ["epoch 3", "root", "does not propagate", "get Train"] == messages(tmp_path / "log")

    def test_a_line_holds_time_level_logger_and_message(self, tmp_path) -> None:
        with capture(tmp_path / "log"):
            USER.info("hä\udc80")
        pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} INFO project\.train hä\\udc80\n"
        assert re.fullmatch(pattern, (tmp_path / "log").read_text(encoding="utf-8"))

    @pytest.mark.parametrize("own", [None, ValueError("the user's own")], ids=["success", "failure"])
    def test_on_a_full_disk_the_log_ends_and_nothing_else_does(self, own, caplog, capsys) -> None:
        """Neither is a success made a failure, nor is the error hidden that is to be reported."""
        raised = None
        try:
            with capture(Path("/dev/full")):
                USER.info("one")
                USER.info("two")
                if own is not None:
                    raise own
        except Exception as error:
            raised = error
        assert raised is own
        assert [record.message for record in caplog.records if record.name == "furu"] == [
            "the log /dev/full ends here: [Errno 28] No space left on device"
        ]
        assert "Logging error" not in capsys.readouterr().err

    def test_a_silent_block_makes_no_file_and_asks_for_no_path(self) -> None:
        with logs.capture(lambda: pytest.fail("asked for a path")):
            pass

    def test_records_are_on_disk_at_once_and_appended(self, tmp_path) -> None:
        (tmp_path / "log").write_text("t INFO x before\n")
        with capture(tmp_path / "log"):
            USER.info("now")
            assert ["before", "now"] == messages(tmp_path / "log")

    def test_nested_blocks_have_their_own_and_then_back(self, tmp_path) -> None:
        with capture(tmp_path / "outer"):
            USER.info("1")
            with capture(tmp_path / "inner"):
                USER.info("2")
            USER.info("3")
        USER.info("4")
        assert (["1", "3"], ["2"]) == (messages(tmp_path / "outer"), messages(tmp_path / "inner"))

    def test_a_failure_leaves_its_traceback_in_every_open_file(self, tmp_path, caplog) -> None:
        with pytest.raises(KeyError), capture(tmp_path / "outer"), capture(tmp_path / "inner"):
            raise KeyError("lost")
        for name in ("outer", "inner"):
            text = (tmp_path / name).read_text()
            assert " ERROR furu KeyError('lost')\nTraceback (most recent call last):" in text
            assert "in test_a_failure_leaves" in text
        assert [] == caplog.records

    def test_the_file_may_move_while_it_is_open(self, tmp_path) -> None:
        (tmp_path / "lock").mkdir()
        with capture(tmp_path / "lock" / "log"):
            USER.info("1")
            (tmp_path / "lock").rename(tmp_path / "attempt")
            USER.info("2")
        assert ["1", "2"] == messages(tmp_path / "attempt" / "log")

    def test_a_log_that_cannot_be_opened_is_said_once_and_breaks_nothing(self, tmp_path, caplog) -> None:
        with capture(tmp_path / "gone" / "log"):
            USER.warning("1")
            USER.warning("2")
        assert ["no log is kept", "1", "2"] == [message.partition(":")[0] for message in caplog.messages]

    def test_a_message_that_cannot_be_formatted_breaks_nothing(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(logging, "raiseExceptions", False)
        with capture(tmp_path / "log"):
            USER.info("%d", "no number")
            USER.info("next")
        assert ["next"] == messages(tmp_path / "log")

    def test_a_message_whose_rendering_logs_does_not_hang(self, tmp_path) -> None:
        class Chatty:
            def __str__(self) -> str:
                USER.info("inner")
                return "outer"

        with capture(tmp_path / "log"):
            USER.info("%s", Chatty())
        assert ["inner", "outer"] == messages(tmp_path / "log")


class TestContexts:
    def test_a_plain_thread_is_outside_and_a_copied_context_inside(self, tmp_path) -> None:
        with capture(tmp_path / "log"), ThreadPoolExecutor(1) as pool:
            pool.submit(USER.warning, "plain").result()
            pool.submit(contextvars.copy_context().run, USER.warning, "copied").result()
        assert ["copied"] == messages(tmp_path / "log")

    def test_blocks_in_threads_do_not_mix(self, tmp_path) -> None:
        barrier = threading.Barrier(2, timeout=10)

        def compute(name: str) -> None:
            with capture(tmp_path / name):
                for i in range(20):
                    barrier.wait()
                    USER.info("%s %d", name, i)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(compute, ["a", "b"]))
        for name in "ab":
            assert [f"{name} {i}" for i in range(20)] == messages(tmp_path / name)

    def test_threads_of_one_block_share_the_file(self, tmp_path) -> None:
        with capture(tmp_path / "log"), ThreadPoolExecutor(4) as pool:
            contexts = [contextvars.copy_context() for _ in range(40)]
            list(pool.map(lambda context: context.run(USER.info, "x" * 500), contexts))
        assert ["x" * 500] * 40 == messages(tmp_path / "log")

    def test_tasks_inherit_the_block(self, tmp_path) -> None:
        async def main() -> None:
            async def task(name: str) -> None:
                with capture(tmp_path / name):
                    await asyncio.sleep(0)
                    USER.info(name)

            with capture(tmp_path / "outer"):
                await asyncio.gather(task("a"), task("b"))
                await asyncio.create_task(asyncio.to_thread(USER.info, "outer"))

        asyncio.run(main())
        for name in ("a", "b", "outer"):
            assert [name] == messages(tmp_path / name)

    def test_a_late_record_neither_fails_nor_opens_the_file_again(self, tmp_path) -> None:
        with capture(tmp_path / "log"), capture(tmp_path / "inner"):
            USER.info("in time")
            late = contextvars.copy_context()
        (tmp_path / "inner").unlink()
        late.run(USER.warning, "late")
        with capture(tmp_path / "other"):
            late.run(USER.warning, "late")
        assert [] == list(tmp_path.iterdir())


class TestOtherHandlers:
    @pytest.mark.parametrize(
        ("levels", "expected"),
        [
            ({}, ["warning"]),
            ({"": logging.INFO}, ["info", "warning"]),
            ({"": logging.DEBUG}, ["debug", "info", "warning"]),
            ({"": logging.ERROR}, []),
            ({"project": logging.INFO}, ["info", "warning"]),
            ({"": logging.ERROR, "project.train": logging.DEBUG}, ["debug", "info", "warning"]),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("place", ["", "project", "project.train"])
    def test_hear_what_they_hear_without_a_capture(self, tmp_path, levels, expected, place) -> None:
        heard = io.StringIO()
        handler = logging.StreamHandler(heard)
        before = {name: logging.getLogger(name).level for name in levels}
        logging.getLogger(place).addHandler(handler)
        try:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            with capture(tmp_path / "log"):
                for name in ("debug", "info", "warning"):
                    getattr(USER, name)(name)
        finally:
            logging.getLogger(place).removeHandler(handler)
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)
        assert expected == heard.getvalue().split()
        assert {"info", "warning"} <= set(messages(tmp_path / "log"))

    def test_of_other_threads_hear_nothing_new(self, tmp_path, caplog) -> None:
        with capture(tmp_path / "log"), ThreadPoolExecutor(1) as pool:
            pool.submit(USER.info, "elsewhere").result()
        assert [] == caplog.records

    def test_a_level_set_inside_stays(self, tmp_path) -> None:
        before = logging.root.level
        with capture(tmp_path / "log"):
            logging.root.setLevel(logging.INFO)
        assert logging.root.level == logging.INFO
        logging.root.setLevel(before)

    def test_a_level_that_the_application_gave_its_logger_holds_for_the_file(self, tmp_path) -> None:
        noisy = logging.getLogger("project.noisy")
        noisy.setLevel(logging.ERROR)
        with capture(tmp_path / "log"):
            noisy.info("not wanted")
        assert [] == messages(tmp_path / "log")

    def test_a_factory_that_wrapped_ours_is_kept_and_nothing_comes_twice(self, tmp_path) -> None:
        original = logging.getLogRecordFactory()
        with capture(tmp_path / "first"):
            ours = logging.getLogRecordFactory()
            logging.setLogRecordFactory(functools.partial(ours))
            theirs = logging.getLogRecordFactory()
            USER.info("1")
        assert theirs is logging.getLogRecordFactory()
        with capture(tmp_path / "second"):
            USER.info("2")
        logging.setLogRecordFactory(original)
        assert (["1"], ["2"]) == (messages(tmp_path / "first"), messages(tmp_path / "second"))

    def test_records_made_for_other_processes_pass(self, tmp_path, caplog) -> None:
        with capture(tmp_path / "log"):
            USER.handle(logging.makeLogRecord({"name": "remote", "msg": "hi", "levelno": logging.INFO}))
        assert ["hi"] == caplog.messages


def run_python(script: str, **variables: str) -> str:
    """What a script writes to stderr."""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), **variables}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


SPEAK = """
from furu import logs
logs.console(); logs.console()
logs.LOGGER.debug("hit Train abc")
logs.LOGGER.info("get Train abc")
logs.LOGGER.warning("careful")
"""


class TestConsole:
    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            ("debug", ["hit Train abc", "get Train abc", "warning: careful"]),
            ("INFO", ["get Train abc", "warning: careful"]),
            ("WARNING", ["warning: careful"]),
            ("ERROR", []),
        ],
    )
    def test_speaks_at_its_level_in_plain_lines(self, level, expected) -> None:
        lines = run_python(SPEAK, FURU_LOG_LEVEL=level).splitlines()
        assert all(re.match(r"\d\d:\d\d:\d\d furu: ", line) for line in lines)
        assert expected == [line.partition(" furu: ")[2] for line in lines]

    @pytest.mark.parametrize("logger", ["", "furu"])
    def test_leaves_the_word_to_the_application(self, logger) -> None:
        setup = f"""
import logging
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("app %(message)s"))
logging.getLogger({logger!r}).addHandler(handler)
"""
        assert "app careful\n" == run_python(setup + SPEAK)
        assert "app careful\n" == run_python(
            SPEAK.replace("logs.LOGGER.debug", f"{setup}logs.console()\nlogs.LOGGER.debug")
        )

    def test_a_level_the_application_gave_furu_holds(self) -> None:
        quiet = "import logging\nlogging.getLogger('furu').setLevel(logging.ERROR)\n"
        assert run_python(quiet + SPEAK) == ""

    def test_a_quiet_console_keeps_nothing_from_the_file(self, tmp_path) -> None:
        path = str(tmp_path / "log")
        within = f"with logs.capture(lambda: {path!r}): logs.LOGGER.info('get Train abc')"
        assert run_python(SPEAK.replace("logs.LOGGER.warning('careful')", "") + within, FURU_LOG_LEVEL="ERROR") == ""
        assert ["get Train abc"] == messages(tmp_path / "log")

    def test_importing_furu_sets_nothing_up(self) -> None:
        script = (
            "import logging\nfrom furu import logs\nassert not logs.LOGGER.handlers and not logging.root.handlers\n"
        )
        assert run_python(script + "logging.basicConfig(format='%(message)s')\nlogs.LOGGER.warning('w')") == "w\n"

    def test_basic_config_inside_a_computation_works(self, tmp_path) -> None:
        script = f"""
import logging
from furu import logs
with logs.capture(lambda: {str(tmp_path / "log")!r}):
    logging.warning("first")
    logging.basicConfig(level="INFO", format="%(message)s", force=True)
    logging.info("second")
logging.info("third")
"""
        assert run_python(script) == "WARNING:root:first\nsecond\nthird\n"
        assert ["first", "second"] == messages(tmp_path / "log")

    def test_colours_are_for_terminals(self, monkeypatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        seen = []
        handlers = logging.root.handlers[:]
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setattr(logging.root, "handlers", [])
        for no_color in (False, True):
            monkeypatch.setattr(sys, "stderr", Terminal())
            if no_color:
                monkeypatch.setenv("NO_COLOR", "1")
            with config.using(log_level="INFO"):
                logs.console()
                logs.LOGGER.error("bad")
            seen.append(sys.stderr.getvalue())
        monkeypatch.setattr(logging.root, "handlers", handlers)
        logs.console()  # with handlers on the root again, furu's own is taken off
        assert [] == logs.LOGGER.handlers
        assert ["\033[31m" in text for text in seen] == [True, False]
