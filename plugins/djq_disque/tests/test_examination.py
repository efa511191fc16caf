"""What the nodes and their settings mean for a queue, for ``djq doctor`` and for the log of a starting cluster."""

from __future__ import annotations

import pytest

from djq_disque import examination
from djq_disque.examination import Told
from djq_disque.options import DisqueOptions
from plugins.djq_disque.tests.conftest import MakeBroker, StartDisque
from plugins.djq_disque.tests.standin.running import DisqueCluster
from tests.services.ports import HOST, free_port


def node(name: str = "a:1", *, has_aof: bool = True, known: int = 2, there: int = 2, pause: str = "none") -> Told:
    return Told(node=name, has_aof=has_aof, known=known, there=there, pause=pause)


@pytest.mark.parametrize(("has_aof", "level"), [(True, "ok"), (False, "warning")])
def test_a_queue_should_outlive_a_restart(has_aof: bool, level: str) -> None:
    found = examination.persistence([node(), node("b:1", has_aof=has_aof)])
    assert found.level == level
    assert ("off at b:1:" in found.message) is not has_aof


@pytest.mark.parametrize(
    ("nodes", "replicate", "level", "message"),
    [
        ([node(known=1, there=1)], None, "warning", "There is one copy of each task on 1 node:"),
        ([node(), node("b:1")], 1, "warning", "There is one copy of each task on 2 nodes:"),
        ([node(), node("b:1")], None, "ok", "There are 2 copies of each task on 2 nodes."),
        ([node(known=5, there=5)], None, "ok", "There are 3 copies of each task on 5 nodes."),
        ([node(there=1)], None, "warning", "A new task has 1 of 2 copies"),
        ([node()], 3, "warning", "A new task has 2 of 3 copies"),
    ],
)
def test_a_task_should_outlive_a_node(nodes: list[Told], replicate: int | None, level: str, message: str) -> None:
    found = examination.replication(nodes, DisqueOptions(replicate=replicate))
    assert found.level == level
    assert message in found.message


@pytest.mark.parametrize(
    ("nodes", "level", "message"),
    [
        ([node("a:1"), node("b:1")], "ok", "All 2"),
        ([node("a:1")], "warning", "No answer from b:1."),
        ([node("a:1", known=1), node("b:1", known=1)], "error", "are no cluster"),
    ],
)
def test_the_nodes_should_be_there_and_be_one_cluster(nodes: list[Told], level: str, message: str) -> None:
    found = examination.presence(nodes, DisqueOptions(nodes=("a:1", "b:1")))
    assert found.level == level
    assert message in found.message


@pytest.mark.parametrize(
    ("pause", "message"), [("in", "takes no task"), ("out", "hands out no task"), ("all", "takes no task and hands")]
)
def test_a_paused_queue_is_an_error(pause: str, message: str) -> None:
    found = examination.pauses([node(), node("b:1", pause=pause)])
    assert found.level == "error"
    assert f"b:1 {message}" in found.message
    assert examination.pauses([node()]).level == "ok"


def test_a_node_is_examined(make_broker: MakeBroker, disque_node: DisqueCluster) -> None:
    broker = make_broker()
    disque_node.nodes[0].say("PAUSE", broker.list_key, "out")
    found = {finding.code: finding.level for finding in broker.examine()}
    assert found == {
        "disque-nodes": "ok",
        "disque-copies": "warning",
        "disque-persistence": "warning",
        "disque-pause": "error",
    }
    assert broker.info() == f"Disque 1.0-rc1 at {disque_node.names[0]}"


def test_nodes_that_are_away_are_told(make_broker: MakeBroker, disque_pair: DisqueCluster) -> None:
    nobody = f"{HOST}:{free_port()}"
    broker = make_broker([*disque_pair.names, nobody])
    found = {finding.code: finding for finding in broker.examine()}
    assert nobody in found["disque-nodes"].message
    assert found["disque-copies"].level == "ok"


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (1, {}, "1 copy of each task; appendonly is off at {}: a restart of the node loses the queue."),
        (1, {"appendonly": "yes"}, "1 copy of each task; appendonly is on, so that the queue outlives a restart"),
        (2, {}, "2 copies of each task; appendonly is off at {}: a restart of all nodes together loses the queue."),
    ],
)
def test_the_start_line_says_what_the_nodes_keep(
    start_disque: StartDisque, make_broker: MakeBroker, count: int, options: dict[str, str], said: str
) -> None:
    cluster = start_disque(count, **options)
    told = make_broker(cluster).durability() or ""
    assert said.format(", ".join(cluster.names)) in told
