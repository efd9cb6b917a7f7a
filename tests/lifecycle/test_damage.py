"""Stores that are forged, read-only, full, or deleted while we work: a clear error, never a hang."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import furu
from furu import FuruLeaseLost, FuruReadOnlyStore, FuruStoreError
from furu.storage.atomic import Disk
from tests.lifecycle.steps import Told, endings, holders
from tests.support.privileges import run_bound_by_permissions

CREATED: list[str] = []
DURING: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_created() -> Any:
    CREATED.clear()
    DURING.clear()


class Node(furu.Furu[str]):
    """Does what stands in DURING while it is created: a callable for each creation, the last one for ever."""

    name: str = "a"
    writes: bool = True

    def _create(self) -> str:
        CREATED.append(self.name)
        if self.writes:
            (self.furu_dir / "file").write_text("x")
        if DURING:
            (DURING.pop(0) if len(DURING) > 1 else DURING[0])(self)
        return f"made {len(CREATED)}"


def base(obj: furu.Furu[Any]) -> Path:
    return obj._base_furu_dir()


class TestLinksAndStrangers:
    @pytest.mark.parametrize("name", ["", "lock", "attempts", "files"], ids=["artifact", "lock", "attempts", "files"])
    @pytest.mark.parametrize("kind", ["link", "dangling link", "file"])
    def test_a_link_or_file_in_the_place_of_a_directory_is_refused(self, name, kind, tmp_path) -> None:
        elsewhere, path = tmp_path / "elsewhere", base(Node()) / name
        path.parent.mkdir(parents=True)
        if kind == "file":
            path.touch()
        else:
            path.symlink_to(elsewhere)
        if kind == "link":
            elsewhere.mkdir()
        with pytest.raises(FuruStoreError, match="must be a directory, not a link or a file") as caught:
            Node().get()
        assert path == caught.value.path
        assert [] == CREATED
        assert not elsewhere.exists() or [] == list(elsewhere.iterdir())

    def test_a_root_that_is_a_link_is_followed(self, store, tmp_path) -> None:
        (tmp_path / "scratch").mkdir()
        store.symlink_to(tmp_path / "scratch")
        assert "made 1" == Node().get()
        assert "made 1" == Node().get()

    def test_a_root_that_is_a_link_to_nowhere_can_not_be_written(self, store, tmp_path) -> None:
        store.symlink_to(tmp_path / "scratch")
        with pytest.raises(FuruReadOnlyStore, match="a link that leads nowhere") as caught:
            Node().get()
        assert "FURU_PATH" in caught.value.hints[0]

    def test_a_root_where_nothing_can_be_made(self, monkeypatch) -> None:
        """The kernel says "no such file" there, however often one tries."""
        monkeypatch.setenv("FURU_PATH", "/proc/furu")
        with pytest.raises(FuruReadOnlyStore, match="no directory can be made there"):
            Node().get()

    def test_links_in_a_ring_above_a_record(self, store) -> None:
        store.symlink_to(store)
        with pytest.raises(FuruStoreError, match="links lead in a ring"):
            Node().get()

    def test_a_stranger_in_the_lock_is_named(self) -> None:
        (base(Node()) / "lock").mkdir(parents=True)
        (base(Node()) / "lock" / ".nfs0001").touch()
        with pytest.raises(FuruStoreError, match=r"not furu's: \.nfs0001"):
            Node().get()
        assert [] == list(base(Node()).glob("new-*"))

    def test_an_empty_lock_directory_is_no_lock(self) -> None:
        (base(Node()) / "lock").mkdir(parents=True)
        assert "made 1" == Node().get()


@pytest.fixture
def read_only(store) -> Any:
    """Makes the whole store read-only, for those whom permission bits bind."""

    def forbid() -> None:
        for directory, _, _ in os.walk(store):
            os.chmod(directory, 0o555)

    yield forbid
    for directory, _, _ in os.walk(store):
        os.chmod(directory, 0o755)


class TestReadOnlyStore:
    def test_a_hit_works(self, read_only) -> None:
        Node().get()
        read_only()
        assert "made 1" == run_bound_by_permissions(Node().get)
        assert run_bound_by_permissions(Node().exists)
        assert run_bound_by_permissions(Node().get_metadata)["usage"]

    def test_nothing_is_deleted_and_the_error_says_why(self, read_only) -> None:
        Node().get()
        read_only()
        with pytest.raises(FuruReadOnlyStore, match=r"can't be deleted: .* can't be written"):
            run_bound_by_permissions(Node().delete)
        assert "made 1" == Node().get()

    def test_a_miss_says_what_to_do(self, read_only, store) -> None:
        Node().get()
        read_only()
        with pytest.raises(FuruReadOnlyStore, match="can't be written") as caught:
            run_bound_by_permissions(Node(name="b").get)
        assert isinstance(caught.value, PermissionError)
        assert base(Node(name="b")) == caught.value.path
        assert "FURU_PATH" in str(caught.value)
        assert not Node(name="b").exists()
        assert 1 == len(CREATED)

    def test_a_root_that_can_not_be_made(self, tmp_path, monkeypatch) -> None:
        (tmp_path / "closed").mkdir(mode=0o555)
        monkeypatch.setenv("FURU_PATH", str(tmp_path / "closed" / "store"))
        with pytest.raises(FuruReadOnlyStore, match="can't be written"):
            run_bound_by_permissions(Node().get)

    def test_a_root_that_is_a_file(self, store) -> None:
        store.touch()
        assert not Node().exists()
        with pytest.raises(FuruReadOnlyStore, match="Not a directory"):
            Node().get()

    def test_a_mount_that_is_read_only(self, monkeypatch) -> None:
        def refuse(_: Disk, path: str) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

        monkeypatch.setattr(Disk, "make_directory", refuse)
        with pytest.raises(FuruReadOnlyStore, match="Read-only file system"):
            Node().get()

    def test_a_dead_owners_lease_that_can_not_be_ended_is_no_endless_loop(self, start, read_only) -> None:
        owner = start("Told().get()")
        owner.expect("creating")
        owner.kill()
        read_only()
        with pytest.raises(FuruReadOnlyStore, match="process is gone, but its lease can't be ended"):
            run_bound_by_permissions(Told().get)
        assert 1 == len(holders(Told()))

    def test_a_full_disk_fails_the_attempt_and_frees_the_lease(self, monkeypatch) -> None:
        def refuse(_: Disk, path: str, content: bytes, *, sync: bool = False) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

        with monkeypatch.context() as patches:
            DURING.append(lambda _: patches.setattr(Disk, "write_new", refuse))
            with pytest.raises(OSError, match=r"No space left on device: .*success\.json"):
                Node().get()
        assert ["failed"] == endings(Node())
        assert [] == holders(Node())
        DURING.clear()
        assert "made 2" == Node().get()

    def test_a_disk_that_is_full_before_anything_began_says_where(self, monkeypatch) -> None:
        """The kernel's error of a `write` names no file."""

        def refuse(_: Disk, path: str, content: bytes, *, sync: bool = False) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Disk, "write_new", refuse)
        with pytest.raises(OSError, match="No space left on device") as caught:
            Node().get()
        (note,) = caught.value.__notes__
        assert str(base(Node())) in note
        assert "make room there, or set FURU_PATH to another disk" in note
        assert [] == CREATED


