"""Agents, one agent, and schedulers."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.viewer.console import Console
from tests.browser.viewer.watch import Watch
from tests.browser.world.shell_jobs import run_script

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_agent_is_shown_whole_with_its_room_and_tasks(console: Console, tmp_path: Path) -> None:
    server, page = console.server, console.page
    run_script(server, tmp_path, "ag-runs", "sleep 600")
    try:
        (agent,) = server.call("GET", "/operate/agents")
        console.log_in()
        console.open("/agents")
        row = page.get_by_role("row").filter(has_text=agent["ip"])
        expect(row).to_contain_text(f"of {agent['cpusTotal']:g}")
        row.get_by_role("link", name=agent["id"]).click()
        expect(page).to_have_url(f"{console.url}/agents/{agent['id']}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(agent["id"])
        expect(page.get_by_role("row").filter(has_text="ag-runs")).to_be_visible()
        assert console.axe_findings() == []
    finally:
        server.call("DELETE", "/job/ag-runs/deregister")
    expect(page.get_by_role("row").filter(has_text="ag-runs")).to_have_count(0)


def test_agent_that_is_gone_says_what_to_do(console: Console) -> None:
    console.log_in()
    console.open("/agents/nobody-1234")
    page = console.page
    expect(page.get_by_text("This agent is not there any more, or never was.")).to_be_visible()
    page.get_by_role("link", name="What it ran in the last 24 hours").click()
    expect(page).to_have_url(re.compile(r"/history\?.*slaveId=nobody-1234"))


def test_form_says_whether_a_job_fits(console: Console) -> None:
    (agent,) = console.server.call("GET", "/operate/agents")
    console.log_in()
    console.open("/agents")
    form = console.page.get_by_role("region", name="Would this job fit?")
    form.get_by_label("CPU of one shard").fill("0.001")
    form.get_by_label("Memory of one shard (MB)").fill("1")
    expect(form.get_by_role("status")).to_contain_text("It fits now")
    form.get_by_label("CPU of one shard").fill(str(agent["cpusTotal"] + 1))
    expect(form.get_by_role("status")).to_contain_text("It never fits")


def test_leader_is_named_and_an_admin_reconciles(console: Console, watch: Watch) -> None:
    watch.forgive("409")
    (scheduler,) = console.server.call("GET", "/operate/schedulers")
    page = console.page
    console.log_in()
    console.open("/schedulers")
    row = page.get_by_role("row").filter(has_text=scheduler["id"])
    expect(row).to_contain_text("Leads")
    page.get_by_role("button", name="Reconcile now").click()
    dialog = page.get_by_role("dialog", name="Reconcile now")
    expect(dialog).to_be_visible()
    assert console.axe_findings() == []
    dialog.get_by_role("button", name="Reconcile now").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    page.get_by_role("button", name="Reconcile now").click()
    dialog.get_by_role("button", name="Reconcile now").click()
    expect(dialog.get_by_role("alert")).to_contain_text("try again in")


def test_viewer_may_look_and_not_reconcile(console: Console) -> None:
    console.log_in_as_viewer()
    console.open("/schedulers")
    expect(console.page.get_by_role("cell", name="Leads")).to_be_visible()
    expect(console.page.get_by_role("button", name="Reconcile now")).to_have_count(0)
