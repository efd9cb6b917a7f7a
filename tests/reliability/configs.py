"""What the reliability tests compute: artifacts that show whether they are whole, and by whom they were made."""

from __future__ import annotations

import os
from pathlib import Path

import furu


class TornError(Exception):
    """The files of a published result are not all of one attempt."""


def read_pair(directory: Path) -> str:
    """The token that both files name, which must be the directory's."""
    first, second = ((directory / name).read_text() for name in ("a", "b"))
    if not first == second == directory.name:
        raise TornError(f"{directory.name}: {first} {second}")
    return first


class Pair(furu.Furu[str]):
    """Two files that both name the attempt."""

    key: int = 0

    def _create(self) -> str:
        directory = self.furu_dir
        for name in ("a", "b"):
            (directory / name).write_text(directory.name)
        return directory.name

    def _load(self) -> str:
        return read_pair(self.furu_dir)


class Number(furu.Furu[int]):
    """A value that lies in the record itself."""

    key: int = 0

    def _create(self) -> int:
        return self.key + 1


class Nested(furu.Furu[str]):
    """Needs another one while it computes."""

    key: int = 0

    def _create(self) -> str:
        return f"{Number(key=self.key).get()} {Pair(key=self.key).get()}"


class Checkpointed(furu.Furu[int], resumable=True):
    """Fails at its first attempt; the second goes on where that stopped."""

    key: int = 0

    def _create(self) -> int:
        path = self.furu_dir / "steps"
        with path.open("a") as file:
            file.write("x")
        if path.stat().st_size < 2:
            raise RuntimeError("first half done")
        return path.stat().st_size


class Failing(furu.Furu[int]):
    """Leaves a line in a file, then fails."""

    trace: Path

    def _create(self) -> int:
        leave_line(self.trace, "tried")
        raise RuntimeError("always")


def leave_line(path: Path, line: str) -> None:
    """Append a line, whole, whoever else does."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)
