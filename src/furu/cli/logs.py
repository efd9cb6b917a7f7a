"""`furu logs`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from furu import clock
from furu.cli import completion
from furu.cli.attempts import attempts_of
from furu.cli.finding import NoSuchArtifact, find
from furu.storage.layout import ArtifactPaths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from furu.cli.attempts import AttemptFacts

_NAP_SEC: Final = 0.2
_BLOCK_BYTES: Final = 1 << 16


@click.command("logs")
@click.argument("artifact", metavar="HASH", shell_complete=completion.hashes)
@click.option("-f", "--follow", is_flag=True, help="Go on until the attempt has ended.")
@click.option("--attempt", "number", type=click.IntRange(min=1), metavar="N", help="Which, as `furu show` counts them.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="Only the last so many lines.")
def command(artifact: str, number: int | None, lines: int | None, *, follow: bool) -> None:
    """Print the log of an artifact's running or last attempt. HASH is the beginning of its hash."""
    row = find(artifact)
    paths = ArtifactPaths(str(row.directory))
    attempts = attempts_of(paths)
    if not attempts or (number is not None and number > len(attempts)):
        msg = f"{row.node} has {len(attempts)} attempts"
        raise NoSuchArtifact(msg)
    attempt = attempts[number - 1 if number is not None else -1]
    log = _open(attempt, paths)
    if log is None:
        if not follow:
            click.echo(f"{row.node}: nothing was logged", err=True)
            return
        log = _await(attempt, paths)
    if log is None:
        return
    with log:
        if lines is not None:
            _seek_lines(log, lines)
        for block in _blocks(log, attempt, paths, follow=follow):
            click.echo(block, nl=False)


def _open(attempt: AttemptFacts, paths: ArtifactPaths) -> BinaryIO | None:
    """The log, also if the attempt's directory moves away at this moment because it ends."""
    for _ in range(3):
        try:
            return open(attempt.paths.log, "rb")
        except FileNotFoundError:
            moved = next((each for each in attempts_of(paths) if each.token == attempt.token), attempt)
            if moved.paths.base == attempt.paths.base:
                return None
            attempt = moved
    return None


def _await(attempt: AttemptFacts, paths: ArtifactPaths) -> BinaryIO | None:
    while True:
        is_over = not _is_running(attempt, paths)
        log = _open(attempt, paths)
        if log is not None or is_over:
            return log
        clock.sleep(_NAP_SEC)


def _is_running(attempt: AttemptFacts, paths: ArtifactPaths) -> bool:
    return os.path.isdir(paths.lease(attempt.token).base)


def _blocks(log: BinaryIO, attempt: AttemptFacts, paths: ArtifactPaths, *, follow: bool) -> Iterator[bytes]:
    while True:
        # Asked before reading: what an attempt wrote before it ended is then still read.
        is_over = not follow or not _is_running(attempt, paths)
        while block := log.read(_BLOCK_BYTES):
            yield block
        if is_over:
            return
        clock.sleep(_NAP_SEC)


def _seek_lines(log: BinaryIO, lines: int) -> None:
    """Put the file where its last `lines` lines begin."""
    position = end = log.seek(0, os.SEEK_END)
    found = 0
    while position > 0:
        start = max(0, position - _BLOCK_BYTES)
        log.seek(start)
        block = log.read(position - start)
        for offset in range(len(block) - 1, -1, -1):
            # The very last byte ends the last line; it doesn't begin another one.
            if block[offset] == ord("\n") and start + offset != end - 1:
                found += 1
                if found == lines:
                    log.seek(start + offset + 1)
                    return
        position = start
    log.seek(0 if lines else end)
