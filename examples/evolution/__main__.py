"""Write each state of the project into a directory and run it, always with the same store.

python -m examples.evolution
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from examples.evolution.commits import COMMITS, Commit


def write(commit: Commit, directory: Path) -> None:
    """What a checkout of the commit does."""
    for name, text in commit.files.items():
        path = directory / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def run(directory: Path, store: Path) -> dict[str, Any]:
    """Run the project as it is, in a process of its own; what it reports."""
    path = os.pathsep.join([str(directory), *filter(None, sys.path)])
    # Python would take a file for unchanged that was written twice within a second, at the same length.
    settings = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "FURU_PATH": str(store), "FURU_LOG_LEVEL": "ERROR"}
    ended = subprocess.run(
        [sys.executable, "-m", "study"],
        cwd=directory,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr)
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


def story(directory: Path) -> list[tuple[Commit, dict[str, Any]]]:
    """Every commit with what running it reports."""
    project, store = directory / "project", directory / "store"
    project.mkdir()
    told = []
    for commit in COMMITS:
        write(commit, project)
        told.append((commit, run(project, store)))
    return told


def main() -> None:
    """Tell the story."""
    with tempfile.TemporaryDirectory() as directory:
        for commit, report in story(Path(directory)):
            print(f"* {commit.message}")
            print(f"    taken over {report['taken over']}, computed {report['computed']} fits")
            for fit in report["served"]:
                print(f"    loads    {fit}")
            for reference, because in report["refused"].items():
                print(f"    refuses  {reference[:-24]}…: {because}")


if __name__ == "__main__":
    main()
