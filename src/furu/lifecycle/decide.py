"""What `get()` does, as a pure function: facts in, an action and its reason out. `furu why` prints the same."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Action(enum.Enum):
    """What `get()` can do."""

    LOAD = "load"
    COMPUTE = "compute"
    WAIT = "wait"
    REFUSE_MISSING = "refuse: missing"
    REFUSE_SPEC = "refuse: wrong spec key"
    REFUSE_FAILED = "refuse: failed before"


class Facts(NamedTuple):
    """All that the decision depends on.

    Attributes:
        is_executor: the context's mode is "executor".
        is_forced: `get(force=True)`.
        is_published: there is a result that may count.
        is_valid: and the class does not refuse it.
        is_always_rerun: the class is in `FURU_ALWAYS_RERUN`.
        required_spec: the spec key that the config wants.
        worker_spec: the spec key that the context has.
        holder: who computes it now, or None.
        has_failed: the attempt that ended last failed.
        retry_failed: whether a failed artifact may be computed again.
    """

    is_executor: bool
    is_forced: bool
    is_published: bool
    is_valid: bool
    is_always_rerun: bool
    required_spec: str
    worker_spec: str | None
    holder: str | None = None
    has_failed: bool = False
    retry_failed: bool = True


class Verdict(NamedTuple):
    """What to do.

    Attributes:
        action: the decision.
        because: the reason, for people.
    """

    action: Action
    because: str


_LOAD: Final = Verdict(Action.LOAD, "it is published")
_RERUN: Final = "FURU_ALWAYS_RERUN names its class"


def decide(facts: Facts) -> Verdict:
    """The one decision of furu.

    A published, valid result is loaded, unless its class is always rerun: then it is computed anew wherever
    computing is allowed. Interactive mode computes what is missing; executor mode computes only by `force=True` on a
    worker with the very spec key that the config wants. A live owner is waited for, and a failure is final while
    `FURU_RETRY_FAILED` is off.
    """
    is_good = facts.is_published and facts.is_valid
    if is_good and not (facts.is_always_rerun and (facts.is_forced or not facts.is_executor)):
        return _LOAD
    reason = _RERUN if is_good else "its result is not valid any more" if facts.is_published else "it is missing"
    if facts.is_executor and not facts.is_forced:
        return Verdict(Action.REFUSE_MISSING, f"{reason}, and executor mode is load-only")
    if facts.is_executor and facts.required_spec != facts.worker_spec:
        return Verdict(Action.REFUSE_SPEC, f"{reason}, and it wants {facts.required_spec!r}, not {facts.worker_spec!r}")
    if facts.holder is not None:
        return Verdict(Action.WAIT, f"{facts.holder} computes it")
    if facts.has_failed and not facts.retry_failed:
        return Verdict(Action.REFUSE_FAILED, "its last attempt failed and FURU_RETRY_FAILED is off")
    return Verdict(Action.COMPUTE, reason)
