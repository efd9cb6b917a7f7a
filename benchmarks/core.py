"""What one artifact costs: `python -m benchmarks.core`.

Everything is measured in turns, A B C A B C ..., so that a busy machine slows all of it alike; read the ratios.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import furu
from benchmarks import floors, race
from benchmarks.configs import Small, ladder
from benchmarks.measure import filesystem_of, in_turns, median_us, own_root, run_fresh
from benchmarks.table import Row, print_table, shout

if TYPE_CHECKING:
    from collections.abc import Callable

_PEERS: Final = {"joblib": "joblib_memory", "diskcache": "diskcache_memoize", "exca": "exca_task"}
_LEVELS: Final = 20
_HITS: Final = 10
_FASTER_THAN: Final = ("joblib", "exca")
_LIMIT_SEC: Final = 20.0


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300, help="how often each small thing is measured")
    rounds = parser.parse_args().rounds
    peers = load_peers()
    with own_root() as root:
        rows = [*hits(root, rounds, peers)]
        rows += creates(root, rounds, peers, is_synced=False)
        rows += creates(root, rounds, {}, is_synced=True)
        rows += ladders(max(5, rounds // 6), peers)
        rows += imports(max(3, rounds // 30))
        rows += eight_processes(root, max(2, rounds // 60))
        print_table(f"One artifact: medians, ratio to the floor in the same run; on {filesystem_of(root)}", rows)


def load_peers() -> dict[str, Any]:
    """The modules below `benchmarks/peers` whose libraries are installed."""
    found = {}
    for name, module in _PEERS.items():
        try:
            found[name] = importlib.import_module(f"benchmarks.peers.{module}")
        except ImportError as error:
            shout(f"{name} is NOT measured: {error}")
    return found


def hits(root: str, rounds: int, peers: dict[str, Any]) -> list[Row]:
    """Get what is there."""
    actions: dict[str, Callable[[int], object]] = {"floor": floors.reader(root)}
    same = Small(seed=0)
    with furu.using(path=f"{root}/hit", log_level="ERROR"):
        actions["furu"] = lambda _: Small(seed=0).get()
        actions["furu, same object"] = lambda _: same.get()
        for name, peer in peers.items():
            actions[name] = _on_first(peer.single(tempfile.mkdtemp(dir=root)))
        times = {name: median_us(taken) for name, taken in in_turns(actions, rounds, at_a_time=_HITS).items()}
    rows = _compare("hit, fresh config", times, 3.0, "open + read + json.loads")
    rivals = [times[name] for name in _FASTER_THAN if name in times]
    is_faster = bool(rivals) and times["furu"] < min(rivals)
    rows.append(Row("hit, fresh config", "furu / fastest of joblib, exca", "", "", None, "faster", is_faster))
    return rows


def _on_first(single: Callable[[int], object]) -> Callable[[int], object]:
    single(0)
    return lambda _: single(0)


def creates(root: str, rounds: int, peers: dict[str, Any], *, is_synced: bool) -> list[Row]:
    """Compute and store what takes no time to compute."""
    actions = {"floor": floors.creator(tempfile.mkdtemp(dir=root), is_synced=is_synced)}
    with furu.using(path=f"{root}/create-{is_synced}", fsync=is_synced, log_level="ERROR"):
        actions["furu"] = lambda number: Small(seed=number).get()
        for name, peer in peers.items():
            actions[name] = peer.single(tempfile.mkdtemp(dir=root))
        times = {name: median_us(taken) for name, taken in in_turns(actions, rounds).items()}
    sync = "fsync" if is_synced else "no fsync"
    return _compare(f"create, {sync}", times, 3.0, f"mkdir + write + rename, {sync}")


def ladders(rounds: int, peers: dict[str, Any]) -> list[Row]:
    """Hash a graph whose paths double at each level; every round has a new one."""
    warm_up = 2
    fresh = [ladder(_LEVELS) for _ in range(rounds + warm_up)]
    actions: dict[str, Callable[[int], object]] = {
        "floor": lambda number: floors.merkle(fresh[number], {}),
        "furu": lambda number: fresh[number].furu_hash,
    }
    if "joblib" in peers:
        plain = [peers["joblib"].plain_ladder(top, {}) for top in fresh]
        actions["joblib"] = lambda number: peers["joblib"].hash_value(plain[number])
    times = {name: median_us(taken) for name, taken in in_turns(actions, rounds, warm_up).items()}
    rows = _compare(f"hash, ladder of {_LEVELS}", times, 5.0, "json.dumps + blake2b, each node once")
    if "exca" in peers:
        found = run_fresh("benchmarks.peers.exca_task", str(_LEVELS), limit_sec=_LIMIT_SEC)
        if isinstance(found, str):
            rows.append(Row(f"hash, ladder of {_LEVELS}", "exca", found))
        else:
            rows.append(Row(f"hash, ladder of {_LEVELS}", "exca", found["us"], "us", found["us"] / times["floor"]))
    return rows


def imports(rounds: int) -> list[Row]:
    """Start Python with nothing, with pydantic, and with furu."""
    statements = {"python -c pass": "pass", "pydantic": "import pydantic.dataclasses", "furu": "import furu"}
    actions = {name: partial(_start_python, statement) for name, statement in statements.items()}
    times = {name: median_us(taken) / 1000 for name, taken in in_turns(actions, rounds, warm_up=1).items()}
    bare = times.pop("python -c pass")
    rows = [Row("start of Python", "", bare, "ms")]
    floor, own = times["pydantic"] - bare, times["furu"] - bare
    rows.append(Row("import, beside that", "floor: pydantic.dataclasses", floor, "ms", 1.0))
    rows.append(Row("import, beside that", "furu", own, "ms", own / floor, "<= 200 ms", own <= 200))  # noqa: PLR2004
    return rows


def _start_python(statement: str, _number: int) -> None:
    subprocess.run([sys.executable, "-c", statement], check=True)


def eight_processes(root: str, trials: int) -> list[Row]:
    """All want the same artifact at once."""
    late_ms, computed = race.measure(f"{root}/race", trials)
    what = f"8 processes, {trials} trials"
    middle, worst = statistics.median(late_ms), max(late_ms)
    return [
        Row(what, "last has it after the publish, median", middle, "ms", None, "<= 50 ms", middle <= 50),  # noqa: PLR2004
        Row(what, "the same, worst trial", worst, "ms"),
        Row(what, "computed", float(computed), "times", None, f"{trials} times", computed == trials),
    ]


def _compare(what: str, times: dict[str, float], limit: float, floor: str) -> list[Row]:
    rows = [Row(what, f"floor: {floor}", times["floor"], "us", 1.0)]
    for name, taken in times.items():
        if name == "floor":
            continue
        ratio = taken / times["floor"]
        is_promised = name == "furu"
        target, is_met = (f"<= {limit:g}x", ratio <= limit) if is_promised else ("", None)
        rows.append(Row(what, name, taken, "us", ratio, target, is_met))
    return rows


if __name__ == "__main__":
    main()
