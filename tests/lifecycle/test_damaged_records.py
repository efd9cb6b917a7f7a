"""Records that are damaged, forged or from the future: a clear error, never a wrong result, never a lock for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import furu
from furu import FuruCorruptRecord, FuruFutureRecord, FuruStoreError, FuruWaitTimeout
from furu.lifecycle.artifact import UNREADABLE_LEASE_SEC, Artifact
from furu.lifecycle.lease import Participant
from furu.storage.atomic import Disk
from furu.storage.layout import ArtifactPaths
from tests.lifecycle.steps import edit, endings, holders, leave_lease

CREATED: list[str] = []
DURING: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_created() -> None:
    CREATED.clear()
    DURING.clear()


class Node(furu.Furu[str]):
    """Calls what stands in DURING while it is created."""

    def _create(self) -> str:
        CREATED.append("a")
        (self.furu_dir / "file").write_text("x")
        for call in DURING:
            call(self)
        return f"made {len(CREATED)}"


def base(obj: furu.Furu[Any]) -> Path:
    return obj._base_furu_dir()


class TestSuccessRecord:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "no JSON"),
            (b'{"v": 1, "token": "0170', "no JSON"),
            (b"\x00" * 64, "no JSON"),
            (b"[" * 100_000, "no JSON"),
            (b"[]", "no versioned JSON object"),
            (b'{"token": "x"}', "no versioned JSON object"),
            (b'{"v": true}', "no versioned JSON object"),
            (b'{"v": 1}', "token None is no token"),
        ],
        ids=["empty", "truncated", "zeros", "deep", "list", "no version", "bool version", "no token"],
    )
    def test_s046_a_damaged_one_is_named_and_never_computed_over(self, content, reason) -> None:
        Node().get()
        success = base(Node()) / "SUCCESS.json"
        success.write_bytes(content)
        for verb in (Node().get, Node().exists, Node()._worker_entry, Node().get_metadata):
            with pytest.raises(FuruCorruptRecord, match=reason) as caught:
                verb()
            assert success == caught.value.path
            assert str(success) in str(caught.value)
            assert "hint:" in str(caught.value)
        assert content == success.read_bytes()
        assert 1 == len(CREATED)
        assert [] == holders(Node())

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("data", "../../../etc"),
            ("data", "/etc"),
            ("data", "01700000000000000000-0123456789ab"),
            ("data", ""),
            ("data", 7),
            ("token", "../x"),
            ("token", "01700000000000000000-0123456789ab/../../x"),
            ("at", 10**400),
            ("result", {}),
            ("usage", {"nonsense": 1}),
        ],
    )
    def test_a_hostile_field_is_refused(self, field, value) -> None:
        Node().get()
        edit(base(Node()) / "SUCCESS.json", **{field: value})
        with pytest.raises(FuruCorruptRecord):
            Node().get()
        if field in ("data", "token"):
            with pytest.raises(FuruCorruptRecord):
                _ = Node().furu_dir
        assert 1 == len(CREATED)

    def test_one_of_a_newer_furu_is_refused_and_never_computed_over(self) -> None:
        Node().get()
        edit(base(Node()) / "SUCCESS.json", v=99)
        for verb in (Node().get, Node().exists, Node()._worker_entry):
            with pytest.raises(FuruFutureRecord, match="newer furu"):
                verb()
        assert 1 == len(CREATED)

    def test_one_that_appears_under_the_lease_is_not_replaced(self) -> None:
        """The record is damaged after the first look, so that only the holder of the lease comes upon it."""
        DURING.append(lambda obj: (base(obj) / "SUCCESS.json").write_bytes(b"damaged"))
        with pytest.raises(FuruCorruptRecord):
            Node().get()
        assert b"damaged" == (base(Node()) / "SUCCESS.json").read_bytes()

    def test_fields_that_a_newer_furu_added_are_ignored(self) -> None:
        Node().get()
        edit(base(Node()) / "SUCCESS.json", novelty=[1])
        assert "made 1" == Node().get()

    def test_a_link_in_its_place_is_not_followed(self, tmp_path) -> None:
        Node().get()
        success = base(Node()) / "SUCCESS.json"
        success.rename(tmp_path / "elsewhere.json")
        success.symlink_to(tmp_path / "elsewhere.json")
        with pytest.raises(FuruStoreError, match="link"):
            Node().get()

    def test_a_directory_in_its_place_is_named(self) -> None:
        Node().get()
        success = base(Node()) / "SUCCESS.json"
        success.unlink()
        success.mkdir()
        with pytest.raises(FuruStoreError, match="must be a file, not a directory") as caught:
            Node().get()
        assert success == caught.value.path


class VirtualDisk(Disk):
    """The real disk with a clock of the test's own."""

    def __init__(self) -> None:
        self.time_sec = 0.0

    def now(self) -> float:
        return self.time_sec

    def sleep(self, seconds: float) -> None:
        self.time_sec += seconds


OWNERS = pytest.mark.parametrize(
    "content",
    [None, b"", b'{"v": 1, "tok', b"[]", b'{"v": 99}', b'{"v": 1, "token": 7}'],
    ids=["missing", "empty", "truncated", "list", "future", "wrong types"],
)


class TestOwnerRecord:
    @OWNERS
    def test_an_unreadable_owner_keeps_the_lease_for_two_minutes_of_silence(self, content) -> None:
        lease = leave_lease(Node(), content)
        disk = VirtualDisk()
        artifact = Artifact(ArtifactPaths(str(base(Node()))), Participant(disk))
        assert UNREADABLE_LEASE_SEC == 120
        for time_sec in (0, 60, 120):
            disk.time_sec = time_sec
            holder = artifact.holder()
            assert holder is not None
            assert (lease.name, None, time_sec) == (holder.token, holder.owner, holder.quiet_sec)
        disk.time_sec = 120.1
        assert artifact.holder() is None
        assert ["lost"] == endings(Node())

    def test_its_heartbeat_counts(self) -> None:
        lease = leave_lease(Node(), b"damaged")
        disk = VirtualDisk()
        artifact = Artifact(ArtifactPaths(str(base(Node()))), Participant(disk))
        for time_sec in (0, 100, 200, 300):
            disk.time_sec = time_sec
            os.utime(lease / "owner.json", (time_sec, time_sec))
            assert artifact.holder() is not None

    @OWNERS
    def test_get_waits_for_it_and_says_so(self, content, monkeypatch) -> None:
        leave_lease(Node(), content)
        monkeypatch.setenv("FURU_MAX_WAIT_SECS", "0.05")
        with pytest.raises(FuruWaitTimeout, match="an owner whose record can't be read"):
            Node().get()

    def test_then_get_computes(self, monkeypatch, caplog) -> None:
        monkeypatch.setattr("furu.lifecycle.artifact.UNREADABLE_LEASE_SEC", 0.05)
        leave_lease(Node(), b"damaged")
        assert "made 1" == Node().get()
        assert ["lost", "ok"] == endings(Node())
        assert "an unreadable owner" in caplog.text

    def test_an_ending_that_a_newer_furu_made_is_no_proof_of_anything(self) -> None:
        Node().get()
        (base(Node()) / "attempts" / "01700000000000000000-0123456789ab.novelty").mkdir()
        assert Node().log().name == "furu.log"
        assert "made 1" == Node().get()
