"""What a notebook shows of configs and lists of them: looked at once, nothing computed, nothing written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

from furu import clock
from furu.core.config_graph import ConfigGraph, reference_of
from furu.drawing.graph import MISSING, SHORT_HASH
from furu.drawing.html import badge, details, heading, or_repr, page, pairs, picture, table
from furu.drawing.markup import Markup, element
from furu.drawing.neighbourhood import all_below
from furu.drawing.units import duration, size
from furu.errors import FuruError
from furu.evolution.refs import ArtifactStatus, status_of
from furu.identity.digest import is_default
from furu.identity.fields import Config
from furu.lifecycle.computable import artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import find_published
from furu.storage.records import ErrorRecord, parse
from furu.storage.scan import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from furu.core.furu import Furu
    from furu.storage.scan import ScannedArtifact

_MOST_NODES: Final = 30
_MOST_LOOKED_AT: Final = 200
_DEPTH: Final = 3
_MOST_LEVELS: Final = 4
_MOST_CONFIGS: Final = 40
_MOST_ROWS: Final = 100
_MOST_FILES: Final = 1_000

_SHORT: Final = Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 12
_SHORT.maxstring = _SHORT.maxother = 200


@dataclass(frozen=True)
class _State:
    """What is on disk of a config.

    Attributes:
        status: in a word; empty where the class has no place in the store.
        found: the names in its directory.
        notes: why it has no place.
    """

    status: str
    found: ScannedArtifact | None = None
    notes: tuple[str, ...] = ()


def config_html(config: Furu[Any]) -> str | None:
    """A config: status, fields with what differs from the defaults first, cost, files, and what it depends on."""
    return or_repr(lambda: _config(config))


def members_html(name: str, members: Mapping[str, Furu[Any]]) -> str | None:
    """A table of configs by name, with the fields in which those of a class differ."""
    return or_repr(lambda: page(element("p", element("b", name), f" {len(members)} configs"), _table(members)))


def _config(config: Furu[Any]) -> str:
    name = type(config).__name__
    try:
        label = config.furu_hash[:SHORT_HASH]
    except FuruError as error:
        note = element("p", error.message, css="furu-note")
        return page(heading(name, "", ""), note, _Fields().of(config))
    state = _look(config)
    notes = [element("p", note, css="furu-note") for note in state.notes]
    found = all_below(
        ConfigGraph([config]), [reference_of(config)], down=_DEPTH, max_nodes=_MOST_NODES, most=_MOST_LOOKED_AT
    )
    drawn = picture(found.graph, title=f"What {name} {label} depends on", centre=found.centre)
    return page(heading(name, label, state.status), *notes, _Fields().of(config), pairs(_facts(config, state)), drawn)


def _look(config: Furu[Any]) -> _State:
    spec = config.__furu_class__
    try:
        spec.check_storable()
    except FuruError as error:
        return _State("", notes=(error.message, *error.hints))
    found = look(spec.namespace, config.furu_hash, artifact_paths(config))
    status = status_of(found)
    return _State(MISSING if status is ArtifactStatus.RECORDED else status.value, found)


def _facts(config: Furu[Any], state: _State) -> Iterator[tuple[str, str]]:
    if state.found is None:
        return
    paths = artifact_paths(config)
    published = find_published(paths, THIS_PROCESS.disk)
    if published is not None:
        usage = published.success.usage
        took = f", took {duration(usage.wall_sec)}" if usage else ""
        yield "computed", clock.isoformat(published.success.at) + took
        yield "files", _size_below(published.directory)
    token, ending = state.found.last_token, state.found.last_ending
    if published is None and token is not None and ending is not None:
        path = paths.ended(token, ending).error
        if content := THIS_PROCESS.disk.read(path):
            error = parse(ErrorRecord, content, path)
            yield "error", f"{error.type.removeprefix('builtins.')}: {error.message}"
    yield "path", published.directory if published is not None else paths.base


def _size_below(directory: str) -> str:
    total = count = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            if count == _MOST_FILES:
                return f"more than {count} files, more than {size(total)}"
            total += os.lstat(os.path.join(parent, name)).st_size
            count += 1
    return f"{count} {'file' if count == 1 else 'files'}, {size(total)}"


class _Fields:
    """Writes out the fields of a config and of those inside of it: each config once, and not too many."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def of(self, config: Config, level: int = 0) -> Markup:
        """All fields, those at their defaults behind a click."""
        self._seen.add(id(config))
        fields = config.__furu_class__.fields
        usual = {field.name for field in fields if is_default(config, field)}
        lines = [(field.name, self._value(getattr(config, field.name), level)) for field in fields]
        differing = pairs(line for line in lines if line[0] not in usual)
        rest = [line for line in lines if line[0] in usual]
        if not rest:
            return differing
        return Markup(differing + details(f"{len(rest)} at their defaults", pairs(rest)))

    def _value(self, value: object, level: int) -> str:
        if isinstance(value, Config):
            return self._nested(value, level)
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        configs = [each for each in inside if isinstance(each, Config)]
        if configs and level < _MOST_LEVELS:
            shown = [element("p", self._nested(each, level)) for each in configs[:_MOST_CONFIGS]]
            more = f" (the first {_MOST_CONFIGS})" if len(configs) > _MOST_CONFIGS else ""
            return details(f"{len(configs)} configs{more}", *shown)
        return _short(value)

    def _nested(self, config: Config, level: int) -> Markup:
        name = f"{type(config).__name__} {config.furu_hash[:SHORT_HASH]}"
        if id(config) in self._seen or level >= _MOST_LEVELS or len(self._seen) >= _MOST_CONFIGS:
            return element("span", name)
        return details(name, self.of(config, level + 1))


def _short(value: object) -> str:
    if isinstance(value, Config):
        return f"{type(value).__name__} {value.furu_hash[:SHORT_HASH]}"
    return _SHORT.repr(value)


def _table(members: Mapping[str, Furu[Any]]) -> Markup:
    shown = dict(list(members.items())[:_MOST_ROWS])
    rows = [
        (name, type(config).__name__, config.furu_hash[:SHORT_HASH], badge(_look(config).status), differing)
        for (name, config), differing in zip(shown.items(), _differing(shown.values()), strict=True)
    ]
    rest = len(members) - len(shown)
    more = [element("p", f"and {rest} more", css="furu-soft")] if rest else []
    return Markup(table(("name", "class", "hash", "status", "fields"), rows) + Markup().join(more))


def _differing(configs: Iterable[Furu[Any]]) -> list[str]:
    """Of each config the fields that are not the same in all of its class."""
    texts = [
        (type(config), {field.name: _short(getattr(config, field.name)) for field in config.__furu_class__.fields})
        for config in configs
    ]
    values: dict[tuple[type, str], set[str]] = {}
    for cls, fields in texts:
        for name, text in fields.items():
            values.setdefault((cls, name), set()).add(text)
    return [
        "  ".join(f"{name}={text}" for name, text in fields.items() if len(values[cls, name]) > 1)
        for cls, fields in texts
    ]
