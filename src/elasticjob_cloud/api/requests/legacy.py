"""What ElasticJob's own consoles and scripts send, in terms of our fields (docs/migrating.md)."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

# These mean nothing here: existing scripts go on sending them (api.md).
LEGACY_FIELDS: Final = frozenset(
    {
        "jobClass",
        "beanName",
        "applicationContext",
        "monitorExecution",
        "maxTimeDiffSeconds",
        "reconcileIntervalMinutes",
        "jobShardingStrategyType",
        "overwrite",
        "jobType",
        "jobProperties",
        "editMode",
        "streamingProcess2",
    }
)
# What 2.x and its console keep with a job, and the app has here.
LEGACY_JOB_FIELDS: Final = LEGACY_FIELDS | {"appURL", "bootstrapScript"}

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,29})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_TRUTHS: Final = {"true": True, "false": False}


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text


def _truth(text: str) -> Any:
    return _TRUTHS.get(text, text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("cpuCount", "memoryMB"), _number),
    **dict.fromkeys(("shardingTotalCount", "timeoutSeconds", "eventTraceSamplingCount"), _integer),
    **dict.fromkeys(("failover", "misfire", "disabled", "appCacheEnable", "streamingProcess"), _truth),
    **dict.fromkeys(("jobExecutorServiceHandlerType", "jobErrorHandlerType"), _truth),
}


def read_form_values(payload: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    """Take a string that is exactly a number or a boolean for one, where a field is one: HTML forms have only strings."""
    return {
        name: _READERS[name](value)
        if isinstance(value, str) and name in _READERS and name in fields
        else value
        for name, value in payload.items()
    }


def upstream_props_problem(name: str, value: str, props: Mapping[str, str]) -> str | None:
    """Say why 2.x's field for an entry of `props` cannot be taken: the entry says otherwise."""
    kept = props.get(name)
    if kept is None or kept == value or (value in _TRUTHS and kept.lower() == value):
        return None
    return f"says otherwise than '{name}' in props; give one of them."
