"""The search of everything: by Ctrl-K or its button, and by keyboard alone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.viewer.console import Console
from tests.browser.world.shell_jobs import run_script

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_job_is_found_and_opened_by_keyboard_alone(console: Console, tmp_path: Path) -> None:
    run_script(console.server, tmp_path, "se-needle", "true")
    page = console.page
    console.log_in()
    console.open("/me")
    page.keyboard.press("Control+K")
    search = page.get_by_role("combobox", name="Search")
    expect(search).to_be_focused()
    page.keyboard.type("e-needl")
    option = page.get_by_role("option", name=re.compile("Job.*se-needle"))
    expect(option).to_have_attribute("aria-selected", "true")
    assert console.axe_findings() == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.url}/jobs/se-needle")
    expect(search).to_have_count(0)


def test_pages_runs_and_tasks_are_found(console: Console) -> None:
    page = console.page
    console.log_in()
    console.open("/me")
    page.get_by_role("button", name="Search").click()
    search = page.get_by_role("combobox", name="Search")
    search.fill("4711")
    expect(page.get_by_role("option", name=re.compile("Run.*4711"))).to_be_visible()
    search.fill("job@-@0@-@READY@-@agent@-@1234")
    expect(page.get_by_role("option", name=re.compile("Task.*READY"))).to_be_visible()
    search.fill("sched")
    page.get_by_role("option", name=re.compile("Page.*Schedulers")).click()
    expect(page).to_have_url(f"{console.url}/schedulers")


def test_escape_closes_the_search(console: Console) -> None:
    console.log_in()
    console.open("/me")
    console.page.keyboard.press("Control+K")
    search = console.page.get_by_role("combobox", name="Search")
    expect(search).to_be_focused()
    console.page.keyboard.press("Escape")
    expect(search).to_have_count(0)
