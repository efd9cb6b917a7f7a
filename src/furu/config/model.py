"""`Settings`: every knob with its type, default and range."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from furu.config.project import default_root, default_version_controlled_root, make_absolute
from furu.config.rerun import parse_always_rerun

RecordGit = Literal["full", "commit", "ignore"]
OnCodeChange = Literal["ignore", "warn", "rerun"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_LEASE_SEC = 120.0
_HEARTBEATS_PER_LEASE = 4


def _default_heartbeat(validated: dict[str, Any]) -> float:
    # A bad lease is missing here, and is reported on its own.
    return float(validated.get("lease_sec", _LEASE_SEC)) / _HEARTBEATS_PER_LEASE


def _default_submitit_path(validated: dict[str, Any]) -> Path:
    return Path(validated.get("path", default_root())) / "submitit"


class Settings(BaseModel):
    """Everything about furu that is not part of a config's identity.

    Attributes:
        path: the root of the store, absolute.
        version_controlled_path: the root for classes with `version_controlled=True`, absolute.
        submitit_path: submitit's folders, absolute.
        lease_sec: a lease this long without a heartbeat is over.
        heartbeat_sec: how often an owner renews its lease; a quarter of the lease unless said otherwise.
        poll_interval_sec: the longest nap of whoever waits for another process.
        max_wait_sec: how long to wait for a live owner; None as long as it lives.
        stale_after_sec: a node that another run left queued or running this long is called stale.
        retry_failed: compute again what failed last time, instead of refusing.
        max_compute_retries: attempts of a node in one run, after the first.
        always_rerun: `module.Class` names that are computed again whatever is stored; `{"ALL"}` for every class.
        record_git: `"full"` keeps commit, branch, dirty and the patch; `"commit"` leaves the patch out.
        on_code_change: what to do with a result that other code made: `"ignore"` it and load, `"warn"` and load, or
            `"rerun"`. The code is the class's `_create()` and what it calls in the user's project.
        fsync: a published result survives a power cut.
        log_level: of furu's own lines on stderr.
        cancelled_is_preempted: a cancelled Slurm job counts as preempted, not as failed.
    """

    # Building the validator waits for the first use: `import furu` shall not pay for it.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: Path = Field(default_factory=lambda: Path(default_root()))
    version_controlled_path: Path = Field(default_factory=lambda: Path(default_version_controlled_root()))
    submitit_path: Path = Field(default_factory=_default_submitit_path)
    lease_sec: _Seconds = _LEASE_SEC
    heartbeat_sec: float = Field(default_factory=_default_heartbeat, gt=0, allow_inf_nan=False)
    poll_interval_sec: _Seconds = 1.0
    max_wait_sec: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    stale_after_sec: _Seconds = 1800.0
    retry_failed: bool = True
    max_compute_retries: Annotated[int, Field(ge=0)] = 3
    always_rerun: frozenset[str] = frozenset()
    record_git: RecordGit = "full"
    on_code_change: OnCodeChange = "ignore"
    fsync: bool = True
    log_level: LogLevel = "INFO"
    cancelled_is_preempted: bool = False

    @field_validator("path", "version_controlled_path", "submitit_path", mode="before")
    @classmethod
    def _resolve_path(cls, value: Any) -> Any:
        return make_absolute(str(value)) if isinstance(value, (str, Path)) else value

    @field_validator("heartbeat_sec")
    @classmethod
    def _check_heartbeat(cls, value: float, info: ValidationInfo) -> float:
        lease_sec = info.data.get("lease_sec")
        if lease_sec is not None and value >= lease_sec:
            raise ValueError(f"a heartbeat must be shorter than the lease, and the lease is {lease_sec:g} s")
        return value

    @field_validator("max_wait_sec", mode="before")
    @classmethod
    def _read_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().lower() == "none" else value

    @field_validator("retry_failed", "fsync", "cancelled_is_preempted", "record_git", "on_code_change", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("always_rerun", mode="before")
    @classmethod
    def _parse_always_rerun(cls, value: Any) -> Any:
        is_entries = isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(entry, str) for entry in value)
        return parse_always_rerun(value) if isinstance(value, str) or is_entries else value


class SettingValues(TypedDict, total=False):
    """What `furu.configure()` and `furu.using()` take: any field of `Settings`."""

    path: str | Path
    version_controlled_path: str | Path
    submitit_path: str | Path
    lease_sec: float
    heartbeat_sec: float
    poll_interval_sec: float
    max_wait_sec: float | None
    stale_after_sec: float
    retry_failed: bool
    max_compute_retries: int
    always_rerun: str | list[str] | set[str] | frozenset[str]
    record_git: RecordGit
    on_code_change: OnCodeChange
    fsync: bool
    log_level: LogLevel
    cancelled_is_preempted: bool
