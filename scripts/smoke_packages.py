# ruff: noqa: INP001, T201 - a script: no package, and it says what it does
"""Build the packages, install them into empty environments, and use them as a new user would.

    PYTHONPATH=. python scripts/smoke_packages.py

Run by `make packages`. The wheel is built from the sdist, so the sdist is complete. For each Python that the package
promises: the SDK alone, and the server. The first one also runs the demo. Pythons that this machine lacks are named.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import psutil

from tests.processes import free_port
from tests.waiting import wait_for

ROOT: Final = Path(__file__).resolve().parents[1]
UV: Final = Path(sys.executable).with_name("uv")
PROMISED: Final = ("3.11", "3.12", "3.13")
_COMMAND_SECONDS: Final = 300.0  # an installation may download
_END_SECONDS: Final = 30.0
_BUILT: Final = "src/elasticjob_cloud/api/console/built/index.html"
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


def bare_environment() -> dict[str, str]:
    """Give this process's environment without what would lead Python or our own commands elsewhere."""
    leading = ("PYTHON", "VIRTUAL", "ELASTICJOB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(leading)}


def called(*command: str | Path, cwd: Path, exit_code: int = 0) -> str:
    """Run a command in a bare environment, and give what it prints, or its errors if it is to fail."""
    line = " ".join(str(part) for part in command)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=bare_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SmokeError(f"{line}: not done within {_COMMAND_SECONDS:g} s") from error
    check(done.returncode == exit_code, f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout if exit_code == 0 else done.stderr


def built_wheel(folder: Path) -> Path:
    """Build the sdist, then the wheel from it, with the console."""
    os.environ["CONSOLE_BUILD"] = "require"
    called(UV, "build", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    wheels = list(folder.glob("*.whl"))
    check(len(wheels) == 1, f"{len(wheels)} wheels were built")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        has_console = any(name.endswith(f"/{_BUILT}") for name in archive.getnames())
    check(has_console, "the sdist has no console: it could not be installed without Node")
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
    for arguments in (["standalone"], ["scheduler", "--help"], ["demo"], ["job", "list"]):
        said = called(command, *arguments, cwd=folder, exit_code=2)
        check(
            'pip install "elasticjob-cloud[scheduler]"' in said,
            f"{' '.join(arguments)} without the extra says {said!r}",
        )


def try_demo(bin_folder: Path, folder: Path) -> None:
    """With the extra, in an empty folder: the demo starts, shows its console, runs jobs, and ends with Ctrl-C."""
    port = free_port()
    with (
        running(bin_folder, folder, port) as demo,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client,
    ):
        wait_for(lambda: answers(client, demo), "the demo is ready")
        page = client.get("/").text
        check('<div id="root">' in page, "the demo serves no console")
        asset = page.partition('src="./assets/')[2].partition('"')[0]
        check(asset != "" and client.get(f"/assets/{asset}").is_success, "the demo's console has no script")
        login = client.post("/api/login", json={"username": "root", "password": "pwd"})
        client.headers["accessToken"] = login.json()["accessToken"]
        runs = "/api/job/runs?state=SUCCEEDED"
        wait_for(lambda: client.get(runs).json()["rows"], "a run of the demo succeeds")
        demo.send_signal(signal.SIGINT)
        check(demo.wait(_END_SECONDS) == 0, f"Ctrl-C ended the demo with exit code {demo.returncode}")
        wait_for(lambda: not left_over(bin_folder), "no process of the demo is left")


def answers(client: httpx.Client, demo: subprocess.Popen[bytes]) -> bool:
    """Tell whether the demo is ready; raise SmokeError if it has ended."""
    check(demo.poll() is None, f"the demo ended by itself with exit code {demo.returncode}")
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


@contextmanager
def running(bin_folder: Path, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the demo; whatever happens, nothing of it stays, and a failure shows its log."""
    command = [str(bin_folder / "elasticjob-cloud"), "demo", "--port", str(port), "--data-dir", "data"]
    log_file = folder / "demo.log"
    with log_file.open("wb") as log:
        demo = subprocess.Popen(
            command, cwd=folder, env=bare_environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        yield demo
    except (SmokeError, AssertionError, httpx.HTTPError, subprocess.TimeoutExpired) as error:
        raise SmokeError(f"{error}\n{log_file.read_text(errors='replace')[-3000:]}") from error
    finally:
        for process in left_over(bin_folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        demo.wait()


def left_over(bin_folder: Path) -> list[psutil.Process]:
    """Give the processes that run from an environment."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(bin_folder) in part for part in process.info["cmdline"] or ())
    ]


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
