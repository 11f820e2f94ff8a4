"""The page of one job: its grid of runs and shards, what was missed, its settings, and what can be done with it."""

import re
from pathlib import Path
from typing import Any

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
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_YEARLY = "0 0 0 1 1 ?"
_PARAMETERS = {"shardingTotalCount": 3, "shardingItemParameters": "0=north,1=south,2=west"}


def _failed_and_good_run(console: Console, folder: Path, name: str) -> tuple[int, int]:
    register_script(console.server, folder, name, FAILS_IN_SHARD_1, cron=_YEARLY, **_PARAMETERS)
    failed = trigger(console.server, name)
    ended_run(console.server, failed)
    (folder / "fixed").touch()
    good = trigger(console.server, name)
    ended_run(console.server, good)
    return failed, good


def test_grid_shows_each_shard_of_each_run_and_leads_there(console: Console, tmp_path: Path) -> None:
    page = console.page
    failed, good = _failed_and_good_run(console, tmp_path, "grid-of-runs")
    console.log_in()
    console.open("/jobs/grid-of-runs")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Enabled")
    expect(page.locator("main")).to_contain_text(f"run {good}")
    grid = page.get_by_role("grid", name="Runs and shards")
    expect(grid.get_by_role("row")).to_have_count(4)
    expect(grid.get_by_role("columnheader", name=re.compile(f"Run {good}: Succeeded"))).to_be_visible()
    expect(grid.get_by_role("img", name=f"Run {good}, shard 1: Succeeded")).to_be_visible()
    expect(grid.get_by_role("img", name=f"Run {failed}, shard 0: Succeeded")).to_be_visible()

    page.get_by_label("Only shards that did not always succeed").check()
    expect(grid.get_by_role("row")).to_have_count(2)
    page.get_by_label("Only shards that did not always succeed").uncheck()

    grid.locator("a[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.firstElementChild.getAttribute('aria-label')")
    assert focused == f"Run {failed}, shard 1: Failed"
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.url}/runs/{failed}?shard=1")
    expect(page.get_by_text("Only shard 1 is shown.")).to_be_visible()


def test_two_runs_are_compared(console: Console, tmp_path: Path) -> None:
    page = console.page
    failed, good = _failed_and_good_run(console, tmp_path, "two-compared")
    own = console.server.client.post(
        "/job/trigger", json={"jobName": "two-compared", "jobParameter": "2026-11-22"}
    )
    third = int(own.headers["X-Run-Id"])
    ended_run(console.server, third)
    console.log_in()
    console.open("/jobs/two-compared")
    page.get_by_role("checkbox", name=f"Select run {failed}").check()
    page.get_by_role("checkbox", name=f"Select run {third}").check()
    page.get_by_role("button", name=f"Compare runs {failed} and {third}").click()
    compared = page.get_by_role("region", name=f"Runs {failed} and {third} compared")
    expect(compared.get_by_role("row", name=re.compile("Job parameter"))).to_contain_text("2026-11-22")
    shards = compared.get_by_role("table").last
    expect(shards.get_by_role("row")).to_have_count(4)
    compared.get_by_label("Only shards whose state differs").check()
    expect(shards.get_by_role("row")).to_have_count(2)
    expect(shards.get_by_role("row").last).to_contain_text("Failed")
    expect(shards.get_by_role("row").last).to_contain_text("Succeeded")
    page.reload()
    expect(compared).to_be_visible()
    compared.get_by_role("button", name="Close the comparison").click()
    expect(page).to_have_url(f"{console.url}/jobs/two-compared")
    assert good < third


