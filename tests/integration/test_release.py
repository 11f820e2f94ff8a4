"""scripts/release.sh refuses what is no release, and makes a tag of what is one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small repository that could be released; its `make packages` only says so."""
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/release.sh", root / "scripts")
    (root / "src/elasticjob_cloud").mkdir(parents=True)
    (root / "src/elasticjob_cloud/__init__.py").write_text('__version__ = "1.2.3"\n')
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - 2026-12-01\n")
    (root / "Makefile").write_text("packages:\n\t@echo packages were tried\n")
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Test")


def release(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = {"GIT_COMMITTER_NAME": "Test", "GIT_COMMITTER_EMAIL": "test@example.org"}
    return subprocess.run(
        ["scripts/release.sh", *arguments],
        cwd=root,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **identity},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_look_changes_nothing(checkout: Path) -> None:
    done = release(checkout)
    assert done.returncode == 0, done.stderr
    assert "packages were tried" in done.stdout
    assert git(checkout, "tag") == ""


def test_tag_is_made_once(checkout: Path) -> None:
    assert release(checkout, "--tag").returncode == 0
    assert git(checkout, "tag") == "v1.2.3\n"
    again = release(checkout, "--tag")
    assert again.returncode == 1
    assert "The tag v1.2.3 exists" in again.stderr


def test_unclean_tree_is_refused(checkout: Path) -> None:
    (checkout / "new").touch()
    assert "not clean" in release(checkout).stderr


def test_version_without_its_date_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - unreleased\n")
    commit(checkout)
    assert "no heading '## [1.2.3] - YYYY-MM-DD'" in release(checkout).stderr


def test_other_branch_is_refused(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "-b", "other")
    assert "not the branch main" in release(checkout).stderr


def test_packages_that_fail_are_not_released(checkout: Path) -> None:
    (checkout / "Makefile").write_text("packages:\n\t@exit 1\n")
    commit(checkout)
    assert release(checkout, "--tag").returncode != 0
    assert git(checkout, "tag") == ""
