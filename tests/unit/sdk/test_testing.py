"""The helper for the tests of job authors, and the routing below it."""

import asyncio
import io
import logging
import sys
import threading
from collections.abc import Awaitable

import pytest

from elasticjob_cloud import JobListener, ShardingContext, StartError
from elasticjob_cloud.sdk.streams.routed import OwnStream, RoutedBuffer, RoutedRaw
from elasticjob_cloud.testing import run_shard


def test_output_and_context_are_given_back() -> None:
    def job(context: ShardingContext) -> None:
        print(context.sharding_item, context.sharding_total_count, context.sharding_parameter)
        print(context.job_name, context.job_parameter, context.props["k"], file=sys.stderr)

    result = run_shard(
        job, item=1, total_count=3, parameter="p", job_parameter="j", job_name="n", props={"k": "v"}
    )
    assert result.success
    assert result.stdout == "1 3 p\n"
    assert result.stderr == "n j v\n"


def test_exception_is_a_result() -> None:
    result = run_shard(lambda context: sys.exit(3))
    assert isinstance(result.exception, SystemExit)
    assert not result.success


def test_async_job_runs_to_its_end() -> None:
    async def job(context: ShardingContext) -> None:
        await asyncio.sleep(0)
        print("done")

    assert run_shard(job).stdout == "done\n"


class Heard(JobListener):
    pass


@pytest.mark.parametrize("listeners", [[], [Heard]])
def test_coroutine_that_nobody_awaits_is_a_failure(listeners: list[type[JobListener]]) -> None:
    """Of an `async def` behind a decorator that is none, nothing runs."""

    async def job(context: ShardingContext) -> None:
        pytest.fail("ran")

    def decorated(context: ShardingContext) -> Awaitable[None]:
        return job(context)

    failure = run_shard(decorated, listeners=listeners).exception
    assert isinstance(failure, TypeError)
    assert "async def" in str(failure)


def test_threads_bytes_and_logs_belong_to_the_shard() -> None:
    def job(context: ShardingContext) -> None:
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()
        sys.stdout.buffer.write(b"bytes\n")
        sys.stdout.writelines(["two\n", "lines\n"])
        sys.stdout.flush()
        logging.getLogger("my.job").info("logged")

    result = run_shard(job)
    assert result.stdout == "from a thread\nbytes\ntwo\nlines\n"
    assert result.stderr.endswith("INFO my.job: logged\n")


def test_bytes_can_be_written_after_a_job_has_closed_the_buffer() -> None:
    def job(context: ShardingContext) -> None:
        sys.stdout.buffer.close()
        assert not sys.stdout.buffer.closed
        sys.stdout.buffer.write(b"bytes\n")

    assert run_shard(job).stdout == "bytes\n"


def test_buffer_that_outlives_the_processes_own_stream_ends_silently() -> None:
    """Python closes it when it collects it, and from 3.13 on prints what goes wrong then."""
    own = io.TextIOWrapper(io.BytesIO())
    buffer = RoutedBuffer(RoutedRaw(OwnStream("stdout", own)))
    own.close()
    buffer.close()


def test_all_is_as_it_was_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr, threading.Thread.start, logging.getLogger().level
    run_shard(lambda context: sys.stdout.close())
    assert (sys.stdout, sys.stderr, threading.Thread.start, logging.getLogger().level) == before
    print("visible")
    assert capsys.readouterr().out == "visible\n"


def test_writing_what_is_no_text_is_refused_as_ever() -> None:
    def job(context: ShardingContext) -> None:
        sys.stdout.write(b"x")  # type: ignore[arg-type]  # on purpose

    result = run_shard(job)
    assert isinstance(result.exception, TypeError)


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(StartError):
        run_shard(5)  # type: ignore[arg-type]  # on purpose
