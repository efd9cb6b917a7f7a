"""What a computation returned, stored by its type and loaded back equal and of the same type.

A record for SUCCESS.json holds small values themselves; what is large or binary lies in `files/<token>/.result/`.
`{"codec": "json", "value": ...}` is plain JSON, loaded without a look; `"tree"` marks what JSON has no word for;
`"pickle"` is written and read for classes only that say `codec="pickle"`. With `"file"` in the place of `"value"`
the JSON lies in a file. Objects that a result holds twice come back as two.
"""

from __future__ import annotations

import json
import pickle
import zlib
from pathlib import Path
from typing import Final, cast

from furu.errors import FuruCodecError, FuruCorruptRecord
from furu.storage.access import refuse_open_to_all
from furu.storage.results.codec import Codec, Json
from furu.storage.results.decoder import Decoder
from furu.storage.results.directory import (
    RESULT_FOLDER,
    ResultDirectory,
    open_result,
    read_bytes,
    record_name,
    result_file,
    write_bytes,
)
from furu.storage.results.encoder import Encoder, is_plain
from furu.storage.results.refusal import GENERAL_HINTS, type_name
from furu.storage.results.register import codec_named, codec_names, register_codec
from furu.storage.results.storable import check_storable

__all__ = [
    "RESULT_FOLDER",
    "Codec",
    "Json",
    "ResultDirectory",
    "check_storable",
    "load_result",
    "register_codec",
    "result_file",
    "store_result",
]

_MAX_INLINE_CHARACTERS: Final = 65_536
_SMALL: Final = frozenset({bool, int, float, type(None)})


def store_result(value: object, directory: ResultDirectory, *, codec: str | None = None) -> Json:
    """Store a result and give its record for SUCCESS.json, in which `value` itself may be: write it before going on.

    Args:
        value: what `_create()` returned.
        directory: takes the files, and is made only if there are any.
        codec: the class option; `"pickle"`, or the name of a codec that is to store the value whatever its type.

    Raises:
        FuruCodecError: (a `TypeError`) no codec takes something in it; names where, and what to do.
        OSError: a file could not be written.
    """
    if codec is not None:
        return _store_by(codec, value, directory)
    if is_plain(value):
        return _record("json", value, directory)
    return _record("tree", Encoder(directory).encode_result(value), directory)


def load_result(record: Json, directory: str | Path, *, allow_pickle: bool = False) -> object:
    """The value that `store_result` gave this record for; parts of the record may become parts of the value.

    Args:
        record: as `store_result` returned it, possibly through JSON.
        directory: the `files/<token>/` it was stored with; not looked at when the record holds everything.
        allow_pickle: only for a class that says `codec="pickle"`.

    Raises:
        FuruCodecError: a codec or class is not known here or has changed, or the record is a pickle's.
        FuruCorruptRecord: the record or a file of it is missing, damaged or forged.
        OSError: a file could not be read.
    """
    if type(record) is dict and record.get("codec") == "json" and "value" in record:
        return record["value"]
    directory = Path(directory)  # not before: it would take longer than all else of a plain result
    if type(record) is not dict or "codec" not in record:
        msg = f"not the record of a result: {record!r:.80}"
        raise FuruCorruptRecord(msg, path=directory)
    codec = record["codec"]
    if codec == "pickle":
        return _load_pickle(record, directory, is_allowed=allow_pickle)
    if codec not in ("json", "tree"):
        msg = f"the record of the result has the codec {codec!r}, which is not known here"
        raise FuruCodecError(msg, value_type=str(codec), hints=["the result may be of a newer furu"])
    if "value" in record:
        value = record["value"]
    else:
        with open_result(record.get("file"), directory) as file:
            content = file.read()
            if record.get("crc", crc := zlib.crc32(content)) != crc:
                msg = "its checksum is wrong"
                raise ValueError(msg)
            value = json.loads(content)
    return value if codec == "json" else Decoder(directory).decode_result(value)


def check_codec(name: str) -> None:
    """Refuse the name of a codec that this process doesn't know.

    Raises:
        FuruCodecError: it is neither "pickle" nor registered.
    """
    if name != "pickle" and codec_named(name) is None:
        msg = f"there is no codec {name!r}; there are: {', '.join(['pickle', *codec_names()])}"
        hint = "furu.register_codec() must have run where the result is computed"
        raise FuruCodecError(msg, value_type=name, hints=[hint])


def _record(codec: str, value: Json, directory: ResultDirectory) -> Json:
    if type(value) not in _SMALL:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        if len(text) > _MAX_INLINE_CHARACTERS:
            content = text.encode("ascii")
            return {"codec": codec, "file": write_bytes(content, ".json", directory), "crc": zlib.crc32(content)}
    return {"codec": codec, "value": value}


def _store_by(name: str, value: object, directory: ResultDirectory) -> Json:
    if name == "pickle":
        return _store_pickle(value, directory)
    check_codec(name)
    codec = cast("Codec", codec_named(name))
    return _record("tree", Encoder(directory).encode_result(value, codec), directory)


def _store_pickle(value: object, directory: ResultDirectory) -> Json:
    try:
        with directory.create(".pkl") as file:
            pickle.dump(value, file, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        kind = type_name(type(value))
        msg = f"a {kind} can't be pickled: {error}"
        raise FuruCodecError(msg, value_type=kind, hints=GENERAL_HINTS[:3]) from error
    return {"codec": "pickle", "file": record_name(file)}


def _load_pickle(record: dict[str, Json], directory: Path, *, is_allowed: bool) -> object:
    if not is_allowed:
        msg = "the result is a pickle, and loading one runs whatever code it names"
        hint = 'trust the store with class ...(furu.Furu[...], codec="pickle"), or delete() it and compute it again'
        raise FuruCodecError(msg, value_type="pickle", hints=[hint])
    refuse_open_to_all(str(result_file(record.get("file"), directory)), "a pickle")
    content = read_bytes(record.get("file"), directory)
    try:
        return pickle.loads(content)  # noqa: S301 -- the class asked for it
    except (pickle.UnpicklingError, EOFError) as error:
        msg = f"the pickle can't be read: {error}"
        raise FuruCorruptRecord(msg, path=result_file(record["file"], directory)) from error
