"""Eight processes want one artifact of half a second: how long after the publish has the last one got it?

`python -m benchmarks.race SEED START_AT` is one of them; `measure` starts them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Final

from benchmarks.configs import Slow

_PROCESSES: Final = 8
_UNTIL_ALL_WAIT_SEC: Final = 3.0
_LIMIT_SEC: Final = 60.0


def measure(root: str, trials: int) -> tuple[list[float], int]:
    """Milliseconds from the publish to the last one's `get()`, for each trial; and how often it was computed."""
    late_ms, computed = [], 0
    for seed in range(trials):
        start_at = time.time() + _UNTIL_ALL_WAIT_SEC
        command = [sys.executable, "-m", "benchmarks.race", str(seed), str(start_at)]
        environment = {**os.environ, "FURU_PATH": root, "FURU_LOG_LEVEL": "ERROR"}
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(_PROCESSES)
        ]
        answers = [json.loads(process.communicate(timeout=_LIMIT_SEC)[0]) for process in processes]
        late_ms.append(1000 * (max(answer["has_it_at"] for answer in answers) - answers[0]["published_at"]))
        computed += answers[0]["attempts"]
    return late_ms, computed


def main() -> None:
    """One of the eight."""
    config = Slow(seed=int(sys.argv[1]))
    directory = config._base_furu_dir()
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    config.get()
    has_it_at = time.time()
    endings = [path.suffix for path in (directory / "attempts").iterdir()]
    answer = {
        "has_it_at": has_it_at,
        "published_at": config.get_metadata()["published_at"],
        "attempts": len(endings) - endings.count(".noop"),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
