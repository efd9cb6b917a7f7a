"""The files beside a result: where they go, what they are called, and how they are read back."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from furu.errors import FuruCodecError, FuruCorruptRecord, FuruError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESULT_FOLDER: Final = ".result"
"""Below `files/<token>/`, so that no file of a codec can hit one that `_create()` wrote."""

_NAME: Final = re.compile(r"result(-[0-9]+)?(\.[A-Za-z0-9]+)*")
_SUFFIX: Final = re.compile(r"(\.[A-Za-z0-9]+)*")
_COMPUTE_AGAIN: Final = ("if it is lost, delete() the artifact and compute it again",)


class ResultDirectory:
    """Where the files of one result go; nothing is made before the first one is asked for.

    Args:
        make_data_dir: makes `files/<token>/` if need be and returns it; called at most once.
    """

    __slots__ = ("_data_dir", "_handed_out", "_make_data_dir")

    def __init__(self, make_data_dir: Callable[[], Path]) -> None:
        self._make_data_dir = make_data_dir
        self._data_dir: Path | None = None
        self._handed_out = 0

    @property
    def data_dir(self) -> Path:
        """`files/<token>/`, absolute; made when it isn't there."""
        if self._data_dir is None:
            self._data_dir = Path(os.path.abspath(self._make_data_dir()))
        return self._data_dir

    def new_file(self, suffix: str) -> Path:
        """A path that no file has yet: `result.npy`, then `result-1.npy` and so on. Put its `name` into the record.

        Raises:
            FuruCodecError: `suffix` is not of the form `.npy` or `.tar.gz`.
        """
        if not _SUFFIX.fullmatch(suffix):
            msg = f"{suffix!r} is not a file suffix such as '.npy'"
            raise FuruCodecError(msg, value_type="str")
        folder = self.data_dir / RESULT_FOLDER
        if not self._handed_out:
            folder.mkdir(exist_ok=True)
        while True:
            path = folder / f"result{f'-{self._handed_out}' if self._handed_out else ''}{suffix}"
            self._handed_out += 1
            # A resumed attempt continues in a directory where an earlier one may have left some.
            if not os.path.lexists(path):
                return path

    @contextmanager
    def create(self, suffix: str) -> Iterator[IO[bytes]]:
        """Write a new file; its name for the record is `record_name(file)`."""
        with self.new_file(suffix).open("xb") as file:
            yield file


def record_name(file: IO[bytes]) -> str:
    """The name by which a record refers to a file of `ResultDirectory.create`."""
    return os.path.basename(file.name)


def result_file(name: object, data_dir: Path) -> Path:
    """The path of a file that a record names.

    Raises:
        FuruCorruptRecord: the name is not one that `ResultDirectory.new_file` hands out, so it could lead anywhere.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        msg = f"the record names {name!r}, which is no file of a result"
        raise FuruCorruptRecord(msg, path=data_dir)
    return data_dir / RESULT_FOLDER / name


@contextmanager
def open_result(name: object, data_dir: Path) -> Iterator[IO[bytes]]:
    """Read a file that a record names; whatever the reader finds wrong with its bytes is the file's fault.

    Raises:
        FuruCorruptRecord: the file is not there or can't be read as what it should be.
        OSError: the file system failed; says nothing about the file.
    """
    path = result_file(name, data_dir)
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        msg = f"{path} is missing beside the result"
        raise FuruCorruptRecord(msg, path=path, hints=_COMPUTE_AGAIN) from error
    except (FuruError, ImportError, MemoryError):
        raise
    except Exception as error:
        # Libraries name damage as they like: ValueError, RuntimeError, EOFError, and pyarrow OSError without a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        msg = f"{path} can't be read: {type(error).__name__}: {error}"
        raise FuruCorruptRecord(msg, path=path, hints=_COMPUTE_AGAIN) from error


def write_bytes(content: bytes | bytearray, suffix: str, directory: ResultDirectory) -> str:
    """Write a new file and give its name for the record."""
    with directory.create(suffix) as file:
        file.write(content)
    return record_name(file)


def read_bytes(name: object, data_dir: Path) -> bytes:
    """All of a file that a record names."""
    with open_result(name, data_dir) as file:
        return file.read()


def relative_to_data(path: Path, data_dir: Path) -> str | None:
    """`path` relative to the data directory with slashes; None when it is outside.

    By its text first, which keeps links below the directory; then by where both really are, since a user may hold
    a path with its links resolved.
    """
    absolute = Path(os.path.abspath(path))
    if ".." not in path.parts and absolute.is_relative_to(data_dir):
        return absolute.relative_to(data_dir).as_posix()
    resolved, root = absolute.resolve() if ".." not in path.parts else path.resolve(), data_dir.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else None


def below_data(relative: Any, data_dir: Path) -> Path:
    """The path that `relative_to_data` shortened.

    Raises:
        ValueError: it would lead out of the data directory.
    """
    if not isinstance(relative, str) or relative.startswith("/") or "\0" in relative or ".." in relative.split("/"):
        msg = f"{relative!r} is not a path below the result's directory"
        raise ValueError(msg)
    return Path(os.path.abspath(data_dir)) / relative
