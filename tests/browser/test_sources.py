"""The console's sources are in order: types, lint, and the types of the API, which are made and committed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.build_console import find_node

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_ROOT = Path(__file__).parents[2]
_CONSOLE = _ROOT / "console"


def _run(*arguments: str) -> None:
    node = find_node()
    assert node is not None, "`make console` installs Node"
    done = subprocess.run(
        [*node.npm, *arguments],
        cwd=_CONSOLE,
        env=dict(node.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_and_lint_are_clean() -> None:
    _run("run", "--silent", "check")


def test_own_tests_of_the_console_pass() -> None:
    _run("run", "--silent", "test")


def test_types_of_the_api_are_those_of_the_openapi_document(tmp_path: Path) -> None:
    document = subprocess.run(
        [sys.executable, str(_ROOT / "scripts" / "openapi.py")], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(document)["paths"]
    (tmp_path / "openapi.json").write_text(document)
    made = tmp_path / "schema.ts"
    _run("exec", "--", "openapi-typescript", str(tmp_path / "openapi.json"), "-o", str(made))
    assert made.read_text() == (_CONSOLE / "src" / "api" / "schema.ts").read_text(), (
        "the API has changed: see Types in console/README.md"
    )
