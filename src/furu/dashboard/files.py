"""The files of a result: a list of them, a look into one, and its bytes."""

from __future__ import annotations

import csv
import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from furu.dashboard.store import NotFound, opened_below, opened_file, relative_to
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from furu.dashboard.store import Located

MAX_FILES: Final = 500
MAX_LOOK_BYTES: Final = 64 * 1024
MAX_TABLE_ROWS: Final = 50
MAX_TABLE_COLUMNS: Final = 30
MAX_IMAGE_BYTES: Final = 32 * 1024 * 1024

_MAX_CELL_CHARS: Final = 200
_MAX_DEPTH: Final = 16
_IMAGES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_TEXT: Final = frozenset(
    {".bib", ".cfg", ".conf", ".css", ".htm", ".html", ".ini", ".js", ".json", ".jsonl", ".log", ".md", ".py", ".rst"}
    | {".sh", ".tex", ".toml", ".txt", ".xml", ".yaml", ".yml"}
)
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
_TABLES: Final = {".csv": ",", ".tsv": "\t"}

Kind = Literal["image", "drawing", "table", "text", "json", "record", "other"]


@dataclass(frozen=True)
class StoredFile:
    """A name below a result's directory.

    Attributes:
        path: relative to that directory.
        size: in bytes; None for what is no regular file, such as a link, which is named and not followed.
    """

    path: str
    size: int | None


@dataclass(frozen=True)
class FileList:
    """What lies in a result's directory.

    Attributes:
        directory: where it is.
        attempt: whose files they are.
        files: sorted by path.
        is_whole: these are all.
    """

    directory: str
    attempt: str
    files: tuple[StoredFile, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True)
class Look:
    """What a file has in it.

    Attributes:
        path: of the file.
        size: in bytes.
        kind: how to show it.
        text: its beginning, for text and JSON; for files of codecs, what their records say.
        rows: its beginning, for tables.
        is_whole: nothing was left out.
    """

    path: str
    size: int
    kind: Kind
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    is_whole: bool = True


@dataclass(frozen=True)
class Place:
    """Where an artifact's files are.

    Attributes:
        root: of the store.
        relative: the directory, below the root.
        attempt: the attempt that wrote them.
    """

    root: str
    relative: str
    attempt: str


def place_of(artifact: Located) -> Place | None:
    """The files of the result that counts; of an artifact without one, those of its newest attempt.

    Raises:
        FuruStoreError: its records are damaged.
    """
    paths = artifact.paths
    published = find_published(paths, THIS_PROCESS.disk)
    if published is not None:
        if published.success.data is None:
            return None
        return Place(artifact.root, relative_to(artifact.root, published.directory), published.token)
    tokens = sorted(THIS_PROCESS.disk.list_directory(paths.files))
    if not tokens:
        return None
    return Place(artifact.root, relative_to(artifact.root, paths.files_of(tokens[-1])), tokens[-1])


def list_files(place: Place) -> FileList:
    """What lies there; the first so many, if there are very many."""
    found: list[StoredFile] = []
    is_whole = True
    try:
        with opened_below(place.root, place.relative, os.O_DIRECTORY) as top:
            for each in _walk(top, "", _MAX_DEPTH):
                if len(found) == MAX_FILES:
                    is_whole = False
                    break
                found.append(each)
    except NotFound:
        pass
    found.sort(key=lambda each: each.path)
    return FileList(f"{place.root}/{place.relative}", place.attempt, tuple(found), is_whole)


def _walk(directory: int, prefix: str, depth: int) -> Iterator[StoredFile]:
    inner = []
    for name in sorted(os.listdir(directory)):
        try:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except OSError:
            continue  # it was removed meanwhile
        path = prefix + name
        if stat.S_ISDIR(found.st_mode) and depth:
            inner.append(name)
        else:
            yield StoredFile(path, found.st_size if stat.S_ISREG(found.st_mode) else None)
    for name in inner:
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        except OSError:
            continue
        try:
            yield from _walk(descriptor, f"{prefix}{name}/", depth - 1)
        finally:
            os.close(descriptor)


def first_picture(files: FileList) -> str | None:
    """The path of a file that is worth a look without being asked for."""
    pictures = (each.path for each in files.files if each.size and each.path.lower().endswith(_PICTURES))
    return next(pictures, None)


def look_into(place: Place, path: str) -> Look:
    """What a file has in it, as far as it can be shown.

    Raises:
        NotFound: there is no such file.
    """
    with opened_file(place.root, f"{place.relative}/{path}") as (descriptor, size):
        content = os.pread(descriptor, MAX_LOOK_BYTES, 0)
    is_whole = size <= len(content)
    ending = os.path.splitext(path)[1].lower()
    if image_type(content) is not None and size <= MAX_IMAGE_BYTES:
        return Look(path, size, "image")
    if ending == ".svg" and size <= MAX_IMAGE_BYTES:
        return Look(path, size, "drawing")
    text = _as_text(content, is_whole=is_whole)
    if text is None:
        return Look(path, size, "other")
    if ending in _TABLES:
        rows, all_shown = _table(text, _TABLES[ending])
        return Look(path, size, "table", rows=rows, is_whole=is_whole and all_shown)
    if ending == ".json" and is_whole and (pretty := _pretty(text)) is not None:
        return Look(path, size, "json", text=pretty)
    if ending in _TEXT or not ending or _looks_like_text(text):
        return Look(path, size, "text", text=text, is_whole=is_whole)
    return Look(path, size, "other")


def image_type(content: bytes) -> str | None:
    """The media type of an image that browsers show, by its first bytes; the name of a file proves nothing."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _IMAGES.items() if content.startswith(beginning)), None)


def _as_text(content: bytes, *, is_whole: bool) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be cut.
        if not is_whole and error.start >= len(content) - 3:
            return content[: error.start].decode("utf-8")
        return None


def _looks_like_text(text: str) -> bool:
    return all(char.isprintable() or char in "\t\r\n\f\x1b" for char in text[:2048])


def _table(text: str, delimiter: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    rows: list[tuple[str, ...]] = []
    is_whole = True
    try:
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            if len(rows) > MAX_TABLE_ROWS:  # one of them is the head
                return tuple(rows), False
            is_whole &= len(row) <= MAX_TABLE_COLUMNS
            rows.append(tuple(cell[:_MAX_CELL_CHARS] for cell in row[:MAX_TABLE_COLUMNS]))
    except csv.Error:
        return tuple(rows), False
    return tuple(rows), is_whole


def _pretty(text: str) -> str | None:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
