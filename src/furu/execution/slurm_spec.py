"""What a job asks Slurm for, and what of it submitit must be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruConfigError, FuruError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT_SPEC_KEY: Final = "default"
ADDITIONAL: Final = "slurm_additional_parameters"


class FuruMissingSpec(FuruError, KeyError):
    """The plan needs spec keys that `specs` doesn't have.

    Attributes:
        missing: spec key -> `Class(hash)` of the nodes that want it.
        known: the keys there are.
    """

    def __init__(self, *, missing: Mapping[str, Sequence[str]], known: Iterable[str]) -> None:
        self.missing = {key: tuple(nodes) for key, nodes in missing.items()}
        self.known = tuple(sorted(known))
        wants = "; ".join(_describe_missing(key, nodes) for key, nodes in self.missing.items())
        super().__init__(
            f"specs lacks {wants}. Keys there are: {', '.join(map(repr, self.known)) or 'none'}",
            hints=[f"add specs[{key!r}] = furu.SlurmSpec(...)" for key in self.missing],
        )


def _describe_missing(key: str, nodes: Sequence[str], shown: int = 3) -> str:
    if not nodes:
        return f"{key!r}, which is required"
    more = f" and {len(nodes) - shown} more" if len(nodes) > shown else ""
    return f"{key!r}, wanted by {', '.join(nodes[:shown])}{more}"


class FrozenMapping(Mapping[str, Any]):
    """A mapping that can't change and has a hash; equal to a dict of the same items."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = {key: freeze(value) for key, value in items.items()}
        self._hash = hash(frozenset(self._items.items()))

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._items == {key: freeze(value) for key, value in other.items()}

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMapping, (thaw(self),)


