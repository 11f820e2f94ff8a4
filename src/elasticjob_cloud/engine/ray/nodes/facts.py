"""What Ray's head tells of nodes: their room, whether they drain, and why they died. Functions block."""

import time
from typing import Any, NamedTuple

from ray._private.state import state
from ray.core.generated import common_pb2

from elasticjob_cloud.engine.ray.nodes.blocks import Room, free_rooms, total_room


class NodeFacts(NamedTuple):
    """What Ray's head knows of a node."""

    node_id: str
    hostname: str
    ip: str
    total: Room
    free: Room
    is_draining: bool = False
    left_seconds: float | None = None  # until the node is taken away; None: nobody said when


def read_facts(nodes: list[dict[str, Any]]) -> list[NodeFacts]:
    """Read the living nodes that have room at all."""
    free = free_rooms()
    draining = state.get_draining_nodes()
    facts = []
    for node in nodes:
        total = total_room(node["Resources"])
        if not (node["Alive"] and total.milli_cpus and total.memory_kib):
            continue
        node_id = node["NodeID"]
        facts.append(
            NodeFacts(
                node_id,
                node["NodeManagerHostname"],
                node["NodeManagerAddress"],
                total,
                free.get(node_id, total),
                node_id in draining,
                _left_seconds(draining.get(node_id, 0)),
            )
        )
    return facts


def with_room_of(facts: list[NodeFacts], held: dict[str, Room]) -> list[NodeFacts]:
    """Count as free what demand of ours takes on nodes: it is given back at once, and nobody else has it.

    On a node that has just joined that is often all there is, and the scheduler would take it for one without room.
    """
    return [
        fact._replace(free=Room(*map(min, fact.free.plus(held[fact.node_id]), fact.total)))
        if fact.node_id in held
        else fact
        for fact in facts
    ]


def death_of(node_id: str, nodes: list[dict[str, Any]]) -> str:
    """Say why a node is dead, in Ray's words."""
    for node in nodes:
        if node["NodeID"] == node_id and not node["Alive"]:
            reason = common_pb2.NodeDeathInfo.Reason.Name(node.get("DeathReason", 0))
            return f"Ray counts its node as dead: {reason}: {node.get('DeathReasonMessage') or 'no more is known'}."
    return "Ray does not know its node any more."


def is_living(node_id: str, nodes: list[dict[str, Any]]) -> bool:
    """Tell whether a node lives."""
    return any(node["NodeID"] == node_id and node["Alive"] for node in nodes)


def has_come_back(node_id: str, nodes: list[dict[str, Any]]) -> bool:
    """Tell whether this node is dead, and another one lives on its machine, to which a driver can go."""
    living = {node["NodeManagerAddress"] for node in nodes if node["Alive"]}
    return any(
        node["NodeID"] == node_id and not node["Alive"] and node["NodeManagerAddress"] in living
        for node in nodes
    )


def cluster_monitors_memory() -> bool:
    """Tell whether the cluster's own settings leave Ray's memory monitor on; a node's environment may turn it off."""
    try:
        return bool(state.get_system_config().get("memory_monitor_refresh_ms", 1))
    except Exception:  # noqa: BLE001 - for a warning only: joining must not fail for it
        return True


def _left_seconds(deadline_ms: int) -> float | None:
    # By the wall clock, which is what the deadline was made with, on whatever machine.
    return max(0.0, deadline_ms / 1000 - time.time()) if deadline_ms > 0 else None
