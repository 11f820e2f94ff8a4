"""The client commands, in this process, against a real HTTP server on loopback."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.cli.main import main
from tests.acceptance.api_server import serve
from tests.acceptance.commands.recorded_api import RecordedApi


@pytest.fixture(scope="session")
def recorded_api() -> Iterator[RecordedApi]:
    api = RecordedApi()
    with serve(api) as api.url:
        yield api


@pytest.fixture
def scheduler(recorded_api: RecordedApi) -> RecordedApi:
    """The API over a scheduler in memory, as new, which asks for no token unless a test has it `protected`."""
    recorded_api.begin_anew()
    return recorded_api


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("ELASTICJOB_URL", "ELASTICJOB_TOKEN", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line without a scheduler in its environment."""

    def run(*arguments: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def run(cli: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line with the scheduler in its environment."""
    monkeypatch.setenv("ELASTICJOB_URL", scheduler.url)
    return cli
