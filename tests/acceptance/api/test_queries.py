"""What queries answer, in upstream's shapes, from a scheduler that holds what the test put there."""

import httpx
import pytest

from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.queries.queues import QueueFilter
from elasticjob_cloud.model.records import FailoverRecord
from tests.acceptance.api.valid_bodies import assert_blames
from tests.acceptance.api_scheduler import TASK_ID, running_task
from tests.acceptance.conftest import MemoryServer

EXECUTION = {
    "jobName": "my_job",
    "executionSource": "NORMAL_TRIGGER",
    "isSuccess": True,
    "source": "NORMAL_TRIGGER",
    "success": True,
}
LOG = f"/api/job/tasks/{TASK_ID}/log"


def test_tasks_have_upstreams_shapes(memory_server: MemoryServer, guest: httpx.Client) -> None:
    scheduler = memory_server.scheduler
    scheduler.task_records[TASK_ID] = running_task()
    scheduler.waiting = {"my_job": 1, "large_job": 3}
    scheduler.failovers = [FailoverRecord(1, "my_job", 4, TASK_ID, "agent-1", 1, 0)]
    assert guest.get("/api/job/tasks/running").json() == [
        {
            "id": TASK_ID,
            "metaInfo": {"jobName": "my_job", "shardingItems": [0]},
            "type": "READY",
            "slaveId": "agent-1",
            "idle": False,
        }
    ]
    assert guest.get("/api/job/tasks/ready").json() == [
        {"jobName": "my_job", "times": "1"},
        {"jobName": "large_job", "times": "3", "reason": "no room"},
    ]
    assert guest.get("/api/job/tasks/failover").json() == [
        {"taskInfo": {"jobName": "my_job", "shardingItems": [4]}, "originalTaskId": TASK_ID}
    ]


def test_queues_are_paged_and_filtered_for_who_asks(memory_server: MemoryServer, guest: httpx.Client) -> None:
    scheduler = memory_server.scheduler
    ids = [f"my_job@-@{item}@-@READY@-@agent-1@-@x" for item in range(3)]
    scheduler.task_records = {task_id: running_task(task_id) for task_id in ids}
    scheduler.waiting = {"a": 1, "b": 3, "c": 1}
    scheduler.failovers = [FailoverRecord(1, "my_job", item, TASK_ID, "agent-1", 1, 0) for item in range(3)]

    running = guest.get("/api/job/tasks/running?per_page=2&page=2&jobName=my_job&agentId=agent-1").json()
    assert (running["total"], [row["id"] for row in running["rows"]]) == (3, ids[2:])
    assert scheduler.reading.queue_filters[-1] == QueueFilter("my_job", "", "agent-1")
    ready = guest.get("/api/job/tasks/ready?per_page=2&appName=my_app").json()
    assert ready["total"] == 3
    assert ready["rows"] == [
        {"jobName": "a", "times": "1"},
        {"jobName": "b", "times": "3", "reason": "no room"},
    ]
    assert scheduler.reading.queue_filters[-1] == QueueFilter("", "my_app")
    failover = guest.get("/api/job/tasks/failover?page=1").json()
    assert (failover["total"], len(failover["rows"])) == (3, 3)
    assert guest.get("/api/job/tasks/failover?page=2").json() == {"total": 3, "rows": []}


