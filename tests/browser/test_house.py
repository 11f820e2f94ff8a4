"""The console in a browser: it is served, it keeps to its own policy, and people get in and out."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.viewer.console import ADMIN, ADMIN_PASSWORD, Console
from tests.browser.viewer.prefix_proxy import served_below
from tests.browser.viewer.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_login_leads_to_the_page_that_was_asked_for(console: Console) -> None:
    page = console.page
    console.open("/me?from=test")
    expect(page).to_have_url(re.compile(r"/login\?"))
    page.locator("input").first.fill(ADMIN)
    page.locator("input[type=password]").fill(ADMIN_PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console.url}/me?from=test")
    expect(page.locator("main")).to_contain_text(ADMIN)

    page.reload()
    expect(page.locator("main")).to_contain_text(ADMIN)
    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies(f"{console.url}/api/me")
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        "elasticjob_session",
        True,
        "Strict",
        "/api",
    )

    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(r"/login"))
    assert page.context.cookies(f"{console.url}/api/me") == []


def test_wrong_password_says_so_and_stays(console: Console) -> None:
    page = console.page
    console.open("/login")
    page.locator("input").first.fill(ADMIN)
    page.locator("input[type=password]").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(f"{console.url}/login")


@pytest.mark.parametrize("language, lang", [("en", "en"), ("zh", "zh")])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_has_its_language_and_theme(console: Console, language: str, lang: str, theme: str) -> None:
    console.prefer(language=language, theme=theme)
    console.log_in()
    console.open("/me")
    expect(console.page.locator("html")).to_have_attribute("lang", re.compile(f"^{lang}"))
    assert console.axe_findings() == []


def test_console_works_below_a_prefix(console: Console) -> None:
    page = console.page
    with served_below("/team/ops", console.server.url) as url:
        console.url = url
        console.open(
            "/alerts/rules/x?from=test"
        )  # as deep as nothing is: its files must be found all the same
        console.open("/me")
        expect(page).to_have_url(re.compile(f"^{url}/login"))
        page.locator("input").first.fill(ADMIN)
        page.locator("input[type=password]").fill(ADMIN_PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{url}/me")
        expect(page.locator("main")).to_contain_text(ADMIN)
        (cookie,) = page.context.cookies(f"{url}/api/me")
        assert cookie["path"] == "/team/ops/api"
        page.get_by_role("link", name="Jobs", exact=True).click()
        expect(page).to_have_url(f"{url}/jobs")
        page.reload()
        expect(page).to_have_url(f"{url}/jobs")
        page.goto("about:blank")


def test_watch_sees_what_the_policy_forbids(console: Console, watch: Watch) -> None:
    """A suite that counts no violation must be one that would."""
    console.open("/login")
    console.page.evaluate(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.2/x'}))"
    )
    console.page.evaluate("setTimeout(() => { throw new Error('on purpose') })")
    console.page.evaluate("console.error('said on purpose')")
    console.page.wait_for_function("document.querySelector('img[src*=\"127.0.0.2\"]').complete")
    with pytest.raises(AssertionError, match=r"img-src.*127\.0\.0\.2"):
        watch.check()
    watch.forgive("img-src|127.0.0.2")
    with pytest.raises(AssertionError, match=r"on purpose.*said on purpose"):
        watch.check()
    watch.forgive("on purpose")
