"""Answers questions about a task's output (`model/queries/logs.py`). May take seconds: call it in a thread."""

import time
from collections.abc import Callable

import msgspec

from elasticjob_cloud.agent.reporting.logs.generation import generation_of
from elasticjob_cloud.agent.reporting.logs.merge import StreamPart, last_lines, merge_parts
from elasticjob_cloud.agent.reporting.logs.search import StreamSearch
from elasticjob_cloud.agent.reporting.logs.tail import tail_offset
from elasticjob_cloud.agent.reporting.output import OutputStore
from elasticjob_cloud.model.messages import LogChunk
from elasticjob_cloud.model.output.kept_output import kept_end, read_kept
from elasticjob_cloud.model.output.output_file import STREAMS, StreamName
from elasticjob_cloud.model.output.output_order import read_order
from elasticjob_cloud.model.queries.log_pattern import make_finder
from elasticjob_cloud.model.queries.logs import (
    BOTH,
    LogHit,
    LogHits,
    LogPieces,
    LogQuestion,
    LogRead,
    LogReadBoth,
    LogReply,
    LogSearch,
)

SEARCH_SECONDS = 2.0
_BETWEEN = "~"  # the generations of the two streams


class LogAnswers:
    """Answers from the files of one agent. `known`: the task need not have printed; `ended`: no more output will come."""

    def __init__(self, outputs: OutputStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._outputs = outputs
        self._clock = clock

    def answer(self, question: LogQuestion, *, known: bool, ended: bool) -> LogReply:
        """Read or search.

        Raises:
            NotFoundError: there is no such stream, or its output is not kept (any more).
            InvalidRequestError: what to search for is no regular expression.
            OSError: the output cannot be read.
        """
        match question:
            case LogRead():
                return self.read(question, known=known, ended=ended)
            case LogReadBoth():
                return self._read_both(question, known=known, ended=ended)
            case LogSearch():
                return self._search(question, known=known, ended=ended)

    def read(self, question: LogRead, *, known: bool, ended: bool) -> LogChunk:
        """Read one stream; raises as `answer` does."""
        stream, path = question.stream, f"{self._outputs.base_path(question.task_id)}.{question.stream}"
        offset, generation = question.offset, ""
        if stream in STREAMS:
            generation = generation_of(path, question.generation)
            if question.tail:
                offset = tail_offset(path, question.tail, question.limit)
            elif _has_begun_again(question.generation, generation):
                offset = 0
        chunk = self._outputs.read(question.task_id, stream, offset, question.limit, known=known, ended=ended)
        if question.tail:
            chunk = _beyond_its_file(path, chunk, question.limit)
        return msgspec.structs.replace(chunk, generation=generation)

    def _read_both(self, question: LogReadBoth, *, known: bool, ended: bool) -> LogPieces:
        base = self._outputs.base_path(question.task_id)
        parts = [
            self._part(question, stream, offset, generation, ended=ended)
            for stream, offset, generation in zip(
                STREAMS,
                (question.offset, question.stderr_offset),
                f"{question.generation}{_BETWEEN}".split(_BETWEEN),
                strict=False,
            )
        ]
        stdout, stderr = parts
        if not known and not any(part.chunk.generation for part in parts):
            self._outputs.refuse(question.task_id)
        # Turns are noted before the bytes that follow them, so they are read after the bytes.
        turns = read_order(base)
        for stream, part in zip(STREAMS, parts, strict=True):
            part.grown_to(kept_end(f"{base}.{stream}"))
        pieces = merge_parts(stdout, stderr, turns)
        return LogPieces(
            last_lines(pieces, question.tail) if question.tail else pieces,
            stdout.next_offset,
            stderr.next_offset,
            stdout.chunk.size,
            stderr.chunk.size,
            ended,
            stdout.chunk.truncated or stderr.chunk.truncated,
            _BETWEEN.join(part.chunk.generation for part in parts),
        )

    def _part(
        self, question: LogReadBoth, stream: StreamName, offset: int, generation: str, *, ended: bool
    ) -> StreamPart:
        read = LogRead(question.task_id, stream, offset, question.limit, question.tail, generation)
        path = f"{self._outputs.base_path(question.task_id)}.{stream}"
        chunk = _beyond_its_file(path, self.read(read, known=True, ended=ended), question.limit)
        return StreamPart(stream, chunk.offset - chunk.missing, chunk)

    def _search(self, question: LogSearch, *, known: bool, ended: bool) -> LogHits:
        find = make_finder(question.text, is_regex=question.is_regex)
        base = self._outputs.base_path(question.task_id)
        streams = [name for name in STREAMS if question.stream in (name, BOTH)]
        if not known and not any(generation_of(f"{base}.{stream}", "") for stream in streams):
            self._outputs.refuse(question.task_id)
        deadline = self._clock() + SEARCH_SECONDS
        hits: list[LogHit] = []
        searched_bytes, offset = 0, question.offset
        for stream in streams:
            search = StreamSearch(f"{base}.{stream}", stream, offset, find, lambda: self._clock() >= deadline)
            hits += search.run(question.limit - len(hits))
            searched_bytes += search.searched_bytes
            if not search.is_complete:
                return LogHits(tuple(hits), searched_bytes, stream, search.position, ended)
            offset = 0
        return LogHits(tuple(hits), searched_bytes, "", 0, ended)


def _has_begun_again(known: str, generation: str) -> bool:
    return bool(known) and known != generation


def _beyond_its_file(path: str, chunk: LogChunk, limit: int) -> LogChunk:
    """Add what follows in the next files of the stream, so that no line is divided where one file ends."""
    content, cut = chunk.content, chunk.cut
    while 0 < len(content) < limit and not cut:
        end = chunk.offset + len(content)
        part = read_kept(path, end, limit - len(content))
        if not part.content or part.offset != end or end >= chunk.size:
            break
        content, cut = content + part.content, part.cut
    return msgspec.structs.replace(
        chunk, content=content, cut=cut, size=max(chunk.size, chunk.offset + len(content))
    )
