"""`GET /api/job/tasks/{taskId}/log` beyond one stream's parts, and the search."""

import httpx
import pytest

from elasticjob_cloud.model.queries.log_pattern import PATTERN_CHARACTERS
from tests.acceptance.api.valid_bodies import assert_blames
from tests.acceptance.api_scheduler import TASK_ID
from tests.acceptance.conftest import MemoryServer

LOG = f"/api/job/tasks/{TASK_ID}/log"
SEARCH = f"{LOG}/search"


def test_last_lines_are_read_without_an_offset(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = "one\n二\nthree\n".encode()
    answer = guest.get(LOG, params={"tail": 2}).json()
    assert (answer["content"], answer["offset"], answer["nextOffset"]) == ("二\nthree\n", 4, 14)
    assert (answer["size"], answer["missing"], answer["truncated"]) == (14, 0, False)


def test_reader_is_told_that_a_stream_began_again(memory_server: MemoryServer, guest: httpx.Client) -> None:
    outputs = memory_server.scheduler.outputs
    outputs[TASK_ID, "stdout"] = b"before\n"
    first = guest.get(LOG).json()
    follow = {"offset": first["nextOffset"], "generation": first["generation"]}
    outputs[TASK_ID, "stdout"] = b"before\nmore\n"
    more = guest.get(LOG, params=follow).json()
    assert (more["content"], more["generation"]) == ("more\n", first["generation"])
    outputs[TASK_ID, "stdout"] = b"after it was emptied\n"
    again = guest.get(LOG, params=follow).json()
    assert (again["content"], again["offset"]) == ("after it was emptied\n", 0)
    assert again["generation"] != first["generation"]
    # Who says nothing of a generation is read on from the offset, as ever.
    assert guest.get(LOG, params={"offset": 6}).json()["content"] == "it was emptied\n"


def test_both_streams_are_read_line_by_line(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = b"out\nhalf"
    memory_server.scheduler.outputs[TASK_ID, "stderr"] = "错误\n".encode()
    answer = guest.get(LOG, params={"stream": "both"}).json()
    assert answer["parts"] == [
        {"stream": "stdout", "offset": 0, "missing": 0, "content": "out\n"},
        {"stream": "stderr", "offset": 0, "missing": 0, "content": "错误\n"},
    ]
    assert (answer["nextOffset"], answer["nextStderrOffset"]) == (4, 7)
    assert (answer["size"], answer["stderrSize"], answer["ended"]) == (8, 7, False)
    follow = {"stream": "both", "offset": 4, "stderrOffset": 7, "generation": answer["generation"]}
    memory_server.scheduler.ended = True
    rest = guest.get(LOG, params=follow).json()
    assert [part["content"] for part in rest["parts"]] == ["half"]
    assert (rest["ended"], rest["generation"]) == (True, answer["generation"])


def test_both_streams_as_text_are_the_text_alone(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = b"out\n"
    memory_server.scheduler.outputs[TASK_ID, "stderr"] = b"err\n"
    answer = guest.get(LOG, params={"stream": "both"}, headers={"Accept": "text/plain"})
    assert answer.text == "out\nerr\n"
    assert (answer.headers["x-next-offset"], answer.headers["x-next-stderr-offset"]) == ("4", "4")
    assert answer.headers["x-generation"]


def test_lines_are_searched_and_the_rest_later(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = b"a 1\nb\na 2\na 3\n"
    memory_server.scheduler.outputs[TASK_ID, "stderr"] = b"no\nE: a\n"
    query: dict[str, str | int] = {"q": "a", "limit": 2}
    first = guest.get(SEARCH, params=query).json()
    assert first["lines"] == [
        {"stream": "stdout", "offset": 0, "matchOffset": 0, "line": "a 1", "excerpt": False},
        {"stream": "stdout", "offset": 6, "matchOffset": 6, "line": "a 2", "excerpt": False},
    ]
    assert (first["taskId"], first["next"], first["searchedBytes"]) == (TASK_ID, "stdout:10", 10)
    second = guest.get(SEARCH, params={**query, "cursor": first["next"]}).json()
    assert [line["line"] for line in second["lines"]] == ["a 3", "E: a"]
    third = guest.get(SEARCH, params={**query, "cursor": second["next"]}).json()
    assert (third["lines"], third["next"]) == ([], None)
    only = guest.get(SEARCH, params={"q": r"^\w+ [23]$", "regex": "true", "stream": "stdout"}).json()
    assert [line["line"] for line in only["lines"]] == ["a 2", "a 3"]


@pytest.mark.parametrize(
    "path, query, field",
    [
        (LOG, "tail=-1", "tail"),
        (LOG, "tail=10001", "tail"),
        (LOG, "stderrOffset=5", "stderrOffset"),
        (LOG, f"generation={'x' * 201}", "generation"),
        (SEARCH, "limit=5", "q"),
        (SEARCH, f"q={'x' * (PATTERN_CHARACTERS + 1)}", "q"),
        (SEARCH, "q=(&regex=true", "q"),
        (SEARCH, "q=((((a{1000}){1000}){1000}){1000})&regex=true", "q"),
        (SEARCH, "q=x&regex=perhaps", "regex"),
        (SEARCH, "q=x&limit=1001", "limit"),
        (SEARCH, "q=x&cursor=12", "cursor"),
        (SEARCH, "q=x&stream=all", "stream"),
    ],
)
def test_bad_query_is_refused(
    memory_server: MemoryServer, guest: httpx.Client, path: str, query: str, field: str
) -> None:
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = b"x"
    assert_blames(guest.get(f"{path}?{query}"), field)


def test_output_that_is_not_kept_is_not_found(guest: httpx.Client) -> None:
    for path in (f"{LOG}?stream=both", f"{LOG}?tail=5", f"{SEARCH}?q=x"):
        assert guest.get(path).status_code == 404


def test_download_gives_all_of_a_stream_byte_by_byte(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    whole = "二\n".encode() * 600_000 + b"\xff not UTF-8, and no line end"
    memory_server.scheduler.outputs[TASK_ID, "stdout"] = whole
    answer = guest.get(f"{LOG}/download", params={"stream": "stdout"})
    assert answer.content == whole  # in more than one part
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "/" not in answer.headers["content-disposition"].partition("''")[2]


def test_download_of_both_streams_has_the_whole_lines_so_far(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    outputs = memory_server.scheduler.outputs
    outputs[TASK_ID, "stdout"] = b"out\nhalf"
    outputs[TASK_ID, "stderr"] = b"err\n"
    assert guest.get(f"{LOG}/download").content == b"out\nerr\n"
    memory_server.scheduler.ended = True
    assert guest.get(f"{LOG}/download").content == b"out\nhalf\nerr\n"


def test_download_of_an_output_that_is_nowhere_is_an_error_and_no_file(guest: httpx.Client) -> None:
    answer = guest.get(f"{LOG.replace(TASK_ID, TASK_ID[:-1] + 'f')}/download")
    assert answer.status_code == 404
    assert answer.json()["message"]
