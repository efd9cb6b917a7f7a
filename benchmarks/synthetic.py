"""A store of very many artifacts in the real format, without computing them.

Records come from the code that writes them in earnest, so that `get()`, plans, index and all else find what they
would have found; only the lease and its many small steps are left out. Each config follows from its number, so that any
process can name any artifact of the store.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import furu
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.compute import render_identity
from furu.storage.layout import Ending
from furu.storage.process import ProcessIdentity
from furu.storage.records import ErrorRecord, OwnerRecord, SuccessRecord, Usage, render

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGAN_SEC: Final = 1_700_000_000
_FAILED_EVERY: Final = 50
_FILES_EVERY: Final = 10
_FILE_BYTES: Final = 2000
_SHARED: Final = 10
"""Splits that share a corpus, and the like: how much narrower each layer is than the one above."""


class Corpus(furu.Furu[int]):
    """What everything is made from."""

    number: int
    vocab: int = 16_000

    def _create(self) -> int:
        return self.number


class Split(furu.Furu[int]):
    """A part of a corpus."""

    corpus: Corpus
    fold: int

    def _create(self) -> int:
        return self.fold


class Train(furu.Furu[float]):
    """A training on a split; one in fifty has failed."""

    split: Split
    seed: int
    lr: float = 1e-3
    optimizer: str = "adam"

    def _create(self) -> float:
        return self.lr


class Score(furu.Furu[dict[str, float]]):
    """How good a training is."""

    train: Train
    metric: str = "accuracy"

    def _create(self) -> dict[str, float]:
        return {self.metric: 0.5}


class Report(furu.Furu[int]):
    """Above all the others; never stored."""

    parts: tuple[furu.Furu[Any], ...]

    def _create(self) -> int:
        return len(self.parts)


_RATES: Final = (1e-1, 1e-2, 1e-3)


class Family:
    """All configs of a store of `count` artifacts: 1 % corpora, 9 % splits, 45 % trainings, 45 % scores."""

    def __init__(self, count: int) -> None:
        corpora = count // (_SHARED * _SHARED)
        splits = count // _SHARED - corpora
        trains = (count - corpora - splits) // 2
        self.corpora = [Corpus(number=number) for number in range(corpora)]
        self.splits = [Split(corpus=self.corpora[number % corpora], fold=number // corpora) for number in range(splits)]
        self.trains = [self._train(number) for number in range(trains)]
        scores = count - corpora - splits - trains
        self.scores = [Score(train=self.trains[number % trains], metric=_metric(number)) for number in range(scores)]

    def _train(self, number: int) -> Train:
        split = self.splits[number % len(self.splits)]
        return Train(split=split, seed=number // len(self.splits), lr=_RATES[number % len(_RATES)])

    def __iter__(self) -> Iterator[furu.Furu[Any]]:
        yield from itertools.chain[furu.Furu[Any]](self.corpora, self.splits, self.trains, self.scores)


def _metric(number: int) -> str:
    return "accuracy" if number % 2 else "loss"


def fill(count: int) -> None:
    """Store all of a family below the root in force: dependencies first, one second after the other."""
    for number, config in enumerate(Family(count)):
        _store(config, number, is_failed=isinstance(config, Train) and number % _FAILED_EVERY == 0)


def _store(config: furu.Furu[Any], number: int, *, is_failed: bool) -> None:
    began = float(_BEGAN_SEC + number)
    token = f"{int(began) * 1_000_000_000:020d}-{number:012x}"
    paths = artifact_paths(config)
    attempt = paths.ended(token, Ending.FAILED if is_failed else Ending.OK)
    os.makedirs(attempt.base)
    os.mkdir(paths.lock)
    _write(paths.config, render_identity(config))
    node = f"{type(config).__qualname__}({config.furu_hash})"
    process = ProcessIdentity(f"node{number % 64}", "m", "b", 1, 2, "3", "ada")
    owner = OwnerRecord(**vars(process), token=token, node=node, lease_sec=120.0, at=began)
    _write(attempt.owner, render(owner))
    usage = Usage(float(1 + number % 1000), 1.0, 1.0, 50_000_000)
    if is_failed:
        error = ErrorRecord("builtins.ValueError", "loss is nan", "Traceback", began + usage.wall_sec, usage)
        _write(attempt.error, render(error))
    else:
        has_files = number % _FILES_EVERY == 0
        if has_files:
            os.makedirs(paths.files_of(token))
            _write(f"{paths.files_of(token)}/weights.bin", bytes(_FILE_BYTES))
        value = {"codec": "json", "value": config._create()}
        published_at = began + usage.wall_sec
        _write(
            attempt.success, render(SuccessRecord(token, token if has_files else None, published_at, [value], usage))
        )
        os.link(attempt.success, paths.success)
    os.utime(paths.base, (began, began))  # as old as its records say: an index looks again at what is young


def _write(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
