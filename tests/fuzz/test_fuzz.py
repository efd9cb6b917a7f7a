"""Any file below a root may be damaged or forged: readers say so in furu's words, or are right; they never do else."""

from __future__ import annotations

import inspect
import itertools
import json
import logging
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import furu
from furu.cli.main import COMMANDS as SUBCOMMANDS
from furu.storage import layout, pool_layout, submitit_layout
from furu.storage.layout import Ending
from tests.fuzz import readers
from tests.fuzz.damage import damaged
from tests.fuzz.stores import KINDS, NO_RECORDS, TOKEN, copy, files_below, fill, kind_of
from tests.power_loss.scenarios import LaterDisk
from tests.support.disks import working_through

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES: Final = max(2, settings().max_examples // 40)
"""Of each kind; `make fuzz` takes many more."""

DIRECTORIES: Final = frozenset(
    "artifact attempts base candidate claimed claimed_by class_directory codes data ended environments files files_of"
    " jobs lease lock migrations new_alias nodes payloads raw root run runs submitit todo todo_of trash withdrawn"
    " workers".split()
)
"""Attributes that stand for directories."""

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fuzz") / "template"
    fill(root)
    return root


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    caplog.set_level(logging.CRITICAL, logger="furu")
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("FURU_LOG_LEVEL", "CRITICAL")


def read_all(root: Path) -> None:
    """Call every reader; whatever comes out of one is a finding."""
    with furu.using(path=root, fsync=False, record_git="ignore", max_wait_sec=300.0), working_through(LaterDisk()):
        for reader in readers.READERS:
            reader(root)


def test_the_readers_are_right_about_a_sound_store(template: Path, tmp_path: Path) -> None:
    copy(template, tmp_path / "sound")
    read_all(tmp_path / "sound")


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
def test_any_damage_is_named(kind: str, template: Path, tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in files_below(template) if kind_of(name) == kind]))
    root = tmp_path / f"{next(_NUMBERS)}"
    copy(template, root)
    content = (root / name).read_bytes()
    is_unsealed = kind == "success" and data.draw(st.booleans())
    if is_unsealed:  # as records of an older furu are, and what somebody forges who knows of the checksum
        content = content.rpartition(b', "crc": ')[0] + b"}"
    others = [(root / other).read_bytes() for other in files_below(root) if kind_of(other) not in (None, "log")]
    forged = damaged(data.draw, content, others)
    assume(not is_unsealed or _result_in(forged) in (None, _result_in(content)))
    (root / name).write_bytes(forged)
    try:
        read_all(root)
    except BaseException as error:
        error.add_note(f"with {name} = {forged[:3000]!r}")
        raise
    finally:
        shutil.rmtree(root)


def _result_in(content: bytes) -> Any:
    """What a success record says was computed; None where it can't be read."""
    try:
        return json.loads(content).get("result")
    except (AttributeError, RecursionError, ValueError):
        return None


class TestNothingIsLeftOut:
    def test_every_file_of_the_store_is_of_a_kind(self, template: Path) -> None:
        names = files_below(template)
        unknown = [name for name in names if kind_of(name) is None and not _is_no_record(name)]
        assert [] == unknown
        assert set(KINDS) == {kind_of(name) for name in names} - {None}

    @pytest.mark.parametrize(
        ("paths", "base"),
        [
            (layout.ArtifactPaths, f"data/a/B/{'0' * 32}"),
            (layout.AttemptPaths, f"data/a/B/{'0' * 32}/attempts/{TOKEN}.ok"),
            (layout.RootPaths, ""),
            (layout.RunPaths, "runs/r"),
            (submitit_layout.SubmititPaths, "submitit"),
            (pool_layout.PoolPaths, "runs/r/pool"),
        ],
    )
    def test_every_name_of_the_layout_is_of_a_kind_or_a_directory(self, paths: Any, base: str) -> None:
        """A new file that furu reads needs an entry in `KINDS`, or a reason in `NO_RECORDS`."""
        found = {name: path for name in dir(paths) if (path := _path_of(paths(base), name)) is not None}
        unknown = [
            f"{name}: {path}"
            for name, path in found.items()
            if kind_of(path) is None and not _is_no_record(path) and (name not in DIRECTORIES or path.endswith("json"))
        ]
        assert [] == unknown

    def test_every_command_is_called(self) -> None:
        assert set(SUBCOMMANDS) == set(readers.COMMANDS) | readers.SERVERS

    def test_every_public_name_is_called_or_reads_nothing(self) -> None:
        public = {name for name in furu.__all__ if not _is_error(getattr(furu, name))}
        assert public == readers.IN_READERS | readers.READ_NOTHING


def _is_error(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Exception)


def _is_no_record(path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in NO_RECORDS)


_ARGUMENTS: dict[str, Any] = {
    "token": TOKEN,
    "ending": Ending.OK,
    "job_id": "17",
    "run_id": "r",
    "digest": "d",
    "host": "h",
    "pid": 1,
    "spec_key": "k",
    "worker": "w",
    "name": "t",
    "namespace": "a/B",
    "furu_hash": "0" * 32,
}


def _path_of(paths: Any, name: str) -> str | None:
    """What an attribute of a class of names stands for; None for one that is no path."""
    if name.startswith("_"):
        return None
    found = getattr(paths, name)
    if callable(found):
        found = found(*(_ARGUMENTS[each] for each in inspect.signature(found).parameters))
    found = getattr(found, "base", found)
    return found.lstrip("/") if isinstance(found, str) and found else None
