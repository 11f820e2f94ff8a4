"""What works on `sys.stdout` in plain Python works in a shard, and ends in the log of that shard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.reporting.logs.answers import LogAnswers
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.model.output.kept_output import read_kept
from elasticjob_cloud.model.queries.logs import LogPieces, LogReadBoth
from tests.integration.sdk.sdk_agent import SdkAgent

# What a bootstrap script may do before the first shard, to the streams of all.
EARLY = {
    "as it is": "",
    "wrapped": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
    "wrapped, detached": "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')",
    "writer": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)",
    "writer, detached": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())",
    "reconfigured": "sys.stdout.reconfigure(encoding='utf-8', line_buffering=False, write_through=False)",
    "tee": """
class Tee:
    def __init__(self, *streams): self.streams = streams
    def write(self, text):
        for stream in self.streams: stream.write(text)
    def flush(self):
        for stream in self.streams: stream.flush()
sys.stdout = Tee(sys.stdout, open('copy.txt', 'w'))
""",
    "errors with it": "sys.stdout = sys.__stdout__",
}
SCRIPT = """
import codecs, io, sys, threading, time
{early}
from elasticjob_cloud import JobBootstrap

def job(context):
    for number in range(5):
        print(context.task_id, number, "\u5317\u4eac")
        time.sleep(0.001)
    sys.stdout.write(context.task_id + " last")

if __name__ == "__main__":
    JobBootstrap.execute(job)
"""
JOBS = """
import contextlib, io, logging, os, subprocess, sys, time, warnings
from unittest import mock

def replaces(context):
    sys.stdout = io.StringIO()
    print("nowhere")

def says_where(context):
    print("here", type(sys.stdout).__name__)

def errors_at_once(context):
    sys.stderr.write("50%")
    while not os.path.exists("seen"):
        time.sleep(0.01)

def flushes(context):
    print("half", end="", flush=True)
    while not os.path.exists("seen"):
        time.sleep(0.01)
    sys.stdout.write(" and more")
    sys.stdout.flush()
    while not os.path.exists("seen too"):
        time.sleep(0.01)

def patches(context):
    with mock.patch("sys.stdout", new=io.StringIO()) as caught:
        print("caught")
    print("then", caught.getvalue(), end="")
    with contextlib.redirect_stderr(sys.stdout):
        print("redirected", file=sys.stderr)
    sys.stdout = None
    print("lost")
    sys.stdout = sys.__stdout__
    print("found")

def warns(context):
    warnings.warn("careful")
    sys.excepthook(ValueError, ValueError("shown"), None)
    logging.StreamHandler().emit(logging.makeLogRecord({"msg": "handled"}))

def alternates(context):
    for number in range(3):
        print("out", number)
        print("err", number, file=sys.stderr)
    logging.getLogger("job").warning("logged")
    print("end")

def floods_by_a_program(context):
    subprocess.run(["/bin/sh", "-c", "yes 0123456789 | head -c 3000000"], check=True)

def is_a_stream(context):
    out = sys.stdout
    assert out.encoding == "utf-8" and out.name == "<stdout>" and out.mode == "w" and out.writable()
    assert not out.readable() and not out.seekable() and not out.closed and out.line_buffering
    assert sys.stderr.name == "<stderr>" and out.buffer.name == "<stdout>" and out.buffer.raw.writable()
    assert os.fstat(out.fileno()).st_ino == os.stat(context.props["output"]).st_ino
    with open(out.fileno(), "wb", closefd=False) as raw:
        raw.write(b"raw\\n")
    print("a", "b", sep="-", flush=True)
    import copyreg, pickle
    assert pickle.loads(pickle.dumps(sys)) is sys
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("early", EARLY)
def test_streams_that_a_script_replaced_lead_to_each_shards_log(
    agent: SdkAgent, early: str, unbuffered: str
) -> None:
    agent.write("start.py", SCRIPT.format(early=EARLY[early]))
    agent.start("start.py", environment={"PYTHONUNBUFFERED": unbuffered, "PYTHONIOENCODING": "utf-8"})
    tasks = []
    for service in ("CPU", "SINGLE_THREAD", "PROCESS"):
        tasks += agent.run(range(6), prefix=service, jobExecutorServiceHandlerType=service)
    for task in tasks:
        assert agent.wait_end(task)["success"] is True, agent.wait_end(task)
        lines = [f"{task} {number} \u5317\u4eac" for number in range(5)]
        assert agent.text(task).splitlines() == [*lines, f"{task} last"]
    agent.send({"type": "stop"})
    agent.wait_exit()
    assert agent.own_output()[0] == ""