def remove_artifact(obj: Node) -> None:
    shutil.rmtree(base(obj))


class TestDeletedWhileComputing:
    @pytest.mark.parametrize("writes", [True, False], ids=["with files", "without files"])
    def test_deleted_once_it_is_computed_again(self, writes) -> None:
        node = Node(writes=writes)
        DURING.extend([remove_artifact, lambda _: None])
        assert "made 2" == node.get()
        assert "made 2" == node.get()
        assert ["ok"] == endings(node)

    @pytest.mark.parametrize("writes", [True, False], ids=["with files", "without files"])
    def test_deleted_each_time_it_is_given_up(self, writes) -> None:
        DURING.append(remove_artifact)
        with pytest.raises(FuruLeaseLost, match="was computed 3 times"):
            Node(writes=writes).get()
        assert 3 == len(CREATED)
        assert not Node(writes=writes).exists()

    def test_a_write_that_fails_because_of_it_is_not_the_users_failure(self) -> None:
        def remove_and_write(obj: Node) -> None:
            directory = obj.furu_dir
            remove_artifact(obj)
            (directory / "more").write_text("x")

        DURING.extend([remove_and_write, lambda _: None])
        assert "made 2" == Node().get()

    def test_the_users_own_missing_file_is_the_users_failure(self) -> None:
        DURING.append(lambda obj: (obj.furu_dir / "missing").read_text())
        with pytest.raises(FileNotFoundError, match="missing"):
            Node().get()
        assert ["failed"] == endings(Node())
        assert 1 == len(CREATED)

    def test_only_the_lease_is_deleted(self) -> None:
        DURING.extend([lambda obj: shutil.rmtree(base(obj) / "lock"), lambda _: None])
        assert "made 2" == Node().get()
        assert 1 == len(list((base(Node()) / "files").iterdir()))

    def test_only_the_files_are_deleted(self) -> None:
        DURING.append(lambda obj: shutil.rmtree(base(obj) / "files"))
        with pytest.raises(FileNotFoundError):
            Node().get()
        assert ["failed"] == endings(Node())

    def test_the_whole_store_is_deleted(self, store) -> None:
        DURING.extend([lambda _: shutil.rmtree(store), lambda _: None])
        assert "made 2" == Node().get()
        assert json.loads((base(Node()) / "config.json").read_bytes())
