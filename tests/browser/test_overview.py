"""The overview, and its timeline."""

import datetime as dt
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.viewer.console import Console
from tests.browser.world.shell_jobs import run_script

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_BARS = 10_000
_JOBS = 200
_LONGEST_TASK_MS = 200


def _panel(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def test_overview_shows_what_fails_waits_runs_and_comes(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    run_script(server, tmp_path, "ov-fails", "echo no such quota >&2; exit 3")
    server.ended("ov-fails")
    run_script(server, tmp_path, "ov-waits", "true", cpuCount=999)
    run_script(server, tmp_path, "ov-runs", "sleep 600")
    server.register("ov-next", "ov-fails", cron="0 0 0 1 1 ?", props={"script.command.line": "./ov-fails.sh"})
    try:
        console.log_in()
        console.open("/")
        failing = _panel(page, "Failing now").get_by_role("row").filter(has_text="ov-fails")
        expect(failing).to_contain_text("exit code 3")
        expect(_panel(page, "Waiting").get_by_role("row").filter(has_text="ov-waits")).to_contain_text(
            "999 CPU"
        )
        expect(_panel(page, "Running").get_by_role("row").filter(has_text="ov-runs")).to_contain_text(
            "0 of 1 done"
        )
        expect(_panel(page, "Next fires").get_by_role("row").filter(has_text="ov-next")).to_contain_text(
            "in "
        )
        expect(_panel(page, "Results of runs")).to_contain_text(re.compile(r"\d+ succeeded, [1-9]\d* failed"))
        expect(_panel(page, "Room on the agents")).to_contain_text("1 agent")
        assert console.axe_findings() == []

        failing.get_by_role("link", name=re.compile("^Run ")).click()
        expect(page).to_have_url(re.compile(r"/runs/\d+$"))
    finally:
        for name in ("ov-waits", "ov-runs"):
            server.call("DELETE", f"/job/{name}/deregister")


def test_change_is_seen_without_a_reload(console: Console, tmp_path: Path) -> None:
    console.log_in()
    console.open("/")
    panel = _panel(console.page, "Failing now")
    expect(_panel(console.page, "Room on the agents")).to_be_visible()
    run_script(console.server, tmp_path, "ov-late-failure", "exit 9")
    expect(panel).to_contain_text("ov-late-failure")


def test_timeline_has_bars_and_a_table_of_the_same(console: Console, tmp_path: Path) -> None:
    run_script(console.server, tmp_path, "tl-fails", "exit 4")
    console.server.ended("tl-fails")
    page = console.page

    def of_one_job(route: Route) -> None:
        route.continue_(url=f"{route.request.url}&jobName=tl-fails")

    # Rows that are not in view are not drawn, and other tests' jobs may come first.
    page.route("**/api/job/timeline?*", of_one_job)
    console.log_in()
    console.open("/")
    timeline = _panel(page, "Timeline")
    bar = timeline.locator("[data-job='tl-fails'] .timeline-bar[data-state='FAILED']")
    bar.hover()
    expect(bar).to_have_attribute("title", re.compile("tl-fails: Failed, "))
    timeline.get_by_role("switch", name="Show as a table").click()
    expect(page).to_have_url(re.compile(r"timeline=table"))
    row = timeline.get_by_role("row").filter(has_text="tl-fails")
    expect(row).to_contain_text("Failed")
    assert console.axe_findings() == []
    timeline.get_by_role("switch", name="Show as a table").click()
    bar.click()
    expect(page).to_have_url(re.compile(r"/runs/\d+$"))


@pytest.mark.parametrize("zooms", [0, 3])
def test_timeline_of_10000_bars_scrolls_without_a_long_task(console: Console, zooms: int) -> None:
    """The time that the page's thread works counts, so that a machine's other load changes nothing."""
    page = console.page
    answer = json.dumps(_many_runs())
    console.server.register("tl-some", _an_app(console), props={"script.command.line": "true"})
    page.route(
        "**/api/job/timeline*", lambda route: _fulfil(route, answer)
    )  # ten thousand runs would take long to run
    console.log_in()
    console.open("/")
    page.locator(".timeline-bar[data-bar]").first.wait_for()
    for _ in range(zooms):
        page.get_by_role("button", name="Zoom in").click()
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel"])
    page.evaluate(_SCROLL)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    tasks = [each["tdur"] / 1000 for each in events if "tdur" in each and each["name"].endswith("RunTask")]
    assert len(tasks) > 40
    assert max(tasks) < _LONGEST_TASK_MS
    console.server.call("DELETE", "/job/tl-some/deregister")


_SCROLL = """async () => {
  const area = document.querySelector(".timeline-area");
  for (let step = 0; step < 40; step++) {
    area.scrollTop = (step * 90) % (area.scrollHeight - area.clientHeight);
    area.scrollLeft = (step * 97) % Math.max(1, area.scrollWidth - area.clientWidth);
    await new Promise(requestAnimationFrame);
  }
}"""


def _an_app(console: Console) -> str:
    names = [app["appName"] for app in console.server.call("GET", "/app/list")]
    if "tl-app" not in names:
        console.server.publish("tl-app", "file:///nowhere/app.sh")
    return "tl-app"


def _fulfil(route: Route, answer: str) -> None:
    route.fulfill(body=answer, content_type="application/json")


def _many_runs() -> dict[str, Any]:
    chance = random.Random(1)
    now = dt.datetime.now(dt.UTC)

    def shown(seconds: float) -> str:
        return (now + dt.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    runs = []
    for number in range(_BARS):
        start = -chance.uniform(1, 3600)
        runs.append(
            {
                "runId": number + 1,
                "jobName": f"job-{number % _JOBS:03}",
                "appName": "app",
                "startTime": shown(start),
                "endTime": shown(min(0.0, start + chance.uniform(1, 60))),
                "state": chance.choice(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "KILLED"]),
            }
        )
    planned = [
        {"jobName": f"job-{number % _JOBS:03}", "time": shown(chance.uniform(1, 3600))}
        for number in range(_BARS)
    ]
    return {
        "startTime": shown(-3600),
        "endTime": shown(3600),
        "runs": {"rows": runs, "complete": True},
        "planned": {"rows": planned, "complete": True},
    }


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/history", "/agents", "/schedulers", "/history?tab=failures"])
def test_page_is_accessible(console: Console, language: str, theme: str, path: str) -> None:
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open(path)
    expect(console.page.locator(".ant-skeleton")).to_have_count(0)
    assert console.axe_findings() == []
