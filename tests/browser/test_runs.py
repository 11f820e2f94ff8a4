"""The page of all runs: filters that are in the address, pages, rows that stay fresh, and what can be done in them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.viewer.console import Console
from tests.browser.world.script_jobs import (
    FAILS_IN_SHARD_1,
    RUNS_UNTIL_TOLD,
    ended_run,
    register_script,
    run_of,
    running_run,
    runs_of,
    trigger,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _run_links(console: Console) -> list[str]:
    cells = console.page.locator("tbody tr[data-row-key] td:first-child")
    return cells.all_inner_texts()


def test_runs_are_filtered_and_the_address_keeps_the_filters(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "filtered", FAILS_IN_SHARD_1, shardingTotalCount=2)
    failed = trigger(console.server, "filtered")
    ended_run(console.server, failed)
    (tmp_path / "fixed").touch()
    good = trigger(console.server, "filtered")
    ended_run(console.server, good)
    console.log_in()
    console.open("/runs")
    expect(page).to_have_url(f"{console.url}/runs")
    page.get_by_label("Job", exact=True).fill("filt")
    page.locator(".ant-select-item-option", has_text="filtered").click()
    expect(page).to_have_url(f"{console.url}/runs?jobName=filtered")
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(2)
    assert _run_links(console) == [str(good), str(failed)]

    page.get_by_label("State", exact=True).click()
    page.locator(".ant-select-item-option", has_text="Failed").click()
    expect(page).to_have_url(re.compile("state=FAILED"))
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(1)
    row = page.locator(f"tbody tr[data-row-key='{failed}']")
    expect(row).to_contain_text("exit code 3: FATAL: quota exceeded")
    expect(row).to_contain_text("1/2")
    expect(row).to_contain_text("root")

    page.get_by_role("button", name="Reset").click()
    expect(page).to_have_url(f"{console.url}/runs")


def test_range_of_own_is_in_the_zone_that_is_shown(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "in-range", "true")
    run_id = trigger(console.server, "in-range")
    ended_run(console.server, run_id)
    console.log_in()
    console.open("/runs?jobName=in-range")
    page.get_by_label("Time range").click()
    page.locator(".ant-select-item-option", has_text="From … to …").click()
    page.get_by_label("From", exact=True).fill("2020-01-01T06:30:00")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"from=2020-01-01T06%3A30%3A00.000Z"))
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(1)
    page.get_by_label("To", exact=True).fill("2021-01-01T00:00:00")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No run matches.")).to_be_visible()
    page.get_by_role("button", name="Look at all time").click()
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(1)


def test_pages_go_on_by_cursor(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "paged", "true", cpuCount=999)
    for _ in range(52):  # they wait: none of them fits
        trigger(console.server, "paged")
    console.log_in()
    console.open("/runs?jobName=paged")
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(50)
    page.get_by_role("button", name="Older").click()
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(2)
    expect(page).to_have_url(re.compile("cursor="))
    page.get_by_role("button", name="Newest").click()
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(50)
    console.server.call("DELETE", "/job/paged/deregister")


def test_row_is_killed_and_a_new_run_appears_by_itself(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "row-killed", RUNS_UNTIL_TOLD)
    console.log_in()
    console.open("/runs?jobName=row-killed")
    expect(page.get_by_text("No run matches.")).to_be_visible()
    run_id = trigger(console.server, "row-killed")
    running_run(console.server, run_id)
    row = page.locator(f"tbody tr[data-row-key='{run_id}']")
    expect(row).to_contain_text("Running")
    row.get_by_role("button", name="Kill").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill run").click()
    expect(row).to_contain_text("Killed")
    assert run_of(console.server, run_id)["state"] == "KILLED"

    row.get_by_role("button", name="Rerun failed").click()
    page.get_by_role("dialog").get_by_role("button", name="Rerun failed").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    assert runs_of(console.server, "row-killed")[0]["rerunOf"] == run_id
    (tmp_path / "go").touch()


def test_viewer_sees_runs_without_actions(console: Console, tmp_path: Path) -> None:
    register_script(console.server, tmp_path, "only-seen", "exit 1")
    run_id = trigger(console.server, "only-seen")
    ended_run(console.server, run_id)
    console.log_in_as_viewer()
    console.open("/runs?jobName=only-seen")
    expect(console.page.locator(f"tbody tr[data-row-key='{run_id}']")).to_contain_text("Failed")
    expect(console.page.get_by_role("button", name="Rerun failed")).to_have_count(0)


@pytest.mark.parametrize(
    "language, theme", [("en", "light"), ("en", "dark"), ("zh", "light"), ("zh", "dark")]
)
def test_runs_are_usable_by_all(console: Console, tmp_path: Path, language: str, theme: str) -> None:
    name = f"list-{language}-{theme}"
    register_script(console.server, tmp_path, name, "exit 1")
    ended_run(console.server, trigger(console.server, name))
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open(f"/runs?since=between&jobName={name}")
    expect(console.page.locator("tbody tr[data-row-key]")).to_have_count(1)
    assert console.axe_findings() == []
