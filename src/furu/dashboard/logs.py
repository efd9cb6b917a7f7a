"""Pieces of an attempt's log, for whoever reads along."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from furu.cli.attempts import attempts_of
from furu.dashboard.store import NotFound, opened_file, relative_to

if TYPE_CHECKING:
    from furu.cli.attempts import AttemptFacts
    from furu.dashboard.store import Located

MAX_BYTES: Final = 256 * 1024
TAIL_BYTES: Final = 64 * 1024

_TRIES: Final = 3


@dataclass(frozen=True)
class LogPiece:
    """Some bytes of a log.

    Attributes:
        attempt: whose.
        text: the bytes; what is no UTF-8 is replaced.
        offset: where they begin.
        next_offset: where the next piece begins.
        size: of the whole log, in bytes.
        is_running: the attempt still runs, so there may be more soon.
    """

    attempt: str
    text: str
    offset: int
    next_offset: int
    size: int
    is_running: bool


def read_log(artifact: Located, token: str | None = None, offset: int | None = None) -> LogPiece:
    """A piece of an attempt's log.

    Args:
        artifact: whose.
        token: of the attempt; the running or last one without it.
        offset: where to begin, in bytes; without it, near the end.

    Raises:
        NotFound: there is no such attempt.
    """
    for _ in range(_TRIES):
        # The directory moves when the attempt ends; looked at afresh, it has its new name.
        attempt = _attempt(artifact, token)
        is_running = attempt.state == "running"
        try:
            with opened_file(artifact.root, relative_to(artifact.root, attempt.paths.log)) as (descriptor, size):
                return _piece(descriptor, size, attempt.token, offset, is_running=is_running)
        except NotFound:
            token = attempt.token
            if _attempt(artifact, token).paths.base == attempt.paths.base:
                break
    start = offset or 0
    return LogPiece(attempt.token, "", start, start, 0, is_running)


def _attempt(artifact: Located, token: str | None) -> AttemptFacts:
    attempts = attempts_of(artifact.paths)
    found = [each for each in attempts if token in (None, each.token)]
    if not found:
        msg = f"{artifact.reference} has no such attempt" if attempts else f"{artifact.reference} was never computed"
        raise NotFound(msg)
    return found[-1]


def _piece(descriptor: int, size: int, token: str, offset: int | None, *, is_running: bool) -> LogPiece:
    start = max(0, size - TAIL_BYTES) if offset is None else min(offset, size)
    content = os.pread(descriptor, MAX_BYTES, start)
    if offset is None and start:  # begin with a whole line
        skipped = content.find(b"\n") + 1
        content, start = content[skipped:], start + skipped
    if is_running or start + len(content) < size:
        content = _whole_characters(content)
    return LogPiece(token, content.decode("utf-8", "replace"), start, start + len(content), size, is_running)


def _whole_characters(content: bytes) -> bytes:
    """Without the beginning of a character whose other bytes are still to come."""
    for back in range(1, min(3, len(content)) + 1):
        byte = content[-back]
        if byte >= 0xC0:  # noqa: PLR2004 -- the first byte of a character of several
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)  # noqa: PLR2004 -- of three, of four
            return content[:-back] if back < length else content
        if byte < 0x80:  # noqa: PLR2004 -- a character of its own
            break
    return content
