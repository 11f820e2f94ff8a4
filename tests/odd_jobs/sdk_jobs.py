"""An app of odd jobs: each does to its process, or to its streams, what programs do that run alone.

A job says in `lines` what its task's stdout holds at the end, in any order; each line names its task.
"""

import asyncio
import codecs
import concurrent.futures
import contextlib
import faulthandler
import io
import logging
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from elasticjob_cloud import JobBootstrap, ShardingContext, current_task

# Taken hold of before the first shard.
STDOUT = sys.stdout
BYTES = sys.stdout.buffer
WRITER = codecs.getwriter("utf-8")(sys.stdout.buffer)
TEXT = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
LOG = logging.getLogger("odd")
LOG.addHandler(logging.StreamHandler(sys.stdout))
LOG.propagate = False

OddJob = Callable[[str], None]
lines: dict[str, list[str]] = {}
jobs: dict[str, OddJob] = {}
# Those that may do what they do in a process of their own only.
alone: set[str] = set()
# Those that close what belongs to the event loop that they run on.
no_loop: set[str] = set()


def odd(*expected: str) -> Callable[[OddJob], OddJob]:
    def add(job: OddJob) -> OddJob:
        jobs[job.__name__] = job
        lines[job.__name__] = list(expected)
        return job

    return add


def wait_for(pid: int, code: int = 0) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code


@odd("child", "parent")
def fork_returns(task: str) -> None:
    pid = os.fork()
    if pid == 0:
        print(f"{task} child")
        return
    wait_for(pid)
    print(f"{task} parent")


@odd("half and whole", "child", "parent")
def fork_raises(task: str) -> None:
    print(f"{task} half", end="")
    print(" and whole")
    pid = os.fork()
    if pid == 0:
        print(f"{task} child", end="")
        raise ValueError("in a child")
    wait_for(pid, 1)
    print(f"\n{task} parent")


@odd("parent")
def fork_exits(task: str) -> None:
    for code in (3, 0):
        pid = os.fork()
        if pid == 0:
            sys.exit(code)
        wait_for(pid, code)
    print(f"{task} parent")


@odd("once, once", "after")
def fork_with_text_unwritten(task: str) -> None:
    sys.stdout.write(f"{task} once, ")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    wait_for(pid)
    print("once")
    wrapper = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    wrapper.write(f"{task} after\n")
    pid = os.fork()
    if pid == 0:
        wrapper.flush()
        sys.exit()
    wait_for(pid)
    wrapper.detach()


@odd("in a thread", "program of a child", "parent")
def fork_in_a_thread(task: str) -> None:
    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            print(f"{task} in a thread")
            os.system(f"echo {task} program of a child")
            return
        wait_for(pid)

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    print(f"{task} parent")


@odd("daemon", "parent")
def makes_a_daemon(task: str) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        for descriptor in range(3, 256):
            if descriptor != write:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        print(f"{task} daemon", flush=True)
        os.write(write, b"x")
        return
    wait_for(pid)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.close(read)
    print(f"{task} parent")


def speak(task: str) -> int:
    print(f"{task} pooled", flush=True)
    return os.getpid()


@odd("pooled", "pooled", "parent")
def pool_fork(task: str) -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert os.getpid() not in pool.map(speak, [task] * 2, chunksize=1)
    print(f"{task} parent")


@odd("pooled", "parent")
def pool_spawn(task: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert os.getpid() not in pool.map(speak, [task])
    print(f"{task} parent")


def put(queue: Any) -> None:
    queue.put(os.getpid())


@odd("parent")
def process_forkserver(task: str) -> None:
    context = multiprocessing.get_context("forkserver")
    queue = context.SimpleQueue()
    process: BaseProcess = context.Process(target=put, args=(queue,))
    process.start()
    assert queue.get() == process.pid
    process.join()
    # 255: another thread has asked for it at the same time, which Python does not mind (`_cleanup` in `Process.start`).
    assert process.exitcode in {0, 255}, process.exitcode
    queue.close()
    print(f"{task} parent")


@odd("pooled", "parent")
def futures_of_processes(task: str) -> None:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(speak, task).result() != os.getpid()
    print(f"{task} parent")


@odd("\u5317\u4eac", "left unflushed")
def rewraps(task: str) -> None:
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    print(f"{task} \u5317\u4eac")
    sys.stdout.write(f"{task} left unflushed\n")


@odd("detached")
def rewraps_detached(task: str) -> None:
    bottom = sys.stdout.detach()  # type: ignore[union-attr]  # it is one, as everywhere
    sys.stdout = io.TextIOWrapper(bottom, encoding="utf-8", line_buffering=False)
    print(f"{task} detached")


@odd("by a writer", "still here")
def uses_a_writer(task: str) -> None:
    sys.stdout = codecs.getwriter("utf-8")(sys.stdout.buffer)
    print(f"{task} by a writer")
    sys.stdout = sys.__stdout__
    print(f"{task} still here")


@odd("dropped", "after it")
def drops_a_wrapper(task: str) -> None:
    wrapper = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
    wrapper.write(f"{task} dropped\n")
    del wrapper
    print(f"{task} after it")


together = threading.Barrier(2)


@odd("outside", "caught inside")
def redirects(task: str) -> None:
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.05)
        print("inside")
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.05)
    print(f"{task} outside")
    print(f"{task} caught {caught.getvalue()}", end="")


