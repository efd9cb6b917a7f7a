"""How a node gets to a worker in another process: as JSON, by way of the run's directory.

The driver writes each config of the run once (`ConfigTable.write`), a worker reads the table once and builds the
configs it is asked for. So a node of a graph with ten thousand ancestors still travels as one short line, and nothing
is pickled: a worker builds configs from classes it can import itself.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from furu import config, logs
from furu.core.furu import Furu
from furu.errors import FuruCorruptRecord, FuruProtocolError
from furu.execution.worker import NodeEnd, run_node
from furu.identity.decode import decode_config, encode_config, references_of
from furu.identity.dependencies import direct_dependencies
from furu.storage.access import refuse_open_to_all
from furu.storage.atomic import DISK
from furu.storage.layout import RootPaths, RunPaths
from furu.storage.records import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from furu.execution.run import Task
    from furu.identity.fields import Config

_TABLES_KEPT: Final = 4


class FuruPayloadError(FuruProtocolError):
    """A worker was given something it can't build its node from."""


def reference_of(obj: Config) -> str:
    """`<namespace>/<hash>`, as configs refer to each other."""
    return f"{type(obj).__furu_class__.namespace}/{obj.furu_hash}"


class PayloadWriter:
    """The driver's half: writes what workers need, each config once, and names nodes to them."""

    def __init__(self, run_id: str, backend: str) -> None:
        current = config.settings()
        self._paths: RunPaths = RootPaths(str(current.path)).run(run_id)
        self._backend = backend
        self._settings = current.model_dump(mode="json")
        self._written: set[str] = set()
        self._sent = 0
        DISK.make_directories(self._paths.base)

    def add(self, objs: Iterable[Furu[Any]]) -> None:
        """Write the documents of `objs` and of everything below them, before any of them is sent.

        Raises:
            ValueError: a class is local or in `__main__`, so that no worker could import it.
        """
        lines = []
        waiting: list[Config] = list(objs)
        while waiting:
            each = waiting.pop()
            reference = reference_of(each)
            if reference in self._written:  # with all below it
                continue
            type(each).__furu_class__.check_storable()
            self._written.add(reference)
            lines.append(json.dumps(encode_config(each)) + "\n")
            waiting.extend(direct_dependencies(each))
        if lines:
            DISK.append(self._paths.configs, "".join(lines).encode("ascii"))

    def payload(self, task: Task) -> str:
        """What to send for a node; no two are the same, since an engine may answer twice what it was asked twice."""
        self.add([task.obj])
        self._sent += 1
        return json.dumps(
            {
                "v": 1,
                "number": self._sent,
                "configs": self._paths.configs,
                "node": reference_of(task.obj),
                "spec_key": task.start.spec_key,
                "backend": self._backend,
                "is_hushed": logs.is_hushed(),
                "settings": self._settings,
                "sys_path": [path for path in sys.path if path],
            }
        )


def run_payload(payload: str) -> str:
    """The worker's half, for any engine: build the node, compute it, and say how it ended.

    Never raises an `Exception`: an engine that had to pickle it might not be able to.

    Args:
        payload: of `PayloadWriter.payload`.

    Returns:
        A `NodeEnd` as JSON.
    """
    try:
        fields = parse_object(payload.encode(), "the payload")
        # A view that the driver shows has room for warnings, not for a line of each worker about each node.
        hush = logs.hushed() if fields["is_hushed"] else nullcontext()
        with hush, config.using(**fields["settings"]):
            obj = build_node(fields)
            end = run_node(obj, spec_key=fields["spec_key"], backend=fields["backend"])
    except Exception as error:  # noqa: BLE001 -- becomes a value, see above
        problem = FuruPayloadError(f"a worker can't build its node: {type(error).__qualname__}: {error}")
        problem.__cause__ = error
        end = NodeEnd.of_error(problem, wall_sec=0.0)
    return json.dumps(end.to_json())


def build_node(fields: dict[str, Any]) -> Furu[Any]:
    """The config that a payload names.

    Raises:
        FuruCorruptRecord: it isn't in the run's table.
        FuruDecodeError: its class can't be imported here, or is another one.
    """
    _extend_path(fields["sys_path"])
    return _table(fields["configs"]).config(fields["node"])


def _extend_path(directories: list[str]) -> None:
    """Let the worker import what the driver can: a script's own directory, say."""
    for directory in directories:
        if directory not in sys.path and os.path.isdir(directory):
            sys.path.append(directory)


class ConfigTable:
    """The worker's view of configs.jsonl: read as far as it has grown, configs built when they are asked for."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._documents: dict[str, dict[str, Any]] = {}
        self._configs: dict[str, Config] = {}
        self._read_bytes = 0
        self._reading = threading.Lock()

    def config(self, reference: str) -> Furu[Any]:
        """The config that `reference` names, with all below it.

        Raises:
            FuruCorruptRecord: it isn't in the table.
            FuruDecodeError: its class can't be imported here, or is another one.
        """
        open_references = [reference]
        while open_references:
            current = open_references[-1]
            missing = [each for each in references_of(self._document(current)) if each not in self._configs]
            if missing:
                open_references.extend(missing)
                continue
            open_references.pop()
            if current not in self._configs:
                self._configs[current] = decode_config(self._document(current), self._configs)
        built = self._configs[reference]
        if not isinstance(built, Furu):
            msg = f"{reference} in {self._path} is no computation"
            raise FuruPayloadError(msg)
        return built

    def _document(self, reference: str) -> dict[str, Any]:
        if reference not in self._documents:
            self._read_on()
        try:
            return self._documents[reference]
        except KeyError:
            msg = f"{reference} is not in {self._path}"
            raise FuruCorruptRecord(msg, path=Path(self._path)) from None

    def _read_on(self) -> None:
        with self._reading:  # workers of some engines are threads of one process
            try:
                with open(self._path, "rb") as file:
                    file.seek(self._read_bytes)
                    content = file.read()
            except FileNotFoundError:
                return
            whole = content[: content.rfind(b"\n") + 1]
            for line in whole.splitlines():
                document = parse_object(line, self._path)
                self._documents[f"{document['namespace']}/{document['hash']}"] = document
            self._read_bytes += len(whole)


@lru_cache(maxsize=_TABLES_KEPT)
def _table(path: str) -> ConfigTable:
    refuse_open_to_all(path, "a table of configs for workers")
    return ConfigTable(path)
