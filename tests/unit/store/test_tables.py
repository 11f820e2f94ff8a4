"""The tables have room for all that the core records."""

import msgspec
import pytest
from sqlalchemy import Table

from elasticjob_cloud.model.records import FailoverRecord, FireRecord, TaskRecord
from elasticjob_cloud.store import tables


@pytest.mark.parametrize(
    "record, table",
    [(FireRecord, tables.fire), (TaskRecord, tables.task), (FailoverRecord, tables.failover)],
    ids=["fire", "task", "failover"],
)
def test_each_field_of_a_record_has_a_column(record: type[msgspec.Struct], table: Table) -> None:
    columns = {column.name for column in table.columns}
    assert set(record.__struct_fields__) == columns - {"run_source"}  # the other half of `source`
