"""The list of jobs in a browser: find, change one or many, import and export."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.standalone import Standalone
from tests.browser.viewer.console import Console
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE_ROWS = 50
APP = "app-of-jobs"


@pytest.fixture(scope="session")
def app(server: Standalone) -> str:
    """An app that nothing is ever downloaded of: its jobs are disabled, or never fire."""
    server.publish(APP, "http://127.0.0.1:9/none.sh")
    return APP


def registered(server: Standalone, names: Sequence[str], **fields: Any) -> list[str]:
    for name in names:
        server.register(name, APP, **{"props": {"script.command.line": "true"}, **fields})
    return list(names)


def job(server: Standalone, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.call("GET", f"/job/jobs/{name}")
    return found


def names_matching(server: Standalone, search: str) -> list[str]:
    page = server.call("GET", f"/job/jobs?search={search}&page=1&per_page=100")
    return [row["jobName"] for row in page["rows"]]


def row(page: Page, name: str) -> Locator:
    return page.locator(f'tr[data-row-key="{name}"]')


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_title(option, exact=True).last.click()


def test_search_and_filters_are_in_the_address_and_survive_a_reload(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["find-a", "find-b"], disabled=True)
    registered(server, ["find-c"])
    console.log_in()
    console.open("/jobs")
    page.get_by_role("textbox", name="Search").fill("find-")
    expect(page).to_have_url(re.compile(r"\?search=find-$"))
    expect(page.locator("tr[data-row-key]")).to_have_count(3)
    choose(page, "State", "Disabled")
    expect(page.locator("tr[data-row-key]")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"\?search=find-&state=DISABLED$"))

    page.reload()
    expect(page.locator("tr[data-row-key]")).to_have_count(2)
    expect(page.get_by_role("textbox", name="Search")).to_have_value("find-")

    page.get_by_role("button", name="Clear filters").click()
    expect(page).to_have_url(re.compile(r"/jobs$"))
    expect(page.get_by_role("textbox", name="Search")).to_have_value("")


def test_sort_is_the_servers(console: Console, app: str) -> None:
    page = console.page
    registered(console.server, ["order-a", "order-b"], disabled=True)
    console.log_in()
    console.open("/jobs?search=order-")
    expect(page.locator("tr[data-row-key]").first).to_have_attribute("data-row-key", "order-a")
    page.get_by_role("columnheader", name="Job").click()
    expect(page.locator("tr[data-row-key]").first).to_have_attribute("data-row-key", "order-b")
    expect(page).to_have_url(re.compile("order=desc"))


def test_row_says_its_cron_in_words(console: Console, app: str) -> None:
    page = console.page
    registered(console.server, ["words-1"], cron="0 0 9 ? * MON-FRI", disabled=True)
    console.log_in()
    console.open("/jobs?search=words-1")
    row(page, "words-1").locator("code").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Monday through Friday")


def test_row_is_triggered_disabled_and_enabled(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["one-row"])
    console.log_in()
    console.open("/jobs?search=one-row")
    for action, question in (
        ("Trigger", "Run job one-row once"),
        ("Disable", "Disable job one-row?"),
        ("Enable", "Enable job one-row?"),
    ):
        row(page, "one-row").get_by_role("button", name=action).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(question)
        dialog.get_by_role("button", name=action, exact=True).click()
        expect(dialog).to_be_hidden()
        if action == "Disable":
            assert job(server, "one-row")["disabled"]
    assert not job(server, "one-row")["disabled"]
    runs = server.call("GET", "/job/runs?jobName=one-row")["rows"]
    assert [run["source"] for run in runs] == ["TRIGGER"]


def test_all_that_match_are_changed_beyond_the_page(console: Console, app: str) -> None:
    page, server = console.page, console.server
    many = [f"many-{number:02}" for number in range(PAGE_ROWS + 5)]
    registered(server, many)
    console.log_in()
    console.open("/jobs?search=many-")
    page.get_by_label("Select all of this page").check()
    expect(page.get_by_text(f"{PAGE_ROWS} jobs selected")).to_be_visible()
    page.get_by_role("button", name=f"Select all {len(many)} jobs that match").click()
    page.get_by_role("button", name="Disable", exact=True).first.click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Disable {len(many)} jobs")
    expect(dialog).to_contain_text("many-00")
    dialog.get_by_role("button", name=f"Disable {len(many)} jobs").click()
    expect(dialog.get_by_text(f"{len(many)} done, 0 failed")).to_be_visible()
    dialog.get_by_role("button", name="Close", exact=True).last.click()

    found = server.call("GET", "/job/jobs?search=many-&state=DISABLED&page=1&per_page=1")
    assert found["total"] == len(many)


def test_outcomes_have_failures_first_and_can_be_copied(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["mixed-a", "mixed-b"], props={"script.command.line": "true"})
    registered(server, ["mixed-z"], disabled=True)
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.log_in()
    console.open("/jobs?search=mixed-")
    page.get_by_label("Select all of this page").check()
    page.get_by_role("region", name="Selection").get_by_role("button", name="Trigger").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger 3 jobs").click()
    expect(page.get_by_text("2 done, 1 failed")).to_be_visible()
    outcomes = page.get_by_role("dialog").locator("tr[data-row-key]")
    expect(outcomes.first).to_contain_text("mixed-z")
    expect(outcomes.first).to_contain_text("disabled")
    page.get_by_role("button", name="Copy outcomes").click()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0].startswith("mixed-z\tfailed\t")


def test_selected_jobs_are_deregistered(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["gone-a", "gone-b", "gone-c"], disabled=True)
    console.log_in()
    console.open("/jobs?search=gone-")
    page.get_by_label("Select gone-a").check()
    page.get_by_label("Select gone-c").check()
    page.get_by_role("button", name="Deregister", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Deregister 2 jobs").click()
    expect(page.get_by_text("2 done, 0 failed")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).last.click()
    expect(page.locator("tr[data-row-key]")).to_have_count(1)
    assert names_matching(server, "gone-") == ["gone-b"]


def test_selection_survives_what_changes_meanwhile(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["stay-a", "stay-b"], disabled=True)
    console.log_in()
    console.open("/jobs?search=stay-")
    page.get_by_label("Select stay-a").check()
    registered(server, ["stay-c"], disabled=True)
    expect(page.locator("tr[data-row-key]")).to_have_count(3)
    expect(page.get_by_label("Select stay-a")).to_be_checked()
    expect(page.get_by_text("1 job selected")).to_be_visible()


def test_import_says_first_what_it_would_change(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["import-same", "import-other"], disabled=True)
    settings = {"appName": APP, "jobExecutionType": "TRANSIENT", "cpuCount": 0.05, "memoryMB": 32}
    settings |= {"shardingTotalCount": 1, "props": {"script.command.line": "true"}}
    text = yaml.safe_dump(
        [
            {"jobName": "import-same", **settings},
            {"jobName": "import-other", **settings, "cron": "0 0 3 * * ?"},
            {"jobName": "import-new", **settings, "disabled": True},
            {"jobName": "import-bad", **settings, "cron": "0 0 25 * * ?"},
            {"jobName": "import-new", **settings},
        ]
    )
    console.log_in()
    console.open("/jobs?search=import-")
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Or paste it here").fill(text)
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("1 new, 1 changed, 1 unchanged, 2 invalid")).to_be_visible()
    expect(dialog).to_contain_text("Changes: cron")
    expect(dialog).to_contain_text("This name comes twice in the file.")
    assert names_matching(server, "import-") == ["import-other", "import-same"]

    dialog.get_by_role("button", name="Import 2 jobs").click()
    expect(dialog.get_by_text("2 done, 0 failed")).to_be_visible()
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(row(page, "import-new")).to_be_visible()
    assert job(server, "import-other")["cron"] == "0 0 3 * * ?"
    assert job(server, "import-new")["disabled"]


def test_what_is_no_file_of_jobs_is_told(console: Console, app: str) -> None:
    page = console.page
    console.log_in()
    console.open("/jobs")
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Or paste it here").fill("jobs: [")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This cannot be read")
    dialog.get_by_label("Or paste it here").fill("5")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("0 new, 0 changed, 0 unchanged, 1 invalid")).to_be_visible()


@pytest.mark.parametrize("kind", ["YAML", "JSON"])
@pytest.mark.parametrize("secrets", [True, False])
def test_export_is_a_file_that_import_finds_unchanged(
    console: Console, app: str, tmp_path: Path, kind: str, secrets: bool
) -> None:
    page, server = console.page, console.server
    prefix = f"export-{kind}-{secrets}-".lower()
    props = {"script.command.line": "true", "db.password": "hunter22"}
    registered(server, [f"{prefix}a", f"{prefix}b"], props=props, disabled=True)
    registered(server, [f"{prefix}c"], alerts={"conditions": {"LATE": {"seconds": 5}}}, disabled=True)
    console.log_in()
    console.open(f"/jobs?search={prefix}")
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(kind, exact=True).click()
    dialog.get_by_label("With secrets in plain text").set_checked(secrets)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"jobs.{kind.lower()}"

    text = file.read_text(encoding="utf-8")
    exported = {job["jobName"]: job for job in (json.loads(text) if kind == "JSON" else yaml.safe_load(text))}
    assert sorted(exported) == [f"{prefix}{letter}" for letter in "abc"]
    assert exported[f"{prefix}a"]["props"]["db.password"] == ("hunter22" if secrets else "***")
    assert exported[f"{prefix}c"]["alerts"] == {"conditions": {"LATE": {"seconds": 5}}}
    assert "recent" not in exported[f"{prefix}a"]

    page.get_by_role("button", name="Import", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("dialog").get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(file)
    expect(page.get_by_text("0 new, 0 changed, 3 unchanged, 0 invalid")).to_be_visible()


def test_guest_sees_no_action(console: Console, app: str) -> None:
    page = console.page
    registered(console.server, ["guests-see"], disabled=True)
    console.log_in_as_viewer()
    console.open("/jobs?search=guests-see")
    expect(row(page, "guests-see")).to_be_visible()
    for name in ("Trigger", "Enable", "Register job", "Import"):
        expect(page.get_by_text(name, exact=True)).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.goto(f"{console.url}/jobs/new")
    expect(page.get_by_text("Guests may look at jobs")).to_be_visible()


def test_no_match_says_so(console: Console, app: str) -> None:
    console.log_in()
    console.open("/jobs?search=there-is-none")
    expect(console.page.get_by_text("No job matches these filters.")).to_be_visible()


def test_last_results_and_last_run_lead_to_the_run(console: Console, app: str) -> None:
    page, server = console.page, console.server
    registered(server, ["ran-once"], cpuCount=0.01)
    server.call("POST", "/job/trigger", '"ran-once"')

    def last_run() -> dict[str, Any] | None:
        rows = server.call("GET", "/job/jobs?search=ran-once&page=1")["rows"]
        run: dict[str, Any] | None = rows[0]["lastRun"] if rows[0]["recent"] else None
        return run

    run = wait_for(last_run, "the run has ended", 30)
    console.log_in()
    console.open("/jobs?search=ran-once")
    expect(row(page, "ran-once")).to_contain_text("Failed")
    row(page, "ran-once").get_by_role("link", name="Failed").last.click()
    expect(page).to_have_url(re.compile(rf"/runs/{run['runId']}$"))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(console: Console, app: str, language: str, theme: str) -> None:
    page = console.page
    prefix = f"axe-{language}-{theme}-"
    registered(console.server, [f"{prefix}a", f"{prefix}b"], cron="0 0 3 * * ?")
    registered(console.server, [f"{prefix}c"], disabled=True)
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open(f"/jobs?search={prefix}")
    expect(page.locator("tr[data-row-key]")).to_have_count(3)
    assert console.axe_findings() == []
    page.locator("thead").get_by_role("checkbox").check()
    assert console.axe_findings() == []
    page.locator(".jobs-selection .ant-btn-dangerous").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"{prefix}a")
    assert console.axe_findings() == []
