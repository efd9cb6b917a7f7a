"""Events of a process: whole lines, soon on disk, and never in the way."""

from __future__ import annotations

import json
import os
import threading

import pytest

from furu.execution.reporting import event_file
from furu.execution.reporting.event_file import EventFile
from furu.storage.atomic import Disk

PATIENCE_SEC = 30.0


class WatchedDisk(Disk):
    """Tells when something was appended, and fails when told to."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.batches: list[bytes] = []
        self.appended = threading.Event()

    def append(self, path: str, content: bytes) -> None:
        self.batches.append(content)
        self.appended.set()
        if self.error is not None:
            raise self.error
        super().append(path, content)


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def errors():
    return []


@pytest.fixture
def opened(tmp_path, errors):
    """Opens an event file on a disk; closes it after the test."""
    files = []

    def opened(disk):
        files.append(EventFile(str(tmp_path / "events"), {"v": 1}, on_error=errors.append, disk=disk))
        return files[-1]

    yield opened
    for each in files:
        each.close()


def test_events_follow_a_header_in_order(opened, tmp_path):
    events = opened(Disk())
    events.add(1.23456, "node started", node="a")
    events.flush()
    events.add(2.0, "node ended", node="a", skipped=("b",))
    events.close()
    expected = [
        {"v": 1},
        {"at": 1.235, "event": "node started", "node": "a"},
        {"at": 2.0, "event": "node ended", "node": "a", "skipped": ["b"]},
    ]
    assert expected == read_lines(tmp_path / "events")


def test_an_event_is_on_disk_soon_although_nothing_follows(opened, tmp_path):
    disk = WatchedDisk()
    opened(disk).add(1.0, "node started")
    assert disk.appended.wait(PATIENCE_SEC)


def test_events_are_written_in_batches_of_whole_lines(opened, monkeypatch):
    monkeypatch.setattr(event_file, "FLUSH_SEC", PATIENCE_SEC)
    disk = WatchedDisk()
    events = opened(disk)
    for number in range(1000):
        events.add(float(number), "node started")
    events.close()
    assert 1 == len(disk.batches)
    assert disk.batches[0].endswith(b"\n")


def test_a_file_without_events_is_not_made(opened, tmp_path):
    opened(Disk()).close()
    assert [] == list(tmp_path.iterdir())


def test_a_disk_that_fails_is_told_of_once_and_left_alone(opened, errors):
    disk = WatchedDisk(OSError(28, "full"))
    events = opened(disk)
    for number in range(3):
        events.add(float(number), "node started")
        events.flush()
    assert [disk.error] == errors
    assert 1 == len(disk.batches)


def test_threads_do_not_tear_each_others_lines(opened, tmp_path):
    events = opened(Disk())

    def write(name):
        for number in range(200):
            events.add(float(number), "node started", node=name)
            if number % 20 == 0:
                events.flush()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events.close()
    lines = read_lines(tmp_path / "events")[1:]
    assert 600 == len(lines)
    for name in "abc":
        assert list(range(200)) == [line["at"] for line in lines if line["node"] == name]


def test_a_forked_child_leaves_the_parents_file_alone(opened, monkeypatch):
    monkeypatch.setattr(event_file, "FLUSH_SEC", PATIENCE_SEC)
    disk = WatchedDisk()
    events = opened(disk)
    events.add(1.0, "node started")
    here = os.getpid()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(os, "getpid", lambda: here + 1)
        events.flush()
    assert [] == disk.batches


def test_closing_ends_the_writer(opened):
    before = threading.active_count()
    events = opened(Disk())
    assert before + 1 == threading.active_count()
    events.close()
    assert before == threading.active_count()
