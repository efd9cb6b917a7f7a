"""pyarrow itself, and its tables as Arrow files, which keep every type that Arrow has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruCodecError
from furu.storage.results.directory import ResultDirectory, open_result, record_name

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.codec import Json

_FIRST_SAFE: Final = (14, 0, 1)


class ArrowTable:
    """`pyarrow.Table`."""

    name = "pyarrow.table"

    def handles(self, kind: type, /) -> bool:
        pyarrow = sys.modules.get("pyarrow")
        return pyarrow is not None and kind is pyarrow.Table

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        pyarrow = import_pyarrow()
        with directory.create(".arrow") as file, pyarrow.ipc.new_file(file, value.schema) as writer:
            writer.write_table(value)
        return {"file": record_name(file)}

    def load(self, record: Json, directory: Path, /) -> object:
        pyarrow = import_pyarrow()
        with open_result(record["file"], directory) as file:
            return pyarrow.ipc.open_file(file).read_all()


def import_pyarrow() -> Any:
    """Import pyarrow with what codecs use of it.

    Raises:
        FuruCodecError: it is so old that reading a forged file could run code (CVE-2023-47248).
        ImportError: it is not installed.
    """
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet

    version = tuple(int(part) for part in pa.__version__.split(".")[:3] if part.isdigit())
    if version < _FIRST_SAFE:
        msg = f"pyarrow {pa.__version__} may run code while it reads a file"
        raise FuruCodecError(msg, value_type="pyarrow.Table", hints=["pip install --upgrade pyarrow"])
    return pa
