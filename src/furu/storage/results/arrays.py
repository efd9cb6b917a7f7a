"""NumPy arrays as `.npy`, scalars by their dtype and bytes. NumPy is imported when one is loaded."""

from __future__ import annotations

import io
import re
import sys
from typing import IO, TYPE_CHECKING, Any, Final

from furu.storage.results.directory import ResultDirectory, open_result, record_name
from furu.storage.results.refusal import GENERAL_HINTS, Unstorable

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.codec import Json

_MAX_INLINE_BYTES: Final = 4096 - 128  # with the header of the format it stays below what is inlined
_MAX_HEADER_CHARACTERS: Final = 1 << 20
_SCALAR_KINDS: Final = "biufcmMSU"
_DTYPE: Final = re.compile(r"[<>|=][biufcmMSU][0-9]*(\[[0-9A-Za-z/]+\])?")


class NumpyArray:
    """`numpy.ndarray` itself, of any dtype without Python objects."""

    name = "numpy.array"

    def handles(self, kind: type, /) -> bool:
        numpy = sys.modules.get("numpy")
        return numpy is not None and kind is numpy.ndarray

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        _check_dtype(value.dtype)
        if value.nbytes <= _MAX_INLINE_BYTES:
            buffer = io.BytesIO()
            _write(value, buffer)
            return buffer.getvalue()
        with directory.create(".npy") as file:
            _write(value, file)
        return {"file": record_name(file)}

    def load(self, record: Json, directory: Path, /) -> object:
        if isinstance(record, bytes):
            return _read(io.BytesIO(record))
        with open_result(record["file"], directory) as file:
            return _read(file)


class NumpyScalar:
    """`numpy.float32(1)` and its like."""

    name = "numpy.scalar"

    def handles(self, kind: type, /) -> bool:
        numpy = sys.modules.get("numpy")
        return numpy is not None and kind.__module__ == "numpy" and issubclass(kind, numpy.generic)

    def store(self, value: Any, _directory: ResultDirectory, /) -> Json:
        if value.dtype.kind not in _SCALAR_KINDS:
            reason = f"a numpy scalar of dtype {value.dtype} has Python objects or fields"
            raise Unstorable(reason, kind=type(value), hints=["return value.item()"])
        return [value.dtype.str, value.tobytes()[: value.dtype.itemsize]]  # numpy gives an empty string one byte

    def load(self, record: Json, _directory: Path, /) -> object:
        import numpy as np

        name, content = record
        if not isinstance(name, str) or not _DTYPE.fullmatch(name):
            msg = f"{name!r} is not the dtype of a scalar"
            raise ValueError(msg)
        dtype = np.dtype(name)
        if len(content) != dtype.itemsize:
            msg = f"{len(content)} bytes for a {name}"
            raise ValueError(msg)
        # An empty string has no bytes, which numpy would not take for a buffer.
        return np.ndarray((), dtype, buffer=content or b"\0")[()]


def _check_dtype(dtype: Any) -> None:
    from numpy.lib import format as npy

    if dtype.hasobject:
        reason = f"a numpy array of dtype {dtype} holds Python objects, which only pickle could store"
        hints = ["return value.tolist(), or give it a dtype: value.astype(float)", *GENERAL_HINTS]
        raise Unstorable(reason, kind=type(dtype), hints=hints)
    if dtype.metadata is not None or npy.descr_to_dtype(npy.dtype_to_descr(dtype)) != dtype:
        reason = f"a numpy array of dtype {dtype!r} would come back with another one"
        raise Unstorable(reason, kind=type(dtype), hints=["convert it: value.astype(...)"])


def _write(array: Any, file: IO[bytes]) -> None:
    from numpy.lib import format as npy

    npy.write_array(file, array, allow_pickle=False)


def _read(file: IO[bytes]) -> Any:
    from numpy.lib import format as npy

    # Not numpy.load, which would also open archives. The header is a literal, and long for many fields.
    return npy.read_array(file, allow_pickle=False, max_header_size=_MAX_HEADER_CHARACTERS)
