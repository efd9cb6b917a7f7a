"""Configs that do what a test tells them, in this process or in another, and what lies on disk about them."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import furu
from furu import clock
from furu.storage.atomic import Disk


def say(line: str) -> None:
    """Tell the test; in one write, so that threads don't mix their lines."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def listen() -> str:
    """Wait for what the test says; empty when it has gone."""
    return sys.stdin.readline().strip()


def announce_naps() -> None:
    """Say so whenever this process sleeps, which it does only while it waits for another owner."""
    sleep = clock.sleep

    def say_and_sleep(seconds: float) -> None:
        say("napping")
        sleep(seconds)

    clock.sleep = say_and_sleep


def signal_at(method: str, number: int, *, part: str, is_before: bool) -> None:
    """Send this process a signal before or after the first step of the disk that concerns a path with `part` in it."""
    step, sent = getattr(Disk, method), []

    def send_and_step(self: Disk, *args: Any, **options: Any) -> Any:
        is_it = not sent and any(part in argument for argument in args if isinstance(argument, str))
        if is_it and is_before:
            sent.append(os.kill(os.getpid(), number))
        result = step(self, *args, **options)
        if is_it and not is_before:
            sent.append(os.kill(os.getpid(), number))
        return result

    setattr(Disk, method, send_and_step)


def obey(obj: furu.Furu[Any], name: str) -> str:
    """Announce that `obj` is being created, then do as told."""
    say(f"creating {name}")
    while (order := listen()) == "log":
        say("logged")
    if order == "fail":
        raise RuntimeError("told to fail")
    (obj.furu_dir / "by").write_text(str(os.getpid()))
    return f"made by {os.getpid()}"


class Told(furu.Furu[str]):
    """Computes as told over stdin."""

    name: str = "a"

    def _create(self) -> str:
        return obey(self, self.name)


class Parent(furu.Furu[str]):
    """Needs another one, which it asks for while it is being created."""

    child: Told = Told()

    def _create(self) -> str:
        say("creating parent")
        return f"parent of {self.child.get()}"


class Impatient(furu.Furu[str], max_wait_sec=0.2):
    """Waits for another owner for a fifth of a second."""

    def _create(self) -> str:
        return obey(self, "impatient")


class Asking(furu.Furu[str]):
    """Stops at once when its lease is lost, without waiting to be told anything."""

    def _create(self) -> str:
        say("creating asking")
        told = threading.Thread(target=listen)
        told.start()
        while told.is_alive():
            told.join(0.02)
            if furu.is_lease_lost():
                say("lost it")
                os._exit(0)
        return "made"


class Stubborn(furu.Furu[str]):
    """Takes its time to clean up."""

    def _create(self) -> str:
        try:
            say("creating stubborn")
            listen()
        finally:
            say("cleaning up")
            listen()
        return "made"


class Resumed(furu.Furu[str], resumable=True):
    """Leaves a checkpoint, and says which ones it found."""

    def _create(self) -> str:
        found = sorted(path.name for path in self.furu_dir.glob("checkpoint-*"))
        (self.furu_dir / f"checkpoint-{len(found)}").touch()
        say(f"creating from {len(found)}")
        if listen() == "fail":
            raise RuntimeError("told to fail")
        return f"made from {len(found)}"


class Replaced(furu.Furu[str]):
    """Is invalid while a file says so; loads in two halves with a word from the test in between."""

    name: str = "a"

    def _create(self) -> str:
        order = listen()
        (self.furu_dir / "left").write_text(order)
        (self.furu_dir / "right").write_text(order)
        return order

    def _load(self) -> str:
        left = (self.furu_dir / "left").read_text()
        say("half loaded")
        listen()
        return left + (self.furu_dir / "right").read_text()

    def _validate(self) -> bool:
        return not (self._base_furu_dir() / "invalid").exists()


def endings(obj: furu.Furu[Any]) -> list[str]:
    """How the attempts ended, oldest first."""
    attempts = obj._base_furu_dir() / "attempts"
    return [path.suffix[1:] for path in sorted(attempts.iterdir())] if attempts.exists() else []


def holders(obj: furu.Furu[Any]) -> list[Path]:
    """The leases in the lock."""
    lock = obj._base_furu_dir() / "lock"
    return sorted(lock.iterdir()) if lock.exists() else []


def edit(path: Path, **fields: Any) -> None:
    """Change fields of a record in place, as somebody would who knows of the checksum."""
    record = json.loads(path.read_text()) | fields
    record.pop("crc", None)
    path.write_text(json.dumps(record))


def make_foreign(obj: furu.Furu[Any]) -> None:
    """Let the one lease look like that of another host, so that nothing but silence can tell of its owner."""
    (lease,) = holders(obj)
    edit(lease / "owner.json", host="elsewhere", machine="m", boot="b")


def leave_lease(obj: furu.Furu[Any], content: bytes | None) -> Path:
    """A lock that holds a lease whose record is `content`; the lease's directory."""
    lease = obj._base_furu_dir() / "lock" / "01700000000000000000-0123456789ab"
    lease.mkdir(parents=True)
    if content is not None:
        (lease / "owner.json").write_bytes(content)
    return lease
