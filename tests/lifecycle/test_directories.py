"""`furu_dir`, `log()`, `get_metadata()` and `delete()`."""

from __future__ import annotations

import asyncio
import inspect
import logging
import multiprocessing
import os
import pickle
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import furu
from furu import FuruLockNotAcquired, FuruNothingPublished
from tests.lifecycle.steps import Told, endings, holders

SEEN: dict[str, Path] = {}
PICKLED: list[bytes] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


class Files(furu.Furu[Path]):
    """Notes what `furu_dir` is wherever it may be asked."""

    name: str = "a"

    def _create(self) -> Path:
        SEEN["create"] = self.furu_dir
        SEEN["another instance"] = Files(name=self.name).furu_dir
        for name in ("thread", "second thread"):
            thread = threading.Thread(target=lambda name=name: SEEN.update({name: self.furu_dir}))
            thread.start()
            thread.join(30)
        with ThreadPoolExecutor(1) as pool:
            SEEN["pool"] = pool.submit(lambda: self.furu_dir).result(30)
        SEEN["task"] = asyncio.run(self._look())
        (self.furu_dir / "file").write_text(self.name)
        return self.furu_dir / "file"

    async def _look(self) -> Path:
        return self.furu_dir

    def _load(self) -> Path:
        SEEN["load"] = self.furu_dir
        return self.furu_dir / "file"

    def _validate(self) -> bool:
        SEEN["validate"] = self.furu_dir
        return (self.furu_dir / "file").exists()


class NoFiles(furu.Furu[int]):
    def _create(self) -> int:
        return 7


class Nested(furu.Furu[str]):
    """Asks for the directories of two artifacts under construction."""

    files: Files = Files()

    def _create(self) -> str:
        logging.getLogger("user").warning("before")
        before = self.furu_dir
        self.files.get()
        assert before == self.furu_dir != SEEN["create"]
        logging.getLogger("user").warning("after")
        return "done"


class Pooled(furu.Furu[list[str]]):
    """Lets processes of its own write its files."""

    start: str
    names: tuple[str, ...] = ("a", "b")

    def _create(self) -> list[str]:
        PICKLED.append(pickle.dumps(self))
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(self.start)) as pool:
            return list(pool.map(self._write, self.names))

    def _write(self, name: str) -> str:
        (self.furu_dir / name).write_text(name)
        return str(self.furu_dir)


class Ring(furu.Furu[int]):
    """Asks for the next one without declaring it."""

    place: int = 0

    def _create(self) -> int:
        return Ring(place=(self.place + 1) % 3).get()


class Chain(furu.Furu[int]):
    """Asks for all that come before it."""

    place: int

    def _create(self) -> int:
        return Chain(place=self.place - 1).get()


class Unregistered(furu.Furu[int], codec="nobody's"):
    """Its result can't be stored."""

    def _create(self) -> int:
        raise AssertionError("computed in vain")


class Itself(furu.Furu[int]):
    def _create(self) -> int:
        return self.get()


class Deleting(furu.Furu[int]):
    def _create(self) -> int:
        self.delete()
        return 1


