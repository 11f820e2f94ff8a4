"""The form of a job in a browser: register, clone and edit, with what the server says at each field."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.standalone import Standalone
from tests.browser.viewer.console import Console

pytestmark = [pytest.mark.browser, pytest.mark.slow]

APP = "app-of-forms"
NEXT_FIRES = 10


@pytest.fixture(scope="session")
def app(server: Standalone) -> str:
    """An app that nothing is ever downloaded of: the jobs here are disabled, or never fire."""
    server.publish(APP, "http://127.0.0.1:9/none.sh")
    return APP


def job(server: Standalone, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.call("GET", f"/job/jobs/{name}")
    return found


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()


def begin(console: Console, name: str, command: str = "true") -> Page:
    console.log_in()
    console.open("/jobs/new")
    page = console.page
    page.get_by_label("Job name").fill(name)
    choose(page, "App", APP)
    page.get_by_label("Command").fill(command)
    return page


def register(page: Page) -> None:
    page.get_by_role("button", name="Register job").click()


def problem_of(page: Page, field: str) -> Any:
    return page.locator(f'[role=alert][data-field="{field}"]')


def test_script_job_is_registered_and_its_page_opens(console: Console, app: str) -> None:
    page = begin(console, "form-script", 'echo "one"\necho two')
    page.get_by_label("Cron", exact=True).fill("0 0 3 * * ?")
    page.get_by_label("Description").fill("made by hand")
    page.get_by_label("Register it disabled").check()
    page.get_by_label("Failover").check()
    page.get_by_role("spinbutton", name="Shards", exact=True).fill("3")
    page.get_by_label("Parameter of item 0").fill("Beijing")
    page.get_by_label("Parameter of item 2").fill("Shanghai")
    page.get_by_role("heading", name="Other properties").click()
    page.get_by_role("button", name="Add property").click()
    page.get_by_label("Name of property 1").fill("mode")
    page.get_by_label("Value of property 1").fill("full")
    register(page)
    expect(page).to_have_url(f"{console.url}/jobs/form-script")

    made = job(console.server, "form-script")
    assert made["props"] == {"script.command.line": 'echo "one"\necho two', "mode": "full"}
    assert made["shardingItemParameters"] == "0=Beijing,2=Shanghai"
    assert (made["shardingTotalCount"], made["cron"], made["description"]) == (
        3,
        "0 0 3 * * ?",
        "made by hand",
    )
    assert (made["disabled"], made["failover"], made["misfire"]) == (True, True, False)


def test_json_that_is_shown_is_what_is_sent(console: Console, app: str) -> None:
    page = begin(console, "form-json")
    page.get_by_text("JSON that is sent").click()
    with page.expect_request(re.compile(r"/api/job/register$")) as sent:
        shown = page.locator(".job-form-json").inner_text()
        register(page)
    expect(page).to_have_url(f"{console.url}/jobs/form-json")
    assert sent.value.post_data_json == page.evaluate("JSON.parse", shown)


def test_cron_is_read_out_with_its_next_fires_in_the_jobs_zone(console: Console, app: str) -> None:
    page = begin(console, "form-cron")
    page.get_by_label("Cron", exact=True).fill("0 30 9 ? * MON-FRI")
    expect(page.get_by_text("At 09:30, Monday through Friday")).to_be_visible()
    page.get_by_label("Time zone", exact=True).fill("Asia/Shanghai")
    fires = page.get_by_test_id("fires").get_by_role("listitem")
    expect(fires).to_have_count(NEXT_FIRES)
    expect(fires.first).to_contain_text(re.compile(r"(Mon|Tue|Wed|Thu|Fri) \d{4}-\d\d-\d\d 09:30:00 GMT\+8"))


def test_preset_fills_the_cron(console: Console, app: str) -> None:
    page = begin(console, "form-preset")
    choose(page, "Common schedules", "Every 5 minutes")
    expect(page.get_by_label("Cron", exact=True)).to_have_value("0 0/5 * * * ?")


def test_servers_own_words_stand_at_the_cron_and_the_zone(console: Console, app: str) -> None:
    page = begin(console, "form-refused")
    page.get_by_label("Cron", exact=True).fill("0 9 * * 1-5")
    expect(problem_of(page, "cron")).to_contain_text("0 0 9 ? * MON-FRI")
    page.get_by_label("Cron", exact=True).fill("0 0 9 ? * 2-6")
    expect(problem_of(page, "cron")).to_have_count(0)
    expect(page.get_by_text("MON-FRI", exact=False).last).to_be_visible()
    page.get_by_label("Time zone", exact=True).fill("Asia/Beijing")
    expect(problem_of(page, "timeZone")).to_contain_text("Asia/Shanghai")


@pytest.mark.parametrize(
    "cron, zone, warnings",
    [
        ("0 30 2 * * ?", "Europe/Berlin", ["the clock skips that time", "it fires the second time only"]),
        ("0 30 12 * * ?", "Europe/Berlin", []),
        ("0 30 2 * * ?", "Asia/Shanghai", []),
    ],
)
def test_clock_changes_that_touch_a_fire_are_told(
    console: Console, app: str, cron: str, zone: str, warnings: list[str]
) -> None:
    page = begin(console, "form-clock")
    page.get_by_label("Cron", exact=True).fill(cron)
    page.get_by_label("Time zone", exact=True).fill(zone)
    expect(page.get_by_role("heading", name=f"Next fires, in {zone}")).to_be_visible()
    expect(page.get_by_test_id("fires").get_by_role("listitem")).to_have_count(NEXT_FIRES)
    for warning in warnings:
        expect(page.get_by_text(warning)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".ant-alert-warning")).to_have_count(len(warnings))


def test_refusals_stand_at_their_fields_and_nothing_is_registered(console: Console, app: str) -> None:
    page = begin(console, "form-bad", " ")
    page.get_by_role("spinbutton", name="Shards", exact=True).fill("20000")
    page.get_by_label("CPUs").fill("0")
    register(page)
    expect(problem_of(page, "shardingTotalCount")).to_contain_text("must be at most 10,000")
    expect(problem_of(page, "cpuCount")).to_contain_text("must be at least 0.001")
    expect(problem_of(page, "script")).to_contain_text("must not be blank")
    assert console.server.client.get("/job/jobs/form-bad").status_code == 404

    page.get_by_role("spinbutton", name="Shards", exact=True).fill("2")
    expect(problem_of(page, "shardingTotalCount")).to_have_count(0)


def test_name_that_is_taken_is_told_while_typing(console: Console, app: str) -> None:
    console.server.register("form-taken", APP, disabled=True)
    page = begin(console, "form-taken")
    expect(problem_of(page, "jobName")).to_contain_text("exists already")


def test_shards_that_are_too_many_for_their_parameters_are_told(console: Console, app: str) -> None:
    page = begin(console, "form-items")
    page.get_by_role("spinbutton", name="Shards", exact=True).fill("2")
    page.get_by_label("Parameter of item 1").fill("b")
    page.get_by_role("spinbutton", name="Shards", exact=True).fill("1")
    expect(problem_of(page, "shardingItemParameters")).to_contain_text("item 1 is outside")
    page.get_by_text("Text", exact=True).click()
    page.get_by_label("Parameters of the shards").last.fill("0=a")
    expect(problem_of(page, "shardingItemParameters")).to_have_count(0)


@pytest.mark.parametrize("cpus, text", [("0.01", "It fits"), ("9999", "No agent could ever hold a shard")])
def test_form_says_whether_the_job_would_fit(console: Console, app: str, cpus: str, text: str) -> None:
    page = begin(console, "form-fit")
    page.get_by_label("CPUs").fill(cpus)
    expect(page.get_by_text(text)).to_be_visible()


def test_leaving_with_unsaved_changes_asks(console: Console, app: str) -> None:
    page = begin(console, "form-unsaved")
    page.get_by_role("link", name="Apps").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Unsaved changes")
    dialog.get_by_role("button", name="Stay").click()
    expect(page.get_by_label("Job name")).to_have_value("form-unsaved")
    page.get_by_role("link", name="Apps").click()
    page.get_by_role("button", name="Leave without saving").click()
    expect(page).to_have_url(f"{console.url}/apps")


def test_clone_has_all_but_the_name(console: Console, app: str) -> None:
    page, server = console.page, console.server
    alerts = {"conditions": {"LATE": {"seconds": 5}, "DROPPED": False}}
    props = {"http.uri": "http://127.0.0.1:9/run", "http.method": "PUT", "api.token": "s3cret"}
    server.register("form-original", APP, props=props, alerts=alerts, cron="0 0 3 * * ?", disabled=True)
    console.log_in()
    console.open("/jobs/new?from=form-original")
    expect(page.get_by_role("heading", name="Clone form-original")).to_be_visible()
    expect(page.get_by_label("URL")).to_have_value("http://127.0.0.1:9/run")
    page.get_by_label("Job name").fill("form-copy")
    page.get_by_label("Register it disabled").check()
    register(page)
    expect(page).to_have_url(f"{console.url}/jobs/form-copy")

    original = job(server, "form-original")
    assert job(server, "form-copy") == {**original, "jobName": "form-copy"}


def test_edit_changes_what_was_changed(console: Console, app: str) -> None:
    page, server = console.page, console.server
    props = {"script.command.line": "true", "script.pass.context": "false", "a": "1"}
    server.register("form-edit", APP, props=props, alerts={"channels": []}, disabled=True)
    before = job(server, "form-edit")
    console.log_in()
    console.open("/jobs/form-edit?tab=configuration")
    page.get_by_role("tabpanel").get_by_role("button", name="Edit").click()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(page.get_by_label("Job name")).to_be_disabled()
    page.get_by_label("Cron", exact=True).fill("0 0 4 * * ?")
    page.get_by_label("Misfire").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("form-edit was saved.")).to_be_visible()
    assert job(server, "form-edit") == {**before, "cron": "0 0 4 * * ?", "misfire": True}


def test_alerts_are_set_with_their_thresholds(console: Console, app: str) -> None:
    page = begin(console, "form-alerts")
    page.get_by_label("Register it disabled").check()
    page.locator("summary").filter(has_text="Alerts").click()
    choose(page, "LATE: Watched", "On")
    page.get_by_label("LATE: seconds").fill("300")
    choose(page, "DROPPED: Watched", "Off")
    choose(page, "LATE: Severity", "Critical")
    register(page)
    expect(page).to_have_url(f"{console.url}/jobs/form-alerts")
    rule = job(console.server, "form-alerts")["alerts"]
    assert rule == {"conditions": {"LATE": {"seconds": 300, "severity": "CRITICAL"}, "DROPPED": False}}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(console: Console, app: str, language: str, theme: str) -> None:
    page = console.page
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open("/jobs/new")
    page.locator("#jobName").fill(" bad name")
    page.locator("#cron").fill("0 30 2 * * ?")
    page.locator("#timeZone").fill("Europe/Berlin")
    page.locator("#cpuCount").fill("9999")
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.get_by_test_id("fires").get_by_role("listitem")).to_have_count(NEXT_FIRES)
    expect(page.locator(".ant-alert-warning")).to_have_count(3)
    page.locator("button[type=submit]").click()
    expect(page.locator('[role=alert][data-field="jobName"]')).to_be_visible()
    assert console.axe_findings() == []
