"""Short storms with a given seed, judged by the checker; `make chaos` runs long ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import furu
from tests.chaos import mounts, storm
from tests.chaos.disks import Weather
from tests.support.fresh import run_fresh

CALM = Weather()
SLOW = Weather(slow=0.02)


def rage(directory: Path, seconds: float, workers: int, seed: int, **options: Any) -> dict[str, Any]:
    report = run_fresh(storm_with, str(directory), seconds, workers, seed, options)
    print(report["figures"])
    return report


def storm_with(directory: str, seconds: float, workers: int, seed: int, options: dict[str, Any]) -> dict[str, Any]:
    weather = {"calm": CALM, "slow": SLOW, "stormy": storm.STORMY}[options.pop("weather", "stormy")]
    return storm.run(directory, seconds, workers, seed, weather=weather, **options)


def broken(report: dict[str, Any]) -> dict[str, list[str]]:
    return {name: found for name, found in report["violations"].items() if found}


@pytest.mark.slow
def test_i01_to_i18_hold_in_a_storm(tmp_path: Path) -> None:
    """Kills, stops, errors, late replies, full disk, deleted directories, links, clock jumps, forks, threads."""
    report = rage(tmp_path, 5.0, 8, 27, least_blows=80)
    assert broken(report) == {}
    figures = report["figures"]
    assert figures["kills"] > 3
    assert figures["stops"] > 3
    assert figures["injected errors"] > 10
    assert figures["wipes"] > 0
    assert figures["gets"] > figures["computes"] > 20
    assert figures["stuck"] == figures["survivor"] == 0
    assert figures["deaths"] == []
    assert figures["is_small_disk"] == (os.geteuid() == 0)


class TestStaleCaches:
    """Three mounts of one directory, each remembering names, attributes and absences for 3 s; a host on each."""

    @pytest.fixture(autouse=True)
    def fuse(self) -> None:
        reason = mounts.why_no_fuse()
        if reason is not None:
            message = f"!!! stale caches were not tested: {reason}"
            print(message)
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)

    @pytest.mark.slow
    def test_f24_stale_dentry_cache(self, tmp_path: Path) -> None:
        """A lease longer than the caches: nothing is computed twice, and nothing is wrong."""
        report = self.rage(tmp_path, lease_sec=6.0, heartbeat_sec=1.0)
        assert broken(report) == {}
        assert report["figures"]["artifacts"] > 20
        assert report["figures"]["computed twice"] == 0

    @pytest.mark.slow
    def test_f24_files_that_a_cache_says_are_not_there(self, tmp_path: Path) -> None:
        """A mount on which somebody looked for them just before they were published; a storm found it."""
        assert run_fresh(read_what_was_looked_for, str(tmp_path)) == ["whole", True]

    @pytest.mark.slow
    def test_f25_lease_below_cache_ttl(self, tmp_path: Path) -> None:
        """A lease that is over before a cache notices: computed twice perhaps, wrong never."""
        report = self.rage(tmp_path, lease_sec=0.8, heartbeat_sec=0.2)
        assert broken(report) == {}
        assert report["figures"]["artifacts"] > 20

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("way", "seen"),
        [("look by opening", "I12"), ("share files", "I3")],
        ids=["computed again", "corrupt"],
    )
    def test_f24_control_that_looks_again_by_opening(self, way: str, seen: str, tmp_path: Path) -> None:
        """The checker sees what the caches do to a lock that opens SUCCESS.json instead of listing the directory."""
        report = self.rage(tmp_path, lease_sec=6.0, heartbeat_sec=1.0, broken=way)
        assert any(name.startswith(f"{seen} ") for name in broken(report)), report["figures"]

    def rage(self, directory: Path, **options: Any) -> dict[str, Any]:
        report = run_fresh(calm_on_mounts, str(directory), options)
        print(report["figures"])
        return report


def calm_on_mounts(directory: str, options: dict[str, Any]) -> dict[str, Any]:
    """No kills, no errors: whatever goes wrong, the caches did it."""
    pace = storm.Pace(pause_sec=(0.05, 0.1), kill_share=0.0, stop_share=0.0, stops_sec=(0.1,))
    options = {"failure": 0.0, "fork": 0.0, **options}
    return storm.run(directory, 7.0, 9, 24, is_cached=True, weather=SLOW, pace=pace, **options)


def read_what_was_looked_for(directory: str) -> list[Any]:
    """On a caching mount: look for an artifact's files, have it computed elsewhere, and get it at once."""
    source, mounted = f"{directory}/source", f"{directory}/mounted"
    os.makedirs(source)
    with mounts.caching_mounts(source, [mounted]):
        with furu.using(path=mounted):
            config = Plain()
            os.makedirs(config._base_furu_dir())
            files = config._base_furu_dir() / "files"
            is_hidden = not files.exists()
        with furu.using(path=source):
            config.get()
        with furu.using(path=mounted):
            is_hidden = is_hidden and not files.exists()
            return [config.get(), is_hidden]


class Plain(furu.Furu[str]):
    """One file."""

    def _create(self) -> str:
        (self.furu_dir / "text").write_text("whole")
        return "whole"

    def _load(self) -> str:
        return (self.furu_dir / "text").read_text()
