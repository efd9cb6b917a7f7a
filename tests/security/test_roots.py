"""Stores that others had a hand in: links, and directories that everybody may write."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import furu
from furu.cli.main import run
from furu.execution import run_local
from furu.lifecycle.computable import artifact_paths
from furu.storage import access
from furu.storage.results import RESULT_FOLDER
from tests.security import trials
from tests.security.trials import Files, Pickled, Value
from tests.support.fresh import run_fresh

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link another user's")


@pytest.fixture(autouse=True)
def forget_roots() -> None:
    access._looked_at.clear()
    trials.RAN.clear()


def base(obj: furu.Furu[object]) -> Path:
    return Path(artifact_paths(obj).base)


class TestLinks:
    """f15, I18: what somebody put in the place of a directory does not choose where we write."""

    @pytest.mark.parametrize("part", ["", "lock", "attempts", "files"])
    def test_a_part_of_an_artifact_is_never_a_link(self, part, tmp_path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        place = base(Files()) / part
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(outside)
        with pytest.raises(furu.FuruStoreError, match="must be a directory, not a link"):
            Files().get()
        assert [] == os.listdir(outside)

    @pytest.mark.parametrize("part", ["", "lock", "attempts", "files"])
    def test_a_deletion_goes_through_no_link(self, part, tmp_path) -> None:
        Files().get()
        outside = tmp_path / "outside"
        place = base(Files()) / part
        place.rename(outside)
        place.symlink_to(outside)
        before = sorted(str(path) for path in outside.rglob("*"))
        with pytest.raises(furu.FuruStoreError, match="not a link"):
            Files().delete()
        assert before == sorted(str(path) for path in outside.rglob("*"))

    @pytest.mark.parametrize("name", ["SUCCESS.json", "alias.json", "note.json"])
    def test_a_record_is_never_read_through_a_link(self, name, tmp_path) -> None:
        Value(key=1).get()
        furu.note(Value(key=1), "n")
        furu.migrate(Value(key=1), Value(key=2))
        obj = Value(key=2 if name == "alias.json" else 1)
        place = base(obj) / name
        place.rename(tmp_path / name)
        place.symlink_to(tmp_path / name)
        with pytest.raises(furu.FuruStoreError, match="must be a file, not a link"):
            furu.annotations_of(obj) if name == "note.json" else obj.get()

    def test_a_config_that_is_a_link_is_reported(self, tmp_path) -> None:
        Value(key=1).get()
        place = base(Value(key=1)) / "config.json"
        place.rename(tmp_path / "config.json")
        place.symlink_to(tmp_path / "config.json")
        (ref,) = furu.refs()
        assert "must be a file, not a link" in str(ref.error)

    @pytest.mark.parametrize("place", ["data", "data/tests", "data/tests/security/trials/Files"])
    def test_ones_own_links_put_a_part_of_the_store_on_another_disk(self, place, own_store, tmp_path) -> None:
        (tmp_path / "other disk").mkdir()
        link = own_store / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(tmp_path / "other disk")
        assert "mine" == Files().get()
        assert Files().exists()

    @needs_root
    @pytest.mark.parametrize("place", ["data", "data/tests", "data/tests/security/trials/Files"])
    def test_links_of_other_users_are_not_written_through(self, place, tmp_path) -> None:
        report = run_fresh(trials.compute_through_foreign_link, str(tmp_path / "store"), place)
        assert "is a link that user 65534 has made" in report["refused"]
        assert [] == report["written"]

    def test_scans_follow_no_links(self, own_store, tmp_path) -> None:
        Value(key=1).get()
        (own_store / "data" / "loop").symlink_to(own_store / "data")
        assert 1 == len(furu.refs())
        assert 1 == len(furu.query(""))


class TestOpenToAll:
    """Everybody may write there: values are loaded, with a warning; nothing that could be code is."""

    @pytest.mark.parametrize("place", [".", "data"])
    def test_it_is_said_once(self, place, own_store, caplog) -> None:
        Value(key=1).get()
        (own_store / place).chmod(0o777)
        access._looked_at.clear()
        assert 1 == Value(key=1).get()
        assert 2 == Value(key=2).get()
        (record,) = [record for record in caplog.records if "written by everybody" in record.message]
        assert f"chmod o-w {own_store / place}".rstrip("/.") in record.message

    @pytest.mark.parametrize("mode", [0o755, 0o775, 0o2775, 0o1777], ids=oct)
    def test_groups_and_sticky_directories_are_not_everybody(self, mode, own_store, caplog) -> None:
        own_store.chmod(mode)
        Value(key=1).get()
        assert "everybody" not in caplog.text

    @pytest.mark.parametrize("depth", range(5), ids=["file", "folder", "attempt", "files", "artifact"])
    def test_no_pickle_is_read(self, depth) -> None:
        assert {"a", "b"} == Pickled().get()
        (file,) = (base(Pickled()) / "files").rglob("*.pkl")
        file.write_bytes(pickle.dumps(trials.Bomb()))
        [file, *file.parents][depth].chmod(0o777)
        with pytest.raises(furu.FuruStoreError, match=r"a pickle below .* is refused: everybody may write there"):
            Pickled().get()
        assert [] == trials.RAN

    def test_no_worker_builds_configs(self, own_store) -> None:
        own_store.chmod(0o777)
        with pytest.raises(furu.FuruError, match="everybody may write there"):
            run_local([Value(key=3)], workers="process", max_workers=1, reporter=None)
        assert not Value(key=3).exists()

    def test_the_doctor_says_so(self, own_store, capsys) -> None:
        Value(key=1).get()
        own_store.chmod(0o777)
        assert 0 == run(["doctor"])
        assert "chmod o-w" in capsys.readouterr().out


class TestPickles:
    def test_none_is_read_unless_the_class_says_so(self) -> None:
        Files().get()
        path = base(Files()) / "SUCCESS.json"
        folder = next((base(Files()) / "files").iterdir()) / RESULT_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / "result.pkl").write_bytes(pickle.dumps(trials.Bomb()))
        text = path.read_text()
        forged = text.replace('{"codec": "json", "value": "mine"}', '{"codec": "pickle", "file": "result.pkl"}')
        assert text != forged
        path.write_text(forged.rpartition(', "crc"')[0] + "}")
        with pytest.raises(furu.FuruCodecError, match="runs whatever code it names"):
            Files().get()
        with pytest.raises(furu.FuruCodecError, match="runs whatever code it names"):
            furu.refs()[0].load_result()
        assert [] == trials.RAN
