"""No job, and nobody else without the database, takes an agent from its scheduler."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.frames import Hello
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.model.lineage import Lineage, Term
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.security.attack_agent import FARTHEST_EPOCH, greet
from tests.waiting import wait_for

_ATTACK = Path(__file__).with_name("attack_agent.py")
_STRANGER = Lineage("another", (Term(FARTHEST_EPOCH, "guessed"),))
_KNOWN = Lineage("database", (Term(1, "a", 3), Term(2, "b", 5)))
_NEXT = Lineage("database", (*_KNOWN.terms, Term(3, "c")))


@pytest.fixture
def apps() -> Iterator[HttpAppServer]:
    with http_app_server() as server:
        yield server


def socket_of(server: Standalone) -> str:
    agent = wait_for((server.data_dir / "agent" / "agent.json").read_text, "the agent")
    return str(Path(json.loads(agent)["sockets"]) / "agent.sock")


def check_in_order(server: Standalone, runs: int) -> None:
    """Check that the server is ready and has its agent run jobs."""
    assert server.client.get(server.url + "/readyz").status_code == 200
    server.call("POST", "/job/trigger", "good")
    ends = server.ended("good", runs)
    assert [end["state"] for end in ends] == ["TASK_FINISHED"] * runs


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs SO_PEERCRED and a subreaper: run it on Linux")
@pytest.mark.parametrize("escapes", [False, True])
def test_job_that_speaks_as_a_scheduler_is_not_heard(
    tmp_path: Path, apps: HttpAppServer, *, escapes: bool
) -> None:
    with Standalone(tmp_path / "data") as server:
        report = tmp_path / "report"
        how = f"escape {report}:{wait_for(server.agent_pid, 'the agent')}" if escapes else report
        # As an orphan it lives for as long as its task: until it was heard, or not.
        wait = f"while [ ! -e {report} ]; do sleep 0.05; done"
        server.publish_script(apps, "bad", f"{sys.executable} {_ATTACK} {socket_of(server)} {how}\n{wait}")
        server.publish_script(apps, "good", "true")
        server.register_script("bad")
        server.register_script("good")
        server.call("POST", "/job/trigger", "bad")
        server.ended("bad")
        assert report.read_text() == "closed"
        check_in_order(server, 1)
        server.stop()
        server.start()
        check_in_order(server, 2)


@pytest.mark.slow
def test_stranger_who_is_no_task_is_refused_while_a_scheduler_leads(
    tmp_path: Path, apps: HttpAppServer
) -> None:
    with Standalone(tmp_path / "data") as server:
        server.publish_script(apps, "good", "true")
        server.register_script("good")
        check_in_order(server, 1)
        epoch = server.call("GET", "/operate/schedulers")[0]["epoch"]
        path = socket_of(server)
        for hello in (
            Hello(FARTHEST_EPOCH),
            Hello(epoch),
            Hello(epoch + 1),
            Hello(epoch + 1, _STRANGER),
            Hello(FARTHEST_EPOCH, _STRANGER, takes_over=True),
        ):
            assert greet(path, hello) == "refused"
        check_in_order(server, 2)
        server.kill()
        assert greet(path, Hello(FARTHEST_EPOCH)) == "refused"
        assert greet(path, Hello(epoch + 2)) == "obeyed"  # as a scheduler of an earlier version would be
        server.start()
        check_in_order(server, 3)


@pytest.mark.slow
def test_database_restored_from_a_backup_has_its_agent_again_when_it_takes_it_over(
    tmp_path: Path, apps: HttpAppServer
) -> None:
    with Standalone(tmp_path / "data") as server:
        server.publish_script(apps, "good", "true")
        server.register_script("good")
        check_in_order(server, 1)
        database, backup = server.data_dir / "elasticjob.db", tmp_path / "backup.db"
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        for _ in range(2):  # the epoch goes on
            server.stop()
            server.start()
        server.kill()
        for path in server.data_dir.glob("elasticjob.db*"):
            path.unlink()
        backup.rename(database)
        server._settings["ELASTICJOB_TAKE_OVER_AGENTS"] = "true"
        server.start()
        check_in_order(server, 2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs SO_PEERCRED: run it on Linux")
def test_new_agent_hears_first_whoever_started_it(tmp_path: Path) -> None:
    place = AgentDirectory(tmp_path / "agent")
    with subprocess.Popen(["sleep", "600"]) as starter:
        command = [sys.executable, "-m", "elasticjob_cloud.agent", "--directory", str(place.path)]
        with subprocess.Popen([*command, "--starter", str(starter.pid)]) as agent:
            try:
                wait_for(place.has_socket, "the agent listens")
                wait_for(lambda: greet(str(place.socket), Hello(1)) == "closed", "it hears nobody else")
                starter.kill()
                starter.wait()
                assert greet(str(place.socket), Hello(1)) == "obeyed"
            finally:
                starter.kill()
                agent.terminate()
                agent.wait(30)


def test_the_digests_that_an_agent_keeps_cannot_be_shown_to_one() -> None:
    obedience = Obedience()
    obedience.obey(Hello(2, _KNOWN.sealed()))
    assert obedience.refusal_of(Hello(3, _NEXT.sealed())) is None
    kept = obedience.hello.lineage
    assert kept is not None
    shown = msgspec.structs.replace(kept, terms=(*kept.terms, Term(3, "mine")))
    assert obedience.refusal_of(Hello(3, shown.sealed())) is not None


@pytest.mark.parametrize("jump", [1_000_001, FARTHEST_EPOCH])
def test_epoch_that_jumps_is_refused_without_the_record(jump: int) -> None:
    obedience = Obedience()
    obedience.obey(Hello(7))
    assert obedience.refusal_of(Hello(7 + jump)) is not None
    assert obedience.refusal_of(Hello(7 + jump, _STRANGER)) is not None
    assert obedience.refusal_of(Hello(8)) is None
    obedience.obey(Hello(8, _KNOWN))
    assert obedience.refusal_of(Hello(8 + jump)) is not None


def test_rightful_leader_comes_back_from_a_stranger_whatever_epoch_that_had() -> None:
    obedience = Obedience()
    obedience.obey(Hello(2, _KNOWN))
    stranger = Hello(1_000_002)
    assert obedience.refusal_of(stranger, is_led=True) is not None
    assert obedience.refusal_of(stranger) is None
    obedience.obey(stranger)
    assert obedience.refusal_of(Hello(2, _KNOWN)) is not None, "it may be deposed"
    assert obedience.refusal_of(Hello(3, _NEXT), is_led=True) is None


def test_scheduler_of_an_earlier_version_leads_before_and_after_one_of_this_version() -> None:
    obedience = Obedience()
    for hello in (Hello(1), Hello(2, _KNOWN), Hello(3), Hello(4, _NEXT), Hello(5)):
        assert obedience.refusal_of(hello) is None
        obedience.obey(hello)


def test_another_database_takes_over_only_when_the_scheduler_that_was_obeyed_has_gone() -> None:
    obedience = Obedience()
    obedience.obey(Hello(2, _KNOWN))
    hello = Hello(1, _STRANGER, takes_over=True)
    assert obedience.refusal_of(hello, is_led=True) is not None
    assert obedience.refusal_of(hello) is None
    copy = Hello(1, Lineage("database", (Term(9, "z"),)), takes_over=True)
    assert obedience.refusal_of(copy, is_led=True) is None
