"""`docs/promises.md` names checks that exist."""

import re

from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = {int(number): row for number, row in re.findall(r"^\| (\d+) [^|]+\|(.*)$", PAGE, re.MULTILINE)}


def test_each_promise_has_a_row() -> None:
    promises = re.findall(
        r"^(\d+)\. \*\*", (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert sorted(ROWS) == sorted({int(number) for number in promises}) == list(range(1, 13))


def test_each_named_test_is_in_the_file_that_it_links_to() -> None:
    links = re.findall(r"\[`(test_\w+)`\]\(\.\./([\w/.]+)\)", PAGE)

    assert len(links) >= len(ROWS)
    missing = [
        name for name, path in links if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_each_named_property_is_in_the_checker() -> None:
    checker = (ROOT / "tests" / "simulation" / "checking" / "checker.py").read_text(encoding="utf-8")
    named = {name for row in ROWS.values() for name in re.findall(r"`(\w+)`", row.split("|")[0])}

    assert len(named) >= 8
    assert {name for name in named if f"def {name}(" not in checker} == set()
