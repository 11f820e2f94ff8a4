"""The ways into the SDK, as processes: bootstrap, run-local, imports."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.integration.sdk.notification_servers import HttpRecorder
from tests.integration.sdk.sdk_agent import SdkAgent
from tests.processes import wait_gone

SOURCE = ROOT / "src"
ENTRY = "import sys; from elasticjob_cloud.entry import main; main()"
JOBS = """
import sys
def good(context): print("item", context.sharding_item, context.sharding_parameter, context.props)
def bad(context): raise ValueError("boom")
def second_is_bad(context):
    print("no newline", end="")
    if context.sharding_item == 1: bad(context)
async def asynchronous(context): print("async", context.job_name, context.job_parameter)
def knows_its_task(context):
    from elasticjob_cloud import current_task
    assert current_task().task_id == context.task_id
    print("known")
def forks(context):
    import os
    pid = os.fork()
    if pid == 0:
        print("child", context.sharding_item)
        return
    os.waitpid(pid, 0)
    print("parent", context.sharding_item)
def stops(context):
    breakpoint()
    print("went on")
"""


def run_python(*arguments: str, folder: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ELASTICJOB_")}
    environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def run_local(*arguments: str, folder: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "jobs.py").write_text(JOBS)
    return run_python("-c", ENTRY, "run-local", *arguments, folder=folder, text=text)


def test_bootstrap_outside_an_agent_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    ended = run_python("-m", "elasticjob_cloud", "jobs:good", folder=tmp_path)
    assert ended.returncode == 2
    assert "elasticjob-cloud run-local" in ended.stderr


@pytest.mark.parametrize(
    "spec, part",
    [("job:good", "Did you mean 'jobs'"), ("jobs:goood", "Did you mean 'good'"), ("jobs", "It has: good")],
)
def test_wrong_spec_is_explained(tmp_path: Path, spec: str, part: str) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    ended = run_python("-m", "elasticjob_cloud", spec, folder=tmp_path)
    assert ended.returncode == 4
    assert part in ended.stderr
    assert "Traceback" not in ended.stderr


def test_module_that_fails_to_import_shows_where(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_thing\n")
    (tmp_path / "faulty.py").write_text("1 / 0\n")
    assert (
        "'no_such_thing', which is not installed"
        in run_python("-m", "elasticjob_cloud", "broken:job", folder=tmp_path).stderr
    )
    assert "ZeroDivisionError" in run_python("-m", "elasticjob_cloud", "faulty:job", folder=tmp_path).stderr


def test_bootstrap_explains_itself(tmp_path: Path) -> None:
    assert run_python("-m", "elasticjob_cloud", folder=tmp_path).returncode == 2
    helped = run_python("-m", "elasticjob_cloud", "--help", folder=tmp_path)
    assert helped.returncode == 0
    assert "bootstrapScript" in helped.stdout


def test_unreachable_agent_is_an_error_of_start(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    environment = os.environ | {"ELASTICJOB_AGENT_ADDRESS": f"unix:{tmp_path}/none.sock"}
    ended = subprocess.run(
        [sys.executable, "-m", "elasticjob_cloud", "jobs:good"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 4
    assert "No agent listens" in ended.stderr


def test_job_code_sees_no_token(tmp_path: Path) -> None:
    with SdkAgent(tmp_path) as agent:
        agent.write(
            "jobs.py", "import os\ndef job(context): print(os.environ.get('ELASTICJOB_EXECUTOR_TOKEN'))\n"
        )
        agent.start("jobs:job")
        agent.run()
        agent.wait_end("t0")
        assert agent.text("t0") == "None\n"


def test_local_run_of_all_shards_names_them(tmp_path: Path) -> None:
    ended = run_local("jobs:good", "--shards", "2", "--parameters", "1=b", "--prop", "k=v", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert sorted(ended.stdout.splitlines()) == ["[0] item 0  {'k': 'v'}", "[1] item 1 b {'k': 'v'}"]


def test_local_run_of_one_item_prints_plainly(tmp_path: Path) -> None:
    ended = run_local("jobs:good", "--shards", "5", "--item", "3", folder=tmp_path)
    assert ended.stdout == "item 3  {}\n"


def test_local_run_of_one_shard_knows_its_task(tmp_path: Path) -> None:
    ended = run_local("jobs:knows_its_task", folder=tmp_path)
    assert ended.stdout == "known\n", ended.stderr


def test_forked_child_of_a_local_run_ends_by_itself(tmp_path: Path) -> None:
    one = run_local("jobs:forks", folder=tmp_path)
    assert one.returncode == 0, one.stderr
    assert one.stdout == "child 0\nparent 0\n"
    both = run_local("jobs:forks", "--shards", "2", folder=tmp_path)
    assert both.returncode == 0, both.stderr
    assert sorted(both.stdout.splitlines()) == ["[0] child 0", "[0] parent 0", "[1] child 1", "[1] parent 1"]


def test_local_run_awaits_async_jobs(tmp_path: Path) -> None:
    ended = run_local("jobs:asynchronous", "--job-name", "n", "--job-parameter", "p", folder=tmp_path)
    assert ended.stdout == "async n p\n"


def test_failed_shard_shows_its_traceback_and_fails_the_command(tmp_path: Path) -> None:
    one = run_local("jobs:bad", folder=tmp_path)
    assert one.returncode == 1
    assert "ValueError: boom" in one.stderr
    several = run_local("jobs:second_is_bad", "--shards", "3", folder=tmp_path)
    assert several.returncode == 1
    assert "[1] ValueError: boom" in several.stderr
    assert "1 of 3 shards failed: item 1" in several.stderr
    assert sorted(several.stdout.splitlines()) == ["[0] no newline", "[1] no newline", "[2] no newline"]


def test_debugger_works_in_a_single_item(tmp_path: Path) -> None:
    ended = run_local("jobs:stops", folder=tmp_path, text="p context.sharding_item + 41\ncontinue\n")
    assert ended.returncode == 0, ended.stderr
    assert "(Pdb) 41" in ended.stdout
    assert "went on" in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [["--shards", "0"], ["--item", "x"], ["--prop", "k"], []],
)
def test_wrong_arguments_of_a_local_run_are_usage_errors(tmp_path: Path, arguments: list[str]) -> None:
    target = ["jobs:good"] if arguments else []
    assert run_local(*target, *arguments, folder=tmp_path).returncode == 2


def test_help_names_the_exit_code_of_a_job_that_cannot_be_loaded(tmp_path: Path) -> None:
    assert run_local("no_such_module:Job", folder=tmp_path).returncode == 4
    assert "4 the module, the job or a setting of it is wrong" in run_local("--help", folder=tmp_path).stdout


def test_item_beyond_the_count_is_refused(tmp_path: Path) -> None:
    ended = run_local("jobs:good", "--shards", "2", "--item", "2", folder=tmp_path)
    assert "0 to 1" in ended.stderr
    assert ended.returncode == 4


def test_sdk_imports_the_standard_library_alone(tmp_path: Path) -> None:
    """Isolated, without site-packages: a third-party import would fail, or show in sys.modules."""
    code = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import elasticjob_cloud, elasticjob_cloud.sdk.executor, elasticjob_cloud.sdk.run_local, elasticjob_cloud.testing
import elasticjob_cloud.sdk.lanes.daemons, elasticjob_cloud.sdk.lanes.process_worker, elasticjob_cloud.sdk.notifications.channels
import elasticjob_cloud.sdk.jobs.http_job, elasticjob_cloud.sdk.jobs.script_job
import elasticjob_cloud.entry, elasticjob_cloud.__main__
roots = {{name.partition(".")[0] for name in sys.modules if not name.startswith("_sysconfigdata")}}
print(sorted(roots - sys.stdlib_module_names - {{"elasticjob_cloud", "__main__"}}))
"""
    ended = run_python("-I", "-S", "-c", code, folder=tmp_path)
    assert ended.stdout == "[]\n", ended.stderr


