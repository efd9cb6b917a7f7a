"""The way back from canonical JSON to values, and documents that carry a whole graph of configs.

A document is `{v, scheme, class, namespace, version, hash, fields, configs}`; `fields` are encoded values and
`configs` holds each nested config once, under the reference that the values use. Shared configs stay shared, and a
ladder of twenty levels is forty entries, not a million.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import fractions
import importlib
import inspect
import pathlib
import sys
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, RootModel

from furu.errors import FuruConfigError
from furu.identity.dependencies import declared_dependencies, field_dependencies
from furu.identity.digest import furu_hash
from furu.identity.encode import SCHEME, Json, encode, encode_at
from furu.identity.fields import Config
from furu.identity.shape import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCUMENT_VERSION: Final = 1
_KEYS: Final = frozenset(
    {"v", "scheme", "class", "namespace", "version", "hash", "fields", "dependencies", "configs", "schema"}
)


class FuruDecodeError(FuruConfigError):
    """A document is not what `to_dict()` of this code would have written."""


def encode_config(config: Config) -> dict[str, Json]:
    """The document of one config without those it refers to: what config.json holds."""
    spec = type(config).__furu_class__
    return {
        "v": DOCUMENT_VERSION,
        "scheme": SCHEME,
        "class": spec.class_path,
        "namespace": spec.namespace,
        "version": spec.version,
        "hash": furu_hash(config),
        "fields": {
            field.name: encode_at(f"{spec.qualname}.{field.name}", getattr(config, field.name)) for field in spec.fields
        },
        "dependencies": sorted(encode(each)["$config"] for each in _declared(config)),
    }


def _declared(config: Config) -> list[Config]:
    """The configs of `_dependencies()`, hashed; readers of the document see them, `decode_graph` asks the class."""
    if not type(config).__furu_class__.declares_dependencies:
        return []
    declared = declared_dependencies(config)
    for each in declared:
        furu_hash(each)
    return declared


def encode_graph(config: Config) -> dict[str, Json]:
    """The document of a config and of every config below it, each once.

    Raises:
        ValueError: a class in it is local or in `__main__`, so that nobody could read the document.
    """
    document = encode_config(config)
    configs: dict[str, Json] = {}
    waiting = [config]
    while waiting:
        current = waiting.pop()
        type(current).__furu_class__.check_storable()
        for nested in field_dependencies(current):
            reference = encode(nested)["$config"]
            if reference not in configs:
                configs[reference] = encode_config(nested)
                waiting.append(nested)
    return {**document, "configs": configs}


def decode_graph(document: Mapping[str, Json], *, strict: bool = True) -> Config:
    """The config that `encode_graph` wrote.

    Args:
        document: of `encode_graph`, possibly through JSON.
        strict: refuse fields that the class doesn't have, fields that the document lacks, and a hash that
            differs from the stored one. Without it the class's present fields and defaults are used.

    Raises:
        FuruDecodeError: the document is damaged, or its class is gone or has changed.
    """
    if not isinstance(document, dict) or not document.keys() <= _KEYS or not {"class", "fields"} <= document.keys():
        msg = f"not a config document: its keys are {sorted(document) if isinstance(document, dict) else document!r}"
        raise FuruDecodeError(msg)
    nested = document.get("configs", {})
    for each in (document, *(nested.values() if isinstance(nested, dict) else (nested,))):
        if fault := fault_of(each):
            msg = f"not a config document: {fault}"
            raise FuruDecodeError(msg)
    decoded: dict[str, Config] = {}
    waiting = list(nested)
    open_references: set[str] = set()
    while waiting:
        reference = waiting[-1]
        missing = [each for each in references_of(nested[reference]) if each not in decoded]
        if reference in decoded:
            waiting.pop()
        elif not missing:
            decoded[waiting.pop()] = decode_config(nested[reference], decoded, strict=strict)
        else:
            _check_references(reference, missing, nested, open_references)
            open_references.add(reference)
            waiting.extend(missing)
    return decode_config(document, decoded, strict=strict)


def decode(value: Json, configs: Mapping[str, Config] | None = None) -> Any:
    """The value that `encode` gave this JSON for.

    Args:
        value: canonical JSON.
        configs: the configs that `$config` references stand for.

    Raises:
        FuruDecodeError: an unknown tag, a class that can't be imported, or a reference to nothing.
    """
    if isinstance(value, list):
        return [decode(item, configs) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next((key for key in value if key[:1] == "$"), None)
    if tag is None:
        return {key: decode(item, configs) for key, item in value.items()}
    decoder = _DECODERS.get(tag)
    if decoder is None:
        msg = f"unknown tag {tag!r}; known are {', '.join(sorted(_DECODERS))}"
        raise FuruDecodeError(msg)
    try:
        return decoder(value, configs or {})
    except FuruConfigError:
        raise
    except Exception as error:
        msg = f"damaged {tag} value {value!r}: {error}"
        raise FuruDecodeError(msg) from error


def import_class(path: str) -> type:
    """The class that `module:qualname` names.

    Raises:
        FuruDecodeError: it can't be imported, or is no class.
    """
    module_name, _, qualname = path.partition(":")
    if not all(_is_ordinary(part) for part in (*module_name.split("."), *qualname.split("."))):
        msg = f"{path!r} is not the name of a class"
        raise FuruDecodeError(msg)
    try:
        found: Any = sys.modules.get(module_name) or importlib.import_module(module_name)
    except (ImportError, AttributeError, ValueError) as error:
        msg = f"class {path!r} can't be imported: {error}"
        raise FuruDecodeError(msg) from error
    for part in qualname.split("."):
        # In the own names of modules and classes only, so that nothing of what is found runs.
        found = vars(found).get(part)
        if not isinstance(found, type):
            msg = (
                f"class {path!r} can't be imported: there is no {part!r}" if found is None else f"{path!r} is no class"
            )
            raise FuruDecodeError(msg)
    cls: type = found
    return cls


def _is_ordinary(name: str) -> bool:
    return name.isidentifier() and not (name.startswith("__") and name.endswith("__"))


def references_of(value: Json) -> list[str]:
    """Every `$config` reference in encoded values or in a document."""
    if isinstance(value, list):
        return [found for item in value for found in references_of(item)]
    if isinstance(value, dict):
        own = [value["$config"]] if "$config" in value else []
        return own + [found for key, item in value.items() if key != "$config" for found in references_of(item)]
    return []


def _check_references(
    reference: str, missing: list[str], nested: Mapping[str, Json], open_references: set[str]
) -> None:
    absent = [each for each in missing if each not in nested]
    if absent:
        msg = f"the document refers to {absent[0]}, which it doesn't hold"
        raise FuruDecodeError(msg)
    if reference in open_references:
        msg = f"the document's {reference} refers to itself"
        raise FuruDecodeError(msg)


def decode_config(document: Mapping[str, Json], configs: Mapping[str, Config], *, strict: bool = True) -> Config:
    """One config from its document; `configs` holds those it refers to.

    Raises:
        FuruDecodeError: as for `decode_graph`.
    """
    cls = import_class(document["class"])
    if not issubclass(cls, Config):
        msg = f"{document['class']!r} is no furu class"
        raise FuruDecodeError(msg)
    spec = cls.__furu_class__
    values = {name: decode(value, configs) for name, value in document["fields"].items()}
    known = {field.name for field in spec.fields}
    unknown, absent = sorted(values.keys() - known), sorted(known - values.keys())
    if strict and (unknown or absent):
        details = [f"has no field {name!r}" for name in unknown] + [f"now also has {name!r}" for name in absent]
        msg = f"{spec.class_path} {'; '.join(details)}; its fields are: {', '.join(sorted(known))}"
        raise FuruDecodeError(msg)
    config = cls(**{name: value for name, value in values.items() if name in known})
    stored = document.get("hash")
    if strict and stored is not None and stored != furu_hash(config):
        msg = f"{spec.class_path} has the hash {furu_hash(config)} here, but {stored} where the document was written"
        raise FuruDecodeError(msg, hints=["the class, its version or a default has changed between the two"])
    return config


def _import_kind(path: str, tag: str, is_kind: Callable[[type], bool]) -> Any:
    """The class that a value names, if it is of the kind its tag says: nothing else is ever called."""
    cls = import_class(path)
    if not is_kind(cls):
        msg = f"{path!r} is not what {tag} stands for"
        raise FuruDecodeError(msg)
    return cls


def _enum(value: Json, _configs: Mapping[str, Config]) -> object:
    cls, member = _import_kind(value["$enum"], "$enum", lambda cls: issubclass(cls, enum.Enum)), value["member"]
    return cls[member] if isinstance(member, str) else cls(member)


def _dataclass(value: Json, configs: Mapping[str, Config]) -> object:
    cls = _import_kind(value["$dataclass"], "$dataclass", dataclasses.is_dataclass)
    fields = {name: decode(item, configs) for name, item in value["fields"].items()}
    if unknown := fields.keys() - {field.name for field in dataclasses.fields(cls)}:
        msg = f"{value['$dataclass']} has no field {min(unknown)!r}"
        raise FuruDecodeError(msg)
    accepted = {field.name for field in dataclasses.fields(cls) if field.init} & fields.keys()
    # Its constructor, where it can be called, for what `__post_init__` keeps beside the fields ...
    is_constructible = inspect.signature(cls).parameters.keys() <= accepted
    instance: object = cls(**{name: fields[name] for name in accepted}) if is_constructible else object.__new__(cls)
    # ... and then the fields as they were stored, whatever `__post_init__` made of them.
    for name, item in fields.items():
        object.__setattr__(instance, name, item)
    return instance


def _model(value: Json, configs: Mapping[str, Config]) -> object:
    cls = _import_kind(value["$model"], "$model", lambda cls: issubclass(cls, BaseModel))
    fields = {name: decode(item, configs) for name, item in value["fields"].items()}
    if issubclass(cls, RootModel):
        return cls(fields["root"])
    return cls.model_validate(fields, by_alias=False, by_name=True)


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _named_tuple(value: Json, configs: Mapping[str, Config]) -> object:
    cls = _import_kind(
        value["$namedtuple"], "$namedtuple", lambda cls: issubclass(cls, tuple) and hasattr(cls, "_fields")
    )
    return cls(**{name: decode(item, configs) for name, item in value["fields"].items()})


def _config(value: Json, configs: Mapping[str, Config]) -> Config:
    reference = value["$config"]
    if reference not in configs:
        msg = f"the document refers to {reference}, which it doesn't hold"
        raise FuruDecodeError(msg)
    return configs[reference]


def _datetime(value: Json, _configs: Mapping[str, Config]) -> object:
    return _in_zone(datetime.datetime.fromisoformat(value["$datetime"]), value)


def _time(value: Json, _configs: Mapping[str, Config]) -> object:
    return _in_zone(datetime.time.fromisoformat(value["$time"]), value)


def _in_zone(moment: Any, value: Json) -> object:
    if zone := value.get("zone"):
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return moment.replace(fold=int(value.get("fold", "0")))


_DECODERS: Final[dict[str, Callable[[Json, Mapping[str, Config]], Any]]] = {
    "$float": lambda value, _: float(value["$float"]),
    "$int": lambda value, _: int(value["$int"], 16),
    "$tuple": lambda value, configs: tuple(decode(value["$tuple"], configs)),
    "$set": lambda value, configs: set(decode(value["$set"], configs)),
    "$frozenset": lambda value, configs: frozenset(decode(value["$frozenset"], configs)),
    "$dict": lambda value, configs: {decode(k, configs): decode(v, configs) for k, v in value["$dict"]},
    "$bytes": lambda value, _: base64.b64decode(value["$bytes"]),
    "$bytearray": lambda value, _: bytearray(base64.b64decode(value["$bytearray"])),
    "$path": lambda value, _: pathlib.Path(value["$path"]),
    "$complex": lambda value, _: complex(*(float(decode(part)) for part in value["$complex"])),
    "$datetime": _datetime,
    "$date": lambda value, _: datetime.date.fromisoformat(value["$date"]),
    "$time": _time,
    "$timedelta": lambda value, _: datetime.timedelta(*value["$timedelta"]),
    "$Decimal": lambda value, _: decimal.Decimal(value["$Decimal"]),
    "$Fraction": lambda value, _: fractions.Fraction(value["$Fraction"]),
    "$PurePosixPath": lambda value, _: pathlib.PurePosixPath(value["$PurePosixPath"]),
    "$PureWindowsPath": lambda value, _: pathlib.PureWindowsPath(value["$PureWindowsPath"]),
    "$UUID": lambda value, _: uuid.UUID(value["$UUID"]),
    "$enum": _enum,
    "$dataclass": _dataclass,
    "$model": _model,
    "$namedtuple": _named_tuple,
    "$config": _config,
}
