"""The database: tables, migrations, load and commit, leader lease, history."""

from elasticjob_cloud.store.contract import SchedulerRow, Store
from elasticjob_cloud.store.sql_store import SqlStore

__all__ = ["SchedulerRow", "SqlStore", "Store"]
