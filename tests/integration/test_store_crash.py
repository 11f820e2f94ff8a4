"""What is in the database after processes were killed, competed, or ran out of room."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from elasticjob_cloud.model.history import HistoryQuery
from elasticjob_cloud.store import SqlStore

REPOSITORY = Path(__file__).parents[2]
EVERYTHING = HistoryQuery(per_page=1_000_000)


@contextmanager
def child(mode: str, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integration.store_committer", mode, url, *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def say_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.slow
def test_kill_9_leaves_whole_commits_only_and_all_that_were_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    acknowledged: set[int] = set()
    for acknowledgements in (1, 40, 150):
        with child("commit", url) as process:
            acknowledged.update(int(say_line(process)) for _ in range(acknowledgements))
            process.kill()  # in the middle of one of the following commits
            assert process.stdout is not None
            acknowledged.update(int(line) for line in process.stdout.read().split() if line)

        store = SqlStore(url)
        store.migrate()
        snapshot = store.load()
        fires = {fire.fire_id for fire in snapshot.fires}
        assert acknowledged <= fires
        assert snapshot.next_fire_id == max(fires) + 1
        of_three = dict.fromkeys(fires, 3)
        assert Counter(task.fire_id for task in snapshot.tasks) == of_three
        for page in (store.status_traces(EVERYTHING), store.executions(EVERYTHING)):
            assert page.total == len(page.rows)
            assert Counter(int(row["taskId"].split("-")[0]) for row in page.rows) == of_three
        store.close()


@pytest.mark.slow
def test_of_processes_that_compete_for_the_lease_exactly_one_leads(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    with (
        child("compete", url, "1") as first,
        child("compete", url, "2") as second,
        child("compete", url, "3") as third,
    ):
        competitors = [first, second, third]
        assert [say_line(process) for process in competitors] == ["ready"] * 3
        for process in competitors:
            assert process.stdin is not None
            process.stdin.write("now\n")
            process.stdin.flush()
        assert sorted(int(say_line(process)) for process in competitors) == [0, 0, 1]


@pytest.mark.slow
def test_a_commit_that_cannot_reach_the_disk_is_reported_and_the_next_one_works(tmp_path: Path) -> None:
    with child("narrow", f"sqlite:///{tmp_path / 'cloud.db'}") as process:
        outcome_unknown, message, before, committed, after = (say_line(process) for _ in range(5))
    assert outcome_unknown == "True"
    assert "cannot be read or written" in message
    assert before == "[1]"
    assert committed == "True"
    assert after == "[1, 3]"
