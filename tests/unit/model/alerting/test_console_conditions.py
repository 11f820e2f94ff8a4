"""The console shows the same defaults as the server holds to."""

import json
from typing import Any

import pytest

from elasticjob_cloud.model.alerting.conditions import (
    DEFAULT_SEVERITIES,
    DEFAULT_THRESHOLDS,
    THRESHOLDS_OF,
    Condition,
)
from tests.checkout import ROOT

_TABLE = ROOT / "console" / "src" / "pages" / "alerts" / "common" / "conditions.json"


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def defaults_of(condition: Condition) -> dict[str, Any]:
    threshold = DEFAULT_THRESHOLDS[condition]
    return {
        "isOfJob": condition.is_of_job,
        "isOn": threshold.enabled,
        "severity": DEFAULT_SEVERITIES[condition].value,
        "thresholds": {camel(name): getattr(threshold, name) for name in THRESHOLDS_OF[condition]},
    }


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return shown


def test_console_knows_all_conditions_and_no_others(table: dict[str, Any]) -> None:
    assert list(table) == [condition.value for condition in Condition]


@pytest.mark.parametrize("condition", list(Condition))
def test_console_shows_the_defaults_of_the_server(table: dict[str, Any], condition: Condition) -> None:
    assert table[condition.value] == defaults_of(condition)
