"""Write constraints.txt: the newest version of everything `.[bench]` needs, for each Python named.

python tools/write_constraints.py 3.11 3.12 3.13      (all of them must be on this machine)

The first Python chooses; the next ones take its choice wherever they can use it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "constraints.txt"
HEADER = """\
# Every package that the tests and the demo install, by exact version: `make constraints` writes this file.
"""


def resolve(version: str, chosen: Path, scratch: Path) -> list[str]:
    """`name==version` of everything that pip installs on this Python, keeping to `chosen`."""
    python = _output([HERE / "find-pythons.sh", "--path", version]).strip()
    venv = scratch / version
    subprocess.run([HERE / "make-venv.sh", python, venv], check=True)
    pip: list[str | Path] = [venv / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    project = f"{HERE.parent}[bench]"
    subprocess.run([*pip, "install", "--quiet", "--constraint", chosen, "hatchling", project], check=True)
    return _output([*pip, "freeze", "--exclude", "furu"]).splitlines()


def _output(command: list[str | Path]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def merge(pins_of: dict[str, list[str]]) -> list[str]:
    """One sorted list; a pin that not all Pythons need is marked with those that do."""
    lines = []
    for pin in sorted({pin for pins in pins_of.values() for pin in pins}, key=str.lower):
        versions = [version for version, pins in pins_of.items() if pin in pins]
        marker = " or ".join(f'python_version == "{version}"' for version in versions)
        lines.append(pin if len(versions) == len(pins_of) else f"{pin}; {marker}")
    return lines


def main(versions: list[str]) -> None:
    """Ask pip on each Python in turn, and write what it chose."""
    pins_of: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as directory:
        chosen = Path(directory, "chosen.txt")
        chosen.touch()
        for version in versions:
            pins_of[version] = resolve(version, chosen, Path(directory))
            # A later Python may refuse a version that an earlier one took: only the first one's word is law.
            if len(pins_of) == 1:
                chosen.write_text("\n".join(pins_of[version]))
    TARGET.write_text(HEADER + "\n".join(merge(pins_of)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
