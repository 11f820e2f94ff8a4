# ruff: noqa: INP001, T201 - a script: no package, and it prints
"""The console's pictures for README and docs, of the demo's jobs in Chromium.

    make screenshots
    make screenshots ARGS="--minutes 10"

It runs the demo on a free port and in a temporary directory, lets it work for some minutes so that the pages are full,
and writes docs/images/console-*.png.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect, sync_playwright

from tests.processes import free_port
from tests.waiting import wait_for

PICTURES = Path(__file__).parents[1] / "docs" / "images"
MOST_BYTES = 150_000
_SIZE = {"width": 1280, "height": 800}
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Picture:
    """One page, and a text of it that tells that its data are there."""

    name: str
    path: str
    shows: str
    language: str = "en-GB"
    theme: str = "light"


@contextlib.contextmanager
def running_demo(directory: Path) -> Iterator[str]:
    """Run the demo, and give its address."""
    port = free_port()
    environment = {**os.environ, "ELASTICJOB_NO_AUTH": "true", "ELASTICJOB_TIME_ZONE": "UTC"}
    command = ["demo", "--port", str(port), "--data-dir", str(directory / "data")]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "elasticjob_cloud.entry", *command],
            stdout=log,
            stderr=log,
            env=environment,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: is_ready(url), "the demo serves", _START_SECONDS)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def is_ready(url: str) -> bool:
    """Tell whether it serves, and its jobs are registered."""
    try:
        answer = httpx.get(f"{url}/api/job/jobs", params={"page": 1}, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.is_success and answer.json()["total"] == 3


def pictures(url: str) -> list[Picture]:
    """Say what to show: of the run that failed last, too."""
    failed = wait_for(lambda: last_failed_run(url), "a run of demo-upload fails", 300)
    with httpx.Client(base_url=f"{url}/api", trust_env=False) as client:
        traces = client.get(
            "/job/events/statusTraces", params={"jobName": "demo-upload", "state": "TASK_FAILED"}
        )
        task = traces.json()["rows"][0]["taskId"]
    return [
        Picture("overview", "/", "demo-upload"),
        Picture("overview.zh-CN", "/", "demo-upload", language="zh-CN"),
        Picture("overview-dark", "/", "demo-upload", theme="dark"),
        Picture("jobs", "/jobs", "demo-upload"),
        Picture("job", "/jobs/demo-upload", "demo-upload"),
        Picture("run", f"/runs/{failed}", "demo-upload"),
        Picture("task", f"/tasks/{task}", "demo-upload"),
        Picture("alerts", "/alerts", "demo-upload"),
    ]


def last_failed_run(url: str) -> int:
    """Give the run that failed last, or 0."""
    query: dict[str, str | int] = {"jobName": "demo-upload", "state": "FAILED", "limit": 1}
    rows = httpx.get(f"{url}/api/job/runs", params=query, trust_env=False).json()["rows"]
    return int(rows[0]["runId"]) if rows else 0


def take(browser: Browser, url: str, picture: Picture) -> Path:
    """Open the page, wait for its data, and write its picture."""
    context = browser.new_context(
        locale=picture.language,
        timezone_id="UTC",
        viewport={"width": _SIZE["width"], "height": _SIZE["height"]},
        color_scheme="dark" if picture.theme == "dark" else "light",
    )
    try:
        page = context.new_page()
        page.goto(url + picture.path)
        expect(page.locator("main")).to_contain_text(picture.shows, timeout=30_000)
        expect(page.locator(".ant-skeleton, .ant-spin-spinning")).to_have_count(0, timeout=30_000)
        page.wait_for_function("document.fonts.status === 'loaded'")
        # Under way is what the pages say; a second of it lets what they read late come in.
        with page.expect_response("**/api/changes*"):
            pass
        made = PICTURES / f"console-{picture.name}.png"
        page.screenshot(path=made, animations="disabled", caret="hide")
    finally:
        context.close()
    assert made.stat().st_size <= MOST_BYTES, f"{made} is too large: {made.stat().st_size} bytes"
    return made


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4, help="how long the demo works before (4)")
    minutes = parser.parse_args().minutes
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Error: this needs Chromium. On Debian: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as directory, running_demo(Path(directory)) as url:
        print(f"==> the demo works for {minutes:g} minutes")
        time.sleep(minutes * 60)
        options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=options)
            for picture in pictures(url):
                made = take(browser, url, picture)
                print(f"==> {made.relative_to(PICTURES.parents[1])}: {made.stat().st_size // 1000} kB")
            browser.close()


if __name__ == "__main__":
    main()
