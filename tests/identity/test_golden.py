"""Hashes that were written down once: a change of the scheme orphans every artifact that anybody has stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import golden

PATH = Path(__file__).with_name("golden.json")
RECORDED = json.loads(PATH.read_text())

ADVICE = """
The hash of this config is not the one that was recorded: results that users have stored would not be found again.
An accident: undo it. Deliberate: raise SCHEME in furu/identity/encode.py, say so in the CHANGELOG, and write the
vectors anew by `python -m tests.support.golden > tests/identity/golden.json`. Never edit a single hash.
"""


def test_the_scheme_is_the_recorded_one():
    assert RECORDED["scheme"] == golden.SCHEME, ADVICE


def test_every_golden_config_is_recorded():
    """A new one is appended by hand, with the hash it has today."""
    assert list(RECORDED["vectors"]) == list(golden.CONFIGS)


@pytest.mark.parametrize("name", golden.CONFIGS)
def test_s011_the_hash_is_the_recorded_one(name):
    assert RECORDED["vectors"][name] == golden.vectors()["vectors"][name], ADVICE
