"""What pages cost the server: `python -m benchmarks.dashboard [--artifacts 100000]`.

Makes a store as `benchmarks.index` does, serves it on the loopback, and asks for pages as a browser does: the first
page of the list, deeper ones, and pages of many different queries, so that they are not answered from memory. The time
is from the request to the last byte, with one client at a time.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import threading
import time
from typing import TYPE_CHECKING, Final

import httpx
import uvicorn

import furu
from benchmarks.index import fill
from benchmarks.measure import filesystem_of, own_root
from benchmarks.table import Row, print_table
from furu.dashboard.app import make_app
from furu.dashboard.security import new_token
from furu.dashboard.server import Server, bind
from furu.index.database import opened
from furu.index.refresh import refresh

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUESTS: Final = 60
_TARGET_MS: Final = 100.0


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=int, default=10_000, help="how many there are in the store")
    count = parser.parse_args().artifacts
    with own_root() as top:
        os.environ.update(FURU_INDEX_DIR=f"{top}/index", FURU_PATH=f"{top}/store", FURU_LOG_LEVEL="ERROR")
        roots = [f"{top}/store", str(furu.config.version_controlled_root())]
        fill(roots[0], count)
        with opened(roots) as connection:
            refresh(connection, roots)
        print_table(f"{count:,} artifacts on {filesystem_of(top)}", _measure(roots))


def _measure(roots: list[str]) -> list[Row]:
    token = new_token()
    app = make_app(roots, token=token)
    with bind("127.0.0.1", 0) as listening:
        server = Server(uvicorn.Config(app, log_level="warning", access_log=False, ws="none"), app.state.board)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as client:
                return list(_rows(client))
        finally:
            server.should_exit = True
            thread.join()


def _rows(client: httpx.Client) -> list[Row]:
    began = time.perf_counter()
    client.get("/").raise_for_status()
    first = Row("first request of all", "", (time.perf_counter() - began) * 1000, "ms")
    draw = random.Random(0)  # the same questions each time
    numbers = itertools.count()
    after: list[str | None] = [None]

    def deeper() -> dict[str, str]:
        params = {"after": after[0]} if after[0] else {}
        after[0] = client.get("/api/artifacts", params={**params, "limit": 500}).json()["next_page"]
        return {"after": after[0]} if after[0] else {}

    pages: dict[str, Callable[[], dict[str, str]]] = {
        "list": dict,
        "list, all counted anew": lambda: {"q": "namespace:lab" + " " * next(numbers)},
        "list, deeper and deeper": deeper,
        "list of a class": lambda: {"q": f"class:C{draw.randrange(8)}"},
        "list of failed ones of a class": lambda: {"q": f"status:failed class:C{draw.randrange(8)}"},
        "list of a field": lambda: {"q": f"lr=0.01 depth={draw.randrange(24)} seed>{draw.randrange(1000)}"},
    }
    rows = [first]
    for name, parameters in pages.items():
        taken, cpu = [], []
        for _ in range(_REQUESTS):
            params = parameters()
            began, cpu_began = time.perf_counter(), time.process_time()
            client.get("/", params=params).raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - cpu_began) * 1000)
        p95 = statistics.quantiles(taken, n=20)[-1]
        is_promised = name in ("list", "list, all counted anew")
        target, is_met = (f"<= {_TARGET_MS:g} ms", p95 <= _TARGET_MS) if is_promised else ("", None)
        rows.append(Row(name, "median", statistics.median(taken), "ms"))
        rows.append(Row(name, "p95", p95, "ms", None, target, is_met))
        rows.append(Row(name, "CPU of both sides, median", statistics.median(cpu), "ms"))
    for path in ("/graph", "/stats", "/runs"):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        rows.append(Row(path, "first", (time.perf_counter() - began) * 1000, "ms"))
    return rows


if __name__ == "__main__":
    main()