@odd("\u5317\u4eac")
def bytes_in_pieces(task: str) -> None:
    for byte in f"{task} \u5317\u4eac\n".encode():
        sys.stdout.buffer.write(bytes([byte]))
        sys.stdout.flush()


@odd("reconfigured", "a", "b")
def reconfigures(task: str) -> None:
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=False, write_through=False)  # type: ignore[union-attr]  # as above
    assert sys.stdout.name == "<stdout>"
    assert sys.stdout.mode == "w"
    assert not sys.stdout.isatty()
    assert isinstance(sys.stdout, io.TextIOWrapper)
    print(f"{task} reconfigured")
    sys.stdout.writelines([f"{task} a\n", f"{task} b\n"])


@odd("stdout", "bytes", "writer", "text", "logged", "original")
def uses_early_streams(task: str) -> None:
    print(f"{task} stdout", file=STDOUT)
    BYTES.write(f"{task} bytes\n".encode())
    WRITER.write(f"{task} writer\n")
    TEXT.write(f"{task} text\n")
    LOG.warning("%s logged", task)
    print(f"{task} original", file=sys.__stdout__)


@odd("before", "after")
def closes_stdout(task: str) -> None:
    print(f"{task} before")
    sys.stdout.close()
    with contextlib.suppress(ValueError):
        print(f"{task} after")


@odd("before", "after")
def closes_descriptors(task: str) -> None:
    print(f"{task} before")
    os.closerange(3, 1000)
    with Path(os.devnull).open("w") as first, Path(os.devnull).open("w") as second:
        print(f"{task} after")
        first.write("")
        second.write("")


@odd("program", "given", "by descriptor", "errors too", "parent")
def runs_programs(task: str) -> None:
    subprocess.run(["echo", f"{task} program"], check=True)
    subprocess.run(["echo", f"{task} given"], stdout=sys.stdout, check=True)
    os.write(sys.stdout.fileno(), f"{task} by descriptor\n".encode())
    command = f"echo {task} errors too >&2"
    subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.STDOUT, stdout=sys.stdout, check=True)
    print(f"{task} parent")


THREADS = concurrent.futures.ThreadPoolExecutor(2)


@odd("in a pool of all", "in a pool of all", "forked in its thread")
def uses_a_pool_of_threads(task: str) -> None:
    texts = [THREADS.submit(print, f"{task} in a pool of all") for _ in range(2)]
    for text in texts:
        text.result()

    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            print(f"{task} forked in its thread")
            os._exit(0)
        wait_for(pid)

    THREADS.submit(fork).result()


@odd("7")
def shares_memory(task: str) -> None:
    with mmap.mmap(-1, 4096) as memory:
        pid = os.fork()
        if pid == 0:
            memory[0] = 7
            return
        wait_for(pid)
        print(f"{task} {memory[0]}")


@odd("armed")
def leaves_fault_handler(task: str) -> None:
    faulthandler.enable(file=sys.stderr)
    print(f"{task} armed")


@odd("clean", "left")
def leaves_its_process_odd(task: str) -> None:
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert "ODD" not in os.environ
    assert Path("sdk_jobs.py").exists()
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
    umask = os.umask(0o777)
    assert umask != 0o777
    print(f"{task} clean")
    os.environ["ODD"] = "1"
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    print(f"{task} left")


# The neighbours in their threads would lose their pipes, too.
alone.update({"leaves_its_process_odd", "closes_descriptors"})
no_loop.update({"closes_descriptors"})


def run_odd_job(context: ShardingContext) -> None:
    job = jobs[context.job_name.partition("-")[0]]
    assert current_task().task_id == context.task_id
    job(context.task_id)


async def run_odd_job_async(context: ShardingContext) -> None:
    await asyncio.sleep(0)
    run_odd_job(context)


if __name__ == "__main__":
    names = dict.fromkeys(jobs, run_odd_job)
    JobBootstrap.execute({**names, **{f"{name}-async": run_odd_job_async for name in jobs}})
