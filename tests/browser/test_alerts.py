"""The page of alerts in a browser: what is wrong, who is told, and what came of it; each action by clicking."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.standalone import Standalone
from tests.browser.viewer.console import Console
from tests.browser.world.script_jobs import register_script, trigger
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FAILS = 'echo "FATAL: quota exceeded" >&2; exit 3'


class _Hook(BaseHTTPRequestHandler):
    """Takes what comes below `/good`, and refuses the rest."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if self.path.startswith("/good") else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def hook() -> Iterator[str]:
    """Where webhooks go."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hook) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def failed(server: Standalone, folder: Path, name: str) -> dict[str, Any]:
    """Have a job fail, and give its alert."""
    register_script(server, folder, name, FAILS)
    trigger(server, name)
    return wait_for(lambda: next(iter(alerts_of(server, name)), None), f"an alert of {name}", 30)


def alerts_of(server: Standalone, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = server.call("GET", f"/alert/events?jobName={name}")["rows"]
    return rows


def silences_of(server: Standalone, name: str) -> list[dict[str, Any]]:
    return [each for each in server.call("GET", "/alert/silences") if each["jobName"] == name]


def row(page: Page, key: str) -> Locator:
    return page.locator(f'tr[data-row-key="{key}"]')


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_title(option, exact=True).last.click()


def test_alert_is_shown_with_its_job_and_run_and_counted_in_the_menu(
    console: Console, tmp_path: Path
) -> None:
    page = console.page
    console.log_in()
    console.open("/alerts?jobName=alert-shown")
    expect(page.get_by_text("No alert matches the filters.")).to_be_visible()
    alert = failed(console.server, tmp_path, "alert-shown")
    shown = row(page, alert["id"])  # it comes without a reload
    expect(shown).to_contain_text("FATAL: quota exceeded")
    expect(shown).to_contain_text("Firing")
    expect(shown).to_contain_text("Critical")
    expect(shown.get_by_role("link", name="alert-shown").first).to_have_attribute(
        "href", re.compile("/jobs/alert-shown$")
    )
    expect(shown.get_by_role("link", name=str(alert["runId"]), exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^Alerts.*\d+ open"))).to_be_visible()

    shown.get_by_role("button", name="Run failed").click()
    expect(page).to_have_url(re.compile(f"id={alert['id']}"))
    page.reload()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(alert["id"])
    assert console.axe_findings() == []
    dialog.get_by_role("link", name="What holds for this job").click()
    expect(page).to_have_url(re.compile(r"tab=rules&scope=job%3Aalert-shown"))


def test_alerts_are_acknowledged_one_by_one_and_together(console: Console, tmp_path: Path) -> None:
    page, server = console.page, console.server
    for name in ("ack-a", "ack-b", "ack-c"):
        failed(server, tmp_path, name)
    console.log_in()
    console.open("/alerts?jobName=ack-a")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(page.locator("tbody")).to_contain_text("Acknowledged")
    expect(page.locator("tbody")).to_contain_text("root")
    assert [alert["state"] for alert in alerts_of(server, "ack-a")] == ["ACKNOWLEDGED"]

    console.open("/alerts")
    for name in ("ack-b", "ack-c"):
        page.get_by_role("checkbox", name=f"Select the alert of {name}").check()
    page.get_by_role("button", name="Acknowledge 2 alerts").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Acknowledge these 2 alerts?")
    expect(dialog).to_contain_text("ack-c")
    assert console.axe_findings() == []
    dialog.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(dialog).to_be_hidden()
    states = {alert["state"] for name in ("ack-b", "ack-c") for alert in alerts_of(server, name)}
    assert states == {"ACKNOWLEDGED"}


def test_alert_is_silenced_and_the_silence_ended(console: Console, tmp_path: Path) -> None:
    page, server = console.page, console.server
    failed(server, tmp_path, "to-silence")
    console.log_in()
    console.open("/alerts?jobName=to-silence")
    page.get_by_role("button", name="Silence", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Job", exact=True)).to_have_value("to-silence")
    choose(page, "For how long", "So many minutes …")
    dialog.get_by_label("Minutes").fill("0")
    dialog.get_by_role("button", name="Silence", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("must be a number from 0.1 to 527,040.")
    assert console.axe_findings() == []
    dialog.get_by_label("Minutes").fill("90")
    dialog.get_by_label("Comment").fill("known, being fixed")
    dialog.get_by_role("button", name="Silence", exact=True).click()
    expect(dialog).to_be_hidden()
    (silence,) = silences_of(server, "to-silence")
    assert silence["endTime"] - silence["startTime"] == 90 * 60_000
    assert (silence["condition"], silence["comment"]) == ("RUN_FAILED", "known, being fixed")

    page.get_by_role("tab", name="Silences").click()
    shown = row(page, silence["id"])
    expect(shown).to_contain_text("known, being fixed")
    shown.get_by_role("button", name="End now").click()
    dialog = page.get_by_role("dialog", name="End now")
    expect(dialog).to_contain_text("to-silence, Run failed")
    dialog.get_by_role("button", name="End now").click()
    expect(shown).to_be_hidden()
    assert silences_of(server, "to-silence") == []


def test_rule_of_a_job_is_made_changed_and_deleted(console: Console) -> None:
    page, server = console.page, console.server
    server.publish("rules-app", "http://127.0.0.1:9/none.sh")
    server.register("ruled", "rules-app", props={"script.command.line": "true"})
    server.call("PUT", "/alert/rules/app:rules-app", {"conditions": {"LATE": {"seconds": 300}}})
    console.log_in()
    console.open("/alerts?tab=rules")
    page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").press_sequentially("rule")
    page.get_by_title("ruled", exact=True).click()
    dialog.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(r"scope=job%3Aruled"))
    late = row(page, "LATE")
    expect(late).to_contain_text("On, 5 min, Warning")
    expect(late).to_contain_text("rule of app rules-app")

    choose(page, "Watch: Run takes too long", "On")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "STUCK").get_by_role("alert")).to_contain_text("needs seconds or times")
    page.get_by_label("Run takes too long: for", exact=True).fill("2")
    choose(page, "Unit of: Run takes too long: for", "h")
    choose(page, "Severity of: Run takes too long", "Critical")
    choose(page, "Watch: Run is late", "Off")
    page.get_by_label("Remind every (minutes; 0 is never)").fill("30")
    page.get_by_label("Quiet hours from").fill("25:00")
    page.get_by_label("until", exact=True).fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("must be a time of day such as 22:00.")
    page.get_by_label("Quiet hours from").fill("22:00")
    assert console.axe_findings() == []
    page.get_by_role("button", name="Save").click()
    expect(row(page, "job:ruled")).to_contain_text("Run takes too long: 2 h, Critical")
    assert server.call("GET", "/alert/rules/job:ruled") == {
        "conditions": {"LATE": False, "STUCK": {"seconds": 7200, "severity": "CRITICAL"}},
        "reminderMinutes": 30,
        "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "UTC"},
    }

    page.get_by_role("button", name="What holds for job ruled").click()
    holds = page.locator(".ant-table-expanded-row")
    expect(holds.locator('tr[data-row-key="LATE"]')).to_contain_text("Off")
    expect(holds.locator('tr[data-row-key="RUN_FAILED"]')).to_contain_text("1 in a row")
    assert console.axe_findings() == []
    row(page, "job:ruled").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "job:ruled")).to_be_hidden()
    assert "job:ruled" not in server.call("GET", "/alert/rules")


def test_channel_is_made_tried_changed_and_deleted(console: Console, hook: str) -> None:
    page, server = console.page, console.server
    console.log_in()
    console.open("/alerts?tab=channels")
    page.get_by_role("button", name="New channel").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("console-ops")
    dialog.get_by_label("URL").fill("nowhere")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must be a URL")
    dialog.get_by_label("URL").fill(f"{hook}/good")
    dialog.get_by_label("Secret of the signature").fill("hush")
    dialog.get_by_role("button", name="Add a header").click()
    dialog.get_by_label("Header", exact=True).fill("X-Team")
    dialog.get_by_label("Value of X-Team").fill("blue")
    assert console.axe_findings() == []
    dialog.get_by_role("button", name="Save").click()
    expect(row(page, "console-ops")).to_contain_text("headers: X-Team")
    assert "hush" not in page.content()

    row(page, "console-ops").get_by_role("button", name="Send test message").click()
    dialog = page.get_by_role("dialog", name="Send test message")
    expect(dialog).to_contain_text("was delivered")
    dialog.get_by_role("button", name="Close").last.click()

    # What is masked stays as it is.
    row(page, "console-ops").get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Channel console-ops")
    expect(dialog.get_by_label("URL")).to_have_value(f"{hook}/***")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    assert server.call("POST", "/alert/channels/console-ops/test") == {"delivered": True, "error": ""}
    row(page, "console-ops").get_by_role("button", name="Edit").click()
    dialog.get_by_label("URL").fill(f"{hook}/bad")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    row(page, "console-ops").get_by_role("button", name="Send test message").click()
    dialog = page.get_by_role("dialog", name="Send test message")
    expect(dialog).to_contain_text("was not delivered")
    expect(dialog).to_contain_text("400")
    dialog.get_by_role("button", name="Close").last.click()

    server.publish("told-app", "http://127.0.0.1:9/none.sh")
    server.call("PUT", "/alert/rules/app:told-app", {"channels": ["console-ops"]})
    row(page, "console-ops").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("app:told-app")
    server.call("DELETE", "/alert/rules/app:told-app")
    dialog.get_by_role("button", name="Delete").click()
    expect(row(page, "console-ops")).to_be_hidden()
    assert "console-ops" not in [each["name"] for each in server.call("GET", "/alert/channels")]


def test_a_channel_shows_the_fields_of_its_type_only(console: Console) -> None:
    page = console.page
    console.log_in()
    console.open("/alerts?tab=channels&edit=%2B")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type", exact=True).click()
    page.get_by_title("Mail (SMTP)", exact=True).last.click()
    expect(dialog.get_by_label("Mail server")).to_be_visible()
    expect(dialog.get_by_label("URL")).to_be_hidden()
    dialog.get_by_label("Name", exact=True).fill("console-mail")
    dialog.get_by_label("Mail server").fill("smtp.example.org")
    dialog.get_by_label("From").fill("jobs@example.org")
    dialog.get_by_label("To", exact=True).press_sequentially("a@example.org,b@example.org,")
    assert console.axe_findings() == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(row(page, "console-mail")).to_contain_text("a@example.org, b@example.org by smtp.example.org")
    channel = console.server.call("GET", "/alert/channels/console-mail")
    assert (channel["to"], channel["port"]) == (["a@example.org", "b@example.org"], "465")
    console.server.call("DELETE", "/alert/channels/console-mail")


def test_deliveries_are_shown_with_what_became_of_them(console: Console, hook: str, tmp_path: Path) -> None:
    page, server = console.page, console.server
    for name, path in (("sent-well", "good"), ("sent-badly", "bad")):
        server.call("PUT", f"/alert/channels/{name}", {"type": "webhook", "url": f"{hook}/{path}"})
    register_script(server, tmp_path, "delivered", FAILS)
    rule = {"channels": ["sent-well", "sent-badly"], "groupSeconds": 0}
    server.call("PUT", "/alert/rules/job:delivered", rule)
    trigger(server, "delivered")
    console.log_in()
    console.open("/alerts?tab=deliveries&channel=sent-well")
    expect(page.locator("tbody")).to_contain_text("Delivered")
    choose(page, "Channel", "sent-badly")
    shown = page.locator("tbody tr[data-row-key]")
    expect(shown).to_contain_text("Given up")
    expect(shown).to_contain_text("400")
    shown.get_by_title("All deliveries of this message").click()
    expect(shown).to_have_count(2)
    choose(page, "State", "Delivered")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("sent-well")
    assert console.axe_findings() == []


TABS = ("firing", "rules", "rules&scope=global", "channels", "silences", "deliveries")


def test_guest_sees_all_and_no_action(console: Console, tmp_path: Path) -> None:
    page, server = console.page, console.server
    alert = failed(server, tmp_path, "seen-by-guest")
    server.call("POST", "/alert/silences", {"jobName": "seen-by-guest", "minutes": 5})
    server.call("PUT", "/alert/rules/job:seen-by-guest", {"severity": "INFO"})
    server.call("PUT", "/alert/channels/seen", {"type": "slack", "url": "http://127.0.0.1:9/x"})
    console.log_in_as_viewer()
    for tab in TABS:
        console.open(f"/alerts?tab={tab}")
        expect(page.get_by_role("tabpanel")).to_be_visible()
        expect(page.locator("tbody tr").last).to_be_visible()
        for action in ("Acknowledge", "Silence", "Edit", "Delete", "New", "Save", "End", "Send"):
            expect(page.get_by_role("button", name=re.compile(f"^{action}"))).to_have_count(0)
    console.open(f"/alerts?id={alert['id']}")
    expect(page.get_by_role("dialog")).to_contain_text(alert["id"])
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_tabs_are_accessible(console: Console, tmp_path: Path, language: str, theme: str) -> None:
    name = f"axe-{language}-{theme}"
    alert = failed(console.server, tmp_path, name)
    console.server.call("POST", "/alert/silences", {"jobName": name, "minutes": 5})
    console.prefer(language=language, theme=theme)
    console.log_in()
    for tab in (*TABS, f"firing&id={alert['id']}", "channels&edit=%2B"):
        console.open(f"/alerts?tab={tab}")
        panel = console.page.get_by_role("tabpanel", include_hidden=True)
        expect(panel.locator(".ant-skeleton")).to_have_count(0)
        assert [f"{tab}: {finding}" for finding in console.axe_findings()] == []
