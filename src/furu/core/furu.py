"""`Furu`: a computation declared as a frozen, typed config."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, dataclass_transform, overload

from furu.config import root
from furu.core.declare import (
    check_create,
    check_fields,
    check_options,
    class_options,
    class_spec,
    describe_fields,
    keep_init,
    make_dataclass,
    unknown_options,
)
from furu.core.python_source import python_source
from furu.evolution import aliases
from furu.evolution.annotate import check_unpinned
from furu.evolution.refs import ClassHistory
from furu.execution.context import BATCH_BACKEND, ExecContext, executing
from furu.identity.decode import FuruDecodeError, decode_graph, encode_graph
from furu.identity.dependencies import all_dependencies, direct_dependencies
from furu.identity.digest import furu_hash
from furu.identity.fields import field
from furu.lifecycle import describe, get, removal
from furu.lifecycle.computable import ClassOptions, Computable, artifact_paths
from furu.storage.layout import RootPaths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from furu.evolution.migration import Migration
    from furu.evolution.refs import ArtifactRef
    from furu.identity.fields import Config

T = TypeVar("T")


def raw_dir() -> Path:
    """The directory below the root that is meant for large inputs which furu did not compute; made if missing."""
    path = Path(RootPaths(root()).raw)
    path.mkdir(parents=True, exist_ok=True)
    return path


class _CachedHash:
    """`_furu_hash`: computed at first use, then found in the instance.

    A non-data descriptor, so that the cached value costs a dictionary lookup; no lock, since two threads would compute
    the same.
    """

    @overload
    def __get__(self, instance: None, owner: type) -> _CachedHash: ...
    @overload
    def __get__(self, instance: Config, owner: type) -> str: ...
    def __get__(self, instance: Config | None, owner: type) -> str | _CachedHash:
        return self if instance is None else furu_hash(instance)


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False, field_specifiers=(field,))
class Furu(Computable, abc.ABC, Generic[T]):
    """Base class of all computations; `T` is what `get()` returns.

    Subclasses declare fields as in a dataclass and write `_create()`::

        class Train(furu.Furu[float], version="2"):
            data: Dataset
            lr: float = 1e-3

            def _create(self) -> float: ...

    Class options (keywords after the base):
        name: a fixed namespace, so that the class can be moved or renamed; default is `module.Class`. Not inherited.
        version: part of the identity; give a new one when the code changes what is computed.
        resumable: a new attempt continues in the directory of the last one, if that one is proven over.
        max_wait_sec: how long `get()` waits for another owner; default is as long as that one lives.
        version_controlled: artifacts lie below `FURU_VERSION_CONTROLLED_PATH`.
        codec: name of the codec that stores the returned value; default is by its type.

    `_migrations` is the class's history, oldest first: how results of its former shapes are still good.

    Hooks:
        _create(): computes; may write below `self.furu_dir`. Its return value is stored unless there is a `_load()`.
        _load(): reads back what `_create()` wrote.
        _validate(): False, or a `FuruValidationError`, says that a published result shall be computed again.
        _dependencies(): configs needed beside those in fields.
        _executor_spec_key(): the resources it wants on a cluster.
    """

    _furu_hash: ClassVar[_CachedHash] = _CachedHash()
    _migrations: ClassVar[Sequence[Migration]] = ()

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        version: str | None = None,
        resumable: bool | None = None,
        max_wait_sec: float | None = None,
        version_controlled: bool | None = None,
        codec: str | None = None,
        **others: Any,
    ) -> None:
        try:
            super().__init_subclass__(**others)
        except TypeError as error:
            raise unknown_options(cls, others, error) from error
        flags = {"resumable": resumable, "version_controlled": version_controlled}
        check_options(cls, flags=flags, codec=codec, max_wait_sec=max_wait_sec)
        inherited: ClassOptions = getattr(cls, "__furu_options__", ClassOptions())
        make_dataclass(cls)
        check_fields(cls, Furu)
        check_create(cls)
        cls.__furu_class__ = class_spec(cls, name=name, version=version)
        cls.__furu_options__ = class_options(
            cls,
            Furu,
            resumable=inherited.resumable if resumable is None else resumable,
            version_controlled=inherited.version_controlled if version_controlled is None else version_controlled,
            codec=inherited.codec if codec is None else codec,
            created=cls._create,
        )
        if max_wait_sec is not None:
            cls._max_wait_time_sec = max_wait_sec

    if not TYPE_CHECKING:  # where the fields make the signature

        def __new__(cls, /, *_args: Any, **_values: Any) -> Self:
            keep_init(cls)
            return super().__new__(cls)

    @abc.abstractmethod
    def _create(self) -> T:
        """Compute the value; runs at most once for each config, with the lease of its artifact held."""

    def _load(self) -> T:
        """Read the value back; only needed where a codec can't."""
        raise NotImplementedError

    def _validate(self) -> bool:
        """Whether the published result is still good; must not change it."""
        return True

    def _executor_spec_key(self) -> str:
        """Name of the resources that a worker must have; never part of the identity."""
        return "default"

    # -- identity ---------------------------------------------------------------------------------------------------

    @property
    def furu_hash(self) -> str:
        """32 hexadecimal digits: equal for equal configs, in every process and on every machine.

        Raises:
            FuruEncodeError: (a `TypeError`) a field holds something that can't be hashed for good.
        """
        return self._furu_hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Furu):
            return NotImplemented
        return type(self) is type(other) and self.furu_hash == other.furu_hash

    def __hash__(self) -> int:
        return hash(self.furu_hash)

    def __repr__(self) -> str:
        return describe_fields(self)

    def _repr_html_(self) -> str | None:
        from furu.core.notebook import config_html

        return config_html(self)

    def __getstate__(self) -> dict[str, Any]:
        return describe.state_of(self)

    def _get_dependencies(self, *, recursive: bool = True) -> list[Furu[Any]]:
        """Configs this one needs, each once, without itself: fields in order, then `_dependencies()`.

        With `recursive` also theirs, in pre-order.
        """
        found = all_dependencies(self) if recursive else direct_dependencies(self)
        return [each for each in found if isinstance(each, Furu)]

    def to_dict(self) -> dict[str, Any]:
        """The config and all nested ones as a JSON document, each config once.

        Raises:
            ValueError: a class in it is local or in `__main__`.
        """
        return encode_graph(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, strict: bool = True) -> Self:
        """The config that `to_dict()` gave this document for.

        Args:
            document: also after a round trip through JSON.
            strict: refuse unknown and absent fields and a hash that isn't the document's; otherwise the class's
                present fields and defaults count.

        Raises:
            FuruDecodeError: it is damaged, its class can't be imported or has changed, or it is no `cls`.
        """
        config = decode_graph(document, strict=strict)
        if not isinstance(config, cls):
            msg = f"the document is a {type(config).__qualname__}, not a {cls.__qualname__}"
            raise FuruDecodeError(msg)
        return config

    def to_python(self) -> str:
        """Python source that builds this config: imports, names for what occurs more than once, one expression."""
        return python_source(self)

    # -- artifact ---------------------------------------------------------------------------------------------------

    def get(self, *, force: bool = False) -> T:
        """The value: loaded if it is there, else computed where that is allowed.

        Interactive mode computes what is missing, dependencies on demand, and waits where somebody else computes it.
        In executor mode it only loads.

        Args:
            force: in executor mode, allow to compute, if the worker has this config's spec key.

        Raises:
            FuruMissingArtifact: executor mode, and it isn't there.
            FuruSpecMismatch: `force=True` on a worker with another spec key.
            FuruComputeError: it failed before and `FURU_RETRY_FAILED` is off.
            FuruWaitTimeout: its owner did not finish within `FURU_MAX_WAIT_SECS`.
            Exception: what `_create()`, `_load()` or `_validate()` raised, as itself.
        """
        value: T = get.get(self, force=force)
        return value

    def exists(self) -> bool:
        """Whether `get()` would load it: published, and `_validate()` has no objection. Computes nothing."""
        return get.exists(self)

    @property
    def furu_dir(self) -> Path:
        """Where the artifact's files are.

        Inside `_create()` the attempt's own directory, made on first use; else that of the published result, if it
        wrote files; else the artifact's.
        """
        return describe.directory_of(self)

    def _base_furu_dir(self) -> Path:
        """The artifact's directory: `<root>/data/<module>/<Class>/<hash>`."""
        return Path(artifact_paths(self).base)

    def log(self) -> Path:
        """The log of the running attempt, else of the last one; the file exists only if something was logged."""
        return describe.log_of(self)

    def get_metadata(self) -> dict[str, Any]:
        """What is on record of how the artifact came to be.

        Raises:
            FuruNothingPublished: nothing was ever published.
        """
        return describe.metadata_of(self)

    def delete(self, *, force: bool = False) -> bool:
        """Delete result, files and attempts; the config's record stays, since others may refer to it.

        Of an alias only the alias is deleted, never the original.

        Args:
            force: also if it is pinned, or if aliases stand for this result, which then have none.

        Returns:
            Whether there was something to delete.

        Raises:
            FuruLockNotAcquired: somebody is computing it.
            FuruPinned: `furu.pin` has it kept.
            FuruAliased: aliases stand for this result.
        """
        if not force:
            check_unpinned(self)
            aliases.check_unaliased(self)
        return removal.delete(self)

    # -- history ----------------------------------------------------------------------------------------------------

    @classmethod
    def all_current(cls) -> list[Self]:
        """The stored configs that this class still stands for, computed or not, sorted by hash."""
        return [config for _, config in cls._history().current() if isinstance(config, cls)]

    @classmethod
    def all_successful(cls) -> list[Self]:
        """Those of `all_current()` that have a result, by their own or as an alias; `_validate()` is not asked."""
        return [config for ref, config in cls._history().current() if isinstance(config, cls) and ref.has_result]

    @classmethod
    def all_stale_refs(cls) -> list[ArtifactRef]:
        """What is stored of this class, and of its former names, that no config of today's class stands for."""
        return cls._history().stale()

    @classmethod
    def _history(cls) -> ClassHistory:
        return ClassHistory(cls)

    # -- executors --------------------------------------------------------------------------------------------------

    def _run_locally(
        self, start_time: float, *, executor_mode: bool = False
    ) -> tuple[Literal["success", "failed"], bool, T | None]:
        """Make the artifact be there, by computing or by waiting; see `furu.lifecycle.get.run_locally`."""
        return get.run_locally(self, start_time, executor_mode=executor_mode)

    def _worker_entry(self) -> None:
        """What a batch job runs: compute this config, strictly, and nothing else.

        Raises:
            FuruComputeError: it failed before and `FURU_RETRY_FAILED` is off.
            Exception: what `_create()` raised, so that the job's exit code tells the truth.
        """
        context = ExecContext("executor", self._executor_spec_key(), BATCH_BACKEND, self.furu_hash)
        with executing(context):
            get.compute_as_node(self)


make_dataclass(Furu)
Furu.__furu_class__ = class_spec(Furu, name=None, version=None)
Furu.__furu_options__ = ClassOptions()
