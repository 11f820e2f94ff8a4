# ruff: noqa: INP001, T201 - a script: no package, and it says what it does
"""Build the packages, install them into empty environments, and use them as a new user would.

    python scripts/smoke_packages.py

Run by `make packages`. The wheel is built from the sdist, so the sdist is complete. For each Python that the package
promises: the SDK alone, and the server. The first one also runs the demo. Pythons that this machine lacks are named.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[1]
UV: Final = Path(sys.executable).with_name("uv")
PROMISED: Final = ("3.11", "3.12", "3.13")
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 30.0
_JOB: Final = """
from elasticjob_cloud import ShardingContext

def run(context: ShardingContext) -> None:
    print(f"shard {context.sharding_item} of {context.sharding_total_count}")
"""


class SmokeError(Exception):
    """A package does not do what it should."""


def check(is_right: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise SmokeError with this message unless it is so."""
    if not is_right:
        raise SmokeError(message)


def called(*command: str | Path, cwd: Path, exit_code: int = 0) -> str:
    """Run a command without this process's environment of Python, and give what it prints, or its errors if it is to fail."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    line = " ".join(str(part) for part in command)
    check(done.returncode == exit_code, f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if exit_code == 0 else done.stderr


def built_wheel(folder: Path) -> Path:
    """Build the sdist, then the wheel from it, with the console."""
    os.environ["CONSOLE_BUILD"] = "require"
    called(UV, "build", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    wheels = list(folder.glob("*.whl"))
    check(len(wheels) == 1, f"{len(wheels)} wheels were built")
    check(len(list(folder.glob("*.tar.gz"))) == 1, "no sdist was built")
    return wheels[0]


def python_of(version: str) -> str | None:
    """Find an interpreter of a version, without a download."""
    found = subprocess.run(
        [UV, "python", "find", "--no-python-downloads", "--no-project", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode == 0:
        return found.stdout.strip()
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
    return str(installed[-1]) if installed else None


def environment_of(python: str, wheel: Path, extra: str, folder: Path) -> Path:
    """Install the wheel into a new environment, and give its folder of commands."""
    called(UV, "venv", "--quiet", "--python", python, folder, cwd=folder.parent)
    requirement = f"elasticjob-cloud{extra} @ {wheel.as_uri()}"
    called(UV, "pip", "install", "--quiet", "--python", folder / "bin/python", requirement, cwd=folder.parent)
    return folder / "bin"


def try_sdk(bin_folder: Path, folder: Path) -> None:
    """Without the extra: no dependencies, jobs run, and the server's commands say what to install."""
    installed = json.loads(
        called(UV, "pip", "list", "--format", "json", "--python", bin_folder / "python", cwd=folder)
    )
    check([each["name"] for each in installed] == ["elasticjob-cloud"], f"the SDK brings {installed}")
    (folder / "job.py").write_text(_JOB)
    command = bin_folder / "elasticjob-cloud"
    printed = called(command, "run-local", "job:run", "--shards", "3", "--item", "1", cwd=folder)
    check("shard 1 of 3" in printed, f"run-local printed {printed!r}")
    for name in ("standalone", "scheduler", "demo", "job"):
        said = called(command, name, "--help", cwd=folder, exit_code=2)
        check('pip install "elasticjob-cloud[scheduler]"' in said, f"{name} without the extra says {said!r}")


def try_demo(bin_folder: Path, folder: Path) -> None:
    """With the extra, in an empty folder: the demo starts, shows its console, runs jobs, and ends with Ctrl-C."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with running(bin_folder, folder, port) as demo:
        until(lambda: answer_of(f"{url}/readyz") is not None, demo, "it is not ready")
        page = (answer_of(f"{url}/") or b"").decode()
        check('<div id="root">' in page, "it serves no console")
        asset = page.partition('src="./assets/')[2].partition('"')[0]
        check(asset != "" and answer_of(f"{url}/assets/{asset}") is not None, "its console has no script")
        token = json.loads(answer_of(f"{url}/api/login", {"username": "root", "password": "pwd"}) or b"{}")
        runs = f"{url}/api/job/runs?state=SUCCEEDED"
        until(lambda: has_rows(answer_of(runs, token=token.get("accessToken", ""))), demo, "no run succeeded")
        demo.send_signal(signal.SIGINT)
        check(demo.wait(_END_SECONDS) == 0, f"Ctrl-C ended it with exit code {demo.returncode}")
    until(lambda: not left_over(bin_folder), None, "it left processes")


@contextmanager
def running(bin_folder: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the demo; whatever happens, nothing of it stays."""
    command = [str(bin_folder / "elasticjob-cloud"), "demo", "--port", str(port), "--data-dir", "data"]
    with (folder / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield demo
    except SmokeError as error:
        raise SmokeError(f"{error}\n{(folder / 'demo.log').read_text(errors='replace')[-3000:]}") from error
    finally:
        if demo.poll() is None:
            demo.kill()
            for process in left_over(bin_folder):
                process.kill()


def left_over(bin_folder: Path) -> list[psutil.Process]:
    """Give the processes that run from an environment."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(bin_folder) in part for part in process.info["cmdline"] or ())
    ]


def answer_of(url: str, body: dict[str, str] | None = None, token: str = "") -> bytes | None:
    """Call the server; None if it does not answer 200."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-type": "application/json", "accessToken": token}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=5) as answer:  # noqa: S310 - loopback
            content: bytes = answer.read()
            return content
    except OSError:
        return None


def has_rows(answer: bytes | None) -> bool:
    """Tell whether a page of runs has one."""
    page: Any = json.loads(answer or b"{}")
    return bool(page.get("rows"))


def until(condition: Any, demo: subprocess.Popen[bytes] | None, failure: str) -> None:
    """Ask until it is so."""
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        check(demo is None or demo.poll() is None, "the demo ended by itself")
        check(time.monotonic() < deadline, failure)
        time.sleep(0.2)


def try_python(version: str, wheel: Path, folder: Path, *, is_first: bool) -> bool:
    """Try the packages with one version of Python; False if this machine lacks it."""
    python = python_of(version)
    if python is None:
        print(f"NOT TRIED: Python {version} is not on this machine", flush=True)
        return False
    home = folder / version
    for name in ("sdk", "server"):
        (home / name).mkdir(parents=True)
    try_sdk(environment_of(python, wheel, "", home / "sdk-env"), home / "sdk")
    server = environment_of(python, wheel, "[scheduler]", home / "server-env")
    if is_first:
        try_demo(server, home / "server")
    else:
        called(server / "elasticjob-cloud", "standalone", "--help", cwd=home / "server")
    print(
        f"Python {version}: the SDK alone, {'and the demo' if is_first else 'and the commands'}", flush=True
    )
    return True


def main() -> int:
    """Try all; the exit code is 1 if something fails, or if no Python could be tried."""
    folder = Path(tempfile.mkdtemp(prefix="elasticjob-packages-"))
    try:
        (folder / "dist").mkdir()
        wheel = built_wheel(folder / "dist")
        print(f"built {wheel.name} from its sdist, {wheel.stat().st_size / 1e6:.1f} MB", flush=True)
        tried = 0
        for version in PROMISED:
            tried += try_python(version, wheel, folder, is_first=tried == 0)
    except SmokeError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if tried else 1


if __name__ == "__main__":
    sys.exit(main())
