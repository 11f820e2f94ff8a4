"""What callers send: the bodies of the API's calls, with every bound and message (manual; api.md).

Checked strictly: a boolean is not an integer, and a string is a number only where it is exactly one, as forms send it.
What needs a calendar (`cron`, `timeZone`) or a setting (allowed URL prefixes) is checked where these are known, in `api`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from elasticjob_cloud.api.requests.legacy import (
    LEGACY_FIELDS,
    LEGACY_JOB_FIELDS,
    read_form_values,
    upstream_props_problem,
)
from elasticjob_cloud.api.requests.stored_values import keep_stored_value
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import (
    SCRIPT_COMMAND_LINE,
    STREAMING_PROCESS,
    ErrorHandlerType,
    ExecutorServiceType,
    JobConfiguration,
    JobExecutionType,
)
from elasticjob_cloud.model.jobs.names import MAXIMUM_NAME_LENGTH, known_name_problem, name_problem
from elasticjob_cloud.model.jobs.sharding import check_sharding_item_parameters
from elasticjob_cloud.model.urls import APP_SCHEMES, HTTP_SCHEMES, url_problem

KIBIBYTE: Final = 1024
MAXIMUM_SHARDING_TOTAL_COUNT: Final = 10_000
MAXIMUM_INTEGER: Final = 2**31 - 1
MAXIMUM_CPU_COUNT: Final = 1_000_000
MAXIMUM_MEMORY_MB: Final = 1_000_000_000
MAXIMUM_PROPS: Final = 1_000
HTTP_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


def text_problem(text: str, limit_bytes: int) -> str | None:
    """Say why a text cannot be kept, or None: NUL, half a surrogate pair, or more than `limit_bytes` of UTF-8."""
    if "\0" in text:
        return "must not have a NUL character."
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "must not have half of a surrogate pair."
    if size > limit_bytes:
        return f"must have at most {limit_bytes:,} bytes (UTF-8), it has {size:,}."
    return None


def _raise_if(problem: str | None) -> None:
    if problem is not None:
        raise ValueError(problem)


def _text_up_to(limit_bytes: int) -> Callable[[str], str]:
    def check_text(text: str) -> str:
        _raise_if(text_problem(text, limit_bytes))
        return text

    return check_text


def _check_name(name: str) -> str:
    _raise_if(name_problem(name))
    return name


def _check_known_name(name: str) -> str:
    _raise_if(known_name_problem(name))
    return name


def _check_script(script: str) -> str:
    _raise_if("must not be blank." if not script.strip() else None)
    return script


def _check_url(url: str) -> str:
    _raise_if(url_problem(url, APP_SCHEMES))
    return url


# A longer text never fits: the schema's characters and the check's bytes agree where it matters.
ShortText = Annotated[
    str, AfterValidator(_text_up_to(KIBIBYTE)), Field(json_schema_extra={"maxLength": KIBIBYTE})
]
LongText = Annotated[
    str, AfterValidator(_text_up_to(64 * KIBIBYTE)), Field(json_schema_extra={"maxLength": 64 * KIBIBYTE})
]
_NAME_FIELD = Field(
    description="1 to 100 letters (any script), digits, `_`, `.` and `-`",
    json_schema_extra={"minLength": 1, "maxLength": MAXIMUM_NAME_LENGTH},
)
Name = Annotated[str, AfterValidator(_check_name), _NAME_FIELD]
KnownName = Annotated[str, AfterValidator(_check_known_name), _NAME_FIELD]  # of what exists already
AppUrl = Annotated[
    str,
    AfterValidator(_text_up_to(2 * KIBIBYTE)),
    AfterValidator(_check_url),
    Field(
        description="where the app's archive or single file is: http, https, ftp or file",
        json_schema_extra={"maxLength": 2 * KIBIBYTE, "format": "uri"},
    ),
]
Script = Annotated[
    str,
    AfterValidator(_text_up_to(8 * KIBIBYTE)),
    AfterValidator(_check_script),
    Field(json_schema_extra={"minLength": 1, "maxLength": 8 * KIBIBYTE}),
]


def _check_rule(rule: Any) -> Any:
    _raise_if(None if rule is None or isinstance(rule, dict) else "must be an object: a rule of alerts.")
    return rule


# Its fields are checked where it is known which channels there are, in `api/requests/alerts.py`.
AlertRuleFields = Annotated[dict[str, Any] | None, BeforeValidator(_check_rule)]
CpuCount = Annotated[float, Field(ge=0.001, le=MAXIMUM_CPU_COUNT)]
MemoryMegabytes = Annotated[float, Field(ge=1, le=MAXIMUM_MEMORY_MB)]
Count = Annotated[int, Field(ge=0, le=MAXIMUM_INTEGER)]
ShardingTotalCount = Annotated[int, Field(ge=1, le=MAXIMUM_SHARDING_TOTAL_COUNT)]
ShardingItemParameters = Annotated[
    str, AfterValidator(_text_up_to(256 * KIBIBYTE)), Field(description="`0=Beijing,1=Shanghai`")
]


class RequestBody(BaseModel):
    """A JSON object that a call takes. Fields have the manual's names; `null` for an optional one means not given."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    ignored_fields: ClassVar[frozenset[str]] = LEGACY_FIELDS

    @classmethod
    def known_fields(cls) -> list[str]:
        """Give the names that the caller may use, legacy ones left out."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    # No code makes these from keywords by alias, which is what mypy's plugin fears for.
    @model_validator(mode="before")  # type: ignore[pydantic-alias]
    @classmethod
    def _leave_out_nulls(cls, payload: Any) -> Any:
        if not isinstance(payload, dict):
            return payload
        known = frozenset(cls.known_fields())
        given = {
            name: value
            for name, value in payload.items()
            if name not in cls.ignored_fields and not (value is None and name in known)
        }
        return read_form_values(given, known)


class LoginRequest(RequestBody):
    """`POST /api/login`."""

    ignored_fields = frozenset()

    username: ShortText
    password: ShortText
    session: bool = Field(
        default=False,
        description="Set the token as cookie `elasticjob_session` as well, for a browser. Needs the header X-Elasticjob-Console.",
    )


class PublishAppRequest(RequestBody):
    """`POST /api/app`."""

    app_name: Name
    app_url: AppUrl = Field(alias="appURL")
    bootstrap_script: Script
    cpu_count: CpuCount = 1.0
    memory_mb: MemoryMegabytes = Field(alias="memoryMB", default=128.0)
    app_cache_enable: bool = True
    event_trace_sampling_count: Count = 0
    disabled: bool | None = Field(default=None, description="publish it disabled: none of its jobs starts")
    alerts: AlertRuleFields = None

    def to_configuration(self) -> AppConfiguration:
        """Give the app as the rest of the program knows it."""
        return AppConfiguration(**self.model_dump(exclude={"disabled", "alerts"}))


class UpdateAppRequest(RequestBody):
    """`PUT /api/app`: only what is given changes."""

    app_name: KnownName
    app_url: AppUrl | None = Field(alias="appURL", default=None)
    bootstrap_script: Script | None = None
    cpu_count: CpuCount | None = None
    memory_mb: MemoryMegabytes | None = Field(alias="memoryMB", default=None)
    app_cache_enable: bool | None = None
    event_trace_sampling_count: Count | None = None
    disabled: bool | None = None
    alerts: AlertRuleFields = None

    _keep_stored_values = field_validator("*", mode="wrap")(keep_stored_value)

    def to_changes(self) -> dict[str, Any]:
        """Give what was given, by the names of `AppConfiguration`."""
        return self.model_dump(exclude={"app_name", "disabled", "alerts"}, exclude_unset=True)


def _false_means(default: str) -> Callable[[Any], Any]:
    # The manual's table has these two fields as booleans, false by default; ElasticJob's own are names (api.md).
    return lambda value: default if value is False else value


def _named_or_false(names: type[ExecutorServiceType] | type[ErrorHandlerType]) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"enum": [name.value for name in names]}, {"const": False}, {"type": "null"}]}
    )


def _instead(name: str) -> dict[str, Any]:
    return {"deprecated": True, "description": f"2.x's; it becomes `{name}` of `props`"}


class JobRequest(RequestBody):
    """`POST /api/job/register` and `PUT /api/job/update`."""

    ignored_fields = LEGACY_JOB_FIELDS

    app_name: KnownName
    job_name: Name
    job_execution_type: Annotated[JobExecutionType, Field(strict=False)]
    sharding_total_count: ShardingTotalCount
    cpu_count: CpuCount
    memory_mb: MemoryMegabytes = Field(alias="memoryMB")
    cron: Annotated[ShortText, Field(description="Quartz: second minute hour day month weekday [year]")] = ""
    time_zone: Annotated[ShortText, Field(description="IANA name; the scheduler's zone when empty")] = ""
    sharding_item_parameters: ShardingItemParameters = ""
    job_parameter: LongText = ""
    failover: bool = False
    misfire: bool = False
    job_executor_service_handler_type: Annotated[
        ExecutorServiceType,
        Field(strict=False),
        BeforeValidator(_false_means(ExecutorServiceType.CPU)),
        _named_or_false(ExecutorServiceType),
    ] = ExecutorServiceType.CPU
    job_error_handler_type: Annotated[
        ErrorHandlerType,
        Field(strict=False),
        BeforeValidator(_false_means(ErrorHandlerType.LOG)),
        _named_or_false(ErrorHandlerType),
    ] = ErrorHandlerType.LOG
    timeout_seconds: Count = 0
    description: LongText = ""
    props: dict[str, str] = Field(default_factory=dict)
    script_command_line: LongText = Field(default="", json_schema_extra=_instead(SCRIPT_COMMAND_LINE))
    streaming_process: bool = Field(default=False, json_schema_extra=_instead(STREAMING_PROCESS))
    disabled: bool | None = Field(
        default=None, description="register without starting; an update leaves it as it is"
    )
    alerts: AlertRuleFields = None

    @field_validator("sharding_item_parameters")
    @classmethod
    def _check_parameters(cls, text: str, info: ValidationInfo) -> str:
        # Without a good count, which has its own error, the items can still be read.
        total = info.data.get("sharding_total_count", MAXIMUM_SHARDING_TOTAL_COUNT)
        return check_sharding_item_parameters(text, total)

    @field_validator("props", mode="before")
    @classmethod
    def _check_props(cls, props: Any) -> Any:
        if isinstance(props, dict):
            _raise_if(props_problem(props))
        return props

    @field_validator("script_command_line")
    @classmethod
    def _check_script(cls, script: str, info: ValidationInfo) -> str:
        if script:
            _raise_if(_known_entry_problem(SCRIPT_COMMAND_LINE, script))
            _raise_if(upstream_props_problem(SCRIPT_COMMAND_LINE, script, info.data.get("props", {})))
        return script

    @field_validator("streaming_process")
    @classmethod
    def _check_streaming(cls, streams: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it
        value = "true" if streams else "false"
        _raise_if(upstream_props_problem(STREAMING_PROCESS, value, info.data.get("props", {})))
        return streams

    # The last, so that it holds for all checks above.
    _keep_stored_values = field_validator("*", mode="wrap")(keep_stored_value)

    def to_configuration(self) -> JobConfiguration:
        """Give the job as the rest of the program knows it."""
        fields = self.model_dump(exclude={"disabled", "alerts", "script_command_line", "streaming_process"})
        return JobConfiguration(**{**fields, "props": self._all_props()})

    def _all_props(self) -> dict[str, str]:
        # Upstream's console sends both with each job: what they are by default says nothing.
        script = {SCRIPT_COMMAND_LINE: self.script_command_line} if self.script_command_line else {}
        streams = {STREAMING_PROCESS: "true"} if self.streaming_process else {}
        return {**self.props, **script, **streams}


def props_problem(props: Mapping[str, Any]) -> str | None:
    """Say why a job cannot have these props, or None."""
    if len(props) > MAXIMUM_PROPS:
        return f"must have at most {MAXIMUM_PROPS:,} entries, it has {len(props):,}."
    left = 64 * KIBIBYTE
    for key, value in props.items():
        problem = _entry_problem(key, value)
        if problem is not None:
            return problem
        left -= len(key.encode()) + len(value.encode())
    return (
        None if left >= 0 else f"must have at most {64 * KIBIBYTE:,} bytes (UTF-8) in all, {-left:,} fewer."
    )


def _entry_problem(key: str, value: Any) -> str | None:
    if not key.strip():
        return "has an entry without a name."
    problem = text_problem(key, KIBIBYTE)
    if problem is not None:
        return f"the name of each entry {problem}"
    if not isinstance(value, str):
        return f"the value of '{key[:100]}' must be a string; put it in quotation marks."
    problem = text_problem(value, 64 * KIBIBYTE) or _known_entry_problem(key, value)
    return None if problem is None else f"the value of '{key[:100]}' {problem}"


def _known_entry_problem(key: str, value: str) -> str | None:
    if key == SCRIPT_COMMAND_LINE:
        return None if value.strip() else "must not be blank: it is the command that runs each shard."
    match key:
        case "http.uri":
            return url_problem(value, HTTP_SCHEMES)
        case "http.method":
            return None if value.upper() in HTTP_METHODS else f"must be one of {', '.join(HTTP_METHODS)}."
        case "http.connect.timeout.milliseconds" | "http.read.timeout.milliseconds":
            good = value.isascii() and value.isdecimal() and len(value) <= 9 and int(value) > 0
            return None if good else "must be a whole number of milliseconds above 0."
        case "streaming.process" | "script.pass.context":
            return None if value.lower() in {"true", "false"} else "must be true or false."
        case _:
            return None
