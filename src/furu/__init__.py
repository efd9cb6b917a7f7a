"""Cacheable, nestable computations. See the README and docs/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from furu.config import Settings, configure, using
from furu.core.furu import Furu, raw_dir
from furu.core.furu_list import FuruList
from furu.errors import (
    FuruAnnotationError,
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
    FuruNestedTooDeep,
    FuruNothingPublished,
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
from furu.lazy import load_from
from furu.lifecycle.lease import is_lease_lost
from furu.storage.results import Codec, register_codec

if TYPE_CHECKING:
    from furu.evolution.aliases import FuruAliased
    from furu.evolution.annotate import FuruPinned, annotations_of, note, pin, tag, unpin, untag
    from furu.evolution.differences import Difference, diff
    from furu.evolution.drift import Impact, StaleArtifact, impact, stale
    from furu.evolution.migrate import migrate
    from furu.evolution.migration import Migration
    from furu.evolution.nearest import Explanation, explain
    from furu.evolution.plan import FuruMigrationConflict, MigrationPlan
    from furu.evolution.planning import plan_migrations
    from furu.evolution.refs import ArtifactRef, ArtifactStatus, refs
    from furu.evolution.undo import undo_migration
    from furu.execution.slurm.time_limit import time_left
    from furu.execution.slurm_spec import SlurmSpec
    from furu.index.query import FuruQueryError
    from furu.index.rows import ArtifactRow, Rows
    from furu.index.search import query

__version__ = "0.1.0"

# Loaded when they are first used: `import furu` shall cost what most scripts need.
_HOMES: Final = {
    "ArtifactRef": "furu.evolution.refs",
    "ArtifactRow": "furu.index.rows",
    "ArtifactStatus": "furu.evolution.refs",
    "Difference": "furu.evolution.differences",
    "Explanation": "furu.evolution.nearest",
    "FuruAliased": "furu.evolution.aliases",
    "FuruMigrationConflict": "furu.evolution.plan",
    "FuruPinned": "furu.evolution.annotate",
    "FuruQueryError": "furu.index.query",
    "Impact": "furu.evolution.drift",
    "Migration": "furu.evolution.migration",
    "MigrationPlan": "furu.evolution.plan",
    "Rows": "furu.index.rows",
    "SlurmSpec": "furu.execution.slurm_spec",
    "StaleArtifact": "furu.evolution.drift",
    "annotations_of": "furu.evolution.annotate",
    "diff": "furu.evolution.differences",
    "explain": "furu.evolution.nearest",
    "impact": "furu.evolution.drift",
    "migrate": "furu.evolution.migrate",
    "note": "furu.evolution.annotate",
    "pin": "furu.evolution.annotate",
    "plan_migrations": "furu.evolution.planning",
    "query": "furu.index.search",
    "refs": "furu.evolution.refs",
    "stale": "furu.evolution.drift",
    "tag": "furu.evolution.annotate",
    "time_left": "furu.execution.slurm.time_limit",
    "undo_migration": "furu.evolution.undo",
    "unpin": "furu.evolution.annotate",
    "untag": "furu.evolution.annotate",
}

__all__ = [
    "EXEC_CONTEXT",
    "ArtifactRef",
    "ArtifactRow",
    "ArtifactStatus",
    "Codec",
    "Difference",
    "ExecContext",
    "Explanation",
    "Furu",
    "FuruAliased",
    "FuruAnnotationError",
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
    "FuruMigrationConflict",
    "FuruMissingArtifact",
    "FuruNestedTooDeep",
    "FuruNothingPublished",
    "FuruPinned",
    "FuruProtocolError",
    "FuruQueryError",
    "FuruReadOnlyStore",
    "FuruSettingsError",
    "FuruSpecMismatch",
    "FuruStoreError",
    "FuruValidationError",
    "FuruWaitTimeout",
    "Impact",
    "Migration",
    "MigrationPlan",
    "Rows",
    "Settings",
    "SlurmSpec",
    "StaleArtifact",
    "annotations_of",
    "configure",
    "diff",
    "explain",
    "field",
    "impact",
    "in_executor",
    "is_lease_lost",
    "migrate",
    "note",
    "pin",
    "plan_migrations",
    "query",
    "raw_dir",
    "refs",
    "register_codec",
    "stale",
    "tag",
    "time_left",
    "undo_migration",
    "unpin",
    "untag",
    "using",
]

__getattr__ = load_from(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
