"""Settings: what they are, where they come from, and how to change them for a process or a block.

`settings()` is the whole; `root()`, `version_controlled_root()`, `is_always_rerun()` and `log_level()` read one value
and are cheap enough for every cache hit. All of them look at the environment of the moment they are called.
"""

from __future__ import annotations

from furu.config.current import (
    configure,
    is_always_rerun,
    is_using,
    log_level,
    on_code_change,
    reload,
    resolve_always_rerun,
    root,
    settings,
    using,
    version_controlled_root,
)
from furu.config.model import Settings, SettingValues
from furu.config.variables import VARIABLES, Variable

__all__ = [
    "VARIABLES",
    "SettingValues",
    "Settings",
    "Variable",
    "configure",
    "is_always_rerun",
    "is_using",
    "log_level",
    "on_code_change",
    "reload",
    "resolve_always_rerun",
    "root",
    "settings",
    "using",
    "version_controlled_root",
]
