"""Why a relay cannot be spoken to, in words: what Ray's exceptions say, and what its head knows of a worker's end.

The relay is started again, so that the exception only says that it is away. The cause is in the head's table of workers.
"""

from typing import Any

import ray
from ray._private.state import state
from ray.core.generated import common_pb2, gcs_pb2

from elasticjob_cloud.model.output.excerpt import cause_in, one_line

_LONGEST = 400
_LINES = 2  # of what Ray says: more of it is tables and advice
_MONITOR_ADVICE = "Turn the memory monitor off with RAY_memory_monitor_refresh_ms=0 on every node."


def described(error: Exception) -> str:
    """Say in one line what went wrong."""
    if isinstance(error, TimeoutError):
        return "It does not answer."
    if isinstance(error, ray.exceptions.RayTaskError):
        error = error.cause if isinstance(error.cause, Exception) else error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if isinstance(error, ray.exceptions.RayActorError):
        return one_line(_words_of_actor_error(error, lines), _LONGEST)
    return one_line(cause_in(str(error)), _LONGEST)


def worker_of(actor_id: ray.ActorID) -> str:
    """Give the worker that an actor runs in; nothing while it has none. Blocks."""
    row = _accessor().get_actor_info(actor_id)
    return "" if row is None else gcs_pb2.ActorTableData.FromString(row).address.worker_id.hex()


def cause_of_death(worker_id: str) -> str:
    """Say how a worker ended, as Ray's head knows it; nothing where it lives or is unknown. Blocks."""
    row = _accessor().get_worker_info(ray.WorkerID(bytes.fromhex(worker_id)))
    worker = None if row is None else gcs_pb2.WorkerTableData.FromString(row)
    if worker is None or worker.is_alive:
        return ""
    return _words_of_exit(worker.exit_type, worker.exit_detail)


def _accessor() -> Any:
    return state._connect_and_get_accessor()  # noqa: SLF001 - the public interface needs Ray's dashboard


def _words_of_exit(exit_type: int, detail: str) -> str:
    kind = common_pb2.WorkerExitType.Name(exit_type)
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    # A traceback has at its end what it is about.
    told = lines[-1:] if "Traceback" in detail else lines[:_LINES]
    words = f"Its relay died: {kind}: {one_line(' '.join(told), _LONGEST)}"
    if kind == "NODE_OUT_OF_MEMORY":
        words += f" {_MONITOR_ADVICE}"
    return words


def _words_of_actor_error(error: ray.exceptions.RayActorError, lines: list[str]) -> str:
    if error.actor_init_failed:
        return f"The relay could not start: {lines[-1]}"
    # What is between the first sentence and the cause only names the actor.
    names = ("class_name:", "actor_id:", "pid:", "name:", "namespace:", "ip:")
    causes = [line for line in lines[1:] if not line.startswith(names)]
    return " ".join(causes[:_LINES]) or lines[0]
