"""Which nodes of a level can be one array of jobs: pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from furu.execution.slurm.text import base_job_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ARRAY_FROM: Final = 8
"""How many jobs are worth an array: fewer are handier one by one."""


class Group(NamedTuple):
    """Nodes to be submitted together.

    Attributes:
        nodes: hashes; of an array in the order of its elements.
        after_ok: jobs that all of them wait for; an array of which all elements are meant has one id.
        after_corresponding: arrays of which each element is waited for by the node of the same index only.
    """

    nodes: tuple[str, ...]
    after_ok: tuple[str, ...] = ()
    after_corresponding: tuple[str, ...] = ()


class Waiting(NamedTuple):
    """A node to be submitted.

    Attributes:
        hash: which.
        spec_key: the resources it wants.
        parents: jobs that it waits for.
    """

    hash: str
    spec_key: str
    parents: frozenset[str]


def group_level(level: Sequence[Waiting], arrays: Mapping[str, int], *, largest: int) -> Iterator[Group]:
    """Groups of nodes that don't wait for each other, so that each waits for exactly its own parents.

    Together go nodes of equal resources with equal parents; or, one to one, with the elements of the same arrays.

    Args:
        level: the nodes.
        arrays: the arrays among the jobs: id -> how many elements.
        largest: how many elements an array may have.
    """
    rest = []
    for alike in _alike(level, lambda node: (node.spec_key, _pattern(node.parents, arrays))):
        bases = sorted(base for job_id in alike[0].parents if (base := base_job_id(job_id)) in arrays)
        by_index = _one_to_one(alike, bases, arrays)
        if by_index is None:
            rest += alike
            continue
        others = [job_id for job_id in alike[0].parents if base_job_id(job_id) not in arrays]
        yield Group(tuple(node.hash for node in by_index), tuple(sorted(others)), tuple(bases))
    for alike in _alike(rest, lambda node: (node.spec_key, node.parents)):
        after_ok = tuple(_shortened(alike[0].parents, arrays))
        size = largest if len(alike) >= ARRAY_FROM else 1
        for start in range(0, len(alike), size):
            yield Group(tuple(node.hash for node in alike[start : start + size]), after_ok)


def _alike(nodes: Iterable[Waiting], key: Callable[[Waiting], object]) -> list[list[Waiting]]:
    groups: defaultdict[object, list[Waiting]] = defaultdict(list)
    for node in nodes:
        groups[key(node)].append(node)
    return list(groups.values())


def _pattern(parents: frozenset[str], arrays: Mapping[str, int]) -> frozenset[str]:
    """The parents, with whole arrays in the place of their elements."""
    return frozenset(base if (base := base_job_id(job_id)) in arrays else job_id for job_id in parents)


def _one_to_one(nodes: list[Waiting], bases: list[str], arrays: Mapping[str, int]) -> list[Waiting] | None:
    """The nodes in the order of the elements that they wait for; None if they don't correspond one to one."""
    if not bases or len(set(bases)) < len(bases) or {arrays[base] for base in bases} != {len(nodes)}:
        return None
    found: dict[int, Waiting] = {}
    for node in nodes:
        indices = {int(job_id.partition("_")[2]) for job_id in node.parents if base_job_id(job_id) in arrays}
        if len(indices) != 1 or sum(base_job_id(job_id) in arrays for job_id in node.parents) != len(bases):
            return None
        found[indices.pop()] = node
    return [found[index] for index in range(len(nodes))] if len(found) == len(nodes) else None


def _shortened(job_ids: Iterable[str], arrays: Mapping[str, int]) -> list[str]:
    """The same jobs with fewer ids: an array of which all elements are meant is one."""
    ids = set(job_ids)
    counts = Counter(base_job_id(job_id) for job_id in ids)
    whole = {base for base, count in counts.items() if arrays.get(base) == count}
    return sorted({base if (base := base_job_id(job_id)) in whole else job_id for job_id in ids})
