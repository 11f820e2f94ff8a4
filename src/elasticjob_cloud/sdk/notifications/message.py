"""A message that an error handler sends, and the settings in the job's `props` that say how."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elasticjob_cloud.model.jobs.context import ShardingContext


@dataclass(frozen=True, slots=True)
class FailureMessage:
    """A failed execution, to be told to people."""

    handler: str
    job_name: str
    task_id: str
    sharding_item: int
    failed_ms: int
    cause: str
    props: Mapping[str, str]
    # What was not sent since the message before, so that the reader knows of it.
    left_out: str = ""

    @property
    def text(self) -> str:
        """The message in ElasticJob's words."""
        text = f"Job '{self.job_name}' exception occur in job processing, caused by {self.cause}"
        return f"{text}\n{self.left_out}" if self.left_out else text


def message_of(handler: str, context: ShardingContext, failed_ms: int, cause: str) -> FailureMessage:
    """Make the message of a shard that failed; of its `props`, only what the handler reads."""
    prefix = f"{handler.lower()}."
    props = {name: value for name, value in context.props.items() if name.startswith(prefix)}
    return FailureMessage(
        handler, context.job_name, context.task_id, context.sharding_item, failed_ms, cause, props
    )


def find_setting(props: Mapping[str, str], *names: str) -> str:
    """Return the first of these settings that is there, or nothing."""
    return next((value for name in names if (value := props.get(name, "").strip())), "")


def missing_settings(props: Mapping[str, str], required: Iterable[str]) -> list[str]:
    """Return the names of those that are not there."""
    return [name for name in required if not props.get(name, "").strip()]


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return the text without these."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
