"""Every block of every document is run by a test, or is listed with the reason why not; links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec

import pytest

from tests.support.documents import PROJECT, Document, documents

RUN = {
    ("README.md", "python"): "tests/examples/test_readme.py",
    ("README.md", "pycon"): "tests/examples/test_readme.py",
    ("docs/cli.md", "console"): "tests/documents/test_console.py",
    ("docs/cli.md", "python"): "tests/documents/test_console.py",
    ("docs/dashboard.md", "console"): "tests/documents/test_console.py",
    ("docs/evolution.md", "python"): "tests/documents/test_python_blocks.py",
    ("docs/guide.md", "python"): "tests/examples/test_guide.py",
    ("docs/slurm.md", "python"): "tests/documents/test_slurm_blocks.py",
    ("docs/slurm.md", "toml"): "tests/execution/test_slurm_specs.py",
}
"""All blocks of a document in a language, and the test that runs each of them."""

NOT_RUN = {
    ("README.md", "make demo"): "targets are looked up below; the demo is run by tests/examples/test_digits.py",
    ("README.md", "pip install -e ."): "the Makefile does it for every test; a wheel is installed by tests/release",
    ("README.md", "pip install 'furu[dashboard]'"): "docs/dashboard.md has the same, and is typed",
    ("README.md", "config.json"): "a list of files",
    ("README.md", "$ furu run study:Page"): "as in docs/cli.md, of which every command is run",
    ("CONTRIBUTING.md", "make test-fast"): "targets are looked up below",
    (
        "docs/cli.md",
        "$ furu run my_project.pipelines:Train",
    ): "needs a cluster; tests/slurm/test_command.py does the same",
    ("docs/design.md", "get -> Request.first_look -> decide"): "a diagram",
    ("docs/on-disk.md", "<root>/data/<module parts>/<Class>/<hash>/"): "a list of files",
}
"""Blocks that no test runs, by the beginning of their first line, each with the reason."""

EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
ALL = pytest.mark.parametrize("document", documents(), ids=lambda document: document.name)


def reason_for(document, block):
    return next(
        (
            why
            for (name, line), why in NOT_RUN.items()
            if (name, line) == (document.name, block.first_line[: len(line)])
        ),
        None,
    )


@ALL
def test_a_block_is_run_or_listed(document):
    blocks = [block for block in document.blocks() if (document.name, block.language) not in RUN]
    assert [] == [f"{document.name}: {block.first_line}" for block in blocks if reason_for(document, block) is None]


def test_the_lists_name_nothing_that_is_gone():
    known = {document.name: document for document in documents()}
    assert [] == [(name, kind) for name, kind in RUN if not known[name].blocks(kind)]
    assert [] == [test for test in RUN.values() if not (PROJECT / test).exists()]
    lines = {name: [block.first_line for block in document.blocks()] for name, document in known.items()}
    assert [] == [(name, line) for name, line in NOT_RUN if not any(each.startswith(line) for each in lines[name])]


@ALL
def test_a_link_leads_to_a_file_and_a_heading(document):
    for link in document.links():
        name, _, anchor = link.partition("#")
        target = (document.path.parent / name).resolve() if name else document.path
        assert target.exists(), link
        if anchor:
            assert anchor in Document(str(target.relative_to(PROJECT))).anchors(), link


@ALL
def test_what_is_named_in_passing_exists(document):
    """Targets of make, modules to run, extras to install."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    commands = [line for block in document.blocks("") for line in block.text.splitlines() if line.startswith("make ")]
    words = [re.split(r"\s{2,}", command)[0].split()[1:] for command in commands]
    inline = re.findall(r"`make ([a-z-]+)`", document.text)
    assert set() == {word for line in words for word in line if "=" not in word}.union(inline) - targets
    modules = re.findall(r"python -m ([\w.]+)", document.text)
    assert [] == [name for name in modules if find_spec(name) is None]
    asked = re.findall(r"furu\[([\w,]+)\]", document.text)
    assert set() == {extra for extras in asked for extra in extras.split(",")} - set(EXTRAS)
