"""Wheel and sdist have the web console, and are built where npm or Node are missing: with hatchling, as pip calls it."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.checkout import ROOT
from tests.console_build import make_console_build

pytestmark = pytest.mark.slow
BUILT = "elasticjob_cloud/api/console/built"
# Nobody listens there: npm fails at once.
NO_REGISTRY = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_fetch_retries": "0"}


def load_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_console", ROOT / "scripts" / "build_console.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


builder = load_builder()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose console has sources that need a registry, and no build."""
    root = tmp_path / "check out"
    root.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "NOTICE", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    (root / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "build_console.py", root / "scripts")
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("built*", "__pycache__"))
    console = root / "console"
    (console / "node_modules").mkdir(parents=True)
    (console / "node_modules" / "large.js").write_text("not shipped")
    shutil.copy(ROOT / "console" / "package.json", console)
    shutil.copy(ROOT / "console" / "package-lock.json", console)
    return root


def make_build(root: Path) -> None:
    """Have a build of the sources that are there."""
    folder = make_console_build(root / "src" / BUILT)
    (folder / ".sources").write_text(builder.sources_digest(root))


def package(root: Path, target: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = root.parent / f"out-{target.replace(':', '-')}"
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=root,
        env={**os.environ, **NO_REGISTRY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, next(out.iterdir(), out) if out.exists() else out


def test_sdist_and_wheel_have_the_build_and_need_no_node(checkout: Path) -> None:
    make_build(checkout)
    require = {"CONSOLE_BUILD": "require"}
    done, sdist = package(checkout, "sdist", **require)
    assert done.returncode == 0, done.stderr
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(checkout.parent / "unpacked", filter="data")
    for name in (
        "index.html",
        "assets/page-0a1b2c.js",
        "assets/page-0a1b2c.js.br",
        "assets/page-0a1b2c.js.gz",
    ):
        assert f"src/{BUILT}/{name}" in names
    assert {"hatch_build.py", "scripts/build_console.py", "console/package-lock.json"} <= names
    assert not [name for name in names if "node_modules" in name]

    (unpacked,) = (checkout.parent / "unpacked").iterdir()
    # What a packager changes there does not have it built again.
    (unpacked / "console" / "package.json").write_text("{}")
    for root in (checkout, unpacked):
        done, wheel = package(root, "wheel", **require)
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(wheel) as archive:
            assert f"{BUILT}/assets/page-0a1b2c.js.br" in archive.namelist()
            assert f"{BUILT}/index.html" in archive.namelist()
        wheel.unlink()


def test_without_a_registry_the_wheel_has_no_console_and_says_so(checkout: Path) -> None:
    done, wheel = package(checkout, "wheel")
    assert done.returncode == 0, done.stderr
    assert "WITHOUT its web console" in done.stdout + done.stderr
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if BUILT in name]
        assert "elasticjob_cloud/api/console/not_built.html" in archive.namelist()


def test_release_fails_without_its_console(checkout: Path) -> None:
    done, _ = package(checkout, "wheel", CONSOLE_BUILD="require")
    assert done.returncode != 0
    assert "ConsoleBuildError" in done.stderr


def test_build_of_older_sources_is_not_shipped_as_if_it_were_new(checkout: Path) -> None:
    make_build(checkout)
    (checkout / "console" / "index.html").write_text("changed")
    assert builder.is_built(checkout)
    assert not builder.is_current(checkout)
    done, _ = package(checkout, "wheel", CONSOLE_BUILD="require")
    assert done.returncode != 0


def test_editable_install_builds_no_console(checkout: Path) -> None:
    done, _ = package(checkout, "wheel:editable", CONSOLE_BUILD="require")
    assert done.returncode == 0, done.stderr
    assert not (checkout / "src" / BUILT).exists()


def test_unknown_mode_is_refused(checkout: Path) -> None:
    done, _ = package(checkout, "wheel", CONSOLE_BUILD="yes")
    assert done.returncode != 0
    assert "auto, require, skip" in done.stderr


@pytest.mark.parametrize(
    "version, is_taken", [("v20.19.0", False), ("v22.0.0", True), ("v100.1.2", True), ("", False)]
)
def test_node_of_the_machine_is_taken_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_taken: bool
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    node = builder.find_node()
    assert (node is not None and node.npm == (str(tmp_path / "npm"),)) is is_taken


def test_digest_tells_every_change_of_a_source_and_nothing_else(checkout: Path) -> None:
    digests = {builder.sources_digest(checkout)}
    console = checkout / "console"
    (console / "node_modules" / "more.js").write_text("x")
    (console / "dist").mkdir()
    (console / "dist" / "index.html").write_text("x")
    assert {builder.sources_digest(checkout)} == digests
    (console / "src").mkdir()
    for change in ("a", "ab"):
        (console / "src" / "main.ts").write_text(change)
        digests.add(builder.sources_digest(checkout))
    (console / "src" / "main.ts").rename(console / "src" / "other.ts")
    digests.add(builder.sources_digest(checkout))
    assert len(digests) == 4


def test_lock_of_the_console_names_no_registry() -> None:
    lock = (ROOT / "console" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "registry" not in lock
