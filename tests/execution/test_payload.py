"""How nodes travel: each config once, as JSON, read only as far as it has grown."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import furu
from furu.errors import FuruCorruptRecord
from furu.execution.payload import ConfigTable, FuruPayloadError, PayloadWriter, reference_of, run_payload
from furu.execution.run import Task
from furu.execution.scheduling.outcomes import Outcome, Start
from furu.execution.worker import NodeEnd
from tests.support import graphs
from tests.support.graphs import Node, chain, layers, leaf


@pytest.fixture
def writer() -> PayloadWriter:
    return PayloadWriter("run", "process")


@pytest.fixture
def table(own_store) -> Path:
    return own_store / "runs" / "run" / "configs.jsonl"


def task(obj: Node, attempt: int = 1) -> Task:
    return Task(Start(obj.furu_hash, attempt, obj.key, None), obj)


def end_of(payload: str) -> NodeEnd:
    return NodeEnd.from_json(json.loads(run_payload(payload)))


class TestWriter:
    def test_each_config_is_written_once_whatever_refers_to_it(self, writer, table):
        nodes = layers(10, 5)
        for node in [*nodes[0].needs, *nodes]:
            writer.payload(task(node))
        lines = table.read_text().splitlines()
        assert 50 == len(lines) == len(set(lines))

    def test_what_is_written_is_not_walked_again(self, writer, monkeypatch):
        """Else a run over a long chain would walk all below each node, for each node."""
        nodes = chain(50)
        looked: list[Any] = []
        monkeypatch.setattr(
            "furu.execution.payload.direct_dependencies", lambda obj: looked.append(obj) or list(obj.needs)
        )
        for node in nodes:
            writer.payload(task(node))
        assert 50 == len(looked)

    def test_a_payload_is_short_whatever_lies_below(self, writer):
        assert len(writer.payload(task(chain(500)[-1]))) == len(writer.payload(task(leaf("n"))))

    def test_no_two_payloads_are_equal(self, writer):
        """Dask, for one, answers the same question only once."""
        assert 3 == len({writer.payload(task(leaf("a"), attempt)) for attempt in (1, 1, 2)})

    def test_a_class_that_no_worker_can_import_is_refused(self, writer, table):
        class Local(furu.Furu[int]):
            def _create(self) -> int:
                return 0

        with pytest.raises(ValueError, match="Local"):
            writer.add([Local()])
        assert not table.exists()


class TestWorker:
    def test_it_computes_the_node(self, writer):
        leaf("a").get()
        end = end_of(writer.payload(task(Node(name="b", needs=(leaf("a"),)))))
        assert (Outcome.SUCCEEDED, True, None) == (end.outcome, end.is_computed, end.error)
        assert ["a", "b"] == graphs.CREATED

    def test_a_chain_longer_than_the_stack_is_built(self, writer):
        end = end_of(writer.payload(task(chain(3000)[-1])))
        assert isinstance(end.error, furu.FuruMissingArtifact), end.error_text

    def test_settings_are_the_drivers_and_only_for_the_node(self, writer, own_store, tmp_path):
        payload = writer.payload(task(leaf("a")))
        with furu.using(path=tmp_path):
            assert Outcome.SUCCEEDED is end_of(payload).outcome
            assert not leaf("a").exists()
        assert leaf("a").exists()

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"node": "tests/support/graphs/Node/" + "0" * 32}, "is not in"),
            ({"configs": "/nowhere"}, "is not in /nowhere"),
            ({"settings": {"lease_sec": "never"}}, "FURU_LEASE_SECS|lease_sec"),
        ],
        ids=["unknown node", "no table", "bad settings"],
    )
    def test_what_cant_be_built_is_a_protocol_failure(self, writer, changes, text):
        payload = json.loads(writer.payload(task(leaf("a"))))
        end = end_of(json.dumps(payload | changes))
        assert Outcome.PROTOCOL_FAILED is end.outcome
        assert isinstance(end.error, FuruPayloadError)
        with pytest.raises(FuruPayloadError, match=text):
            raise end.error

    @pytest.mark.parametrize("payload", ["", "[]", "{}", "null"])
    def test_garbage_is_a_protocol_failure(self, payload):
        assert Outcome.PROTOCOL_FAILED is end_of(payload).outcome

    def test_sys_exit_of_the_users_is_an_end_like_any_other(self, writer):
        graphs.DOES["a"] = graphs.failing(SystemExit(3))
        end = end_of(writer.payload(task(leaf("a"))))
        assert (Outcome.COMPUTE_FAILED, "SystemExit") == (end.outcome, end.error_type)


class TestTable:
    def test_it_reads_on_from_where_it_was(self, writer, table):
        writer.add([leaf("a")])
        configs = ConfigTable(str(table))
        assert leaf("a") == configs.config(reference_of(leaf("a")))
        first = table.read_bytes()
        writer.add([leaf("b")])
        # What was read is not read again, so it may be anything by now.
        table.write_bytes(b"?" * len(first) + table.read_bytes()[len(first) :])
        assert leaf("b") == configs.config(reference_of(leaf("b")))

    def test_a_line_that_is_still_being_written_waits(self, writer, table):
        writer.add([leaf("a")])
        whole = table.read_bytes()
        table.write_bytes(whole[:-10])
        configs = ConfigTable(str(table))
        with pytest.raises(FuruCorruptRecord, match="is not in"):
            configs.config(reference_of(leaf("a")))
        table.write_bytes(whole)
        assert leaf("a") == configs.config(reference_of(leaf("a")))

    def test_threads_share_it(self, writer, table):
        nodes = layers(10, 20)
        writer.add(nodes)
        configs, together = ConfigTable(str(table)), threading.Barrier(4)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(4) as pool:
                built = pool.map(lambda node: (together.wait(30), configs.config(reference_of(node)))[1], nodes[:4])
                assert nodes[:4] == list(built)
        finally:
            sys.setswitchinterval(before)

    def test_equal_configs_are_one_object(self, writer, table):
        top = Node(name="top", needs=(leaf("a"), Node(name="b", needs=(leaf("a"),))))
        writer.add([top])
        built = ConfigTable(str(table)).config(reference_of(top))
        assert isinstance(built, Node)
        assert built.needs[0] is built.needs[1].needs[0]  # type: ignore[attr-defined]


class Odd(furu.FuruError):
    """Holds something that can't be pickled."""

    def __init__(self) -> None:
        super().__init__("odd")
        self.what = lambda: 0


class TestEnd:
    @pytest.mark.parametrize(
        "error",
        [
            furu.FuruMissingArtifact(node="N", requested_by="x"),
            furu.FuruComputeError("no", node="N", furu_dir=Path("d"), hints=["h"]),
            FuruPayloadError("no"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_errors_of_furu_cross_the_border(self, error):
        end = NodeEnd.of_error(error, 1.5)
        back = NodeEnd.from_json(json.loads(json.dumps(end.to_json())))
        assert (type(error), str(error), vars(error)) == (type(back.error), str(back.error), vars(back.error))
        assert replace(end, error=None) == replace(back, error=None)

    @pytest.mark.parametrize("error", [ValueError("no"), Odd()], ids=["the user's", "with a lambda"])
    def test_others_cross_it_in_words(self, error):
        back = NodeEnd.from_json(json.loads(json.dumps(NodeEnd.of_error(error, 0.0).to_json())))
        assert (None, type(error).__name__, str(error)) == (back.error, back.error_type, back.error_text)
