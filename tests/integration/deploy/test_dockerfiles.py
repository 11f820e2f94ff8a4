"""The images' Dockerfiles: two stages, an ordinary user, pins with hashes, and all that the build needs.

No image is built here, for want of a registry. The build stage's files are copied to a folder of their own instead, and
the package is built from them.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.console_build import make_console_build

FILES = [ROOT / "Dockerfile", ROOT / "examples" / "deploy" / "Dockerfile"]
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))


def instructions(file: Path) -> list[str]:
    """Give the instructions, those of several lines as one."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def stages(file: Path) -> list[list[str]]:
    found: list[list[str]] = []
    for line in instructions(file):
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(line)
    return found


def sources_of(stage: list[str]) -> list[str]:
    """Give the paths that a stage copies from the repository."""
    copies = [line.split()[1:] for line in stage if line.startswith("COPY ") and "--from=" not in line]
    return [path for words in copies for path in words[:-1] if not path.startswith("--")]


@each_file
def test_image_has_two_stages_of_a_named_version_and_no_compiler_in_the_last(file: Path) -> None:
    build, final = stages(file)
    for stage in (build, final):
        assert re.fullmatch(r"FROM python:3\.\d+-slim-\w+( AS build)?", stage[0])
    assert not any("pip install" in line or "apt-get" in line for line in final)
    assert all(
        "--require-hashes" in line or "--constraint" in line for line in build if "pip install" in line
    )


@each_file
def test_image_runs_as_an_ordinary_user_and_holds_no_secret(file: Path) -> None:
    final = stages(file)[-1]
    (user,) = [line for line in final if line.startswith("USER ")]
    assert re.fullmatch(r"USER [1-9]\d+:[1-9]\d+", user)
    assert final.index(user) > max(index for index, line in enumerate(final) if line.startswith("RUN "))
    assert not re.search(r"(?i)(password|token|secret)\s*=", " ".join(instructions(file)))


def test_image_of_one_machine_says_whether_it_is_ready() -> None:
    final = stages(ROOT / "Dockerfile")[-1]
    (check,) = [line for line in final if line.startswith("HEALTHCHECK ")]
    assert "/readyz" in check


@each_file
def test_build_stage_has_all_that_the_package_is_built_from(file: Path, tmp_path: Path) -> None:
    for source in sources_of(stages(file)[0]):
        target = tmp_path / "src" / source
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("node_modules", "dist", "built*", "__pycache__")
            shutil.copytree(ROOT / source, target, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, target)
    # The build hook takes a console that is there as it is: npm is not asked for one.
    make_console_build(tmp_path / "src/src/elasticjob_cloud/api/console/built")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=tmp_path / "src",
        env={"PATH": "/usr/bin:/bin", "CONSOLE_BUILD": "skip"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    for needed in ("console/package-lock.json", "scripts/build_console.py", "constraints/console.txt"):
        assert (tmp_path / "src" / needed).exists(), needed


@each_file
def test_context_has_what_is_copied(file: Path) -> None:
    kept = [
        line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    copied = [path for stage in stages(file) for path in sources_of(stage)]
    assert copied
    for path in copied:
        assert any(path.rstrip("/") == name or path.startswith(f"{name}/") for name in kept), path
