"""Every error furu raises: facts as attributes, hints that say what to do, and all of them pickle.

Who is to blame is the type: a config the user wrote (`FuruConfigError`), a computation (`FuruComputeError`),
a broken rule of executor mode (`FuruProtocolError`), another process (`FuruWaitTimeout`), the store
(`FuruStoreError`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def _restore(cls: type[FuruError], args: tuple[Any, ...], state: dict[str, Any]) -> FuruError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class FuruError(Exception):
    """Base of all furu errors.

    Attributes:
        message: the text without the hints.
        hints: what to do about it, a sentence each; printed below the message.
    """

    hints: tuple[str, ...] = ()

    def __init__(self, message: str = "", *, hints: Iterable[str] = ()) -> None:
        super().__init__(message)
        if hints := tuple(hints):
            self.hints = hints

    @property
    def message(self) -> str:
        """The text without the hints."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  hint: {hint}" for hint in self.hints)])

    def __reduce__(self) -> tuple[Any, ...]:
        # Facts are keyword-only, so the default (cls, args) could not be called again.
        return _restore, (type(self), self.args, dict(self.__dict__))


class FuruConfigError(FuruError, TypeError, ValueError):
    """A config can't be built from these values; names every bad field at once.

    Attributes:
        issues: one `(field path, what is wrong)` for each bad field.
    """

    def __init__(self, message: str, *, issues: Iterable[tuple[str, str]] = (), hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.issues = tuple(issues)


class FuruSettingsError(FuruError, ValueError):
    """A `FURU_*` variable or an entry of `[tool.furu]` has a value that furu can't use.

    Attributes:
        variable: the name as the user wrote it.
    """

    def __init__(self, message: str, *, variable: str, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.variable = variable


class FuruComputeError(FuruError):
    """A computation failed, now or earlier.

    Attributes:
        node: `Class(hash)`.
        furu_dir: the artifact's directory.
        state_path: the record that says so (error.json of the failed attempt), if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        node: str | None = None,
        furu_dir: Path | None = None,
        state_path: Path | None = None,
        hints: Iterable[str] = (),
    ) -> None:
        super().__init__(message, hints=hints)
        self.node = node
        self.furu_dir = furu_dir
        self.state_path = state_path


class FuruProtocolError(FuruError):
    """A rule of executor mode was broken; trying again can't help."""


class FuruMissingArtifact(FuruProtocolError):
    """Executor mode is load-only, and this artifact isn't there.

    Attributes:
        node: `Class(hash)` of what is missing.
        requested_by: hash of the config whose `_create()` asked for it.
    """

    def __init__(self, *, node: str, requested_by: str | None) -> None:
        super().__init__(
            f"Missing artifact {node} in executor mode. Requested by {requested_by}. Declare it as a dependency."
        )
        self.node = node
        self.requested_by = requested_by


class FuruSpecMismatch(FuruProtocolError):
    """`force=True` on a worker that lacks the resources the config asks for.

    Attributes:
        required: the config's spec key.
        worker: the worker's spec key.
    """

    def __init__(self, *, required: str, worker: str | None) -> None:
        super().__init__(f"force=True not allowed: required={required!r} != worker={worker!r} (v1 exact match)")
        self.required = required
        self.worker = worker


class FuruDependencyCycle(FuruError, ValueError):
    """Configs depend on each other in a ring.

    Attributes:
        cycle: `Class(hash)` in order; the first is repeated at the end.
    """

    def __init__(self, *, cycle: Iterable[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__("Cycle in dependencies: " + " -> ".join(self.cycle))


class FuruNestedTooDeep(FuruError, RecursionError):
    """`get()` inside of `_create()` inside of `get()` ..., until Python's call stack is nearly full.

    Attributes:
        node: `Class(hash)` of what was not begun.
        depth: how many computations wait for it, each for the next.
    """

    def __init__(self, *, node: str, depth: int) -> None:
        self.node = node
        self.depth = depth
        super().__init__(
            f"{node} is not computed: {depth} computations wait for it, each for the next; Python's call stack is full",
            hints=[
                "run_local([config]) computes what is declared from below, and so chains of any length",
                "sys.setrecursionlimit() makes room for more",
            ],
        )


class FuruValidationError(FuruError):
    """Raise it in `_validate()`: the stored result is not good any more and shall be computed again."""


class FuruWaitTimeout(FuruError, TimeoutError):
    """Another process computes this artifact and did not finish within the wait.

    Attributes:
        node: `Class(hash)`.
        furu_dir: the artifact's directory.
        owner: who holds the lease, as `host pid`.
        waited_sec: how long we waited.
    """

    def __init__(
        self, message: str, *, node: str, furu_dir: Path, owner: str, waited_sec: float, hints: Iterable[str] = ()
    ) -> None:
        super().__init__(message, hints=hints)
        self.node = node
        self.furu_dir = furu_dir
        self.owner = owner
        self.waited_sec = waited_sec


class FuruLockNotAcquired(FuruError):
    """Somebody else holds the lease, and the caller asked not to wait.

    Attributes:
        node: `Class(hash)`.
        owner: who holds it, as `host pid`.
    """

    def __init__(self, *, node: str, owner: str) -> None:
        super().__init__(f"{node} is being computed by {owner}")
        self.node = node
        self.owner = owner


class FuruNothingPublished(FuruError, LookupError):
    """Facts about a published result were asked for, and there is none.

    Attributes:
        node: `Class(hash)`.
        furu_dir: the artifact's directory.
    """

    def __init__(self, *, node: str, furu_dir: Path) -> None:
        super().__init__(f"{node} has no published result in {furu_dir}", hints=["compute it with get()"])
        self.node = node
        self.furu_dir = furu_dir


class FuruLeaseLost(FuruError):
    """This attempt was revoked or its directory was deleted while it ran; nothing of it was published.

    Attributes:
        node: `Class(hash)`.
        furu_dir: the artifact's directory.
    """

    def __init__(self, message: str, *, node: str, furu_dir: Path, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.node = node
        self.furu_dir = furu_dir


class FuruAnnotationError(FuruError, ValueError):
    """A tag or a note can't be what was given."""


class FuruStoreError(FuruError):
    """The store holds, or is, something furu must not work with.

    Attributes:
        path: the file or directory in question.
    """

    def __init__(self, message: str, *, path: Path, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.path = path


class FuruReadOnlyStore(FuruStoreError, PermissionError):
    """Something must be computed, but the store can't be written by this user."""


class FuruCorruptRecord(FuruStoreError):
    """A record of ours can't be read as one; it is kept for you to look at, and never guessed."""


class FuruFutureRecord(FuruStoreError):
    """A record was written by a newer furu; this one refuses to guess and never computes over it."""


class FuruCodecError(FuruError, TypeError):
    """A result has a type that no codec stores, or stored bytes that its codec can't read.

    Attributes:
        value_type: the type's qualified name.
    """

    def __init__(self, message: str, *, value_type: str, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.value_type = value_type


def text_of(error: BaseException) -> str:
    """What an error says, as text that can be stored and printed.

    The class is the user's: its `str()` may fail, and file names in it may hold bytes that are no UTF-8.
    """
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 -- it must not hide the error that is told of
        text = f"(its text can't be had: {type(failure).__qualname__})"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def add_context(error: BaseException, note: str) -> None:
    """Attach `note` to an error that goes on to the caller as itself, once."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
