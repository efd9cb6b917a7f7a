"""Ctrl-C and SIGTERM in the middle of a run on threads: attempts end, leases are free, and the next run goes on."""

from __future__ import annotations

import signal

import pytest

from furu.execution import Reporter, run_local
from tests.lifecycle.steps import endings, holders
from tests.support.deeds import Deed, created

GRAPH = (
    "done = Deed(name='done')\n"
    "stuck = [Deed(name=f'stuck{number}', needs=(done,), deed='wait') for number in range(2)]\n"
    "top = Deed(name='top', needs=tuple(stuck))\n"
)
RUN = "run_local([top], max_workers=2, reporter=Reporter())\n"
KINDS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)


def graph() -> tuple[Deed, list[Deed], Deed]:
    """The same without deeds."""
    done = Deed(name="done")
    stuck = [Deed(name=f"stuck{number}", needs=(done,)) for number in range(2)]
    return done, stuck, Deed(name="top", needs=tuple(stuck))


@KINDS
def test_running_nodes_are_preempted_and_a_second_run_computes_only_the_rest(start, number, code):
    script = start(GRAPH + RUN, FURU_LOG_LEVEL="WARNING")
    script.expect("creating")
    script.expect("creating")
    script.send(number)
    assert code == script.finish()
    assert "Traceback" not in script.errors()
    assert "1 of 4 nodes are done; run the same again to compute the rest" in script.errors()
    _, stuck, top = graph()
    assert [["preempted"]] * 2 == [endings(each) for each in stuck]
    assert [[]] * 2 == [holders(each) for each in stuck]
    run_local([top], reporter=Reporter())
    assert ["done", "stuck", "stuck", "stuck", "stuck", "top"] == [name.rstrip("01") for name in created()]
    assert [["preempted", "ok"]] * 2 == [endings(each) for each in stuck]


@KINDS
def test_a_run_that_waits_for_another_owner_leaves_it_alone(start, number, code):
    owner = start("Deed(name='busy', deed='listen').get()")
    owner.expect("creating")
    waiter = start(
        "class Said(Reporter):\n"
        "    def run_started(self, run_id, plan):\n"
        "        say('started')\n"
        "run_local([Deed(name='busy')], reporter=Said())"
    )
    waiter.expect("started")
    waiter.send(number)
    assert code == waiter.finish()
    owner.tell("go on")
    assert 0 == owner.finish()
    assert ["ok"] == endings(Deed(name="busy"))


def test_in_a_notebook_the_run_can_be_started_again_although_its_threads_are_stuck(start):
    script = start(
        GRAPH + "try:\n"
        f"    {RUN}"
        "except KeyboardInterrupt:\n"
        "    say('caught')\n"
        "DEEDS['wait'] = lambda name: None\n" + RUN + "say('got ' + top.get())"
    )
    script.expect("creating")
    script.expect("creating")
    script.send(signal.SIGINT)
    script.expect("caught")
    assert "donestuck0donestuck1top" == script.expect("got")
    assert 0 == script.finish()


def test_a_run_in_another_thread_than_the_main_one_needs_no_signals(start):
    script = start(
        GRAPH + "DEEDS['wait'] = lambda name: None\n"
        "thread = threading.Thread(target=lambda: run_local([top], reporter=Reporter()))\n"
        "thread.start(); thread.join()\n"
        "say('got ' + top.get())"
    )
    assert "donestuck0donestuck1top" == script.expect("got")
