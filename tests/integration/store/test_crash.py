"""What is in the database after processes were killed, competed, or ran out of room."""

from collections import Counter
from pathlib import Path

import pytest

from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.store import SqlStore
from tests.integration.store.store_children import child, numbers_said, said

EVERYTHING = HistoryQuery(per_page=1_000_000)


@pytest.mark.slow
def test_kill_9_leaves_whole_commits_only_and_all_that_were_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    acknowledged: set[int] = set()
    for acknowledgements in (1, 40, 150):
        with child("commit", url) as process:
            acknowledged.update(int(said(process)) for _ in range(acknowledgements))
            process.kill()  # in the middle of one of the following commits
            acknowledged |= numbers_said(process)

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
        assert [said(process) for process in competitors] == ["ready"] * 3
        for process in competitors:
            assert process.stdin is not None
            process.stdin.write("now\n")
            process.stdin.flush()
        assert sorted(int(said(process)) for process in competitors) == [0, 0, 1]


@pytest.mark.slow
def test_a_commit_that_cannot_reach_the_disk_is_reported_and_the_next_one_works(tmp_path: Path) -> None:
    with child("narrow", f"sqlite:///{tmp_path / 'cloud.db'}") as process:
        outcome_unknown, message, before, committed, after = (said(process) for _ in range(5))
    assert outcome_unknown == "True"
    assert "cannot be read or written" in message
    assert before == "[1]"
    assert committed == "True"
    assert after == "[1, 3]"
