"""What the lifecycle asks of a config: where its artifact is, and what its class wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from furu import config
from furu.identity.fields import Config
from furu.storage.access import look_at_root
from furu.storage.layout import ArtifactPaths


@dataclass(frozen=True)
class ClassOptions:
    """Class options that concern how an artifact is made, not which one it is.

    Attributes:
        resumable: a new attempt goes on in the directory of the last one.
        version_controlled: artifacts lie below `FURU_VERSION_CONTROLLED_PATH`.
        codec: name of the codec that stores the result, or None to choose by type.
        has_load: the class has a `_load()`, so the returned value is not stored.
        has_validate: the class has a `_validate()`.
        result_type: the `T` of `Furu[T]`, `Any` where it isn't known.
    """

    resumable: bool = False
    version_controlled: bool = False
    codec: str | None = None
    has_load: bool = False
    has_validate: bool = False
    result_type: Any = Any


class Computable(Config):
    """A config with hooks, as the lifecycle sees it; `furu.Furu` documents them."""

    __furu_options__: ClassVar[ClassOptions]
    _max_wait_time_sec: ClassVar[float | None] = None

    def _create(self) -> Any:
        raise NotImplementedError

    def _load(self) -> Any:
        raise NotImplementedError

    def _validate(self) -> bool:
        return True

    def _executor_spec_key(self) -> str:
        return "default"


def node_name(obj: Computable) -> str:
    """`Class(hash)`, as messages and records name a config."""
    return f"{type(obj).__name__}({obj.furu_hash})"


def qualified_name(obj: Computable) -> str:
    """`module.Class`, as `FURU_ALWAYS_RERUN` names it."""
    spec = obj.__furu_class__
    return f"{spec.module}.{spec.qualname}"


def artifact_paths(obj: Computable) -> ArtifactPaths:
    """Where the artifact of `obj` is, by the settings of this moment.

    Raises:
        ValueError: the class is local or in `__main__`.
    """
    spec, root = obj.__furu_class__, root_of(obj)
    spec.check_storable()
    look_at_root(root)
    return ArtifactPaths(f"{root}/data/{spec.namespace}/{obj.furu_hash}")


def root_of(obj: Computable) -> str:
    """The root that artifacts of the class lie below, by the settings of this moment."""
    return config.version_controlled_root() if obj.__furu_options__.version_controlled else config.root()
