"""A study in small, for pools on a real Slurm: what a node saw of its job is in its result."""

from __future__ import annotations

import os
import threading

import furu
from tests.support.deeds import place


def _note(name: str) -> None:
    with place("created").open("a") as file:
        file.write(f"{name}\n")


class Images(furu.Furu[dict[str, str]]):
    """What everything begins with."""

    part: int

    def _create(self) -> dict[str, str]:
        _note(f"images{self.part}")
        return {"partition": os.environ["SLURM_JOB_PARTITION"]}


class Model(furu.Furu[dict[str, str]]):
    """Trained on a GPU."""

    images: Images
    depth: int

    def _executor_spec_key(self) -> str:
        return "gpu"

    def _create(self) -> dict[str, str]:
        _note(f"model{self.images.part}.{self.depth}")
        data = self.images.get()
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return {"data": data["partition"], "partition": os.environ["SLURM_JOB_PARTITION"], "gpus": gpus}


class Report(furu.Furu[list[str]]):
    """Over all models."""

    models: tuple[Model, ...]

    def _create(self) -> list[str]:
        _note("report")
        return [model.get()["partition"] for model in self.models]


class Cheat(furu.Furu[str]):
    """Asks, on a GPU, for something that it did not declare."""

    def _executor_spec_key(self) -> str:
        return "gpu"

    def _create(self) -> str:
        return Images(part=99).get()["partition"]


class Slow(furu.Furu[str]):
    """Takes its time, the first time: until it is stopped, or a test lets it go on."""

    name: str

    def _create(self) -> str:
        _note(self.name)
        place(f"job {self.name} {os.environ.get('SLURM_JOB_ID')}").touch()
        place(f"on {self.name} {os.environ.get('SLURMD_NODENAME')} {os.getpid()}").touch()
        try:
            place(f"first {self.name}").touch(exist_ok=False)
        except FileExistsError:
            return self.name
        for _ in range(6000):
            if place(f"go {self.name}").exists():
                break
            threading.Event().wait(0.01)
        return self.name


STUDY = Report(models=tuple(Model(images=Images(part=part), depth=depth) for part in range(3) for depth in range(2)))
