"""Facts about a computation: the environment that many attempts share, and what one attempt used.

    known_environment(settings)   record and digest, gathered once per process: the next call is free
    start_usage() ... usage(start)

An environment is stored under the digest of its record, so attempts that share one share the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from furu import clock
from furu.storage.git import describe_checkout
from furu.storage.process import this_process
from furu.storage.redaction import make_printable, mask_argv, mask_variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from furu.config import Settings

_VERSION: Final = 1

# What decides how a computation runs. Everything else in the environment is nobody's business.
_VARIABLES: Final = re.compile(
    r"(CUBLAS|CUDA|FURU|KMP|LSB|MKL|NCCL|OMP|PBS|PYTORCH|SLURM|SUBMITIT|TORCH)_\w+"
    r"|\w+_VISIBLE_DEVICES|\w+_NUM_THREADS|(LOCAL_|NODE_)?RANK|(LOCAL_)?WORLD_SIZE|MASTER_(ADDR|PORT)"
    r"|CONDA_(DEFAULT_ENV|PREFIX)|VIRTUAL_ENV|PYTHON(HASHSEED|PATH)|LD_LIBRARY_PATH|HF_HOME|JAX_PLATFORMS|XLA_FLAGS"
    r"|LANG|LC_ALL|TMPDIR|TZ"
)
_METADATA_SUFFIXES: Final = (".dist-info", ".egg-info")
_SEPARATORS: Final = re.compile(r"[-_.]+")
# macOS counts in bytes, Linux in KiB.
_RSS_UNIT_BYTES: Final = 1 if sys.platform == "darwin" else 1024


class Environment(NamedTuple):
    """A record and the name it is stored under.

    Attributes:
        digest: `environment_digest(record)`.
        record: JSON-able; shared by all who ask, so nobody may change it.
    """

    digest: str
    record: dict[str, Any]


def known_environment(settings: Settings) -> Environment:
    """The environment of this process, as it was when an attempt first asked; later calls are free.

    It is asked again after a change of the working directory or of `record_git`, not when files change: what runs is
    the code that was imported.
    """
    return _gather_once(settings.record_git, _working_directory())


def environment_record(settings: Settings) -> dict[str, Any]:
    """The facts that many attempts of this process share, with secrets masked; see `known_environment`."""
    return known_environment(settings).record


def environment_digest(record: Mapping[str, Any]) -> str:
    """The address of an environment by its content: 64 hex digits, independent of the order of keys."""
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def forget_environment() -> None:
    """Gather everything afresh next time; for tests."""
    _gather_once.cache_clear()
    _list_installed.cache_clear()


@cache
def _gather_once(record_git: str, cwd: str | None) -> Environment:
    packages = _list_installed()
    me = this_process()
    record = {
        "v": _VERSION,
        "furu": dict(package.split("==", 1) for package in packages).get("furu"),
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": make_printable(sys.executable or ""),
        },
        "platform": {"system": platform.system(), "release": platform.release(), "machine": platform.machine()},
        "host": me.host,
        "user": me.user,
        "cwd": cwd,
        "argv": [make_printable(argument) for argument in mask_argv(sys.argv)],
        "env": select_variables(os.environ),
        "git": None if record_git == "ignore" else _describe_code(cwd, has_patch=record_git == "full"),
        "packages": list(packages),
    }
    return Environment(environment_digest(record), record)


def _working_directory() -> str | None:
    try:
        return make_printable(os.getcwd())
    except OSError:  # it was removed under us
        return None


def select_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that decide how a computation runs, by allow-list, with secrets masked."""
    return {
        name: make_printable(mask_variable(name, environ[name]))
        for name in sorted(environ)
        if _VARIABLES.fullmatch(name)
    }


def _describe_code(cwd: str | None, *, has_patch: bool) -> dict[str, Any]:
    """The checkout we were started in; failing that, the one of the main script, as for jobs started from home."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    places = [place for place in (cwd, script and os.path.dirname(os.path.abspath(script))) if place]
    records = []
    for place in dict.fromkeys(places):
        records.append(describe_checkout(place, has_patch=has_patch))
        if "commit" in records[-1]:
            return records[-1]
    return records[0] if records else {"note": "there is no directory to look in"}


@cache
def _list_installed() -> tuple[str, ...]:
    return list_packages(sys.path)


def list_packages(path: Iterable[str]) -> tuple[str, ...]:
    """`name==version` of what is installed on an import path, sorted; of two versions the one that is imported.

    Read from the names of the metadata directories, which the packaging standards fix: `importlib.metadata` would open
    a file for each package, and on a network disk that takes seconds.
    """
    found: dict[str, str] = {}
    for directory in path:
        try:
            names = sorted(os.listdir(directory or "."))
        except OSError:  # archives, and entries that don't exist
            continue
        for stem, suffix in map(os.path.splitext, names):
            name, dash, rest = stem.partition("-")
            if dash and suffix in _METADATA_SUFFIXES:
                found.setdefault(_SEPARATORS.sub("-", name).lower(), rest.partition("-")[0])
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()))


class UsageStart(NamedTuple):
    """The clocks at the beginning of an attempt, in seconds, and the thread that read them."""

    monotonic: float
    process_cpu: float
    thread_cpu: float
    thread: int


def start_usage() -> UsageStart:
    """Read the clocks."""
    return UsageStart(clock.monotonic(), clock.process_cpu(), clock.thread_cpu(), threading.get_ident())


def usage(start: UsageStart) -> dict[str, Any]:
    """What was used since `start`.

    `wall_sec`; `process_cpu_sec` of all threads of the process, so of everything that ran at the same time;
    `thread_cpu_sec` of this thread, None when another one began the attempt; `max_rss_bytes`, the most memory that
    the process ever had, None where the system doesn't say.
    """
    is_same_thread = threading.get_ident() == start.thread
    return {
        "wall_sec": round(clock.monotonic() - start.monotonic, 6),
        "process_cpu_sec": round(clock.process_cpu() - start.process_cpu, 6),
        "thread_cpu_sec": round(clock.thread_cpu() - start.thread_cpu, 6) if is_same_thread else None,
        "max_rss_bytes": _max_rss_bytes(),
    }


def _max_rss_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT_BYTES
