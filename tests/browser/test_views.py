"""Saved views: the filters of a list under a name, kept in the browser for one user."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.viewer.console import Console

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LISTS = ("/jobs", "/apps", "/runs", "/tasks", "/history", "/alerts")


@pytest.fixture
def opened(console: Console) -> Console:
    """The console, logged in."""
    console.log_in()
    return console


def _dialog(console: Console) -> Locator:
    console.page.get_by_role("button", name=re.compile("^View")).click()
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def _save(console: Console, name: str) -> None:
    dialog = _dialog(console)
    dialog.get_by_label("Name", exact=True).fill(name)
    console.page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name=name, exact=True)).to_be_visible()
    console.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_view_is_saved_chosen_renamed_and_deleted(opened: Console) -> None:
    page = opened.page
    opened.open("/jobs?state=FAILED&search=night&page=2")
    _save(opened, "bad nights")
    expect(page.get_by_role("button", name="View: bad nights")).to_be_visible()

    opened.open("/jobs")
    expect(page.get_by_role("button", name="Views", exact=True)).to_be_visible()
    _dialog(opened).get_by_role("link", name="bad nights").click()
    expect(page).to_have_url(f"{opened.url}/jobs?search=night&state=FAILED")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # The fields follow the address.
    expect(page.get_by_role("textbox", name="Search", exact=True)).to_have_value("night")

    dialog = _dialog(opened)
    dialog.get_by_role("button", name="Rename bad nights").click()
    dialog.get_by_label("New name of bad nights").fill("failed nights")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="failed nights")).to_be_visible()
    page.reload()
    dialog = _dialog(opened)
    expect(dialog.get_by_role("link")).to_have_text(["failed nights"])
    dialog.get_by_role("button", name="Delete failed nights").click()
    expect(dialog.get_by_text("No view is saved yet.")).to_be_visible()


def test_view_of_a_name_that_exists_is_replaced_only_by_its_own_button(opened: Console) -> None:
    page = opened.page
    opened.open("/runs?state=FAILED")
    _save(opened, "mine")
    opened.open("/runs?state=KILLED")
    _save(opened, "other")
    dialog = _dialog(opened)
    dialog.get_by_role("button", name="Rename other").click()
    dialog.get_by_label("New name of other").fill("mine")
    expect(dialog.get_by_text("Another view has this name.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link")).to_have_text(["mine"])
    dialog.get_by_role("button", name="Keep name").click()
    dialog.get_by_label("Name", exact=True).fill("mine")
    dialog.get_by_role("button", name="Replace “mine”").click()
    dialog.get_by_role("link", name="mine").click()
    expect(page).to_have_url(f"{opened.url}/runs?state=KILLED")


@pytest.mark.parametrize("path", LISTS)
def test_link_of_a_view_opens_it_in_another_browser(opened: Console, path: str) -> None:
    page = opened.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=opened.url)
    search = {"/tasks": "jobName=a+b%26c", "/apps": "search=a+b%26c"}.get(path, "appName=a+b%26c")
    opened.open(f"{path}?{search}&page=3&cursor=7")
    _save(opened, "shared")
    _dialog(opened).get_by_role("button", name="Copy link of shared").click()
    expect(page.get_by_text("The link is copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{opened.url}{path}?{search}"


def test_views_belong_to_one_user_and_one_list(opened: Console) -> None:
    opened.open("/runs?state=FAILED")
    _save(opened, "of root")
    opened.open("/jobs")
    expect(_dialog(opened).get_by_text("No view is saved yet.")).to_be_visible()
    opened.log_in_as_viewer()
    opened.open("/runs")
    expect(_dialog(opened).get_by_text("No view is saved yet.")).to_be_visible()
    opened.page.keyboard.press("Escape")
    _save(opened, "of guest")
    opened.log_in()
    opened.open("/runs")
    expect(_dialog(opened).get_by_role("link")).to_have_text(["of root"])


@pytest.mark.parametrize("language, theme", [("en", "dark"), ("zh", "light")])
def test_views_can_be_used_by_keyboard_and_read_aloud(console: Console, language: str, theme: str) -> None:
    page = console.page
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open("/apps?search=7")
    button = page.get_by_role("button", name="视图" if language == "zh" else "Views", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox")
    field.focus()
    page.keyboard.type("4711")
    page.keyboard.press("Enter")
    dialog.get_by_role("link", name="4711").focus()
    assert [line for line in console.axe_findings() if "(minor)" not in line] == []
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{console.url}/apps?search=7")


def test_browser_that_keeps_nothing_says_so(opened: Console) -> None:
    opened.page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    )
    opened.open("/apps")
    dialog = _dialog(opened)
    dialog.get_by_label("Name", exact=True).fill("lost")
    opened.page.keyboard.press("Enter")
    expect(opened.page.get_by_text("does not let the console save")).to_be_visible()
