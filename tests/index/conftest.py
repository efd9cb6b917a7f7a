"""A store of a test's own, and an index of its own."""

from __future__ import annotations

import pytest

from tests.support.stored import Stored, config


@pytest.fixture(autouse=True)
def index_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def stored(own_store):
    return Stored(own_store)


@pytest.fixture
def study(stored):
    """References of a small study, by name."""
    data = {name: stored.add("lab/Data", name=name, vocab=vocab) for name, vocab in (("toy", 100), ("wiki", 32_000))}
    return {
        **data,
        "good": stored.add("lab/Train", lr=3e-4, seed=1, data=config(data["wiki"]), label="a, b", tuned=True),
        "bad": stored.add("lab/Train", "failed", lr=3e-4, seed=2, data=config(data["toy"]), label="1", tuned=False),
        "busy": stored.add("lab/Train", "running", lr=0.1, seed=3, data=config(data["toy"]), label=None, tuned=False),
        "old": stored.add("lab/old/Train", "preempted", version="1", lr=1, sizes={"$tuple": [8, 16]}),
        "never": stored.add("lab/Eval", "recorded", path={"$path": "out/x"}, day={"$date": "2026-11-23"}),
    }
