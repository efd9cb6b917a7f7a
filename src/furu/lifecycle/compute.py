"""One attempt: run `_create()`, store what it returns, publish it, and record how it ended."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from furu import clock, logs
from furu.errors import FuruConfigError, FuruLeaseLost, FuruNestedTooDeep, FuruWaitTimeout, add_context, text_of
from furu.execution.context import BATCH_BACKEND, EXEC_CONTEXT, ExecContext, executing
from furu.identity.decode import encode_config
from furu.identity.dependencies import direct_dependencies
from furu.identity.digest import has_changed
from furu.identity.encode import canonical_text
from furu.identity.schema import schema_of
from furu.lifecycle import result as results
from furu.lifecycle.artifact import Terms
from furu.lifecycle.computable import artifact_paths, node_name, root_of
from furu.lifecycle.lease import working_for
from furu.lifecycle.schedulers import own_facts
from furu.lifecycle.signals import shielded
from furu.lifecycle.workspace import Workspace, is_empty, working_in
from furu.storage import metadata
from furu.storage.code import code_digest, fingerprint
from furu.storage.layout import Ending, RootPaths
from furu.storage.records import VERSION, ErrorRecord, SuccessRecord, Usage, render

if TYPE_CHECKING:
    from furu.config import Settings
    from furu.identity.fields import Config
    from furu.lifecycle.artifact import Artifact
    from furu.lifecycle.computable import Computable
    from furu.lifecycle.lease import Lease, Participant
    from furu.storage.layout import AttemptPaths

_LOG: Final = logging.getLogger("furu")
_READERS_SEC: Final = 3600.0
_MESSAGE_CHARS: Final = 10_000
_TRACEBACK_CHARS: Final = 100_000


class Attempt:
    """One try at computing an artifact, by whoever holds the lease.

    run
        write the identity -> `_create()` -> store the result -> publish
        end as ok | failed | preempted, whatever happens
    """

    def __init__(
        self, obj: Computable, artifact: Artifact, lease: Lease, participant: Participant, settings: Settings
    ) -> None:
        self._obj = obj
        self._artifact = artifact
        self.lease = lease
        self._me = participant
        self._settings = settings
        self._paths = artifact.paths
        self._workspace = Workspace(artifact.paths, lease.token, participant.disk, node=node_name(obj))
        self._usage_start = metadata.start_usage()
        self.is_published = False

    def run(self, *, executor_mode: bool) -> Any:
        """Compute and publish.

        Returns:
            What `_create()` returned; it counts only if `is_published` afterwards.

        Raises:
            BaseException: what `_create()` or the storing of its result raised; the attempt has ended then.
        """
        ending = Ending.PREEMPTED
        # Said outside of the capture: who asked for it has the line in its log, and a silent attempt has no log.
        if logs.is_heard(logging.INFO):
            _LOG.info("get %s %s", type(self._obj).__name__, self._obj.furu_hash)
        try:
            with logs.capture(lambda: self._paths.lease(self.lease.token).log):
                try:
                    value = self._create(executor_mode=executor_mode)
                    self._refuse_fork()
                    stored = results.store(self._obj, value, self._workspace)
                    self._refuse_change()
                    self._publish(stored)
                except (FuruNestedTooDeep, FuruWaitTimeout):
                    raise  # a dependency was not begun, or took too long; that says nothing against this one
                except Exception as error:
                    if not self.lease.is_of_this_process:
                        raise
                    if self._is_deleted(error):
                        ending = Ending.LOST
                        return None
                    ending = Ending.FAILED
                    self._record(error)
                    raise
            ending = Ending.OK if self.is_published else Ending.LOST
        finally:
            with shielded():
                self._end(Ending.OK if self._is_ours() else ending)
        return value

    def close(self, ending: Ending = Ending.PREEMPTED) -> None:
        """End the attempt if `run` did not, because it was not called or a signal struck where it could not."""
        if self.lease.token in self._me.heart:
            with shielded():
                self._end(Ending.OK if self._is_ours() else ending)

    def _create(self, *, executor_mode: bool) -> Any:
        record_identity(self._obj, self._me, sync=self._settings.fsync)
        if self._obj.__furu_options__.resumable:
            self._resume()
        context = EXEC_CONTEXT.get()
        if executor_mode:
            context = ExecContext(
                "executor",
                self._obj._executor_spec_key(),
                context.backend or "local",
                self._obj.furu_hash,
            )
        with executing(context), working_in(self._workspace), working_for(self.lease):
            return self._obj._create()

    def _resume(self) -> None:
        """Continue where the last attempt stopped, if it is proven over: nobody else may still write there."""
        for attempt in reversed(self._artifact.lock.ended()):
            if not attempt.is_proven:
                return
            if attempt.ending in (Ending.OK, Ending.NOOP) or attempt.token == self.lease.replaces:
                continue
            with contextlib.suppress(FileNotFoundError):
                self._workspace.adopt(self._paths.files_of(attempt.token))
                return

    def _refuse_fork(self) -> None:
        """A child that `_create()` forked and that returns from it must not publish what the parent still computes."""
        if not self.lease.is_of_this_process:
            node = node_name(self._obj)
            msg = f"a process that was forked while {node} was computed came out of `_create()`; the parent goes on"
            hints = ["end such a process with os._exit(), or use multiprocessing"]
            raise FuruLeaseLost(msg, node=node, furu_dir=Path(self._paths.base), hints=hints)

    def _refuse_change(self) -> None:
        """A list in a field can still be changed; the result would then stand for another config than it says."""
        if has_changed(self._obj):
            msg = f"{node_name(self._obj)} was changed after it was hashed; nothing was published"
            raise FuruConfigError(msg, hints=["don't modify the lists or dicts in a config's fields"])

    def _publish(self, stored: list[Any]) -> None:
        data = None if is_empty(self._workspace) else self.lease.token
        if data is not None and self._settings.fsync:
            self._me.disk.sync_tree(self._workspace.path)
            self._me.disk.sync_file(self._paths.files)
            self._me.disk.sync_file(self._paths.base)  # else the name SUCCESS.json might survive, and `files` not
        usage, furu_hash = self._usage(), self._obj.furu_hash
        success = SuccessRecord(self.lease.token, data, clock.unix(), stored, usage, furu_hash)
        replaces = self.lease.replaces
        with shielded():
            self.is_published = self._artifact.lock.publish(
                success, replaces=replaces is not None, sync=self._settings.fsync
            )
        if self.is_published and replaces is not None:
            self._drop_superseded(kept={self.lease.token, replaces})

    def _drop_superseded(self, kept: set[str]) -> None:
        """Files of results that were replaced long ago; later ones stay for those who still read them.

        Both moments are stamps of one file server: that of our publish, and that of the publish that came after.
        """
        now = self._stamp(self._paths.lease(self.lease.token))
        ended = [attempt for attempt in self._artifact.lock.ended() if attempt.ending is Ending.OK]
        with contextlib.suppress(OSError):  # a network filesystem keeps what somebody has open
            for attempt, successor in itertools.pairwise(ended):
                replaced_at = self._stamp(self._paths.ended(successor.token, Ending.OK))
                if attempt.token not in kept and math.inf > now > replaced_at + _READERS_SEC:
                    self._me.disk.remove_tree(self._paths.files_of(attempt.token))

    def _stamp(self, attempt: AttemptPaths) -> float:
        """When an attempt was published, by the file server; for ever from now where that isn't on record."""
        beaten = self._me.disk.read_beaten(attempt.success)
        return beaten.mtime if beaten is not None else math.inf

    def _is_deleted(self, error: Exception) -> bool:
        """Whether `error` only says that somebody deleted the directories we worked in."""
        if not isinstance(error, FileNotFoundError) or self._artifact.lock.owner(self.lease.token) is not None:
            return False
        _LOG.warning("%s: its directory was deleted while it was computed: %s", node_name(self._obj), error)
        return True

    def _is_ours(self) -> bool:
        """Whether the published result is this attempt's; asked of the disk when an exception hid the answer."""
        if self.is_published:
            return True
        try:
            success = self._artifact.success()
        except Exception:  # noqa: BLE001 -- an unreadable record is nobody's; the first exception is what matters
            return False
        return success is not None and success.token == self.lease.token

    def _record(self, error: Exception) -> None:
        """Keep why the attempt failed, in its log and in error.json; the error itself goes on to the caller."""
        trace = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode("utf-8")
        record = ErrorRecord(
            type=f"{type(error).__module__}.{type(error).__qualname__}",
            message=text_of(error)[:_MESSAGE_CHARS],
            traceback=trace[-_TRACEBACK_CHARS:],
            at=clock.unix(),
            usage=self._usage(),
            token=self.lease.token,
        )
        with contextlib.suppress(OSError):  # a full disk must not hide the error that filled it
            self._me.disk.write_new(self._paths.lease(self.lease.token).error, render(record))
        failed = self._paths.ended(self.lease.token, Ending.FAILED)
        add_context(error, f"while furu computed {node_name(self._obj)}; recorded in {failed.base}")

    def _usage(self) -> Usage:
        return Usage(**metadata.usage(self._usage_start))

    def _end(self, ending: Ending) -> None:
        is_ended_by_us = self._me.end(self.lease, ending)
        if ending is Ending.LOST and not is_ended_by_us and not self.lease.is_cancelled:
            # Revoked or beaten: nobody will ever read these files. Some may still be open, or being written.
            with contextlib.suppress(OSError):
                self._me.disk.remove_tree(self._workspace.path)


