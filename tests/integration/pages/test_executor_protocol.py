"""docs/executor-protocol.md and model/wire.py say the same."""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest

from elasticjob_cloud.model import wire
from tests.checkout import ROOT

PAGE = (ROOT / "docs/executor-protocol.md").read_text()
MESSAGES = {name: value for name, value in vars(wire).items() if is_typeddict(value)}
TABLE_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
# Parts of messages have no `type`; the page introduces their tables with these words.
PARTS = {"JobMessage": "The *job*:", "TaskMessage": "Each *task*:", "ExecutorStatus": "Each *task status*:"}


def message_type(message: Any) -> str:
    return str(get_args(get_type_hints(message)["type"])[0])


def fields_after(heading: str) -> list[str]:
    """The fields of the first table after a heading."""
    assert PAGE.count(heading) == 1, f"the page has no single {heading!r}"
    rest = PAGE.split(heading)[1]
    table = rest[rest.index("| field |") :].split("\n\n")[0]
    return TABLE_ROW.findall(table)


def heading_of(name: str, message: Any) -> str:
    return PARTS.get(name) or f"### `{message_type(message)}`\n"


@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_is_documented_and_no_other(name: str) -> None:
    message = MESSAGES[name]
    assert fields_after(heading_of(name, message)) == list(message.__annotations__)


def test_no_message_is_documented_that_does_not_exist() -> None:
    types = {message_type(message) for name, message in MESSAGES.items() if name not in PARTS}
    assert set(re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)) == types


@pytest.mark.parametrize("name", ["Register", "Run", "ExecutorStatus"])
def test_optional_fields_are_marked(name: str) -> None:
    message = MESSAGES[name]
    optional: Mapping[str, bool] = {
        field: field in message.__optional_keys__ for field in message.__annotations__
    }
    for field, expected in optional.items():
        rest = PAGE.split(heading_of(name, message))[1]
        row = next(line for line in rest.splitlines() if line.startswith(f"| `{field}` |"))
        assert ("optional" in row) is expected, row


def test_variables_and_version_and_states_are_documented() -> None:
    for variable in (wire.ADDRESS_VARIABLE, wire.TOKEN_VARIABLE, wire.APP_NAME_VARIABLE):
        assert f"| `{variable}` |" in PAGE
    assert f"the version of this protocol: {wire.PROTOCOL_VERSION}" in PAGE
    assert wire.OUTPUT_TRUNCATED.decode().strip() in PAGE
    for state in get_args(wire.ExecutorState):
        assert f"| `{state}` |" in PAGE