def freeze(value: Any) -> Any:
    """`value` with mappings and lists inside made immutable; TypeError if what is left has no hash."""
    if isinstance(value, FrozenMapping):
        return value
    if isinstance(value, Mapping):
        return FrozenMapping(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    hash(value)
    return value


def thaw(value: Any) -> Any:
    """The dicts and lists that submitit expects."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


@dataclass(frozen=True, kw_only=True)
class SlurmSpec:
    """The resources of one spec key; what is None is left to the cluster's defaults.

    Attributes:
        partition: name of the partition.
        gpus: GPUs per node.
        cpus: CPUs per task.
        mem_gb: memory per node in GiB.
        time_min: time limit in minutes; without one, submitit's own default of 5 minutes holds for what it submits.
        extra: any other parameter of `submitit.AutoExecutor` (`{"slurm_account": "lab"}`), and below
            `"slurm_additional_parameters"` any option of sbatch. It wins over the fields.

    Raises:
        FuruConfigError: naming every bad value at once.
    """

    partition: str | None = None
    gpus: int | None = None
    cpus: int | None = None
    mem_gb: float | None = None
    time_min: int | None = None
    extra: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        issues = [*self._number_issues(), *self._partition_issues(), *_extra_issues(self.extra)]
        if issues:
            lines = "; ".join(f"{field}: {issue}" for field, issue in issues)
            raise FuruConfigError(f"SlurmSpec: {lines}", issues=issues)
        object.__setattr__(self, "extra", FrozenMapping(self.extra or {}))

    def _number_issues(self) -> Iterator[tuple[str, str]]:
        for field, types, least in _NUMBERS:
            value: Any = getattr(self, field)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, types):
                yield field, f"must be {'a number' if float in types else 'an int'}, not {value!r}"
            elif not least <= value < float("inf"):
                yield field, f"must be at least {least}, not {value!r}"

    def _partition_issues(self) -> Iterator[tuple[str, str]]:
        partition: Any = self.partition
        if partition is not None and not (isinstance(partition, str) and partition.strip()):
            yield "partition", f"must be a name, not {partition!r}"

    def to_submitit_parameters(
        self, *, parent_job_ids: Sequence[str] = (), corresponding_job_ids: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Keywords for `AutoExecutor.update_parameters`.

        With parents the job starts when all of them ended well, and is cancelled when that can't happen any
        more: without this it would stay pending for ever.

        Args:
            parent_job_ids: ids of jobs that Slurm still knows. An id that it has forgotten counts as a success.
            corresponding_job_ids: for an array: arrays whose elements are the parents of those with the same index.
        """
        fields = {
            "timeout_min": self.time_min,
            "slurm_partition": self.partition,
            "cpus_per_task": self.cpus,
            "mem_gb": self.mem_gb,
            "gpus_per_node": self.gpus or None,
        }
        extra: dict[str, Any] = thaw(self.extra)
        additional: dict[str, Any] = extra.pop(ADDITIONAL, {})
        conditions = [
            f"{kind}:{':'.join(job_ids)}"
            for kind, job_ids in (("afterok", parent_job_ids), ("aftercorr", corresponding_job_ids))
            if job_ids
        ]
        if conditions:
            additional = {
                "kill-on-invalid-dep": "yes",
                **additional,
                "dependency": ",".join([*filter(None, [additional.get("dependency")]), *conditions]),
            }
        parameters = {name: value for name, value in fields.items() if value is not None} | extra
        return parameters | {ADDITIONAL: additional} if additional else parameters


_NUMBERS: Final[tuple[tuple[str, tuple[type[float], ...], float], ...]] = (
    ("gpus", (int,), 0),
    ("cpus", (int,), 1),
    ("mem_gb", (int, float), 1 / 1024),
    ("time_min", (int,), 1),
)


def _extra_issues(extra: Any) -> Iterator[tuple[str, str]]:
    if extra is None:
        return
    if not isinstance(extra, Mapping):
        yield "extra", f"must be a mapping, not {extra!r}"
        return
    for name, value in extra.items():
        if not isinstance(name, str):
            yield "extra", f"names must be str, not {name!r}"
        elif not _has_frozen_form(value):
            yield f"extra[{name!r}]", f"must be made of numbers, str, lists and mappings, not {value!r}"
    additional = extra.get(ADDITIONAL, {})
    if not isinstance(additional, Mapping):
        yield f"extra[{ADDITIONAL!r}]", f"must be a mapping, not {additional!r}"
    elif "?" in str(additional.get("dependency", "")):
        # sbatch joins conditions by "," (all) or "?" (any) but never by both, and ours must all hold.
        yield f"extra[{ADDITIONAL!r}]['dependency']", "can't contain '?': it is joined with the parents' jobs by ','"


def _has_frozen_form(value: Any) -> bool:
    try:
        freeze(value)
    except TypeError:
        return False
    return True


def check_specs(specs: Mapping[str, Any], needed: Mapping[str, Sequence[str]]) -> None:
    """Refuse before anything is submitted.

    Args:
        specs: spec key -> SlurmSpec, as the user gave it; must have `"default"`.
        needed: spec key -> `Class(hash)` of the nodes that want it.

    Raises:
        FuruMissingSpec: (a KeyError) naming every key that is missing and who wants it.
        FuruConfigError: it is no mapping, or a value is not a SlurmSpec.
    """
    given: object = specs
    if not isinstance(given, Mapping):
        msg = (
            f'specs must be a mapping of spec keys to SlurmSpec, such as {{"default": furu.SlurmSpec()}}, not {specs!r}'
        )
        raise FuruConfigError(msg, issues=[("specs", f"is a {type(specs).__qualname__}")])
    issues = [
        (f"specs[{key!r}]", f"must be a SlurmSpec, not {spec!r}")
        for key, spec in specs.items()
        if not isinstance(spec, SlurmSpec)
    ]
    if issues:
        raise FuruConfigError("; ".join(f"{field} {issue}" for field, issue in issues), issues=issues)
    wanted = {DEFAULT_SPEC_KEY: (), **needed}
    if missing := {key: nodes for key, nodes in wanted.items() if key not in specs}:
        raise FuruMissingSpec(missing=missing, known=specs)
