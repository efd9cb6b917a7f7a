"""The project we run in: its directory, its `[tool.furu]` table, and relative paths, each looked up once.

Looked up once, because a script that changes its working directory must not silently change its store.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from furu.errors import FuruSettingsError

PYPROJECT: Final = "pyproject.toml"
TABLE: Final = "[tool.furu]"
_SLURM: Final = "slurm"
_PATH_KEYS: Final = ("path", "version_controlled_path", "submitit_path")
# Finds a table of ours in every spelling that TOML has for it; most files have none, and the parser costs 10 ms.
_MAY_HOLD_TABLE: Final = re.compile(rb"""^\s*\[?\s*["']?tool["']?\s*(\.\s*["']?furu|\]|=)""", re.MULTILINE)


@cache
def make_absolute(raw: str) -> str:
    """`raw` with `~` expanded, relative to the working directory of the first time it was seen.

    Symlinks are kept: the path that people see is the one they wrote.
    """
    return os.path.abspath(os.path.expanduser(raw))


@cache
def find_project_dir() -> str:
    """The nearest directory, from the working directory upwards, with a pyproject.toml or a `.git`.

    Without one it is the working directory itself.
    """
    start = Path.cwd()
    for directory in (start, *start.parents):
        if (directory / PYPROJECT).is_file() or (directory / ".git").exists():
            return str(directory)
    return str(start)


@cache
def read_project_table() -> dict[str, Any]:
    """`[tool.furu]` of the project's pyproject.toml, empty without one; its paths are relative to that file.

    Raises:
        FuruSettingsError: the file can't be parsed, or `tool.furu` is no table.
    """
    file = Path(find_project_dir(), PYPROJECT)
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    table = _parse_table(content, file) if _MAY_HOLD_TABLE.search(content) else {}
    _check_slurm_tables(table.get(_SLURM, {}), file)
    paths = {key: table[key] for key in _PATH_KEYS if isinstance(table.get(key), str)}
    return table | {key: str(file.parent / os.path.expanduser(raw)) for key, raw in paths.items()}


def read_project_settings() -> dict[str, Any]:
    """The part of the table that `Settings` is made from.

    Raises:
        FuruSettingsError: as `read_project_table`.
    """
    return {key: value for key, value in read_project_table().items() if key != _SLURM}


def read_slurm_tables() -> dict[str, dict[str, Any]]:
    """`[tool.furu.slurm.<spec key>]` of the project's pyproject.toml, by spec key.

    Raises:
        FuruSettingsError: as `read_project_table`.
    """
    return {key: dict(table) for key, table in read_project_table().get(_SLURM, {}).items()}


def _check_slurm_tables(tables: Any, file: Path) -> None:
    if isinstance(tables, dict) and all(isinstance(table, dict) for table in tables.values()):
        return
    hints = ["[tool.furu.slurm.default] is the table of the spec key `default`"]
    raise FuruSettingsError(
        f"[tool.furu.slurm] in {file} must hold a table for each spec key", variable="[tool.furu.slurm]", hints=hints
    )


def _parse_table(content: bytes, file: Path) -> dict[str, Any]:
    import tomllib

    try:
        tool = tomllib.loads(content.decode()).get("tool", {})
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise FuruSettingsError(f"{file} can't be read as TOML: {error}", variable=TABLE) from error
    table = tool.get("furu", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise FuruSettingsError(f"{TABLE} in {file} is {table!r}, expected a table", variable=TABLE)
    return table


def default_root() -> str:
    """The store's root when nobody names one."""
    return os.path.join(find_project_dir(), "furu-data")


def default_version_controlled_root() -> str:
    """The root of results kept in git when nobody names one."""
    return os.path.join(find_project_dir(), "furu-data-vc")


def forget_project() -> None:
    """Look everything up afresh next time."""
    for lookup in (make_absolute, find_project_dir, read_project_table):
        lookup.cache_clear()