def test_package_alone_imports_few_modules(tmp_path: Path) -> None:
    """What is slow to import waits until an executor runs."""
    code = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import elasticjob_cloud
print(sorted({{"asyncio", "socket", "logging", "subprocess", "argparse", "http", "smtplib"}} & set(sys.modules)))
"""
    ended = run_python("-I", "-S", "-c", code, folder=tmp_path)
    assert ended.stdout == "[]\n", ended.stderr


def test_console_script_without_the_scheduler_says_what_to_install(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from elasticjob_cloud.entry import main; main()"
    ended = run_python("-I", "-S", "-c", code, "server", folder=tmp_path)
    assert ended.returncode == 2
    assert 'pip install "elasticjob-cloud[scheduler]"' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_example_app_runs(tmp_path: Path) -> None:
    counted = run_python(
        "-c",
        ENTRY,
        "run-local",
        "shop:CountOrders",
        "--parameters",
        "0=Beijing",
        folder=ROOT / "examples/python",
    )
    assert counted.stdout == "Beijing: 3 orders, 49 yuan\n"
    (tmp_path / "a.tmp").touch()
    cleaned = run_python(
        "-c",
        ENTRY,
        "run-local",
        "shop:delete_old_files",
        "--job-parameter",
        str(tmp_path),
        folder=ROOT / "examples/python",
    )
    assert cleaned.stdout == "deleted a.tmp\n"
    assert not (tmp_path / "a.tmp").exists()


def test_dataflow_of_the_example_app_ships_every_order_once(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number}.order").touch()
    shipped = run_python(
        "-c",
        ENTRY,
        "run-local",
        "shop:ShipOrders",
        "--shards",
        "2",
        "--job-parameter",
        str(tmp_path),
        "--prop",
        "streaming.process=true",
        folder=ROOT / "examples/python",
    )
    assert shipped.returncode == 0, shipped.stderr
    assert len(list(tmp_path.glob("*.shipped"))) == 25
    counts = [int(line.split()[4]) for line in shipped.stdout.splitlines()]
    assert sum(counts) == 25
    assert max(counts) == 10


def test_example_scripts_jobs_are_all_found(tmp_path: Path) -> None:
    script = (ROOT / "examples/python/start.sh").read_text().replace("\\\n", " ").splitlines()[-1]
    ended = run_python("-m", *script.split()[3:], folder=ROOT / "examples/python")
    assert ended.returncode == 2, "all jobs are good, and only the agent is missing"
    assert "run-local" in ended.stderr


def test_local_run_of_a_built_in_type_needs_no_module(tmp_path: Path) -> None:
    good = run_local("SCRIPT", "--prop", "script.command.line=echo hello #", folder=tmp_path)
    assert good.stdout == "hello\n", good.stderr
    bad = run_local("SCRIPT", "--prop", "script.command.line=exit 3 #", "--shards", "2", folder=tmp_path)
    assert bad.returncode == 1
    assert (
        "[1] elasticjob_cloud.model.errors.JobExecutionError: The command ended with exit code 3"
        in bad.stderr
    )


def test_local_run_sends_the_messages_of_an_error_handler(tmp_path: Path) -> None:
    with HttpRecorder() as server:
        options = ["--error-handler", "WEBHOOK", "--shards", "2", "--prop", f"webhook.url={server.url}"]
        ended = run_local("jobs:second_is_bad", *options, folder=tmp_path)
    assert ended.returncode == 1
    assert "[1] ValueError: boom" in ended.stderr
    (request,) = server.requests
    assert json.loads(request.body)["jobName"] == "second_is_bad"


@pytest.mark.parametrize("handler, part", [("EMAIL", "email.host"), ("PIGEON", "EMAIL, WECHAT")])
def test_local_run_with_a_wrong_error_handler_does_not_begin(tmp_path: Path, handler: str, part: str) -> None:
    ended = run_local("jobs:good", "--error-handler", handler, folder=tmp_path)
    assert ended.returncode == 4
    assert part in ended.stderr
    assert ended.stdout == ""


LISTENER = """
from elasticjob_cloud import JobListener
class Tells(JobListener):
    def before_job_executed(self, context): print("before", context.sharding_item)
    def after_job_executed(self, context): print("after", context.sharding_item)