@pytest.mark.parametrize("service", ["CPU", "SINGLE_THREAD", "PROCESS"])
def test_stream_that_a_shard_replaced_is_restored_for_the_next(agent: SdkAgent, service: str) -> None:
    agent.start("replaces=jobs:replaces", "says=jobs:says_where")
    for number in range(3):
        agent.run(jobName="replaces", jobExecutorServiceHandlerType=service, prefix=f"r{number}-")
        assert agent.wait_end(f"r{number}-0")["success"] is True
        agent.run(jobName="says", jobExecutorServiceHandlerType=service, prefix=f"s{number}-")
        agent.wait_end(f"s{number}-0")
        assert agent.text(f"r{number}-0") == ""
        assert agent.text(f"s{number}-0") == "here TextIOWrapper\n"


def test_stderr_is_not_held_back(agent: SdkAgent) -> None:
    agent.start("jobs:errors_at_once")
    agent.run()
    agent.wait_text("t0", "50%", "stderr")
    agent.write("seen", "")
    assert agent.wait_end("t0")["success"] is True


@pytest.mark.parametrize("service", ["CPU", "SINGLE_THREAD", "PROCESS"])
def test_order_of_the_two_streams_is_kept(agent: SdkAgent, service: str) -> None:
    agent.start("jobs:alternates")
    agent.run(jobExecutorServiceHandlerType=service)
    assert agent.wait_end("t0")["success"] is True
    answers = LogAnswers(OutputStore(agent.output))
    reply = answers.answer(LogReadBoth("t0", 0, 0, 10_000), known=True, ended=True)
    assert isinstance(reply, LogPieces)
    lines = b"".join(piece.content for piece in reply.pieces).decode().splitlines()
    assert lines[:6] == ["out 0", "err 0", "out 1", "err 1", "out 2", "err 2"]
    assert (lines[6].endswith("logged"), lines[7:]) == (True, ["end"])


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_flushed_half_line_is_seen_at_once(agent: SdkAgent, service: str) -> None:
    agent.start("jobs:flushes")
    agent.run(jobExecutorServiceHandlerType=service)
    agent.wait_text("t0", "half")
    agent.write("seen", "")
    agent.wait_text("t0", "half and more")
    agent.write("seen too", "")
    assert agent.wait_end("t0")["success"] is True


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_tools_that_replace_streams_work(agent: SdkAgent, service: str) -> None:
    agent.start("jobs:patches")
    agent.run(range(4), jobExecutorServiceHandlerType=service)
    for item in range(4):
        assert agent.wait_end(f"t{item}")["success"] is True, agent.wait_end(f"t{item}")
        assert agent.text(f"t{item}") == "then caught\nredirected\nfound\n"


def test_warnings_and_hooks_write_to_the_shards_stderr(agent: SdkAgent) -> None:
    agent.start("jobs:warns")
    agent.run()
    assert agent.wait_end("t0")["success"] is True
    text = agent.text("t0", "stderr")
    assert "UserWarning: careful" in text
    assert "ValueError: shown" in text
    assert text.endswith("handled\n")


def test_output_of_programs_is_held_to_the_limit(agent: SdkAgent) -> None:
    agent.start("jobs:floods_by_a_program")
    agent.run(limit=5000)
    assert agent.wait_end("t0")["success"] is True
    assert agent.text("t0").startswith("0123456789\n")
    assert sum(path.stat().st_size for path in agent.output.glob("t0.*")) <= 5000
    part = read_kept(str(agent.output / "t0.stdout"), 2_999_990, 100)
    assert part.truncated
    assert (part.offset, part.size) == (2_999_990, 3_000_000)


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_stream_has_what_python_gives_it(agent: SdkAgent, service: str) -> None:
    agent.start("jobs:is_a_stream")
    output = {"output": str(agent.output / "t0.stdout")}
    agent.run(jobExecutorServiceHandlerType=service, props=output)
    ended = agent.wait_end("t0")
    assert ended["success"] is True, ended
    assert agent.text("t0") == "raw\na-b\n"
