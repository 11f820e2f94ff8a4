"""The page of one run: it opens with what failed, shows when and where, and repeats or ends it."""

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

_RUN_URL = re.compile(r"/runs/(\d+)$")


def _failed_run(console: Console, folder: Path, name: str) -> int:
    parameters = {"shardingTotalCount": 3, "shardingItemParameters": "0=north,1=south,2=west"}
    register_script(console.server, folder, name, FAILS_IN_SHARD_1, **parameters)
    run_id = trigger(console.server, name)
    assert ended_run(console.server, run_id)["state"] == "FAILED"
    return run_id


def _shown_run(console: Console) -> int:
    found = _RUN_URL.search(console.page.url)
    assert found, console.page.url
    return int(found[1])


def test_failed_run_opens_with_what_failed_and_its_first_error(console: Console, tmp_path: Path) -> None:
    page = console.page
    run_id = _failed_run(console, tmp_path, "opens-with-failure")
    console.log_in()
    console.open(f"/runs/{run_id}")
    summary = page.get_by_role("region", name="What failed")
    expect(summary).to_contain_text("exit code 3: FATAL: quota exceeded")
    expect(summary.get_by_role("link", name="Shard 1 (south)")).to_be_visible()
    expect(summary.get_by_text("First error:")).to_contain_text("FATAL: quota exceeded")
    assert page.locator("main h2").first.inner_text() == "What failed"
    expect(page).to_have_title(f"Run {run_id} · ElasticJob-Cloud")

    shard = page.get_by_role("region", name="Shards", exact=True).get_by_role("row", name=re.compile("south"))
    expect(shard).to_contain_text("code 3")
    expect(page.get_by_role("link", name=re.compile("Shard 1, attempt 1: Failed"))).to_be_visible()
    shard.get_by_role("link", name="Log of shard 1").click()
    expect(page).to_have_url(re.compile(r"/tasks/"))


def test_failed_shards_are_rerun_and_the_runs_lead_to_each_other(console: Console, tmp_path: Path) -> None:
    page = console.page
    run_id = _failed_run(console, tmp_path, "rerun-failed")
    (tmp_path / "fixed").touch()
    console.log_in()
    console.open(f"/runs/{run_id}")
    page.get_by_role("button", name="Rerun failed", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"run {run_id} of rerun-failed")
    expect(dialog).to_contain_text("(1 of 3)")
    dialog.get_by_role("button", name="Rerun failed").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text(f"Run {run_id}")
    expect(page).to_have_url(_RUN_URL)
    again = _shown_run(console)
    assert run_of(console.server, again)["rerunOf"] == run_id
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded")
    assert run_of(console.server, again)["shards"]["total"] == 1

    page.get_by_role("region", name="About this run").get_by_role("link", name=str(run_id)).click()
    expect(page.get_by_role("region", name="About this run")).to_contain_text("Repeated by")


def test_selected_shards_and_all_shards_are_rerun(console: Console, tmp_path: Path) -> None:
    page = console.page
    run_id = _failed_run(console, tmp_path, "rerun-selected")
    console.log_in()
    console.open(f"/runs/{run_id}")
    page.get_by_role("checkbox", name="Select shard 0").check()
    page.get_by_role("checkbox", name="Select shard 2").check()
    page.get_by_role("button", name="Rerun selected (2)").click()
    expect(page.get_by_role("dialog")).to_contain_text("shards 0, 2")
    page.get_by_role("dialog").get_by_role("button", name="Rerun selected (2)").click()
    expect(page).not_to_have_url(re.compile(f"/runs/{run_id}$"))
    again = _shown_run(console)
    assert ended_run(console.server, again)["state"] == "SUCCEEDED"
    assert run_of(console.server, again)["shards"]["total"] == 2

    console.open(f"/runs/{run_id}")
    page.get_by_role("button", name="Rerun all").click()
    page.get_by_role("dialog").get_by_role("button", name="Rerun all").click()
    expect(page).not_to_have_url(re.compile(f"/runs/{run_id}$"))
    assert run_of(console.server, _shown_run(console))["shards"]["total"] == 3


