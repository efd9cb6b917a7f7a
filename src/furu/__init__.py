"""Cacheable, nestable computations. See the README and docs/."""

from furu.config import Settings, configure, using
from furu.core.furu import Furu, raw_dir
from furu.core.furu_list import FuruList
from furu.errors import (
    FuruCodecError,
    FuruComputeError,
    FuruConfigError,
    FuruCorruptRecord,
    FuruDependencyCycle,
    FuruError,
    FuruFutureRecord,
    FuruLeaseLost,
    FuruLockNotAcquired,
    FuruMissingArtifact,
    FuruProtocolError,
    FuruReadOnlyStore,
    FuruSettingsError,
    FuruSpecMismatch,
    FuruStoreError,
    FuruValidationError,
    FuruWaitTimeout,
)
from furu.execution.context import EXEC_CONTEXT, ExecContext, in_executor
from furu.identity.fields import field
from furu.storage.results import Codec, register_codec

__version__ = "0.1.0"

__all__ = [
    "EXEC_CONTEXT",
    "Codec",
    "ExecContext",
    "Furu",
    "FuruCodecError",
    "FuruComputeError",
    "FuruConfigError",
    "FuruCorruptRecord",
    "FuruDependencyCycle",
    "FuruError",
    "FuruFutureRecord",
    "FuruLeaseLost",
    "FuruList",
    "FuruLockNotAcquired",
    "FuruMissingArtifact",
    "FuruProtocolError",
    "FuruReadOnlyStore",
    "FuruSettingsError",
    "FuruSpecMismatch",
    "FuruStoreError",
    "FuruValidationError",
    "FuruWaitTimeout",
    "Settings",
    "configure",
    "field",
    "in_executor",
    "raw_dir",
    "register_codec",
    "using",
]
