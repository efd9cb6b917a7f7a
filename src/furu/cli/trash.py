"""What `furu gc` does with what it took before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from furu import clock
from furu.cli import output
from furu.config import root as main_root
from furu.errors import FuruError
from furu.gc.journal import read_journal, tokens
from furu.gc.plan import finish
from furu.gc.trash import empty, give_back, older_than
from furu.storage.scan import bytes_below
from furu.storage.trash_layout import TrashPaths

if TYPE_CHECKING:
    from furu.gc.journal import Journal


def list_trash(*, is_json: bool) -> int:
    """Print what lies there."""
    found = [_facts(token) for token in tokens(main_root())]
    if is_json:
        output.say_json(found)
        return 0
    now = clock.unix()
    rows = [
        (
            each["id"],
            output.ago(_began(each["id"]), now),
            output.size(each["bytes"]),
            str(each["number"]),
            each["state"],
        )
        for each in found
    ]
    if rows:
        output.table(("ID", "WHEN", "SIZE", "NUMBER", "STATE"), rows)
    else:
        output.say("the trash is empty")
    return 0


def empty_trash(older_sec: float, *, yes: bool, is_json: bool) -> int:
    """Remove what lies there for so long, for good."""
    root = main_root()
    going = older_than(root, clock.unix() - older_sec)
    size = sum(bytes_below(TrashPaths(root, token).base) for token in going)
    if yes:
        empty(root, going)
    if is_json:
        output.say_json({"is_dry_run": not yes, "emptied": going, "bytes": size})
    elif not going:
        output.say("nothing in the trash is that old")
    else:
        words = "removed for good" if yes else "would be removed for good\nnothing was removed; --yes does it"
        output.say(f"{output.size(size)} of {len(going)} gc {words}")
    return 0


def undo(token: str, *, yes: bool, is_json: bool) -> int:
    """Put back what one gc took."""
    journal = read_journal(main_root(), token)
    refused = give_back(journal) if yes else {}
    return _say(journal, "put back", refused, yes=yes, is_json=is_json)


def finish_taking(token: str, *, yes: bool, is_json: bool) -> int:
    """Go on with one that was killed."""
    journal = read_journal(main_root(), token)
    refused = finish(journal) if yes else {}
    return _say(journal, "moved to the trash", refused, yes=yes, is_json=is_json)


def _say(journal: Journal, words: str, refused: dict[str, str], *, yes: bool, is_json: bool) -> int:
    number = len(journal.artifacts) + len(journal.loose)
    if is_json:
        output.say_json({"is_dry_run": not yes, "id": journal.token, "number": number, "refused": refused})
        return 1 if refused else 0
    for name, reason in refused.items():
        output.say(output.printable(f"not {words}: {name}: {reason}"))
    if yes:
        output.say(f"{number - len(refused)} of {number} were {words}")
    else:
        output.say(f"{number} would be {words}\nnothing was changed; --yes does it")
    return 1 if refused else 0


def _facts(token: str) -> dict[str, Any]:
    paths = TrashPaths(main_root(), token)
    facts: dict[str, Any] = {"id": token, "at": clock.isoformat(_began(token)), "bytes": bytes_below(paths.base)}
    try:
        journal = read_journal(main_root(), token)
    except FuruError as error:
        return facts | {"number": 0, "user": None, "state": error.message}
    number = len(journal.artifacts) + len(journal.loose)
    state = "whole" if journal.is_done else "was interrupted: --undo or --resume"
    return facts | {"number": number, "user": journal.user, "state": state}


def _began(token: str) -> float:
    return int(token.partition("-")[0]) / 1e9
