"""The Python blocks of docs/guide.md, run one after the other as one module."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
GUIDE = PROJECT / "docs" / "guide.md"


def test_every_block_of_the_guide_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    (tmp_path / "guide_study.py").write_text(blocks[0], encoding="utf-8")
    (tmp_path / "use.py").write_text(
        "from guide_study import *\nimport furu\n" + "\n".join(blocks[1:]), encoding="utf-8"
    )
    command = [sys.executable, "use.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert 0 == done.returncode, done.stderr[-3000:]
    assert "compute, because it is missing" in done.stdout


def test_every_variable_is_in_the_table():
    from furu.config import VARIABLES

    text = GUIDE.read_text(encoding="utf-8")
    assert [] == [variable.name for variable in VARIABLES.values() if f"`{variable.name}`" not in text]


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", GUIDE.read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (GUIDE.parent / link).exists()]
