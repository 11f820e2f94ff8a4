"""What an executor and its worker processes say to each other, over a socket pair: JSON lines."""

from typing import TypedDict

from elasticjob_cloud.model.wire import JobMessage, TaskMessage

# In the environment of a worker process: its socket's descriptor.
WORKER_SOCKET_VARIABLE = "ELASTICJOB_POOL_SOCKET"
# What a line holds instead of a status when an error handler has something to send.
MESSAGE_KEY = "failureMessage"
# In a terminal status: this process is not fit for another shard, and ends.
LAST_KEY = "isLast"


class ProcessRequest(TypedDict):
    """Executor to worker process: one shard. The answers are the lines of `ExecutorStatus` that the agent gets."""

    job: JobMessage
    task: TaskMessage
    outputLimitBytes: int
    currentJobEventSamplingCount: int
    allowSendJobEvent: bool
