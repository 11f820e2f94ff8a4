"""A rule of alerts as a JSON schema: what holds for a job, an app or everything."""

from typing import Any, Final

from elasticjob_cloud.model.alerting.conditions import THRESHOLDS_OF, Condition, Severity
from elasticjob_cloud.model.alerting.rule import Language

Document = dict[str, Any]

_BOOLEAN: Final[Document] = {"type": "boolean"}
_NUMBER: Final[Document] = {"type": "number"}
_TEXT: Final[Document] = {"type": "string"}


def one_of(names: Any, *others: str) -> Document:
    """Describe a text that is one of an enumeration's, or one of these others."""
    return {"enum": [*(name.value for name in names), *others]}


def optional_fields(properties: dict[str, Document], *required: str) -> Document:
    """Describe an object that has no other fields, of which only these are required."""
    document = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**document, "required": list(required)} if required else document


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _condition(condition: Condition) -> Document:
    thresholds = {_camel(name): _NUMBER for name in THRESHOLDS_OF[condition]}
    return {"anyOf": [_BOOLEAN, optional_fields({**thresholds, "severity": one_of(Severity)})]}


ALERT_RULE: Final = optional_fields(
    {
        "channels": {"type": "array", "items": _TEXT, "description": "names of channels; `[]` for none"},
        "conditions": optional_fields({each.value: _condition(each) for each in Condition}),
        "severity": one_of(Severity),
        "language": one_of(Language),
        "silenceMinutes": _NUMBER,
        "reminderMinutes": _NUMBER,
        "groupSeconds": _NUMBER,
        "quietHours": optional_fields({"start": _TEXT, "end": _TEXT, "timeZone": _TEXT}, "start", "end"),
        "template": _TEXT,
    }
)
