"""The settings' names outside Python: one `FURU_*` variable for each field, and what it accepts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "FURU_"


class Variable(NamedTuple):
    """A field's name in the environment.

    Attributes:
        name: the environment variable.
        accepts: what it accepts, to be read after "expected".
    """

    name: str
    accepts: str


_DIRECTORY: Final = "a directory, as text"
_SECONDS: Final = "a number of seconds above 0"
_YES_NO: Final = "1, true, yes, 0, false or no"

# Insertion order is the order in which several bad values are reported.
VARIABLES: Final[dict[str, Variable]] = {
    "path": Variable("FURU_PATH", _DIRECTORY),
    "version_controlled_path": Variable("FURU_VERSION_CONTROLLED_PATH", _DIRECTORY),
    "submitit_path": Variable("FURU_SUBMITIT_PATH", _DIRECTORY),
    "lease_sec": Variable("FURU_LEASE_SECS", _SECONDS),
    "heartbeat_sec": Variable("FURU_HEARTBEAT_SECS", f"{_SECONDS} and below the lease"),
    "poll_interval_sec": Variable("FURU_POLL_INTERVAL_SECS", _SECONDS),
    "max_wait_sec": Variable("FURU_MAX_WAIT_SECS", "a number of seconds, 0 or more, or none"),
    "stale_after_sec": Variable("FURU_STALE_AFTER_SECS", _SECONDS),
    "retry_failed": Variable("FURU_RETRY_FAILED", _YES_NO),
    "max_compute_retries": Variable("FURU_MAX_COMPUTE_RETRIES", "a whole number, 0 or more"),
    "always_rerun": Variable("FURU_ALWAYS_RERUN", "module.Class[,module.Class...], or ALL alone"),
    "record_git": Variable("FURU_RECORD_GIT", "full, commit or ignore"),
    "on_code_change": Variable("FURU_ON_CODE_CHANGE", "ignore, warn or rerun"),
    "fsync": Variable("FURU_FSYNC", _YES_NO),
    "log_level": Variable("FURU_LOG_LEVEL", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    "cancelled_is_preempted": Variable("FURU_CANCELLED_IS_PREEMPTED", _YES_NO),
}

_CLOSE: Final = 0.7


def find_misspelt(names: Iterable[str]) -> dict[str, str]:
    """The variables of `names` that furu doesn't know but nearly does -> the one that was probably meant.

    A `FURU_*` name that resembles none of ours is left alone: it may belong to the user's own scripts.
    """
    known = {variable.name.removeprefix(PREFIX) for variable in VARIABLES.values()}
    strangers = sorted({name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)} - known)
    matches = {stranger: get_close_matches(stranger, sorted(known), n=1, cutoff=_CLOSE) for stranger in strangers}
    return {PREFIX + stranger: PREFIX + match[0] for stranger, match in matches.items() if match}
