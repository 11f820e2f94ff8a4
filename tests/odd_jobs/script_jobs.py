"""The script side of the app of odd jobs: what people write into a command line, or into the file that it calls.

Each shard prints lines that begin with its mark, `$ME`, so that a line in another shard's log is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from elasticjob_cloud.model.task import TaskState

_ME = "ME=$ELASTICJOB_JOB_NAME-$ELASTICJOB_SHARDING_ITEM; export ME; "


@dataclass(frozen=True)
class OddJob:
    """A command, and what each of its shards must come to: its state, and the lines that follow its mark."""

    name: str
    command: str
    lines: tuple[str, ...] = ()
    state: TaskState = TaskState.FINISHED
    says: str = ""  # in the message
    tells: str = ""  # on stderr
    kill: bool = False  # once it has printed its first line
    timeout_seconds: int = 0
    memory_mb: float = 256.0
    parameter: str = ""
    props: dict[str, str] = field(default_factory=dict)
    check: Callable[[list[str]], bool] | None = None  # of the lines, instead of `lines`


JOBS = (
    OddJob("here-document", f"{_ME}cat <<EOF\n$ME one\n$ME ;two | ( & 'x\nEOF\n", ("one", ";two | ( & 'x")),
    OddJob(
        "here-document-of-tabs",
        f"{_ME}cat <<-'E O'\n\tME one\n\tE O\n",
        check=lambda lines: lines == ["ME one"],
    ),
    OddJob("windows-ends", f"{_ME}if true\r\nthen\r\necho $ME one\r\nfi\r\n", ("one",)),
    OddJob("subshell", f"{_ME}(echo $ME one; (echo $ME two))", ("one", "two")),
    OddJob("group", f"{_ME}{{ echo $ME one; }}", ("one",)),
    OddJob("loop", f"{_ME}for i in 1 2 3; do echo $ME $i; done", ("1", "2", "3")),
    OddJob("case", f"{_ME}case $ME in *) echo $ME one;; esac", ("one",)),
    OddJob("pipe", f"{_ME}echo $ME one | tee log-$ME | cat; cat log-$ME; rm log-$ME;", ("one", "one")),
    OddJob("comment", f"{_ME}echo $ME one # and nothing more", ("one",)),
    OddJob("background", f"{_ME}echo $ME one &", ("one",)),
    OddJob("waits", f"{_ME}(sleep 0.1; echo $ME two) & echo $ME one; wait", ("one", "two")),
    OddJob("no-context", f'{_ME}echo "$ME" one', ("one",), props={"script.pass.context": "false"}),
    OddJob("function", f'{_ME}say() {{ echo "$ME $#"; }}; say', ("1",)),
    OddJob("exit-code", f"{_ME}echo $ME one; exit 3", ("one",), TaskState.FAILED, says="exit code 3"),
    OddJob("dies", f"{_ME}echo $ME one; kill -9 $$;", ("one",), TaskState.FAILED, says="signal SIGKILL"),
    OddJob("closes-streams", f"{_ME}echo $ME one; exec >&- 2>&- <&-; sleep 0.1;", ("one",)),
    OddJob("reads-nothing", f"{_ME}read line || echo $ME nothing;", ("nothing",)),
    OddJob(
        "leaves-children",
        f"{_ME}echo $ME one; sleep 300 & setsid sleep 300 & sleep 0.2;",
        ("one",),
        tells="sleep 300",
    ),
    OddJob(
        "leaves-silent-children",
        f"{_ME}echo $ME one; sleep 300 >/dev/null 2>&1 & (setsid env -i sleep 300 >/dev/null 2>&1 &);",
        ("one",),
    ),
    OddJob(
        "passes-on",
        f"{_ME}mkfifo p-$ME; cat <p-$ME & exec >p-$ME; rm p-$ME; for i in 1 2 3; do echo $ME $i; done; exec >&-;",
        ("1", "2", "3"),
    ),
    OddJob(
        "long-line",
        f"{_ME}printf '%s ' $ME; head -c 200000 /dev/zero | tr '\\0' x; echo;",
        check=lambda lines: len(lines) == 1 and len(lines[0]) > 200_000,
    ),
    OddJob("no-last-line-end", f"{_ME}printf '%s one' $ME;", ("one",)),
    OddJob(
        "huge-parameter",
        f"{_ME}echo $ME ${{#ELASTICJOB_SHARDING_PARAMETER}};",
        ("60000",),
        parameter="'" * 60_000,
    ),
    OddJob(
        "too-huge-parameter",
        f"{_ME}echo $ME",
        (),
        TaskState.ERROR,
        says="shardingItemParameters of item",
        parameter="x" * 131_072,
    ),
    OddJob(
        "ignores-its-end",
        f"{_ME}trap '' TERM; echo $ME one; while true; do sleep 0.05; done;",
        ("one",),
        TaskState.KILLED,
        kill=True,
    ),
    OddJob(
        "cleans-up",
        f"{_ME}sh -c 'trap \"sleep 0.2; echo $ME cleaned; exit\" TERM; echo $ME one; while true; do sleep 0.05; done'; true",
        ("one", "cleaned"),
        TaskState.KILLED,
        kill=True,
    ),
    OddJob(
        "times-out",
        f"{_ME}echo $ME one; (setsid sleep 300 &); sleep 300;",
        ("one",),
        TaskState.FAILED,
        says="timeoutSeconds",
        timeout_seconds=2,
    ),
    OddJob(
        "maps-a-file",
        f"{_ME}head -c 100000000 /dev/zero > big-$ME; python -c \"import mmap; f = open('big-$ME', 'r+b'); m = mmap.mmap(f.fileno(), 0); print('$ME', sum(m[i] for i in range(0, len(m), 4096)))\"; rm big-$ME;",
        ("0",),
        memory_mb=64,
    ),
    OddJob(
        "takes-too-much",
        f"{_ME}echo $ME one; python -c \"x = b'x' * 150_000_000; import time; time.sleep(300)\";",
        ("one",),
        TaskState.FAILED,
        says="of 64 MB",
        memory_mb=64,
    ),
)
