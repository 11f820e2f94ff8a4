"""The entrance of an app's executor: what its `bootstrapScript` calls."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.wire import ADDRESS_VARIABLE, TOKEN_VARIABLE
from elasticjob_cloud.sdk.jobs.job import Job
from elasticjob_cloud.sdk.lanes.worker_protocol import WORKER_SOCKET_VARIABLE

if TYPE_CHECKING:
    from elasticjob_cloud.sdk.jobs.listeners import Listener
    from elasticjob_cloud.sdk.jobs.registry import JobRegistry

_EXIT_NO_AGENT = 2
_NO_AGENT = f"""\
elasticjob-cloud: there is no agent here ({ADDRESS_VARIABLE} is not set).
An app's executor is started by an agent, with its bootstrapScript. To run a job by hand, without any server:

    elasticjob-cloud run-local module:Job --shards 3
"""


class JobBootstrap:
    """Serves the jobs of an app."""

    @staticmethod
    def execute(
        jobs: Job | Mapping[str, Job], *, listeners: Sequence["Listener"] = (), max_threads: int = 256
    ) -> None:
        """Serve the agent that started this process, until it says stop.

        Call it last, at the end of the bootstrap script: with the executor service `PROCESS`, pool workers run the
        script once more, up to this call. In the processes that `multiprocessing` spawns, which run the script too, it
        returns at once. When the agent is gone, the process ends here, at once.

        Args:
            jobs: One job for every job name of the app, or a mapping from job names to jobs. A job is a class or
                instance of `SimpleJob` or `DataflowJob`, a function (plain or async) that takes the sharding context,
                or a type that needs no code: `"HTTP"` or `"SCRIPT"`, described by the job's `props`.
            listeners: Classes or instances of `JobListener`, told of each execution of every job, in this order.
            max_threads: How many shards of `CPU` jobs may run at a time; more wait.

        Raises:
            StartError: If a job or listener is none, or the agent cannot be reached.
            SystemExit: With code 2 when no agent started this process.
        """
        # An import of the package alone must cost a job author's tests next to nothing.
        from elasticjob_cloud.sdk.jobs.registry import JobRegistry  # noqa: PLC0415
        from elasticjob_cloud.sdk.streams.routing import install_routing  # noqa: PLC0415

        if max_threads < 1:
            raise StartError(f"max_threads must be at least 1, not {max_threads}.")
        if _is_copy():
            return
        registry = JobRegistry(jobs, listeners)
        worker_socket = os.environ.pop(WORKER_SOCKET_VARIABLE, "")
        if worker_socket:
            from elasticjob_cloud.sdk.lanes.process_worker import serve_executor  # noqa: PLC0415 - asyncio is slow to import

            install_routing()
            serve_executor(registry, int(worker_socket))
            return
        address = os.environ.get(ADDRESS_VARIABLE, "")
        if not address:
            sys.stderr.write(_NO_AGENT)
            sys.exit(_EXIT_NO_AGENT)
        install_routing()
        _serve_agent(registry, address, max_threads)


def _is_copy() -> bool:
    """Whether multiprocessing runs the bootstrap script once more, in a process of job code: it wants its functions only."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is None:
        return False
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


def _serve_agent(registry: "JobRegistry", address: str, max_threads: int) -> None:
    from elasticjob_cloud.sdk.connection import connect, register  # noqa: PLC0415 - as above
    from elasticjob_cloud.sdk.descriptors import protect_connection  # noqa: PLC0415
    from elasticjob_cloud.sdk.executor import Executor  # noqa: PLC0415
    from elasticjob_cloud.sdk.streams.forks import hide_connection  # noqa: PLC0415

    connection = protect_connection(connect(address))
    hide_connection(connection)
    # By name: the package itself imports this module, and is no room of its own.
    version = import_module("elasticjob_cloud").__version__
    # Job code has no business with the token, nor have the processes that it starts.
    register(connection, os.environ.pop(TOKEN_VARIABLE, ""), os.getpid(), f"python/{version}")
    Executor(registry, connection, max_threads).serve()
