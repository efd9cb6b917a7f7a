"""Specs as projects write them, in pyproject.toml and as `--spec`."""

from __future__ import annotations

import pytest

import furu
from furu import FuruConfigError, FuruSettingsError, SlurmSpec
from furu.config import reload
from furu.execution import project_specs
from tests.support.documents import Document


@pytest.fixture
def pyproject(tmp_path, monkeypatch):
    """Writes the project's file."""
    monkeypatch.chdir(tmp_path)

    def write(text=""):
        (tmp_path / "pyproject.toml").write_text(text)
        reload()

    write()
    yield write
    monkeypatch.undo()
    reload()


TABLES = """
[tool.furu]
lease_sec = 50

[tool.furu.slurm.default]
partition = "cpu"
cpus = 4
mem_gb = 8

[tool.furu.slurm.gpu]
partition = "gpu"
gpus = 1
slurm_account = "lab"
extra = { slurm_qos = "long", slurm_additional_parameters = { nice = 10 } }
"""


def test_tables_are_specs_and_leave_the_settings_alone(pyproject, monkeypatch):
    monkeypatch.delenv("FURU_LEASE_SECS", raising=False)
    pyproject(TABLES)
    extra = {"slurm_qos": "long", "slurm_account": "lab", "slurm_additional_parameters": {"nice": 10}}
    assert {
        "default": SlurmSpec(partition="cpu", cpus=4, mem_gb=8),
        "gpu": SlurmSpec(partition="gpu", gpus=1, extra=extra),
    } == project_specs()
    assert 50 == furu.config.settings().lease_sec


@pytest.mark.parametrize(
    "text",
    [
        "gpu=partition:gpu,gpus:1,mem_gb:0.5",
        "gpu:partition=gpu,gpus=1,mem_gb=0.5",
        "gpu=partition=gpu, gpus=1,mem_gb:0.5",
    ],
)
def test_an_option_is_a_spec(pyproject, text):
    assert {"gpu": SlurmSpec(partition="gpu", gpus=1, mem_gb=0.5)} == project_specs([text])


def test_an_option_wins_over_the_table_name_by_name(pyproject):
    pyproject(TABLES)
    specs = project_specs(["gpu=gpus:4,slurm_account:other", "gpu=cpus:2"])
    assert (4, 2, "gpu", "other") == (
        *(specs["gpu"].gpus, specs["gpu"].cpus),
        *(specs["gpu"].partition, (specs["gpu"].extra or {})["slurm_account"]),
    )


def test_the_tables_of_the_document_can_be_used(pyproject):
    (block,) = Document("docs/slurm.md").blocks("toml")
    pyproject(block.text)
    assert (["default", "gpu"], 240) == (list(specs := project_specs()), specs["gpu"].time_min)


def test_nobody_said_anything(pyproject):
    assert {} == project_specs()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpu=gpu:1", "did you mean gpus?"),
        ("gpu=mem:1", "did you mean mem_gb?"),
        ("gpu=time:1", "did you mean time_min?"),
        ("gpu=account:lab", "did you mean slurm_account?"),
        ("gpu=xyz:1", "Names are: cpus, extra, gpus, mem_gb, partition, time_min, and slurm_..."),
        ("gpu=cpus:0", "cpus: must be at least 1"),
        ("gpu=time_min:2h", "must be an int, not '2h'"),
        ("gpu", "there is no spec key with names and values"),
        ("partition=gpu,cpus:3", "'gpu' is no name with a value"),
        ("gpu=partition:a,b", "'b' is no name with a value"),
    ],
)
def test_what_can_not_be_used_is_said_with_the_right_names(pyproject, text, said):
    with pytest.raises(FuruConfigError, match=r"--spec gpu|--spec partition") as caught:
        project_specs([text])
    assert said in str(caught.value)


def test_everything_wrong_in_all_tables_is_said_at_once(pyproject):
    pyproject("[tool.furu.slurm.default]\ncpu = 3\n[tool.furu.slurm.gpu]\ngpus = -1\n")
    with pytest.raises(FuruConfigError) as caught:
        project_specs()
    assert "[tool.furu.slurm.default]: cpu: unknown" in str(caught.value)
    assert "[tool.furu.slurm.gpu]: gpus: must be at least 0" in str(caught.value)


@pytest.mark.parametrize("text", ["[tool.furu]\nslurm = 3\n", "[tool.furu.slurm]\npartition = 'x'\n"])
def test_a_table_in_the_wrong_place_is_refused(pyproject, text):
    pyproject(text)
    with pytest.raises(FuruSettingsError, match=r"must hold a table for each spec key"):
        project_specs()
