"""Fills `Settings` through pydantic-settings, which takes 70 ms to import: imported on the first full read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from furu.config.model import Settings
from furu.config.project import read_project_settings
from furu.config.variables import VARIABLES

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


class VariableSource(PydanticBaseSettingsSource):
    """The `FURU_*` variables; an empty one counts as unset."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the interface
        return os.environ.get(VARIABLES[field_name].name, "").strip() or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in Settings.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class LoadedSettings(Settings, BaseSettings):
    """`Settings` from its arguments, then the environment, then `[tool.furu]`, then the defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours names its variables itself
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, VariableSource(settings_cls), InitSettingsSource(settings_cls, read_project_settings())