def test_running_run_is_killed_and_the_page_follows(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "killed-by-page", RUNS_UNTIL_TOLD)
    run_id = trigger(console.server, "killed-by-page")
    running_run(console.server, run_id)
    console.log_in()
    console.open(f"/runs/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Running")
    page.get_by_role("button", name="Kill run").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Kill run {run_id} of killed-by-page?")
    page.get_by_role("dialog").get_by_role("button", name="Kill run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Killed")
    expect(page.get_by_role("button", name="Kill run")).to_have_count(0)
    assert run_of(console.server, run_id)["state"] == "KILLED"


def test_dialog_stays_open_when_the_run_ends_meanwhile(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "ends-meanwhile", RUNS_UNTIL_TOLD)
    run_id = trigger(console.server, "ends-meanwhile")
    running_run(console.server, run_id)
    console.log_in()
    console.open(f"/runs/{run_id}")
    page.get_by_role("button", name="Kill run").click()
    (tmp_path / "go").touch()
    expect(page.locator("h1")).to_contain_text("Succeeded")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Kill run").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has ended")


def test_waiting_run_says_why(console: Console, tmp_path: Path) -> None:
    register_script(console.server, tmp_path, "never-fits", "true", cpuCount=999)
    run_id = trigger(console.server, "never-fits")
    console.log_in()
    console.open(f"/runs/{run_id}")
    expect(console.page.get_by_role("region", name="Why it waits")).to_contain_text("999 CPU")


def test_run_with_parameters_of_its_own_is_triggered_again(console: Console, tmp_path: Path) -> None:
    page = console.page
    register_script(console.server, tmp_path, "own-parameters", "true")
    answer = console.server.client.post(
        "/job/trigger",
        json={"jobName": "own-parameters", "jobParameter": "2026-11-22", "props": {"mode": "full"}},
    )
    run_id = int(answer.headers["X-Run-Id"])
    ended_run(console.server, run_id)
    console.log_in()
    console.open(f"/runs/{run_id}")
    ran_with = page.get_by_role("region", name="What it ran with")
    expect(ran_with).to_contain_text("Differs from the job's present settings")
    expect(ran_with).to_contain_text("2026-11-22")
    page.get_by_role("button", name="Trigger again").click()
    expect(page.get_by_label("Job parameter")).to_have_value("2026-11-22")
    page.get_by_role("dialog").get_by_role("button", name="Trigger again").click()
    expect(page).not_to_have_url(re.compile(f"/runs/{run_id}$"))
    again = console.server.call("GET", f"/job/runs/{_shown_run(console)}")
    assert again["configuration"]["jobParameter"] == "2026-11-22"
    assert again["configuration"]["props"]["mode"] == "full"


def test_viewer_sees_no_action_and_unknown_run_is_explained(console: Console, tmp_path: Path) -> None:
    page = console.page
    run_id = _failed_run(console, tmp_path, "seen-by-viewer")
    console.log_in_as_viewer()
    console.open(f"/runs/{run_id}")
    expect(page.get_by_role("region", name="What failed")).to_be_visible()
    for name in ("Rerun failed", "Rerun all", "Trigger again"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Select shard 0")).to_have_count(0)

    console.open("/runs/999999999")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no run 999999999")
    page.get_by_role("link", name="Look at all runs").click()
    expect(page).to_have_url(f"{console.url}/runs")


@pytest.mark.parametrize(
    "language, theme", [("en", "light"), ("en", "dark"), ("zh", "light"), ("zh", "dark")]
)
def test_run_is_usable_by_all(console: Console, tmp_path: Path, language: str, theme: str) -> None:
    page = console.page
    name = f"usable-{language}-{theme}"
    run_id = _failed_run(console, tmp_path, name)
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open(f"/runs/{run_id}")
    expect(page.locator(".run-first-error")).to_be_visible()
    assert console.axe_findings() == []
    page.get_by_role("button", name="Trigger again" if language == "en" else "再次触发").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert console.axe_findings() == []
    assert runs_of(console.server, name)