def terms_of(obj: Computable, settings: Settings, participant: Participant) -> Terms:
    """What an attempt at `obj` promises and says of itself; writes the shared facts if nobody did."""
    context, root = EXEC_CONTEXT.get(), root_of(obj)
    return Terms(
        node=node_name(obj),
        lease_sec=settings.lease_sec,
        heartbeat_sec=settings.heartbeat_sec,
        backend=context.backend,
        spec_key=context.spec_key,
        environment=record_environment(settings, participant, root),
        code=_record_code(obj, settings, participant, root),
        scheduler=own_facts() if context.backend == BATCH_BACKEND else None,
    )


# What this process has already written and need not look for again.
_WRITTEN: Final[set[str]] = set()


def record_environment(settings: Settings, participant: Participant, root: str) -> str:
    """Write what all attempts of this process share, once for each root; its digest."""
    digest, record = metadata.known_environment(settings)
    paths = RootPaths(root)
    _write_shared(paths.environments, paths.environment(digest), record, participant, sync=settings.fsync)
    return digest


def _record_code(obj: Computable, settings: Settings, participant: Participant, root: str) -> str:
    """Write which code computes artifacts of the class, once for each state of that code; its digest."""
    pieces = fingerprint(cast("Any", type(obj)))
    digest = code_digest(pieces)
    paths = RootPaths(root)
    record = {"v": VERSION, "pieces": pieces}
    _write_shared(paths.codes, paths.code(digest), record, participant, sync=settings.fsync)
    return digest


