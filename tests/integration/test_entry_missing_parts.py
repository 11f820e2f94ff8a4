"""The console script where only a part of the extra `[scheduler]` is installed."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("module", ["typer", "uvicorn", "sqlalchemy"])
def test_missing_module_of_the_server_is_told_with_what_installs_it(module: str) -> None:
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from elasticjob_cloud.entry import main\n"
        "main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, "standalone", "--help"], capture_output=True, text=True, check=False
    )

    assert f"{module} is not installed" in ended.stderr
    assert 'pip install "elasticjob-cloud[scheduler]"' in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 2
