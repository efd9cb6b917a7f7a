"""What stores one kind of value; users write such classes too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from furu.storage.results.directory import ResultDirectory

Json = Any  # None | bool | int | float | str | list[Json] | dict[str, Json]; mypy can't use the recursive form well


class Codec(Protocol):
    """Stores values of the types it handles, and loads them.

    `store` writes what is large or binary to files of the directory and returns a record: JSON, or anything that other
    codecs store (bytes, arrays, tuples). `load` gets the record back as it was, and the directory the files are in:

        class Molecules:
            name = "acme.molecule"

            def handles(self, kind):
                return kind is Molecule

            def store(self, value, directory):
                path = directory.new_file(".mol")
                value.write(path)
                return {"file": path.name, "charge": value.charge}

            def load(self, record, directory):
                return Molecule.read(result_file(record["file"], directory), charge=record["charge"])

    Attributes:
        name: stands in every record, for ever; begin it with the name of your project.
    """

    @property
    def name(self) -> str:
        """What records call this codec."""
        ...

    def handles(self, kind: type, /) -> bool:
        """Whether values of exactly the type `kind`, and not of a subclass, are stored by this codec."""

    def store(self, value: Any, directory: ResultDirectory, /) -> Json:
        """Write the value's files into `directory`, by names that it gives, and return the value's record."""

    def load(self, record: Json, directory: Path, /) -> object:
        """The value of a record; `directory` is the one to give to `result_file`."""