def test_queues_are_given_whole_to_elasticjobs_consoles(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    memory_server.scheduler.task_records[TASK_ID] = running_task()
    rows = guest.get("/api/job/tasks/running?order=asc&offset=0&limit=10&_=1").json()
    assert [row["id"] for row in rows] == [TASK_ID]


@pytest.mark.parametrize("query", ["running?page=0", "ready?per_page=501", "failover?page=x"])
def test_bad_parameters_of_queues_are_refused(guest: httpx.Client, query: str) -> None:
    assert guest.get(f"/api/job/tasks/{query}").status_code == 400


@pytest.mark.parametrize("task_id", [TASK_ID, "作业@-@0@-@FAILOVER@-@agent-1@-@x"])
def test_task_is_killed_by_its_id_percent_encoded_or_not(
    memory_server: MemoryServer, admin: httpx.Client, task_id: str
) -> None:
    encoded = task_id.replace("@", "%40").replace("-", "%2D")
    for path in (task_id, encoded):
        memory_server.scheduler.task_records[task_id] = running_task(task_id)
        assert admin.post(f"/api/job/tasks/{path}/kill").text == "true"
        assert admin.post(f"/api/job/tasks/{path}/kill").status_code == 404


def test_log_is_read_part_by_part(memory_server: MemoryServer, guest: httpx.Client) -> None:
    text = "第一行\nsecond line\n"
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = text.encode()
    parts, offset = "", 0
    while True:
        answer = guest.get(LOG, params={"offset": offset, "limit": 5}).json()
        assert (answer["taskId"], answer["stream"], answer["offset"]) == (TASK_ID, "stdout", offset)
        assert answer["size"] == len(text.encode())
        parts += answer["content"]
        if answer["nextOffset"] == offset:
            break
        offset = answer["nextOffset"]
    assert parts == text
    assert answer["ended"] is False
    assert answer["truncated"] is False


def test_log_that_grows_in_the_middle_of_a_character_is_read_whole(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    output = "a中".encode()
    memory_server.scheduler.outputs[TASK_ID, "stderr"] = output[:-1]
    first = guest.get(LOG, params={"stream": "stderr"}).json()
    assert (first["content"], first["nextOffset"]) == ("a", 1)
    memory_server.scheduler.outputs[TASK_ID, "stderr"] = output
    second = guest.get(LOG, params={"stream": "stderr", "offset": 1}).json()
    assert (second["content"], second["nextOffset"]) == ("中", 4)


def test_log_as_text_is_the_text_alone(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = (
        "中\xff".encode("latin-1", "ignore") + "中\n".encode()
    )
    memory_server.scheduler.ended = True
    answer = guest.get(LOG, headers={"Accept": "text/plain"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text == "\ufffd中\n"
    assert (answer.headers["x-next-offset"], answer.headers["x-ended"]) == ("5", "true")


BAD_LOG_QUERIES = [
    ("stream=stdin", "stream"),
    ("offset=-1", "offset"),
    ("offset=x", "offset"),
    ("offset=99999999999999999999", "offset"),
    ("limit=0", "limit"),
    ("limit=1048577", "limit"),
    ("limit=1.5", "limit"),
    ("follow=true", "follow"),
    ("offset=1&offset=2", "offset"),
]


def test_bad_log_query_is_refused(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = b"x"
    for query, field in BAD_LOG_QUERIES:
        assert_blames(guest.get(f"{LOG}?{query}"), field)


def test_fires_are_those_of_the_contract(guest: httpx.Client) -> None:
    query = {
        "cron": "0/5 * * * * ?",
        "timeZone": "Asia/Shanghai",
        "start": "2026-11-22T15:00:00+08:00",
        "count": "2",
    }
    assert guest.get("/api/job/cron/fires", params=query).json() == {
        "fires": ["2026-11-22T15:00:05+08:00", "2026-11-22T15:00:10+08:00"]
    }
    assert len(guest.get("/api/job/cron/fires", params={"cron": "0/5 * * * * ?"}).json()["fires"]) == 10
    # As people type it: the offset's + unescaped.
    raw = "/api/job/cron/fires?cron=0+0+0+1+1+?+2027&start=2026-11-22T15:00:00+08:00&timeZone=UTC"
    assert guest.get(raw).json() == {"fires": ["2027-01-01T00:00:00+00:00"]}


def test_numbers_of_weekdays_are_shown_as_names(guest: httpx.Client) -> None:
    query = {"cron": "0 0 9 ? * 1-5", "count": "1"}
    assert guest.get("/api/job/cron/fires", params=query).json()["weekdays"] == "SUN-THU"


@pytest.mark.parametrize(
    "cron, line",
    [("@daily", "0 0 0 * * ?"), ("0 9 * * 1-5", "0 0 9 ? * MON-FRI"), ("0 0 9 * * ?\u3000", "0 0 9 * * ?")],
)
def test_refused_cron_gets_the_line_to_use(guest: httpx.Client, cron: str, line: str) -> None:
    answer = guest.get("/api/job/cron/fires", params={"cron": cron})
    assert_blames(answer, "cron")
    assert f"here: '{line}'" in answer.json()["message"]


BAD_FIRES_QUERIES: list[tuple[dict[str, str], str]] = [
    ({}, "cron"),
    ({"cron": ""}, "cron"),
    ({"cron": "nonsense"}, "cron"),
    ({"cron": "0 0 0 30 2 ?"}, "cron"),
    ({"cron": "0 0 0 1 1 ? 2027", "start": "2028-01-01T00:00:00Z"}, "cron"),
    ({"cron": "0 0 0 * * ?", "timeZone": "Mars"}, "timeZone"),
    ({"cron": "0 0 0 * * ?", "start": "tomorrow"}, "start"),
    ({"cron": "0 0 0 * * ?", "count": "0"}, "count"),
    ({"cron": "0 0 0 * * ?", "count": "101"}, "count"),
    ({"cron": "0 0 0 * * ?", "zone": "UTC"}, "zone"),
]


def test_bad_fires_query_is_refused(guest: httpx.Client) -> None:
    for query, field in BAD_FIRES_QUERIES:
        assert_blames(guest.get("/api/job/cron/fires", params=query), field)


def test_fires_of_the_past_are_shown_when_asked_for(guest: httpx.Client) -> None:
    query = {"cron": "0 0 0 1 1 ? 2001", "start": "2000-06-01T00:00:00Z", "timeZone": "UTC"}
    assert guest.get("/api/job/cron/fires", params=query).json() == {"fires": ["2001-01-01T00:00:00+00:00"]}


def test_history_query_arrives_as_it_was_asked(memory_server: MemoryServer, guest: httpx.Client) -> None:
    assert guest.get("/api/job/events/executions").json() == {
        "total": 1,
        "rows": [EXECUTION],
    }
    guest.get(
        "/api/job/events/executions?per_page=1000&page=2&sort=startTime&order=asc&startTime=2026-11-22 15:00:05"
        "&endTime=2026-11-22T07:00:06Z&jobName=my_job&taskId=&ip=127.0.0.1&isSuccess=True"
    )
    guest.get(
        "/api/job/events/statusTraces?sort=state&state=TASK_LOST&slaveId=a&source=AGENT&executionType=READY"
    )
    guest.get("/api/job/events/statusTraces?order=ASC")
    assert memory_server.scheduler.queries == [
        HistoryQuery(),
        HistoryQuery(
            page=2,
            per_page=1000,
            sort="startTime",
            ascending=True,
            start_ms=1_795_330_805_000,
            end_ms=1_795_330_806_000,
            filters={"jobName": "my_job", "ip": "127.0.0.1", "isSuccess": "true"},
        ),
        HistoryQuery(
            sort="state",
            ascending=True,
            filters={"state": "TASK_LOST", "slaveId": "a", "source": "AGENT", "executionType": "READY"},
        ),
        HistoryQuery(),
    ]


BAD_HISTORY_QUERIES = [
    ("per_page=1001", "per_page"),
    ("per_page=ten", "per_page"),
    ("perPage=10", "perPage"),
    ("page=-1", "page"),
    ("sort=password", "sort"),
    ("sort=jobName;drop table job", "sort"),
    ("order=up", "order"),
    ("startTime=yesterday", "startTime"),
    ("endTime=2026-13-01", "endTime"),
    ("startTime=2026-11-23T00:00:00Z&endTime=2026-11-22T00:00:00Z", "endTime"),
    ("jobName=a%00b", "jobName"),
    ("job_name=a", "job_name"),
    ("page=1&page=2", "page"),
    ("offset=5&limit=10", "offset"),
    ("offset=-10", "offset"),
    ("offset=10&page=3", "offset"),
    ("limit=10&per_page=20", "limit"),
    ("limit=1001", "limit"),
    ("search=abc", "search"),
]


def test_bad_history_query_is_refused(memory_server: MemoryServer, guest: httpx.Client) -> None:
    for query, field in BAD_HISTORY_QUERIES:
        for table in ("executions", "statusTraces"):
            assert_blames(guest.get(f"/api/job/events/{table}?{query}"), field)
    assert memory_server.scheduler.queries == []


def test_filters_belong_to_their_own_table(guest: httpx.Client) -> None:
    assert guest.get("/api/job/events/executions?state=TASK_LOST").status_code == 400
    assert guest.get("/api/job/events/statusTraces?isSuccess=true").status_code == 400
    assert guest.get("/api/job/events/executions?isSuccess=2").status_code == 400