class TestDirectory:
    def test_s015_looking_makes_nothing(self, store) -> None:
        files = Files()
        assert (
            files._base_furu_dir()
            == files.furu_dir
            == store / "data/tests/lifecycle" / Path(__name__.split(".")[-1], "Files", files.furu_hash)
        )
        assert not files.exists()
        assert not store.exists()

    def test_inside_create_it_is_the_attempts_own_wherever_it_is_asked(self) -> None:
        files = Files()
        files.get()
        mine = SEEN["create"]
        assert files._base_furu_dir() / "files" == mine.parent
        assert {"create", "another instance", "thread", "second thread", "pool", "task"} == set(SEEN)
        assert {mine} == set(SEEN.values())

    def test_s032_it_is_there_when_create_asks_for_it(self) -> None:
        Files().get()
        assert SEEN["create"].is_dir()

    def test_in_load_and_validate_it_is_the_published_one(self) -> None:
        path = Files().get()
        assert path == Files().get()
        assert SEEN["create"] == SEEN["load"] == SEEN["validate"] == path.parent

    def test_afterwards_it_is_the_published_one(self) -> None:
        assert Files().get().parent == Files().furu_dir

    def test_without_files_it_is_the_artifacts(self) -> None:
        assert 7 == NoFiles().get()
        assert NoFiles()._base_furu_dir() == NoFiles().furu_dir
        assert not (NoFiles().furu_dir / "files").exists()

    def test_after_a_failure_it_is_the_artifacts(self, start) -> None:
        script = start("Told().get()")
        script.expect("creating")
        script.tell("fail")
        script.finish()
        assert Told()._base_furu_dir() == Told().furu_dir

    def test_nested_creations_have_their_own(self) -> None:
        assert "done" == Nested().get()

    @pytest.mark.parametrize("start", ["spawn", "forkserver", "fork"])
    def test_processes_that_create_starts_have_that_of_its_attempt(self, start) -> None:
        pooled = Pooled(start=start)
        assert set(pooled.get()) == {str(pooled.furu_dir)}
        assert ["a", "b"] == sorted(path.name for path in pooled.furu_dir.iterdir())

    def test_a_pickle_of_an_attempt_that_is_over_is_one_like_any_other(self) -> None:
        first = Pooled(start="fork")
        first.get()
        published, again = first.furu_dir, pickle.loads(PICKLED[-1])
        assert (first, published) == (again, again.furu_dir)
        first.delete()
        assert first._base_furu_dir() == again.furu_dir
        assert not published.exists()

    def test_an_artifact_that_needs_itself_is_refused(self) -> None:
        with pytest.raises(furu.FuruDependencyCycle, match=r"Itself\(\w+\) -> Itself\(\w+\)"):
            Itself().get()

    def test_a_ring_of_artifacts_is_named_whole(self) -> None:
        with pytest.raises(furu.FuruDependencyCycle) as caught:
            Ring(place=2).get()
        nodes = [f"Ring({Ring(place=place).furu_hash})" for place in (2, 0, 1, 2)]
        assert nodes == list(caught.value.cycle)

    def test_a_chain_too_long_for_the_call_stack_is_refused_before_it_ends(self) -> None:
        """Nothing has failed: what waits for it was interrupted, and can be computed from below."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack(0)) + 350)
        try:
            with pytest.raises(furu.FuruNestedTooDeep, match="run_local") as caught:
                Chain(place=10_000).get()
        finally:
            sys.setrecursionlimit(limit)
        assert isinstance(caught.value, RecursionError)
        assert 20 < caught.value.depth < 40
        last = Chain(place=10_000 - caught.value.depth)
        assert f"Chain({last.furu_hash})" == caught.value.node
        assert not last._base_furu_dir().exists()
        begun = [Chain(place=10_000 - number) for number in range(caught.value.depth)]
        assert [["preempted"]] * len(begun) == [endings(each) for each in begun]
        assert [] == [lease for each in begun for lease in holders(each)]

    def test_a_codec_that_nobody_registered_is_refused_before_computing(self) -> None:
        with pytest.raises(furu.FuruCodecError, match='there is no codec "nobody\'s"; there are: pickle'):
            Unregistered().get()


class TestLog:
    def test_s058_what_is_logged_is_below_the_artifact_nested_to_nested(self) -> None:
        Nested().get()
        text = Nested().log().read_text()
        assert Nested()._base_furu_dir() in Nested().log().parents
        assert ["before", "after"] == [line.split()[-1] for line in text.splitlines() if " user " in line]
        assert "get Files" in text

    def test_s058_the_traceback_of_a_failure_is_kept(self) -> None:
        with pytest.raises(furu.FuruDependencyCycle):
            Itself().get()
        assert "Traceback" in Itself().log().read_text()

    def test_it_is_the_running_attempts_while_one_runs(self, start) -> None:
        script = start("import logging; Told().get()")
        script.expect("creating")
        assert Told()._base_furu_dir() / "lock" == Told().log().parents[1]

    def test_a_silent_computation_has_none(self) -> None:
        NoFiles().get()
        assert not NoFiles().log().exists()

    def test_nothing_is_made_by_asking(self, store) -> None:
        assert NoFiles()._base_furu_dir() == NoFiles().log().parent
        assert not store.exists()


class TestMetadata:
    def test_it_tells_who_computed_where_and_at_what_cost(self) -> None:
        NoFiles().get()
        metadata = NoFiles().get_metadata()
        assert f"NoFiles({NoFiles().furu_hash})" == metadata["node"]
        assert os.getpid() == metadata["owner"]["pid"]
        assert metadata["usage"]["wall_sec"] >= 0
        assert metadata["environment"]["python"]

    def test_it_is_of_the_published_attempt_not_of_the_last(self, start) -> None:
        owner = start("Told().get()")
        owner.expect("creating")
        owner.tell("go on")
        owner.finish()
        rerun = start("Told().get()", FURU_ALWAYS_RERUN="ALL")
        rerun.expect("creating")
        rerun.tell("fail")
        rerun.finish()
        assert ["ok", "failed"] == endings(Told())
        assert owner.pid == Told().get_metadata()["owner"]["pid"]

    def test_without_a_result_there_is_none(self) -> None:
        with pytest.raises(FuruNothingPublished, match="NoFiles"):
            NoFiles().get_metadata()


class TestDelete:
    def test_result_files_and_attempts_go_and_the_identity_stays(self) -> None:
        Files().get()
        base = Files()._base_furu_dir()
        assert Files().delete() is True
        assert not Files().exists()
        assert ["config.json"] == sorted(path.name for path in base.iterdir())

    def test_the_next_get_computes(self) -> None:
        Files().get()
        Files().delete()
        SEEN.clear()
        Files().get()
        assert "create" in SEEN

    def test_nothing_to_delete(self, store) -> None:
        assert NoFiles().delete() is False
        assert not store.exists()
        NoFiles().get()
        assert [True, False] == [NoFiles().delete(), NoFiles().delete()]

    def test_a_running_artifact_is_refused_and_left_alone(self, start) -> None:
        owner = start("print('got', Told().get())")
        owner.expect("creating")
        with pytest.raises(FuruLockNotAcquired, match=rf"Told\(\w+\) is being computed by host \S+ pid {owner.pid}"):
            Told().delete()
        owner.tell("go on")
        assert f"made by {owner.pid}" == owner.expect("got")

    def test_inside_its_own_creation_it_is_refused(self) -> None:
        with pytest.raises(FuruLockNotAcquired):
            Deleting().get()

    def test_what_a_dead_owner_left_can_be_deleted(self, start) -> None:
        owner = start("Told().get()")
        owner.expect("creating")
        owner.kill()
        assert Told().delete() is True
        assert not (Told()._base_furu_dir() / "attempts").exists()