def test_triggered_with_parameters_it_leads_to_the_run(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "triggered", "true", jobParameter="every day", **_PARAMETERS)
    console.log_in()
    console.open("/jobs/triggered")
    page.get_by_role("button", name="Trigger", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("As the job is set up.")
    dialog.get_by_label("Job parameter").fill("2026-11-22")
    dialog.get_by_label("Number of shards").fill("2")
    dialog.get_by_label("Parameters of shards").fill("0=east")
    dialog.get_by_role("button", name="Add a property").click()
    dialog.get_by_label("Name of property 1").fill("mode")
    dialog.get_by_label("Value of property 1").fill("full")
    dialog.get_by_role("button", name="Trigger", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    (run,) = runs_of(console.server, "triggered")
    expect(page).to_have_url(f"{console.url}/runs/{run['runId']}")
    detail = console.server.call("GET", f"/job/runs/{run['runId']}")["configuration"]
    assert (detail["jobParameter"], detail["shardingTotalCount"]) == ("2026-11-22", 2)
    assert (detail["shardingItemParameters"], detail["props"]["mode"]) == ("0=east", "full")
    assert run["triggeredBy"] == "root"


def test_refused_trigger_says_why_in_the_dialog(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "refused-trigger", "true")
    console.log_in()
    console.open("/jobs/refused-trigger")
    page.get_by_role("button", name="Trigger", exact=True).click()
    page.get_by_label("Parameters of shards").fill("7=nowhere")
    page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("shardingItemParameters")
    expect(page.get_by_label("Parameters of shards")).to_have_value("7=nowhere")
    assert runs_of(console.server, "refused-trigger") == []


def test_job_is_disabled_and_enabled(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "on-and-off", "true", cron=_YEARLY)
    console.log_in()
    console.open("/jobs/on-and-off")
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Disabled")
    expect(page.locator("main")).to_contain_text("Next fires, if it were enabled")
    expect(page.get_by_role("button", name="Trigger", exact=True)).to_be_disabled()
    assert console.server.call("GET", "/job/jobs/on-and-off")["disabled"] is True
    page.get_by_role("button", name="Enable").click()
    page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Enabled")
    assert console.server.call("GET", "/job/jobs/on-and-off")["disabled"] is False


def test_what_runs_is_killed_and_what_failed_last_is_rerun(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "kill-and-rerun", f"{RUNS_UNTIL_TOLD}; exit 1")
    console.log_in()
    run_id = trigger(console.server, "kill-and-rerun")
    running_run(console.server, run_id)
    console.open("/jobs/kill-and-rerun")
    expect(page.get_by_role("link", name=f"Run {run_id} is running")).to_be_visible()
    page.get_by_role("button", name="Kill what runs").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill what runs").click()
    expect(page.get_by_role("link", name=f"Run {run_id} is running")).to_have_count(0)
    assert ended_run(console.server, run_id)["state"] == "KILLED"

    (tmp_path / "go").touch()
    failed = trigger(console.server, "kill-and-rerun")
    assert ended_run(console.server, failed)["state"] == "FAILED"
    page.get_by_role("button", name=f"Rerun failed of run {failed}").click()
    page.get_by_role("dialog").get_by_role("button", name="Rerun failed").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    assert runs_of(console.server, "kill-and-rerun")[0]["rerunOf"] == failed


def test_waiting_and_dropped_say_why(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "waits-and-drops", "true", cpuCount=999)
    run_id = trigger(console.server, "waits-and-drops")
    console.log_in()
    console.open("/jobs/waits-and-drops")
    expect(page.locator("main")).to_contain_text("999 CPU")
    expect(page.get_by_role("link", name=re.compile(f"Run {run_id} waits since"))).to_be_visible()
    row = page.get_by_role("region", name="All runs").locator(f"tr[data-row-key='{run_id}']")
    row.get_by_role("button", name="Kill").click()
    page.get_by_role("dialog").get_by_role("button", name="Kill run").click()
    missed = page.get_by_role("region", name="Missed and dropped fires")
    expect(missed.get_by_role("row", name=re.compile(str(run_id)))).to_contain_text("Somebody killed it")
    assert run_of(console.server, run_id)["state"] == "DROPPED"


def test_configuration_is_shown_in_words_and_edited(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "configured", "true", cron="0 30 2 ? * MON-FRI", failover=True)
    console.log_in()
    console.open("/jobs/configured?tab=configuration")
    settings = page.get_by_role("region", name="Settings")
    expect(settings.get_by_role("row", name=re.compile("^Schedule"))).to_contain_text("Monday through Friday")
    expect(settings).to_contain_text("A shard that is lost or fails is started again")
    expect(page.get_by_role("region", name="As JSON")).to_contain_text('"cron": "0 30 2 ? * MON-FRI"')
    page.get_by_role("button", name="Edit").first.click()
    expect(page).to_have_url(re.compile(r"edit=1"))
    expect(page.get_by_role("button", name="Leave without saving")).to_be_visible()
    page.get_by_role("button", name="Leave without saving").click()
    expect(settings).to_be_visible()

    settings.get_by_role("button", name="Edit").click()
    page.get_by_label("Description").fill("every working day")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(settings.get_by_role("row", name=re.compile("^Description"))).to_contain_text("every working day")
    expect(page).not_to_have_url(re.compile("edit="))
    assert console.server.call("GET", "/job/jobs/configured")["description"] == "every working day"
    page.get_by_role("button", name="Clone").click()
    expect(page).to_have_url(f"{console.url}/jobs/new?from=configured")


def test_history_of_the_job_is_shown(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "with-history", "echo gone wrong >&2; exit 4")
    ended_run(console.server, trigger(console.server, "with-history"))
    console.log_in()
    console.open("/jobs/with-history")
    page.get_by_role("tab", name="History").click()
    expect(page).to_have_url(f"{console.url}/jobs/with-history?tab=history")
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(1)
    expect(page.locator("tbody tr[data-row-key]")).to_contain_text("exit code 4")
    page.get_by_text("Status traces").click()
    expect(page.locator("tbody tr[data-row-key]")).to_have_count(3)
    page.get_by_role("link", name="All of the history").click()
    expect(page).to_have_url(f"{console.url}/history?jobName=with-history")


def test_daemon_shows_executions_and_its_tasks_are_killed(console: Console, tmp_path: Path) -> None:
    page = console.page
    fields: dict[str, Any] = {"jobExecutionType": "DAEMON", "cron": "* * * * * ?", "shardingTotalCount": 2}
    register_script(console.server, tmp_path, "stays", "true", **fields)

    def live() -> list[str]:
        tasks = console.server.call("GET", "/job/tasks/running?jobName=stays")
        return sorted(task["id"] for task in tasks)

    before = wait_for(lambda: ids if len(ids := live()) == 2 else None, "both tasks of the daemon run")
    console.log_in()
    console.open("/jobs/stays")
    expect(page.get_by_role("region", name="Running now").locator("tr[data-row-key]")).to_have_count(2)
    expect(page.get_by_role("region", name="Executions").get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_role("button", name="Trigger", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Kill what runs").click()
    expect(page.get_by_role("dialog")).to_contain_text("Kill the 2 running tasks of stays?")
    page.get_by_role("dialog").get_by_role("button", name="Kill what runs").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_for(lambda: not set(before) & set(live()), "the tasks are gone, or others", 30)
    console.server.call("DELETE", "/job/stays/deregister")


def test_deregistered_job_keeps_its_runs_and_a_misspelt_one_is_explained(
    console: Console, tmp_path: Path
) -> None:
    page = console.page
    register_script(console.server, tmp_path, "soon-gone", "true")
    run_id = trigger(console.server, "soon-gone")
    ended_run(console.server, run_id)
    console.log_in()
    console.open("/jobs/soon-gone")
    page.get_by_role("button", name="Deregister").click()
    expect(page.get_by_role("dialog")).to_contain_text("Deregister the job soon-gone?")
    page.get_by_role("dialog").get_by_role("button", name="Deregister").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Not registered")
    assert console.server.client.get("/job/jobs/soon-gone").status_code == 404
    expect(page.get_by_role("region", name="All runs").locator("tr[data-row-key]")).to_have_count(1)
    page.get_by_role("region", name="All runs").get_by_role("link", name=str(run_id), exact=True).click()
    expect(page.locator("main")).to_contain_text("not registered any more")
    expect(page.get_by_role("button", name="Rerun all")).to_have_count(0)

    register_script(console.server, tmp_path, "rightly-spelt", "true")
    console.open("/jobs/rightly-spellt")
    expect(page.locator("main")).to_contain_text("check how it is spelt")
    page.get_by_role("link", name="rightly-spelt").click()
    expect(page).to_have_url(f"{console.url}/jobs/rightly-spelt")


def test_viewer_sees_no_action(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "job-seen-by-viewer", "exit 1")
    ended_run(console.server, trigger(console.server, "job-seen-by-viewer"))
    console.log_in_as_viewer()
    console.open("/jobs/job-seen-by-viewer?tab=configuration&edit=1")
    expect(page.get_by_role("region", name="Settings")).to_be_visible()
    for name in ("Trigger", "Disable", "Edit", "Clone", "Deregister", "Rerun failed"):
        expect(page.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)


@pytest.mark.parametrize(
    "language, theme", [("en", "light"), ("en", "dark"), ("zh", "light"), ("zh", "dark")]
)
def test_job_is_usable_by_all(console: Console, tmp_path: Path, language: str, theme: str) -> None:
    page = console.page
    name = f"page-{language}-{theme}"
    failed, good = _failed_and_good_run(console, tmp_path, name)
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open(f"/jobs/{name}?compare={failed},{good}")
    expect(page.get_by_role("grid").get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("region").first).to_be_visible()
    assert console.axe_findings() == []
    page.get_by_role("button", name="Trigger" if language == "en" else "触发", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert console.axe_findings() == []
    for tab in ("configuration", "history"):
        console.open(f"/jobs/{name}/{tab}")
        expect(page.get_by_role("tab", selected=True)).to_be_visible()
        expect(page.locator("main table").first).to_be_visible()
        assert console.axe_findings() == []
