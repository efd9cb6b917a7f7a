"""One alias by hand: `furu.migrate(old, new)`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from furu.errors import FuruConfigError, FuruNothingPublished
from furu.evolution.aliases import Conflict, PlannedAlias, obstacle, reference_of, root_of
from furu.evolution.archive import store_roots
from furu.evolution.plan import FuruMigrationConflict, Migrated, MigrationPlan, OnConflict, check_policy
from furu.evolution.planning import unusable
from furu.evolution.refs import ArtifactRef
from furu.identity.fields import check_config
from furu.lifecycle.computable import Computable, artifact_paths
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import alias_target, find_published

if TYPE_CHECKING:
    from furu.storage.layout import ArtifactPaths


def migrate(
    from_obj: Computable | ArtifactRef,
    to_obj: Computable,
    policy: Literal["alias"] = "alias",
    *,
    conflict: OnConflict = "throw",
    check_types: bool = True,
) -> Migrated:
    """Let `to_obj` stand for the result of `from_obj`: nothing is computed, copied or deleted.

    `to_obj.get()` then loads what `from_obj` has, as long as it has it. Computing `to_obj` anew gives it a result of
    its own and leaves the original alone.

    Args:
        from_obj: a config that was computed, or the ref of one whose class is gone.
        to_obj: the config that means the same today.
        policy: "alias", the only one.
        conflict: what to do if `to_obj` has a result already, is another alias, or is being computed: "throw", or
            "skip" and say so in the answer.
        check_types: refuse classes whose declared results have different types.

    Raises:
        FuruNothingPublished: `from_obj` has no result.
        FuruMigrationConflict: as above.
        FuruConfigError: the two are the same, lead in a ring, or the result can't be loaded by `to_obj`'s class.
    """
    if policy != "alias":
        raise FuruConfigError(f"policy={policy!r}: the only policy is 'alias'")
    check_policy(conflict)
    if not isinstance(from_obj, ArtifactRef):
        check_config(from_obj, "from_obj")
    check_config(to_obj, "to_obj")
    paths = from_obj.paths if isinstance(from_obj, ArtifactRef) else artifact_paths(from_obj)
    own, root = reference_of(to_obj), root_of(to_obj)
    source, has_value = _original(from_obj, paths)
    if source.base == artifact_paths(to_obj).base:
        raise FuruConfigError(f"{own} is where that result lies: it can't be an alias of itself")
    _check_ring(source, artifact_paths(to_obj))
    if check_types and isinstance(from_obj, Computable):
        _check_types(from_obj, to_obj)
    source_root = next((each for each in store_roots() if source.base.startswith(f"{each}/data/")), "")
    because = unusable(to_obj, root=source_root, has_value=has_value)
    if because is not None:
        raise FuruConfigError(f"{own} can't stand for {source.base}: {because}")
    planned = PlannedAlias(to_obj, own, source.base.removeprefix(f"{root}/data/"), "")
    because = obstacle(artifact_paths(to_obj), planned.target)
    if because == "":
        return Migrated(None, 0)
    conflicts = (Conflict(own, planned.target, because),) if because else ()
    aliases = () if conflicts else (planned,)
    try:
        return MigrationPlan(aliases, conflicts, roots=tuple(store_roots())).apply(conflict=conflict)
    except FuruMigrationConflict as error:
        raise FuruMigrationConflict(error.conflicts) from None


def _original(from_obj: Computable | ArtifactRef, paths: ArtifactPaths) -> tuple[ArtifactPaths, bool]:
    """Where the result really lies, and whether furu stored the value."""
    published = find_published(paths, THIS_PROCESS.disk)
    if published is None:
        node = from_obj.node if isinstance(from_obj, ArtifactRef) else reference_of(from_obj)
        raise FuruNothingPublished(node=node, furu_dir=Path(paths.base))
    return published.source, bool(published.success.result)


def _check_ring(source: ArtifactPaths, own: ArtifactPaths) -> None:
    """An alias.json may lie beside a result, unused; it would be used again if that result were deleted."""
    seen: set[str] = set()
    current: ArtifactPaths | None = source
    while current is not None and current.base not in seen:
        if current.base == own.base:
            msg = f"{source.base} was an alias of {own.base}: they would lead in a ring"
            raise FuruConfigError(msg, hints=[f"remove {source.alias}, which is not used any more"])
        seen.add(current.base)
        current = alias_target(current, THIS_PROCESS.disk)


def _check_types(from_obj: Computable, to_obj: Computable) -> None:
    old, new = from_obj.__furu_options__.result_type, to_obj.__furu_options__.result_type
    if Any not in (old, new) and old != new:
        msg = f"{type(from_obj).__qualname__} gives {old!r}, {type(to_obj).__qualname__} gives {new!r}"
        raise FuruConfigError(msg, hints=["check_types=False, if you know that the result fits"])
