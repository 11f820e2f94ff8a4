"""Whether what a script job is told fits into a process's arguments and environment."""

import shlex
from typing import Final

from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE, JobConfiguration
from elasticjob_cloud.model.jobs.sharding import parse_sharding_item_parameters
from elasticjob_cloud.model.scripts.command_line import takes_argument, trimmed

# Linux's bound of one argument, or of one entry of the environment with its name (MAX_ARG_STRLEN), its end left out.
MAXIMUM_ARGUMENT_BYTES: Final = 128 * 1024 - 1
# No character takes more bytes than this, quoted for JSON and for the shell.
_BYTES_OF_CHARACTER: Final = 6
_TASK_ID: Final = "{}@-@{}@-@FAILOVER@-@" + "a" * 80 + "@-@" + "0" * 36
_LARGE_COUNT: Final = 2**31 - 1


def script_size_errors(job: JobConfiguration) -> list[FieldError]:
    """Say which field makes the start of a script impossible; the kernel would refuse each of its tasks."""
    if not job.is_script or _is_short(job):
        return []
    parameters = parse_sharding_item_parameters(job.sharding_item_parameters, job.sharding_total_count)
    item, parameter = max(parameters.items(), key=lambda entry: _quoted_bytes(entry[1]), default=(0, ""))
    context = ShardingContext(
        task_id=_TASK_ID.format(job.job_name, item),
        job_name=job.job_name,
        sharding_total_count=job.sharding_total_count,
        sharding_item=item,
        sharding_parameter=parameter,
        job_parameter=job.job_parameter,
        job_event_sampling_count=_LARGE_COUNT,
        current_job_event_sampling_count=_LARGE_COUNT,
    )
    size = max(_command_bytes(job, context), *map(_entry_bytes, context.environment().items()))
    if size <= MAXIMUM_ARGUMENT_BYTES:
        return []
    return [_blame(job, item, parameter, size)]


def _is_short(job: JobConfiguration) -> bool:
    texts = (job.sharding_item_parameters, job.job_parameter, job.props[SCRIPT_COMMAND_LINE])
    return sum(map(len, texts)) * _BYTES_OF_CHARACTER < MAXIMUM_ARGUMENT_BYTES // 2


def _blame(job: JobConfiguration, item: int, parameter: str, size: int) -> FieldError:
    command = len(job.props[SCRIPT_COMMAND_LINE].encode())
    of_job, of_item = _quoted_bytes(job.job_parameter), _quoted_bytes(parameter)
    if command > max(of_job, of_item):
        field, part = "props", f"its {SCRIPT_COMMAND_LINE}"
    elif of_job > of_item:
        field, part = "jobParameter", "it"
    else:
        field, part = "shardingItemParameters", f"the parameter of item {item}"
    return FieldError(
        field,
        f"is too long for a script: with {part} an argument would have {size:,} bytes, and a process takes at most "
        f"{MAXIMUM_ARGUMENT_BYTES:,}. Shorten it, or put it into a file of the app.",
    )


def _command_bytes(job: JobConfiguration, context: ShardingContext) -> int:
    command = trimmed(job.props[SCRIPT_COMMAND_LINE])
    size = len(command.encode())
    if job.passes_context and takes_argument(command):
        size += 1 + len(shlex.quote(context.to_json()).encode())
    return size


def _entry_bytes(entry: tuple[str, str]) -> int:
    name, value = entry
    return len(f"{name}={value}".encode())


def _quoted_bytes(text: str) -> int:
    """Give what a text takes within the context, quoted for the shell."""
    context = ShardingContext("", "", 1, 0, text)
    return len(shlex.quote(context.to_json()).encode())
