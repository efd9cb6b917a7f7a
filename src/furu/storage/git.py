"""What git knows about the code that runs: commit, branch, local changes."""

from __future__ import annotations

import os
import subprocess
from threading import Timer
from typing import Any, Final

from furu.storage.redaction import drop_credentials

PATCH_BYTES: Final = 1 << 20
MAX_UNTRACKED: Final = 100
_TIMEOUT_SEC: Final = 10.0
# Reading must not write: no refreshed index, no prompt, no pager, and messages that can be told apart.
_ENVIRONMENT: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_STATUS: Final = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
_DIFF: Final = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD")


class _GitError(Exception):
    """Git isn't there, took too long or said no."""


def describe_checkout(directory: str, *, has_patch: bool) -> dict[str, Any]:
    """The state of the checkout that holds `directory`; a `note` says what is missing and why. Never raises.

    Args:
        directory: any directory in the checkout.
        has_patch: True adds the difference to HEAD, the first `PATCH_BYTES` of it.
    """
    try:
        record = parse_status(_run_git(directory, *_STATUS))
    except _GitError as error:
        return {"note": str(error)}
    try:
        remote = _run_git(directory, "config", "--get", "remote.origin.url")
        record["remote"] = drop_credentials(_decode(remote).strip())
    except _GitError:  # no such remote
        record["remote"] = None
    if has_patch and record["dirty"] and record["commit"]:
        record.update(_describe_patch(directory))
    return record


def parse_status(output: bytes) -> dict[str, Any]:
    """Commit, branch, dirty and untracked files, from `git status --porcelain=v2 --branch -z`.

    `dirty` speaks of files that git tracks. Untracked ones are only listed: the store itself is often among them.
    """
    entries = [_decode(entry) for entry in output.split(b"\0") if entry]
    header = dict(entry[2:].split(" ", 1) for entry in entries if entry.startswith("# branch."))
    commit, branch = header.get("branch.oid"), header.get("branch.head")
    untracked = [entry[2:] for entry in entries if entry.startswith("? ")]
    record: dict[str, Any] = {
        "commit": None if commit == "(initial)" else commit,
        "branch": None if branch == "(detached)" else branch,
        "dirty": any(entry[:2] in {"1 ", "2 ", "u "} for entry in entries),
        "untracked": untracked[:MAX_UNTRACKED],
    }
    if len(untracked) > MAX_UNTRACKED:
        record["note"] = f"{MAX_UNTRACKED} of {len(untracked)} untracked names are kept"
    return record


def _describe_patch(directory: str) -> dict[str, Any]:
    """The difference to HEAD. Read piece by piece, because a changed data file may make it any size."""
    with subprocess.Popen(
        ["git", "-C", directory, *_DIFF],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | _ENVIRONMENT,
    ) as process:
        watchdog = Timer(_TIMEOUT_SEC, process.kill)
        watchdog.start()
        patch = process.stdout.read(PATCH_BYTES + 1) if process.stdout else b""
        is_long = len(patch) > PATCH_BYTES
        if is_long:
            process.kill()
        status = process.wait()
        watchdog.cancel()
    if is_long:
        return {"patch": _decode(patch[:PATCH_BYTES]), "patch_note": f"only the first {PATCH_BYTES} bytes are kept"}
    return {"patch": _decode(patch)} if status == 0 else {"patch": None, "patch_note": "git diff failed"}


def _run_git(directory: str, *arguments: str) -> bytes:
    """What git prints."""
    try:
        done = subprocess.run(
            ["git", "-C", directory, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=os.environ | _ENVIRONMENT,
            timeout=_TIMEOUT_SEC,
        )
    except OSError as error:
        raise _GitError(f"git can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _GitError(f"git took longer than {_TIMEOUT_SEC:g} s") from None
    if done.returncode:
        raise _GitError(_decode(done.stderr).partition("\n")[0] or f"git ended with {done.returncode}")
    return done.stdout


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
