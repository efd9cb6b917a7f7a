"""Loading, judging and storing an artifact's result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from furu.config import on_code_change
from furu.errors import FuruComputeError, FuruConfigError, FuruValidationError
from furu.lifecycle.computable import node_name
from furu.lifecycle.defaults import check_defaults
from furu.lifecycle.drift import is_code_accepted
from furu.lifecycle.lease import THIS_PROCESS
from furu.lifecycle.published import await_files
from furu.lifecycle.workspace import reading
from furu.storage.results import ResultDirectory, check_codec, check_storable, load_result, store_result

if TYPE_CHECKING:
    from furu.lifecycle.computable import Computable
    from furu.lifecycle.published import Published
    from furu.lifecycle.workspace import Workspace
    from furu.storage.layout import ArtifactPaths


def is_valid(obj: Computable, paths: ArtifactPaths, published: Published) -> bool:
    """Whether a published result counts, by `FURU_ON_CODE_CHANGE` and the class's `_validate()`.

    Raises:
        FuruDefaultChanged: it is another config's, which had the same hash.
        Exception: whatever `_validate()` raises beside `FuruValidationError`, which means no.
    """
    check_defaults(obj, THIS_PROCESS.disk)
    if on_code_change() != "ignore" and not is_code_accepted(obj, published):
        return False
    if not obj.__furu_options__.has_validate:
        return True
    await_files(published, THIS_PROCESS.disk)  # what can't be seen for a moment must not be called invalid
    with reading(paths.base, published.directory):
        try:
            answer: object = obj._validate()
        except FuruValidationError:
            return False
    if not isinstance(answer, bool):
        msg = f"{type(obj).__qualname__}._validate() must return True or False, not {answer!r}"
        raise FuruConfigError(msg)
    return answer


def load(obj: Computable, paths: ArtifactPaths, published: Published, *, is_of_now: bool = False) -> Any:
    """The published result, through the class's `_load()` or the codec that stored it.

    Args:
        obj: the config.
        paths: the artifact's.
        published: the result.
        is_of_now: somebody published it while we waited, so a cache may say that its files are not there.

    Raises:
        Exception: whatever `_load()` or the codec raises.
    """
    if is_of_now:
        await_files(published, THIS_PROCESS.disk)
    try:
        return _load(obj, paths, published)
    except FileNotFoundError:
        if not await_files(published, THIS_PROCESS.disk):
            raise
        return _load(obj, paths, published)


def _load(obj: Computable, paths: ArtifactPaths, published: Published) -> Any:
    options = obj.__furu_options__
    directory, stored = published.directory, published.success.result
    with reading(paths.base, directory):
        if options.has_load:
            return obj._load()
        if stored:
            return load_result(stored[0], directory, allow_pickle=options.codec == "pickle")
    msg = f"{node_name(obj)} was stored by a class that had a _load(); this one has none, and no value was stored"
    raise FuruComputeError(
        msg,
        node=node_name(obj),
        furu_dir=Path(directory),
        hints=["define _load() again, or give the class another version to compute it anew"],
    )


def check_result_type(obj: Computable) -> None:
    """Refuse, before any work, a class whose declared result no codec can store, or whose codec nobody registered.

    Raises:
        FuruCodecError: there is none.
    """
    options = obj.__furu_options__
    if options.has_load:
        return
    if options.codec is None:
        check_storable(options.result_type)
    else:
        check_codec(options.codec)


def store(obj: Computable, value: Any, workspace: Workspace) -> list[Any]:
    """Store what `_create()` returned; the record for SUCCESS.json, in a list of at most one.

    Raises:
        FuruCodecError: no codec takes it.
    """
    options = obj.__furu_options__
    if options.has_load:
        return []
    return [store_result(value, ResultDirectory(workspace.directory), codec=options.codec)]
