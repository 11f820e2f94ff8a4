"""Output of tasks and executors on a real disk."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.output import TRUNCATED, OutputFile, OutputStore
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import NotFoundError

_LIMIT = 1000


def test_restarts_do_not_add_up_beyond_the_limit(tmp_path: Path) -> None:
    path = f"{tmp_path}/executor-app.stdout"
    for number in range(10):
        output = OutputFile(path, _LIMIT, keep_latest=True)
        output.write(b"%d" % number * 300)
        output.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= _LIMIT
    assert Path(path).read_bytes().endswith(b"9" * 300)


def test_latest_output_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    output = OutputFile(f"{tmp_path}/t.stdout", _LIMIT, keep_latest=True)
    for number in range(100):
        output.write(b"%099d\n" % number)
    output.close()
    assert (tmp_path / "t.stdout").read_bytes().endswith(b"%099d\n" % 99)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= _LIMIT
    assert output.tail().endswith("99")


def test_first_output_is_kept_elsewhere_with_a_line_that_there_was_more(tmp_path: Path) -> None:
    output = OutputFile(f"{tmp_path}/t.stdout", _LIMIT)
    for _ in range(30):
        output.write(b"x" * 99 + b"\n")
    store = OutputStore(tmp_path)
    chunk = store.read("t", "stdout", 0, 1 << 20, known=True, ended=True)
    assert chunk.truncated
    assert chunk.content == (b"x" * 99 + b"\n") * 10 + TRUNCATED
    part = store.read("t", "stdout", 100, 50, known=True, ended=True)
    assert (part.offset, part.content, part.size) == (100, b"x" * 50, _LIMIT + len(TRUNCATED))


def test_known_task_without_output_has_an_empty_log_and_an_unknown_one_none(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    chunk = store.read("t", "stderr", 0, 100, known=True, ended=False)
    assert (chunk.content, chunk.size, chunk.ended) == (b"", 0, False)
    with pytest.raises(NotFoundError, match="printed nothing"):
        store.read("t", "stderr", 0, 100, known=False, ended=True)
    with pytest.raises(NotFoundError, match="stdout and stderr"):
        store.read("t", "../t", 0, 100, known=True, ended=True)


@pytest.mark.parametrize("name", ["../escape", "a/b", "n" * 300, "nul\0"])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    path = Path(OutputStore(tmp_path / "output").base_path(name))
    assert path.parent == tmp_path / "output"
    assert len(path.name) <= 200


def test_retention_removes_the_oldest_first_and_nothing_of_live_tasks(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    for number in range(6):
        file = tmp_path / f"t{number}.stdout"
        file.write_bytes(b"x" * 100)
        os.utime(file, (1000.0 + number, 1000.0 + number))
    (tmp_path / "t6.stdout").write_bytes(b"x" * 100)
    live = frozenset({store.base_path("t0")})

    def left() -> list[str]:
        return sorted(file.name.removesuffix(".stdout") for file in tmp_path.iterdir())

    store.enforce_retention(1e12, 1 << 20, 5, live)
    assert left() == ["t0", "t3", "t4", "t5", "t6"]
    store.enforce_retention(1e12, 400, 100, live)
    assert left() == ["t0", "t4", "t5", "t6"]
    store.enforce_retention(3600.0, 1 << 20, 100, live)
    assert left() == ["t0", "t6"]


def test_full_disk_loses_output_with_a_note(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full: run it on Linux")
    (tmp_path / "t.stdout").symlink_to("/dev/full")
    output = OutputFile(f"{tmp_path}/t.stdout", _LIMIT)
    output.write(b"hello")
    output.write(b"again")
    assert "No space left" in output.failure
    output.close()


def test_long_output_goes_on_once_a_full_disk_has_room(tmp_path: Path) -> None:
    path = tmp_path / "executor-app.stdout"
    path.mkdir()
    output = OutputFile(str(path), _LIMIT, keep_latest=True)
    output.write(b"lost\n")
    path.rmdir()
    output.write(b"kept\n")
    assert path.read_bytes() == b"kept\n"
    assert "could not be kept" in output.failure
    output.close()
    output.write(b"late\n")
    assert path.read_bytes() == b"kept\n"


@pytest.mark.slow
def test_retention_that_fails_once_is_enforced_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AgentSettings(output_sweep_seconds=0.01, output_retention_seconds=3600.0)
    agent = Agent(
        tmp_path, settings, AppCache(tmp_path / "apps", settings.app_limits), lambda _: None, tmp_path
    )
    old = tmp_path / "output" / "t.stdout"
    old.write_bytes(b"x")
    os.utime(old, (1000.0, 1000.0))
    faults = ["can't start new thread"]
    enforce = OutputStore.enforce_retention

    def enforce_but_not_at_first(*arguments: Any) -> None:
        if faults:
            raise RuntimeError(faults.pop())
        enforce(*arguments)

    monkeypatch.setattr(OutputStore, "enforce_retention", enforce_but_not_at_first)

    async def scenario() -> None:
        await agent.start()
        async with asyncio.timeout(5):
            while old.exists():  # noqa: ASYNC110 - the disk tells nobody
                await asyncio.sleep(0.005)
        await agent.close("the test is over")

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(scenario())
    assert not faults
