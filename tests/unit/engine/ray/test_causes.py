"""What is said of a relay's death: Ray's own words, as they come from its exceptions and from its head."""

from types import SimpleNamespace

import pytest

from tests.clusters.ray_nodes import MISSING, has_ray

if not has_ray():
    pytest.skip(MISSING, allow_module_level=True)

import ray
from ray.core.generated import common_pb2, gcs_pb2

from elasticjob_cloud.engine.ray.nodes import causes
from elasticjob_cloud.engine.ray.nodes.causes import cause_of_death, described
from elasticjob_cloud.engine.ray.nodes.facts import death_of

_OOM = """1 worker(s) were killed due to the node running low on memory.
OOM kill reason: Memory usage 1329074176B exceeded threshold of 252760592B
Object store memory usage: [- objects spillable: 0
"""
_INIT = """Worker exits because there was an exception in the initialization method. Traceback (most recent call last):
  File "relay.py", line 34, in __init__
StartError: The agents' directory /a cannot be written"""


@pytest.fixture(params=[("NODE_OUT_OF_MEMORY", _OOM), ("USER_ERROR", _INIT), ("SYSTEM_ERROR", "x" * 2_000)])
def death(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    kind, detail = request.param
    row = gcs_pb2.WorkerTableData(
        is_alive=False, exit_type=common_pb2.WorkerExitType.Value(kind), exit_detail=detail
    )
    accessor = SimpleNamespace(get_worker_info=lambda _: row.SerializeToString())
    monkeypatch.setattr(causes, "_accessor", lambda: accessor)
    return cause_of_death("00" * 28)


def test_cause_is_one_line_with_what_it_is_about(death: str) -> None:
    assert death.startswith("Its relay died: ")
    assert "\n" not in death
    assert len(death) < 600
    assert "Traceback" not in death
    if "MEMORY" in death:
        assert "exceeded threshold" in death
        assert "RAY_memory_monitor_refresh_ms=0" in death
    if "USER_ERROR" in death:
        assert death.endswith("cannot be written")


@pytest.mark.parametrize("alive", [True, None])
def test_worker_that_lives_or_that_nobody_knows_has_no_cause(
    alive: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = None if alive is None else gcs_pb2.WorkerTableData(is_alive=True).SerializeToString()
    monkeypatch.setattr(causes, "_accessor", lambda: SimpleNamespace(get_worker_info=lambda _: row))
    assert cause_of_death("00" * 28) == ""


@pytest.mark.parametrize(
    "error, words",
    [
        (TimeoutError(), "It does not answer."),
        (ValueError(), "ValueError"),
        (
            ray.exceptions.RayActorError(error_msg="first\n\tactor_id: 1\n\tpid: 2\nThe cause.\n"),
            "The cause.",
        ),
        (ray.exceptions.ActorUnavailableError("it restarts", None), "The actor None is unavailable"),
        (
            ray.exceptions.RayActorError(
                error_msg="it died,\nTraceback\nStartError: full", actor_init_failed=True
            ),
            "The relay could not start: StartError: full",
        ),
        (RuntimeError("Traceback (most recent call last):\n  File x\nOSError: full"), "OSError: full"),
    ],
)
def test_exception_is_told_by_its_cause(error: Exception, words: str) -> None:
    assert described(error).startswith(words)


def test_node_is_dead_for_rays_reason_or_unknown() -> None:
    dead = {"NodeID": "n1", "Alive": False, "DeathReason": 3, "DeathReasonMessage": "spot instance"}
    silent = {"NodeID": "n2", "Alive": False}
    assert death_of("n1", [dead]) == "Ray counts its node as dead: AUTOSCALER_DRAIN_PREEMPTED: spot instance."
    assert death_of("n2", [silent]) == "Ray counts its node as dead: UNSPECIFIED: no more is known."
    assert death_of("n3", [dead, silent]) == "Ray does not know its node any more."
