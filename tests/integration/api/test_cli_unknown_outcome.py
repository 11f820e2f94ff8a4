"""The command line where an answer is lost: whoever repeats the command may have it done twice."""

from http.server import BaseHTTPRequestHandler

import pytest

from elasticjob_cloud.cli.main import main
from tests.integration.api.forwarding_leaders import Behaviour, FakeLeader, answer, hang_up

_LOOK = "The scheduler that leads fell silent: look whether it was carried out before you repeat it."


def hang_up_in_the_answer(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntr")
    handler.close_connection = True


@pytest.mark.parametrize(
    "behaviour, said",
    [
        (answer(f'{{"message": "{_LOOK}"}}'.encode(), 502), _LOOK),
        (hang_up, "may still be done"),
        (hang_up_in_the_answer, "may still be done"),
    ],
    ids=["502", "no answer", "half an answer"],
)
def test_command_whose_answer_is_lost_is_said_to_be_done_perhaps(
    leader: FakeLeader,
    behaviour: Behaviour,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ELASTICJOB_URL", leader.url)
    monkeypatch.setenv("ELASTICJOB_TOKEN", "token")
    leader.behaviours = [behaviour]

    with pytest.raises(SystemExit) as ended:
        main(["job", "trigger", "my_job"])

    error = capsys.readouterr().err
    assert said in error
    assert "HTTP 502" not in error
    assert ended.value.code == 3
    assert len(leader.requests) == 1
