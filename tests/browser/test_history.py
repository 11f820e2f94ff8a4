"""The history: filters in the address, sort, CSV, failures by summary."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.viewer.console import Console
from tests.browser.world.shell_jobs import run_script

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _choose(page: Page, name: str, choice: str) -> None:
    page.get_by_role("combobox", name=name).click()
    page.locator(".ant-select-item-option", has_text=re.compile(f"^{re.escape(choice)}$")).click()


def test_filters_are_in_the_address_and_survive_a_reload(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    run_script(server, tmp_path, "hi-good", "true")
    run_script(server, tmp_path, "hi-bad", "exit 5")
    server.ended("hi-good")
    server.ended("hi-bad")
    console.log_in()
    console.open("/history")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="hi-good").first).to_be_visible()
    assert "?" not in page.url

    _choose(page, "Result", "Failed")
    page.get_by_role("combobox", name="Job (whole name)").fill("hi-bad")
    expect(page).to_have_url(re.compile(r"isSuccess=false.*jobName=hi-bad|jobName=hi-bad.*isSuccess=false"))
    expect(rows.filter(has_text="hi-good")).to_have_count(0)
    expect(rows.filter(has_text="hi-bad").first).to_contain_text("Failed")
    page.reload()
    expect(page.get_by_role("combobox", name="Job (whole name)")).to_have_value("hi-bad")
    expect(rows.filter(has_text="hi-bad").first).to_be_visible()
    expect(rows.filter(has_text="hi-good")).to_have_count(0)

    page.get_by_role("tab", name="Status traces").click()
    _choose(page, "State", "Failed")
    expect(page).to_have_url(re.compile(r"tab=traces.*state=TASK_FAILED|state=TASK_FAILED.*tab=traces"))
    expect(rows.filter(has_text="hi-bad").first).to_contain_text("exit code 5")

    page.get_by_role("button", name="Clear filters").click()
    expect(rows.filter(has_text="hi-good").first).to_be_visible()


def test_rows_are_sorted_by_the_server(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    for name in ("hs-b", "hs-a"):
        run_script(server, tmp_path, name, "true")
        server.ended(name)
    console.log_in()
    console.open("/history")
    page.get_by_role("columnheader", name="Job").click()
    expect(page).to_have_url(re.compile(r"sort=jobName&order=ASC|order=ASC&sort=jobName"))
    page.wait_for_function(
        """() => {
          const names = [...document.querySelectorAll("tbody tr.ant-table-row td:nth-child(2)")].map(it => it.innerText);
          return names.length > 1 && names.every((name, at) => at === 0 || names[at - 1] <= name);
        }"""
    )


def test_time_between_two_moments_of_the_chosen_zone(console: Console) -> None:
    page = console.page
    console.prefer(zone="utc")
    console.log_in()
    console.open("/history")
    _choose(page, "Time range", "From … to …")
    for name, day in (("From", "02"), ("To", "03")):
        field = page.get_by_label(name, exact=True)
        field.fill(f"2020-02-{day}T04:05:06")
        field.press("Enter")
    expect(page).to_have_url(re.compile(r"to=2020-02-03T04%3A05%3A06\.000Z"))
    expect(page.get_by_text("Nothing matches in this time.")).to_be_visible()


def test_csv_has_all_rows_and_no_formula(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    run_script(server, tmp_path, "hc-many", "echo '=1+1, \"x\"' >&2; exit 6", shardingTotalCount=3)
    server.ended("hc-many", count=3)
    console.log_in()
    console.open("/history?jobName=hc-many")
    expect(page.get_by_role("row").filter(has_text="hc-many")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert re.fullmatch(r"executions-[\d-]+T\d+\.csv", download.value.suggested_filename)
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["shardingItem"] for row in rows) == ["0", "1", "2"]
    assert {row["jobName"] for row in rows} == {"hc-many"}
    cells = [value for row in rows for value in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_failures_are_grouped_by_their_summary(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    for name in ("hf-one", "hf-two"):
        run_script(server, tmp_path, name, "echo 'FATAL: same quota 17' >&2; exit 7")
        server.ended(name)
    console.log_in()
    console.open("/history")
    page.get_by_role("tab", name="Failures by summary").click()
    row = page.get_by_role("row").filter(has_text="same quota")
    expect(row).to_have_count(1)
    expect(row.get_by_role("cell").first).to_have_text("2")
    row.get_by_role("link", name=re.compile("^Run ")).click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
