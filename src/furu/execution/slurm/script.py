"""The text of a batch job, where sbatch is told what submitit would be told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from furu.errors import FuruConfigError
from furu.execution.slurm.client import JobRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIGNAL_DELAY_SEC: Final = 90
"""How long before its time limit a job is warned, as with submitit."""

_MIB_PER_GIB: Final = 1024
_PREFIX: Final = "slurm_"
_RENAMED: Final = {"timeout_min": "time", "tasks_per_node": "ntasks-per-node", "mem_gb": "mem"}
# What makes sense of a script of submitit's own, and not of ours: srun, and commands after the program.
_REFUSED: Final = frozenset({"slurm_srun_args", "slurm_teardown"})
_IGNORED: Final = frozenset({"slurm_use_srun", "slurm_stderr_to_stdout"})


@dataclass(frozen=True, slots=True)
class JobProgram:
    """What a job runs: `python -m module *arguments`.

    Attributes:
        module: has `main(arguments: Sequence[str]) -> int`, the exit code.
        arguments: of the program.
    """

    module: str
    arguments: tuple[str, ...]


def job_request(
    programs: Sequence[JobProgram], parameters: Mapping[str, Any], *, python: str, name: str, log_dir: str
) -> JobRequest:
    """One job, or an array of them.

    Args:
        programs: what each runs.
        parameters: in submitit's terms, as `SlurmSpec.to_submitit_parameters` gives them.
        python: the interpreter.
        name: for squeue.
        log_dir: where the output goes, a file for each job.

    Raises:
        FuruConfigError: a parameter can only be had through submitit.
    """
    if refused := sorted(_REFUSED & parameters.keys()):
        msg = f"{', '.join(refused)}: only jobs that submitit submits can have that"
        raise FuruConfigError(msg, issues=[(each, "needs submitit") for each in refused])
    rest = dict(parameters)
    setup: list[str] = rest.pop("slurm_setup", None) or []
    delay_sec = rest.pop("slurm_signal_delay_s", SIGNAL_DELAY_SEC)
    limit = rest.pop("slurm_array_parallelism", None)
    is_array = len(programs) > 1
    mark = "%A_%a" if is_array else "%j"
    options = {
        # B: python is the batch step's own process, since the script ends with `exec`.
        "signal": f"B:USR2@{delay_sec}",
        "open-mode": "append",
        "output": f"{log_dir}/{mark}.log",
        **dict(_option(*item) for item in rest.items() if _says_something(*item)),
        **{name.replace("_", "-"): value for name, value in parameters.get("slurm_additional_parameters", {}).items()},
    }
    return JobRequest(
        script=_script(programs, setup, python),
        name=name,
        array_size=len(programs) if is_array else None,
        array_limit=limit if is_array else None,
        options=options,
    )


def _says_something(name: str, value: Any) -> bool:
    is_left_out = name in _IGNORED or name == "slurm_additional_parameters"
    return not is_left_out and value is not None and value is not False


def _option(name: str, value: Any) -> tuple[str, Any]:
    if name == "mem_gb":
        value = f"{int(value * _MIB_PER_GIB)}M"
    return _RENAMED.get(name, name.removeprefix(_PREFIX)).replace("_", "-"), value


def _script(programs: Sequence[JobProgram], setup: Sequence[str], python: str) -> str:
    # Until python has a handler for it, the warning would kill it: ignored across `exec`, it does not.
    lines = ["#!/bin/bash", "trap '' USR2", *setup]
    commands = [f"exec {shlex.join([python, '-u', '-m', each.module, *each.arguments])}" for each in programs]
    if len(set(commands)) == 1:
        return "\n".join([*lines, commands[0], ""])
    cases = [f"{index}) {command} ;;" for index, command in enumerate(commands)]
    return "\n".join([*lines, 'case "$SLURM_ARRAY_TASK_ID" in', *cases, "esac", "exit 1", ""])
