"""What looking costs: `python -m benchmarks.index [--artifacts 100000]`.

Makes a store of artifacts in eight classes, one in fifty failed, each with a nested config; then builds the index,
refreshes it, lets it tick and asks it. The floor of a refresh is a walk over the directories with one `stat` for each
artifact.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import furu
from benchmarks.measure import filesystem_of, own_root
from benchmarks.table import Row, print_table
from furu.identity.encode import SCHEME, canonical_text
from furu.index.database import opened, remove
from furu.index.edges import all_edges, used_by
from furu.index.location import index_path
from furu.index.refresh import Refreshed, refresh, tick, version
from furu.storage.layout import ArtifactPaths, Ending
from furu.storage.process import ProcessIdentity
from furu.storage.records import ErrorRecord, OwnerRecord, SuccessRecord, Usage, render

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

_CLASSES: Final = 8
_FAILED_EVERY: Final = 50
_CHANGED: Final = 100
_ROUNDS: Final = 5
_LS_TARGET_SEC: Final = 0.3
_BEGAN_NS: Final = 1_700_000_000_000_000_000


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=int, default=10_000, help="how many there are in the store")
    count = parser.parse_args().artifacts
    with own_root() as top:
        os.environ.update(FURU_INDEX_DIR=f"{top}/index", FURU_PATH=f"{top}/store", FURU_LOG_LEVEL="ERROR")
        roots = [f"{top}/store", str(furu.config.version_controlled_root())]
        references = fill(roots[0], count)
        rows = [
            *_refreshes(roots, references),
            *_ticks(roots, references),
            *_questions(),
            *_fields(roots),
            *_commands(),
        ]
        rows.append(Row("size of the index", "", os.stat(index_path(roots)).st_size / 2**20, "MiB"))
        rows.append(Row("peak memory", "", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB"))
        print_table(f"{count:,} artifacts on {filesystem_of(top)}", rows)


def _token(number: int) -> str:
    return f"{_BEGAN_NS + number * 1_000_000_000:020d}-{number:012x}"


def fill(root: str, count: int) -> list[str]:
    """Make a store; the references of its artifacts without those that all are made of."""
    data = [_store(root, "lab/Data", number, {"name": f"set{number}", "vocab": 1000 * number}) for number in range(10)]
    draw = random.Random(0)  # the same store each time
    made = []
    for number in range(count - len(data)):
        fields: dict[str, Any] = {
            "lr": draw.choice([0.1, 0.01, 3e-4]),
            "seed": number,
            "depth": draw.randrange(24),
            "width": 64,
        }
        fields |= {"optimizer": draw.choice(["adam", "sgd"]), "data": {"$config": draw.choice(data)}}
        made.append(_store(root, f"lab/train/C{number % _CLASSES}", number, fields))
    for reference in made:  # as if they had been there for a while
        os.utime(f"{root}/data/{reference}", (1.0, 1.0))
    return made


def _store(root: str, namespace: str, number: int, fields: dict[str, Any]) -> str:
    furu_hash = hashlib.blake2b(f"{namespace} {number}".encode(), digest_size=16).hexdigest()
    reference = f"{namespace}/{furu_hash}"
    paths = ArtifactPaths(f"{root}/data/{reference}")
    about = {"v": 1, "scheme": SCHEME, "class": "gone:Gone", "namespace": namespace, "version": None}
    document = {**about, "hash": furu_hash, "fields": fields, "dependencies": [], "schema": {}}
    token, at = _token(number), _BEGAN_NS / 1e9 + number
    attempt = paths.ended(token, Ending.OK if number % _FAILED_EVERY else Ending.FAILED)
    os.makedirs(attempt.base)
    _write(paths.config, canonical_text(document).encode())
    process = ProcessIdentity("host1", "m", "b", 1, 2, "3", "ada")
    _write(attempt.owner, render(OwnerRecord(**vars(process), token=token, node="Node", lease_sec=120.0, at=at)))
    if number % _FAILED_EVERY:
        _write(paths.success, render(SuccessRecord(token, None, at, [], Usage(float(number % 1000)))))
    else:
        _write(attempt.error, render(ErrorRecord("builtins.ValueError", "loss is nan", "Traceback", at, Usage(1.0))))
    return reference


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _sec(action: Callable[[], object], rounds: int = _ROUNDS) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _refreshes(roots: list[str], references: list[str]) -> list[Row]:
    remove(index_path(roots))
    cold = _sec(lambda: _refresh(roots), 1)
    floor = _sec(lambda: _walk(f"{roots[0]}/data"))
    idle = _sec(lambda: _refresh(roots))
    for reference in references[:_CHANGED]:
        os.utime(f"{roots[0]}/data/{reference}", (2.0, 2.0))
    began = time.perf_counter()
    done = _refresh(roots)
    changed = time.perf_counter() - began
    return [
        Row("cold build", "", cold, "s"),
        Row("refresh of the index", "floor: walk and stat", floor, "s", 1.0),
        Row("refresh of the index", "furu, nothing new", idle, "s", idle / floor),
        Row("refresh of the index", f"furu, {done.looked_at} new", changed, "s", changed / floor),
    ]


def _ticks(roots: list[str], references: list[str]) -> list[Row]:
    with opened(roots) as connection:
        refresh(connection, roots)
        idle = _sec(lambda: tick(connection, roots))
        for number in range(_CHANGED):
            _store(roots[0], "lab/new/Class", number, {"seed": number})
        taken = _sec(lambda: tick(connection, roots), 1)
        os.utime(f"{roots[0]}/data/{os.path.dirname(references[0])}")
        stamped = _sec(lambda: tick(connection, roots), 1)
        asked = _sec(lambda: version(connection))
        popular = next(child for _, child in all_edges(connection))
        users = _sec(lambda: used_by(connection, popular, limit=50))
    return [
        Row("tick, nothing new", "", idle * 1000, "ms"),
        Row(f"tick, {_CHANGED} new artifacts", "", taken * 1000, "ms"),
        Row("tick, something in a class was annotated", "", stamped * 1000, "ms"),
        Row("version", "", asked * 1000, "ms"),
        Row("used by, 50 of very many", "", users * 1000, "ms"),
    ]


def _fields(roots: list[str]) -> list[Row]:
    """What an index on one field of the configs would gain, and cost."""
    sql = "SELECT id FROM artifact WHERE json_extract(config, '$.seed') = 77 ORDER BY at DESC LIMIT 50"
    with opened(roots) as connection:
        without = _sec(lambda: connection.execute(sql).fetchall())
        before = _pages(connection)
        made = _sec(lambda: connection.execute("CREATE INDEX seeds ON artifact (json_extract(config, '$.seed'))"), 1)
        used = _sec(lambda: connection.execute(sql).fetchall())
        size = _pages(connection) - before
        connection.execute("DROP INDEX seeds")
    return [
        Row("one field, by itself", "", without * 1000, "ms"),
        Row("the same with an index on it", "", used * 1000, "ms"),
        Row("making that index", "", made * 1000, "ms"),
        Row("its size", "", size / 2**20, "MiB"),
    ]


def _pages(connection: sqlite3.Connection) -> int:
    """Bytes of the database that are in use."""
    count, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((count - free) * size)


def _refresh(roots: list[str]) -> Refreshed:
    with opened(roots) as connection:
        return refresh(connection, roots)


def _walk(top: str) -> None:
    for directory in [top, *(entry.path for entry in os.scandir(top))]:
        for entry in os.scandir(directory):
            for inner in os.scandir(entry.path):
                inner.stat()
                if len(inner.name) < 32:  # noqa: PLR2004 -- no hash: a class below
                    for each in os.scandir(inner.path):
                        os.stat(each.path)


def _questions() -> list[Row]:
    page: Any = furu.query(limit=50, is_fresh=False)
    for _ in range(40):
        page = furu.query(limit=50, after=page.next_page, is_fresh=False)
    questions: dict[str, Callable[[], object]] = {
        "first page of 50": lambda: furu.query(limit=50, is_fresh=False),
        "a page in the depth": lambda: furu.query(limit=50, after=page.next_page, is_fresh=False),
        "failed, first page": lambda: furu.query("status:failed", limit=50, is_fresh=False),
        "two fields, first page": lambda: furu.query("lr=3e-4 data.vocab>=5000", limit=50, is_fresh=False),
        "a seed that one has": lambda: furu.query("seed=77", limit=50, is_fresh=False),
        "a word, first page": lambda: furu.query("sgd", limit=50, is_fresh=False),
    }
    return [Row(name, "", _sec(action) * 1000, "ms") for name, action in questions.items()]


def _commands() -> list[Row]:
    command = [sys.executable, "-m", "furu.cli", "ls"]
    taken = _sec(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 2 * _ROUNDS - 1)
    unrefreshed = _sec(lambda: subprocess.run([*command, "--no-refresh"], check=True, stdout=subprocess.DEVNULL))
    fresh = _sec(lambda: subprocess.run([*command, "--fresh"], check=True, stdout=subprocess.DEVNULL))
    help_taken = _sec(lambda: subprocess.run([*command, "--help"], check=True, stdout=subprocess.DEVNULL))
    return [
        Row("furu ls --help, process", "", help_taken, "s"),
        Row("furu ls --no-refresh, process", "", unrefreshed, "s"),
        Row("furu ls --fresh, process", "", fresh, "s"),
        Row("furu ls, process", "", taken, "s", None, f"<= {_LS_TARGET_SEC} s", taken <= _LS_TARGET_SEC),
    ]


if __name__ == "__main__":
    main()
