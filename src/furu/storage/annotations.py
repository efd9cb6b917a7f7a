"""What people say of an artifact: tags, a note, and a pin that keeps it. `get()` never looks at any of it.

One file for each tag, one for the note, one for the pin, beside the artifact's records: nobody reads what is there to
write it back changed, so that two who annotate at once both have their way. They stay when the result is computed anew
or deleted.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from furu import clock
from furu.errors import FuruAnnotationError, FuruReadOnlyStore, FuruStoreError
from furu.storage.atomic import GONE, UNWRITABLE
from furu.storage.layout import parse_tags
from furu.storage.records import AnnotationRecord, parse, render

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from furu.storage.atomic import Disk
    from furu.storage.layout import ArtifactPaths

MAX_NOTE_CHARS: Final = 10_000


@dataclass(frozen=True)
class Annotations:
    """What is said of one artifact.

    Attributes:
        tags: sorted.
        note: None when there is none.
        is_pinned: `furu gc` shall never take it.
        pin_reason: why; empty if nobody said it.
    """

    tags: tuple[str, ...] = ()
    note: str | None = None
    is_pinned: bool = False
    pin_reason: str = ""


class Annotator:
    """Writes what one user says of one artifact, whose directory is there.

    Every method raises `FuruReadOnlyStore` where this user can't write, and `FuruStoreError` if the artifact is gone.
    """

    def __init__(self, paths: ArtifactPaths, disk: Disk, user: str, token: str, *, sync: bool) -> None:
        self._paths = paths
        self._sync = sync
        self._disk = disk
        self._user = user
        self._token = token

    def add_tags(self, names: Iterable[str]) -> None:
        """Give it tags; those that it has are left as they are.

        Raises:
            FuruAnnotationError: a name can't be a tag; none was given then.
        """
        wanted = {self._paths.tag(name): name for name in names}
        present = set(parse_tags(self._disk.list_directory(self._paths.base)))
        with self._changing():
            for path in (path for path, name in wanted.items() if name not in present):
                self._write(path, "")

    def remove_tags(self, names: Iterable[str]) -> None:
        """Take tags away; those that it doesn't have are no trouble.

        Raises:
            FuruAnnotationError: a name can't be a tag; none was taken then.
        """
        self._remove([self._paths.tag(name) for name in names])

    def write_note(self, text: str) -> None:
        """Put `text` in the place of the note.

        Raises:
            FuruAnnotationError: it is empty or too long.
        """
        if not text.strip() or len(text) > MAX_NOTE_CHARS:
            hints = [f"a note has at most {MAX_NOTE_CHARS} characters; None removes it"]
            raise FuruAnnotationError(f"a text of {len(text)} characters can't be a note", hints=hints)
        with self._changing():
            self._write(self._paths.note, text)

    def remove_note(self) -> None:
        """Take the note away, if there is one."""
        self._remove([self._paths.note])

    def write_pin(self, reason: str) -> None:
        """Have it kept, with the newest reason."""
        with self._changing():
            self._write(self._paths.pin, reason)

    def remove_pin(self) -> None:
        """Let it go, as far as this is concerned."""
        self._remove([self._paths.pin])

    def _write(self, path: str, text: str) -> None:
        record = AnnotationRecord(text, self._user, clock.unix())
        self._disk.replace(path, render(record), suffix=self._token, sync=self._sync)

    def _remove(self, paths: Iterable[str]) -> None:
        with self._changing():
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    self._disk.unlink(path)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with refusing(self._paths):
            yield
            if self._sync:  # a pin that a power cut takes would have a result deleted
                self._disk.sync_file(self._paths.base)
                self._disk.sync_names(self._paths.base, self._paths.root)
        with contextlib.suppress(OSError):  # who looks at the class's directory alone shall see it too
            self._disk.beat(self._paths.class_directory)


@contextlib.contextmanager
def refusing(paths: ArtifactPaths) -> Iterator[None]:
    """Say in furu's words why an artifact can't be annotated."""
    base = Path(paths.base)
    try:
        yield
    except OSError as error:
        if error.errno in UNWRITABLE - GONE:
            msg = f"{base} can't be annotated: {error.strerror}"
            hints = ["annotations need a store that can be written"]
            raise FuruReadOnlyStore(msg, path=base, hints=hints) from error
        if error.errno in GONE:
            raise FuruStoreError(f"{base} is not there any more", path=base) from error
        raise


def read_annotations(paths: ArtifactPaths, disk: Disk, names: Collection[str] | None = None) -> Annotations:
    """What is said of an artifact; nothing is, where there is none.

    Args:
        paths: the artifact's.
        disk: to read from.
        names: those in its directory, if they are known.

    Raises:
        FuruStoreError: the note is damaged, or a newer furu's. A pin counts whatever is in it.
    """
    names = disk.list_directory(paths.base) if names is None else names
    note, reason, is_pinned = None, "", "pin.json" in names
    if "note.json" in names and (content := disk.read(paths.note)):
        note = parse(AnnotationRecord, content, paths.note).text
    if is_pinned and (content := disk.read(paths.pin)):
        with contextlib.suppress(FuruStoreError):
            reason = parse(AnnotationRecord, content, paths.pin).text
    return Annotations(parse_tags(names), note, is_pinned, reason)
