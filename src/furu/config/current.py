"""The settings in force now: furu.using > furu.configure > environment > `[tool.furu]` > defaults.

    settings()                       the whole of it, checked
    root() / is_always_rerun() ...   one value, for the path of a cache hit
        both: nothing said differently since last time -> last time's answer

"Since last time" compares the raw text of our variables, so a changed `os.environ` is seen by the next call.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

from pydantic import ValidationError

from furu.config.issues import describe_issues, describe_validation
from furu.config.model import Settings, SettingValues
from furu.config.project import forget_project, make_absolute, read_project_table
from furu.config.rerun import ALL, find_class
from furu.config.variables import VARIABLES, find_misspelt

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES: Final = tuple(variable.name for variable in VARIABLES.values())
_NAME_OF: Final = {field: variable.name for field, variable in VARIABLES.items()}
_PATHS: Final = ("path", "version_controlled_path", "submitit_path")

_Overrides = Mapping[str, Any]


class _State:
    """What this process said and last read. Every attribute is replaced whole, so readers need no lock."""

    def __init__(self) -> None:
        self.configured: _Overrides = {}
        self.layers: tuple[_Overrides, ...] = ()
        self.overrides: _Overrides = {}  # configured and layers, merged; compared by identity
        self.whole: tuple[tuple[str | None, ...], _Overrides, Settings] | None = None
        self.read: tuple[tuple[str | None, ...], str, Settings] | None = None  # the same by what was said
        self.single: dict[str, tuple[str | None, _Overrides, Any]] = {}
        self.resolved: frozenset[str] = frozenset()
        self.warned: frozenset[str] = frozenset()


_state = _State()
_writing = threading.RLock()


def settings() -> Settings:
    """The settings in force now; about 10 us when nothing changed.

    Raises:
        FuruSettingsError: names every value that can't be used, and what is accepted.
    """
    raw, overrides, last = tuple(map(os.environ.get, _NAMES)), _state.overrides, _state.whole
    if last is not None and last[0] == raw and last[1] is overrides:
        return last[2]
    whole = _read(overrides)
    _warn_about_misspelt()
    _state.whole = raw, overrides, whole
    return whole


def root() -> str:
    """The store's root, absolute; cheap enough for every cache hit."""
    return str(_read_one("path"))


def version_controlled_root() -> str:
    """The root for classes with `version_controlled=True`, absolute; as cheap as `root()`."""
    return str(_read_one("version_controlled_path"))


def log_level() -> str:
    """The level of furu's own lines on stderr; as cheap as `root()`."""
    return str(_read_one("log_level"))


def on_code_change() -> str:
    """What to do with a result that other code made: "ignore", "warn" or "rerun"; as cheap as `root()`."""
    return str(_read_one("on_code_change"))


def is_always_rerun(qualified_name: str) -> bool:
    """True if the class `module.Class` is to be computed again whatever is stored; as cheap as `root()`."""
    names: frozenset[str] = _read_one("always_rerun")
    return bool(names) and (qualified_name in names or ALL in names)


def resolve_always_rerun() -> None:
    """Check that every entry of `always_rerun` names a class, by importing it; free when it is known to.

    Raises:
        FuruSettingsError: names the variable and every entry that doesn't.
    """
    entries: frozenset[str] = _read_one("always_rerun") - {ALL}
    issues = []
    for entry in sorted(entries - _state.resolved):
        try:
            find_class(entry)
        except (LookupError, ImportError) as error:
            issues.append(f"{entry}: {error.args[0] if error.args else error}")
    if issues:
        raise describe_issues({"always_rerun": "; ".join(issues)}, _state.overrides)
    _state.resolved |= entries


def configure(**values: Unpack[SettingValues]) -> None:
    """Set fields of `Settings` for this process, over the environment and `[tool.furu]`; call it again to add.

    Args:
        values: fields of `Settings` by name, such as `path=` or `lease_sec=`; the others stay as they are.

    Raises:
        FuruSettingsError: names every value that can't be used; nothing is changed then.
    """
    with _writing:
        configured = {**_state.configured, **values}
        _put_in_force(configured, _state.layers)


@contextmanager
def using(**values: Unpack[SettingValues]) -> Iterator[Settings]:
    """Set fields of `Settings` inside a `with`, over everything else: for tests and scripts.

    It holds for the whole process, threads included, because the store is the process's, not a thread's. Blocks
    nest; of two that overlap in different threads the one entered last wins.

    Args:
        values: fields of `Settings` by name; the others stay as they are.

    Raises:
        FuruSettingsError: names every value that can't be used, on entry.
    """
    layer = dict(values)
    with _writing:
        inside = _put_in_force(_state.configured, (*_state.layers, layer))
    try:
        yield inside
    finally:
        with _writing:
            remaining = tuple(other for other in _state.layers if other is not layer)
            _state.layers, _state.overrides = remaining, _merge(_state.configured, remaining)


def is_using(field: str) -> bool:
    """Whether a `using()` block that sets this field is in force."""
    return any(field in layer for layer in _state.layers)


def reload() -> None:
    """Forget what was looked up once: the project, its `[tool.furu]`, and what relative paths are relative to."""
    with _writing:
        forget_project()
        _state.whole, _state.read, _state.single = None, None, {}
        _state.resolved = _state.warned = frozenset()


def _put_in_force(configured: _Overrides, layers: tuple[_Overrides, ...]) -> Settings:
    overrides = _merge(configured, layers)
    checked = _read(overrides)
    _state.configured, _state.layers, _state.overrides = configured, layers, overrides
    return checked


def _merge(configured: _Overrides, layers: tuple[_Overrides, ...]) -> _Overrides:
    merged = dict(configured)
    for layer in layers:
        merged.update(layer)
    return merged


def _read(overrides: _Overrides) -> Settings:
    # A worker goes in and out of `using()` for each node, with the same values.
    raw, said, last = tuple(map(os.environ.get, _NAMES)), repr(sorted(overrides.items())), _state.read
    if last is not None and last[:2] == (raw, said):
        return last[2]
    from furu.config.sources import LoadedSettings  # pydantic-settings takes 70 ms to import

    try:
        loaded = LoadedSettings(**overrides)
    except ValidationError as error:
        raise describe_validation(error, overrides) from None
    # A plain Settings: equal however it was made, and it pickles without pydantic-settings.
    whole = Settings.model_construct(loaded.model_fields_set, **dict(loaded))
    _state.read = raw, said, whole
    return whole


def _read_one(field: str) -> Any:
    raw, overrides, last = os.environ.get(_NAME_OF[field]), _state.overrides, _state.single.get(field)
    if last is not None and last[0] == raw and last[1] is overrides:
        return last[2]
    value = _find_one(field, raw, overrides)
    _state.single = {**_state.single, field: (raw, overrides, value)}
    return value


def _find_one(field: str, raw: str | None, overrides: _Overrides) -> Any:
    """One value without the full read where that needs no checking: nobody said anything, or said a path."""
    said = overrides[field] if field in overrides else (raw or "").strip() or read_project_table().get(field)
    if said is None:
        return Settings.model_fields[field].get_default(call_default_factory=True)
    if field in _PATHS and isinstance(said, (str, Path)):
        return make_absolute(str(said))
    return getattr(settings(), field)


def _warn_about_misspelt() -> None:
    misspelt = find_misspelt(os.environ)
    for name in misspelt.keys() - _state.warned:
        logging.getLogger("furu").warning("%s is not a variable of furu; did you mean %s?", name, misspelt[name])
    _state.warned |= misspelt.keys()
