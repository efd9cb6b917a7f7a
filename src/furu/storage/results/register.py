"""Which codec stores a type: those that users registered, then those for libraries that furu knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from furu.errors import FuruCodecError
from furu.storage.results.arrays import NumpyArray, NumpyScalar
from furu.storage.results.arrow_tables import ArrowTable
from furu.storage.results.pandas_frames import PandasFrame, PandasSeries
from furu.storage.results.polars_frames import PolarsFrame, PolarsSeries
from furu.storage.results.tensors import StateDict, TorchTensor

if TYPE_CHECKING:
    from furu.storage.results.codec import Codec

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*")

STATE_DICT: Final = StateDict()

_LIBRARIES: Final[dict[str, Codec]] = {
    codec.name: codec
    for codec in (
        NumpyArray(),
        NumpyScalar(),
        PandasFrame(),
        PandasSeries(),
        PolarsFrame(),
        PolarsSeries(),
        ArrowTable(),
        TorchTensor(),
        STATE_DICT,
    )
}
_RESERVED: Final = frozenset({"json", "tree", "pickle", *_LIBRARIES})

_registered: dict[str, Codec] = {}


def register_codec(codec: Codec) -> None:
    """Let `codec` store the results it handles, in this process; call it in the module that defines their types.

    It is asked before furu's own codecs, except for what is exactly a None, bool, int, float, str, bytes, bytearray,
    list, tuple, set, frozenset or dict. A codec of the same name is replaced.

    Raises:
        FuruCodecError: it has no usable name, or not the methods of `Codec`.
    """
    global _registered  # noqa: PLW0603 -- replaced as a whole: other threads may be going through the old one
    kind = type(codec).__qualname__
    name = getattr(codec, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        msg = f"{kind}.name is {name!r}; a codec needs a name of its own of letters, digits, '_', '-', '.'"
        raise FuruCodecError(msg, value_type=kind, hints=[f"taken are: {', '.join(sorted(_RESERVED))}"])
    missing = [method for method in ("handles", "store", "load") if not callable(getattr(codec, method, None))]
    if missing:
        msg = f"codec {name!r} ({kind}) has no {', '.join(f'{method}()' for method in missing)}"
        raise FuruCodecError(msg, value_type=kind, hints=["see furu.Codec for an example"])
    others = {other: each for other, each in _registered.items() if other != name}
    _registered = {name: codec, **others}


def registered_codec(kind: type) -> Codec | None:
    """The user's codec for values of exactly this type; the one registered last wins."""
    return next((codec for codec in _registered.values() if codec.handles(kind)), None)


def library_codec(kind: type) -> Codec | None:
    """Furu's own codec for a type of a library; never imports the library."""
    return next((codec for codec in _LIBRARIES.values() if codec.handles(kind)), None)


def codec_named(name: object) -> Codec | None:
    """The codec that a record or a class option names."""
    return (_registered.get(name) or _LIBRARIES.get(name)) if isinstance(name, str) else None


def codec_names() -> list[str]:
    """Every name that `codec_named` knows."""
    return sorted({*_registered, *_LIBRARIES})
