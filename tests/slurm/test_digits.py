"""The digits study on a real Slurm, as a DAG and as a pool; support vector machines want the GPU partition."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from examples.digits.data import Digits, Split
from examples.digits.features import GradientHistograms, Pixels
from examples.digits.models import LogisticRegression, SupportVectorMachine
from examples.digits.report import Report
from furu import SlurmSpec
from furu.execution import run_slurm_pool, submit_slurm_dag
from tests.support.installed import PACKAGES

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(300)]

PROJECT = Path(__file__).parents[2]
SPECS = {"default": SlurmSpec(time_min=60), "gpu": SlurmSpec(partition="gpu", gpus=1, time_min=60)}
INPUTS = tuple(kind(split=Split(data=Digits(), seed=0)) for kind in (Pixels, GradientHistograms))
GPU_MODELS = tuple(SupportVectorMachine(features=each, c=1) for each in INPUTS)
REPORT = Report(models=(*(LogisticRegression(features=each, c=1) for each in INPUTS), *GPU_MODELS))


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Jobs import the example and furu from where this test does."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PACKAGES), str(PROJECT)]))


def owners_of(configs):
    """Where each was computed, by its owner's record."""
    found = [path for config in configs for path in config._base_furu_dir().glob("attempts/*.ok/owner.json")]
    return [json.loads(path.read_text()) for path in found]


def check_study():
    assert REPORT.exists()
    assert REPORT.get().figure.read_bytes().startswith(b"\x89PNG")
    owners = owners_of(GPU_MODELS)
    assert [("gpu", "submitit")] * 2 == [(owner["spec_key"], owner["backend"]) for owner in owners]
    assert {"gpu"} == {owner["scheduler"]["partition"] for owner in owners}
    everything = [REPORT, *REPORT._get_dependencies()]
    assert len(everything) == len(owners_of(everything)), "each was computed exactly once"


def test_as_a_dag(slurm_cluster):
    submission = submit_slurm_dag([REPORT], specs=SPECS)
    report = submission.attach().wait(timeout_sec=200)
    assert {"done": 9} == {state.value: count for state, count in report.counts().items()}
    check_study()


def test_as_a_pool(slurm_cluster):
    run_slurm_pool([REPORT], specs=SPECS, idle_timeout_sec=5.0, poll_interval_sec=0.2)
    check_study()
