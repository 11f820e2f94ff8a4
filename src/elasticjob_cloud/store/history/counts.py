"""How many rows of a trace table fall into each hour and minute: totals, and where a deep page begins."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from elasticjob_cloud.store.tables import SPANS_MS

_ROWS: Final = 1  # the span of what is counted row by row


class Start(msgspec.Struct, frozen=True):
    """Where to look for a row: from this time on (in the order of the page), after leaving out so many rows."""

    time_ms: int
    skipped: int


class _Segment(msgspec.Struct, frozen=True):
    """A part of an interval, made of whole spans: from `start_ms` until before `end_ms`; None: without a bound."""

    span_ms: int
    start_ms: int | None
    end_ms: int | None


class CountedRows:
    """The rows of a trace table that match conditions on counted columns, in an interval of time.

    The counts know whole hours and whole minutes. The rows of a minute that the interval cuts are counted one by one.
    """

    def __init__(
        self,
        connection: Connection,
        counts: Table,
        rows_time: Column[Any],
        filters: Sequence[tuple[str, Any]],
        interval: tuple[int | None, int | None],
    ) -> None:
        self._connection = connection
        self._counts = counts
        self._rows_time = rows_time
        self._filters = filters
        first_ms, last_ms = interval
        end_ms = None if last_ms is None else last_ms + 1
        self._segments = list(_split(SPANS_MS, first_ms, end_ms))
        self._sizes = [self._count(segment) for segment in self._segments]

    def total(self) -> int:
        """Give how many rows match."""
        return sum(self._sizes)

    def seek(self, offset: int, *, ascending: bool) -> Start:
        """Give where the row lies that comes after so many others; there must be one."""
        parts = list(zip(self._segments, self._sizes, strict=True))
        skipped = 0
        for segment, size in parts if ascending else reversed(parts):
            if skipped + size > offset:
                return self._seek_within(segment, skipped, offset, ascending=ascending)
            skipped += size
        raise AssertionError((offset, self._sizes))

    def _seek_within(self, segment: _Segment, skipped: int, offset: int, *, ascending: bool) -> Start:
        while segment.span_ms != _ROWS:
            finer_ms = max((span for span in SPANS_MS if span < segment.span_ms), default=_ROWS)
            start_ms, before = self._find(segment, offset - skipped, ascending=ascending)
            skipped += before
            segment = _Segment(finer_ms, start_ms, start_ms + segment.span_ms)
        edge_ms = segment.start_ms if ascending else segment.end_ms
        assert edge_ms is not None
        return Start(edge_ms if ascending else edge_ms - 1, skipped)

    def _find(self, segment: _Segment, offset: int, *, ascending: bool) -> tuple[int, int]:
        """Give the start of the span in which a row lies, and how many of the segment's rows come before the span."""
        start = self._counts.c.start_ms
        rows = func.sum(self._counts.c["count"])
        order = start.asc() if ascending else start.desc()
        running = (
            select(
                start.label("start_ms"),
                rows.label("rows"),
                func.sum(rows).over(order_by=order).label("running"),
            )
            .where(*self._conditions(segment))
            .group_by(start)
            .subquery()
        )
        found = self._connection.execute(
            select(running).where(running.c.running > offset).order_by(running.c.running).limit(1)
        ).one()
        return int(found.start_ms), int(found.running - found.rows)

    def _count(self, segment: _Segment) -> int:
        if segment.span_ms == _ROWS:
            return self._count_rows(segment)
        counted = select(func.sum(self._counts.c["count"])).where(*self._conditions(segment))
        return int(self._connection.execute(counted).scalar() or 0)

    def _conditions(self, segment: _Segment) -> list[ColumnElement[bool]]:
        start = self._counts.c.start_ms
        conditions = [self._counts.c.span_ms == segment.span_ms]
        conditions += [self._counts.c[name] == value for name, value in self._filters]
        if segment.start_ms is not None:
            conditions.append(start >= segment.start_ms)
        if segment.end_ms is not None:
            conditions.append(start < segment.end_ms)
        return conditions

    def _count_rows(self, segment: _Segment) -> int:
        rows = self._rows_time.table
        conditions = [rows.c[name] == value for name, value in self._filters]
        conditions += [self._rows_time >= segment.start_ms, self._rows_time < segment.end_ms]
        return int(
            self._connection.execute(select(func.count()).select_from(rows).where(*conditions)).scalar_one()
        )


def _split(spans_ms: Sequence[int], start_ms: int | None, end_ms: int | None) -> Iterator[_Segment]:
    """Part an interval into the longest spans that it holds wholly, and at its edges into shorter ones."""
    if start_ms is not None and end_ms is not None and start_ms >= end_ms:
        return
    if not spans_ms:
        yield _Segment(_ROWS, start_ms, end_ms)
        return
    span_ms, *finer = spans_ms
    inner_start = None if start_ms is None else -(-start_ms // span_ms) * span_ms
    inner_end = None if end_ms is None else end_ms // span_ms * span_ms
    if inner_start is not None and inner_end is not None and inner_start >= inner_end:
        yield from _split(finer, start_ms, end_ms)
        return
    if start_ms is not None:
        yield from _split(finer, start_ms, inner_start)
    yield _Segment(span_ms, inner_start, inner_end)
    if end_ms is not None:
        yield from _split(finer, inner_end, end_ms)