"""


def test_listeners_of_the_command_line_are_told(tmp_path: Path) -> None:
    (tmp_path / "heard.py").write_text(LISTENER)
    ended = run_local("jobs:good", "--listener", "heard:Tells", folder=tmp_path)
    assert ended.stdout == "before 0\nitem 0  {}\nafter 0\n", ended.stderr
    with SdkAgent(tmp_path) as agent:
        agent.start("--listener=heard:Tells", "jobs:good")
        for service in ("CPU", "PROCESS"):
            agent.run([7], prefix=service, jobExecutorServiceHandlerType=service)
            assert agent.wait_end(f"{service}7")["success"] is True
            assert agent.text(f"{service}7") == "before 7\nitem 7 p7 {}\nafter 7\n"


@pytest.mark.parametrize("arguments", [["--listener"], ["--listener", "jobs:good", "jobs:good"]])
def test_wrong_listener_of_the_command_line_is_explained(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    ended = run_python("-m", "elasticjob_cloud", *arguments, folder=tmp_path)
    assert ended.returncode == 4
    assert "listener" in ended.stderr


@pytest.mark.parametrize("shards", ["1", "2"])
def test_interrupted_local_run_leaves_no_script_behind(tmp_path: Path, shards: str) -> None:
    command = "script.command.line=echo $$; exec sleep 100 #"
    options = ["run-local", "SCRIPT", "--shards", shards, "--prop", command]
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, *options],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(int(shards))]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in {130, -signal.SIGINT}
    for line in lines:
        wait_gone(int(line.split()[-1]))
