"""Why a value can't be stored, and what its owner can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.identity.fields import Config

if TYPE_CHECKING:
    from collections.abc import Iterable

GENERAL_HINTS: Final = (
    "define _load(), and let _create() write files below self.furu_dir",
    "return a dataclass, a pydantic model or a dict of storable values",
    "register a codec for the type: furu.register_codec(...)",
    'or allow pickles for this class alone: class ...(furu.Furu[...], codec="pickle")',
)

_CONFIG_HINT: Final = "return what the config computes, or its furu_hash, or its to_dict()"

# Keyed by library and name: one that isn't installed has no types to look up.
_HINTS: Final = {
    "collections.defaultdict": "return dict(value)",
    "collections.deque": "return list(value)",
    "builtins.generator": "return list(value): a generator can be read only once",
    "builtins.range": "return list(value)",
    "builtins.memoryview": "return bytes(value)",
    "builtins.function": "return the function's name",
    "builtins.type": "return the class's name",
    "builtins.dict_keys": "return list(value)",
    "builtins.dict_values": "return list(value)",
    "builtins.dict_items": "return list(value)",
    "types.SimpleNamespace": "return vars(value)",
    "types.MappingProxyType": "return dict(value)",
    "numpy.matrix": "return numpy.asarray(value)",
    "numpy.memmap": "return numpy.array(value), or the Path of the file",
    "numpy.MaskedArray": "return (value.data, value.mask)",
    "numpy.recarray": "return numpy.asarray(value)",
    "pandas.Timestamp": "return value.to_pydatetime()",
    "pandas.Timedelta": "return value.to_pytimedelta()",
    "pandas.Index": "return value.to_series()",
    "polars.LazyFrame": "return value.collect()",
    "pyarrow.RecordBatch": "return pyarrow.Table.from_batches([value])",
    "torch.Module": "return value.state_dict()",
}


class Unstorable(Exception):
    """A value that no codec takes: a signal to `store_result`, which knows the path; never seen by users."""

    def __init__(self, reason: str, *, kind: type, hints: Iterable[str] = GENERAL_HINTS) -> None:
        super().__init__(reason)
        self.reason, self.kind, self.hints = reason, kind, tuple(hints)


class Unloadable(Exception):
    """A sound record whose value can't be made here: a signal to `load_result`, never seen by users."""

    def __init__(self, reason: str, *, name: str, hints: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.reason, self.name, self.hints = reason, name, tuple(hints)


def type_name(kind: type) -> str:
    """`module.qualname`, without the module for builtins."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def refusal(kind: type) -> Unstorable:
    """Why no codec takes values of `kind`, with what to do first."""
    if issubclass(kind, Config):
        reason = f"{type_name(kind)} is a furu config, not a result"
        return Unstorable(reason, kind=kind, hints=[_CONFIG_HINT, *GENERAL_HINTS])
    return Unstorable(f"no codec takes a {type_name(kind)}", kind=kind, hints=[*_special_hints(kind), *GENERAL_HINTS])


def _special_hints(kind: type) -> list[str]:
    for base in kind.__mro__:
        known = f"{base.__module__.partition('.')[0]}.{base.__qualname__}"
        if known in _HINTS:
            return [_HINTS[known]]
        if base in (bool, int, float, str, bytes, list, tuple, set, frozenset, dict):
            return [f"subclasses are not stored as their base; return {base.__name__}(value)"]
    return []
