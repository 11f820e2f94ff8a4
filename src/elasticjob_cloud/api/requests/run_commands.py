"""What is sent to start a run, and to repeat shards of one."""

from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from elasticjob_cloud.api.requests.models import (
    MAXIMUM_SHARDING_TOTAL_COUNT,
    KnownName,
    LongText,
    RequestBody,
    ShardingItemParameters,
    ShardingTotalCount,
    ShortText,
    props_problem,
)
from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.jobs.job import FIXED_PROPS, JobConfiguration
from elasticjob_cloud.model.jobs.sharding import ShardingParameterError
from elasticjob_cloud.model.scripts.script_size import script_size_errors
from elasticjob_cloud.service.port import RunParameters

_SHARDS: Final = 'must be "failed", "all" or a list of shards such as [1, 2].'


class TriggerRequest(RequestBody):
    """`POST /api/job/trigger` with an object: what is given holds for this run alone."""

    ignored_fields = frozenset()

    job_name: KnownName
    job_parameter: LongText | None = None
    sharding_item_parameters: ShardingItemParameters | None = None
    sharding_total_count: ShardingTotalCount | None = None
    props: dict[str, str] = Field(
        default_factory=dict,
        description="added to the job's, or in place of them one by one; `script.command.line` and `http.uri` cannot be replaced",
    )
    idempotency_key: ShortText = Field(
        "",
        description="the same key within 24 hours answers the first run's id and starts nothing",
    )

    @field_validator("props", mode="before")
    @classmethod
    def _check_props(cls, props: Any) -> Any:
        if isinstance(props, dict):
            fixed = sorted(FIXED_PROPS & props.keys())
            problem = (
                f"'{fixed[0]}' cannot be replaced for one run. Change the job with PUT /api/job/update."
                if fixed
                else props_problem(props)
            )
            if problem is not None:
                raise ValueError(problem)
        return props

    def to_parameters(self) -> RunParameters:
        """Give what holds for this run alone."""
        return RunParameters(
            job_parameter=self.job_parameter,
            sharding_item_parameters=self.sharding_item_parameters,
            sharding_total_count=self.sharding_total_count,
            props=self.props,
        )


def new_script_size_errors(job: JobConfiguration, parameters: RunParameters) -> list[FieldError]:
    """Say which parameter of a run makes the start of its script impossible, where the job's own settings do not."""
    given = {
        name: value
        for name in ("job_parameter", "sharding_item_parameters", "sharding_total_count")
        if (value := getattr(parameters, name)) is not None
    }
    own = msgspec.structs.replace(job, **given, props={**job.props, **parameters.props})
    try:
        return [] if script_size_errors(job) else script_size_errors(own)
    except ShardingParameterError:
        return []  # the command says so


def _check_items(items: Any) -> Any:
    if items in ("failed", "all"):
        return items
    if not isinstance(items, list) or not items:
        raise ValueError(_SHARDS)
    if any(type(item) is not int or not 0 <= item < MAXIMUM_SHARDING_TOTAL_COUNT for item in items):
        raise ValueError(_SHARDS)
    return sorted(set(items))


class RerunRequest(RequestBody):
    """`POST /api/job/runs/{runId}/rerun`."""

    ignored_fields = frozenset()

    items: Annotated[
        Literal["failed", "all"] | list[int],
        BeforeValidator(_check_items),
        WithJsonSchema(
            {
                "anyOf": [
                    {"enum": ["failed", "all"]},
                    {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
                ]
            }
        ),
    ]