def _write_shared(directory: str, path: str, record: dict[str, Any], participant: Participant, *, sync: bool) -> None:
    """Write a record that is named by its content, if nobody did, or a power cut tore it."""
    if path in _WRITTEN:
        return
    content = json.dumps(record, sort_keys=True).encode()
    if participant.disk.read(path) != content:
        participant.disk.make_directories(directory)
        participant.disk.replace(path, content, suffix=participant.new_token(), sync=sync)
    _WRITTEN.add(path)


def record_identity(obj: Computable, participant: Participant, *, sync: bool) -> None:
    """Write config.json, and those of the configs that it refers to: some may never be computed themselves.

    Args:
        obj: whose.
        participant: who writes.
        sync: whether to force them to stable storage; the name of the first becomes durable with the publish.
    """
    own_path = artifact_paths(obj).config
    _write_identity(obj, own_path, participant, sync=sync)
    waiting = direct_dependencies(obj)
    while waiting:
        dependency = cast("Computable", waiting.pop())
        path = artifact_paths(dependency).config
        if path not in _WRITTEN:
            if _write_identity(dependency, path, participant, sync=sync) and sync:
                participant.disk.sync_file(os.path.dirname(path))
                participant.disk.sync_names(os.path.dirname(path), root_of(dependency))
            _WRITTEN.add(path)
            waiting.extend(direct_dependencies(dependency))
    _WRITTEN.add(own_path)  # those that depend on it need not look


def forget_identity(path: str) -> None:
    """A config.json was removed: it has to be written again when somebody refers to it."""
    _WRITTEN.discard(path)


def render_identity(obj: Config) -> bytes:
    """What config.json holds: the same bytes whoever writes it."""
    document = {**encode_config(obj), "schema": schema_of(cast("Any", type(obj)))}
    return canonical_text(document).encode("ascii")


def _write_identity(obj: Config, path: str, participant: Participant, *, sync: bool) -> bool:
    if participant.disk.read(path):  # a power cut may leave an empty one
        return False
    content, suffix = render_identity(obj), participant.new_token()
    try:
        participant.disk.replace(path, content, suffix=suffix, sync=sync)
    except FileNotFoundError:  # of a dependency that nobody has computed yet
        participant.disk.make_directories(os.path.dirname(path))
        participant.disk.replace(path, content, suffix=suffix, sync=sync)
    return True
