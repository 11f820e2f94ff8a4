"""Schedulers and agents: who leads, what all share, and what of each agent is recorded."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Table, Text, text

from elasticjob_cloud.store.tables.columns import keyed_by_text, metadata, text_column, time_column

# Up to which batch the events of each agent with tasks are recorded.
agent_sequence: Final = keyed_by_text(
    "agent_sequence",
    text_column("agent_id", primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

lease: Final = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    text_column("scheduler_id"),
    time_column("expires_ms"),
    Column("lost_ms", BigInteger, nullable=False, server_default=text("0")),
    # The database's identity, and its terms as JSON (`model/lineage.py`), the latest one's renewals apart.
    Column("database_id", Text, nullable=False, server_default=text("''")),
    Column("terms", Text, nullable=False, server_default=text("'[]'")),
    Column("renewals", BigInteger, nullable=False, server_default=text("0")),
    Column("load_mark", BigInteger, nullable=False, server_default=text("0")),
)

scheduler: Final = keyed_by_text(
    "scheduler",
    text_column("scheduler_id", primary_key=True),
    text_column("address"),
    time_column("forget_ms"),
    Column("cluster_id", Text, nullable=False, server_default=text("''")),
)

# What all schedulers must have in common and nobody else may know: the key that signs access tokens.
secret: Final = keyed_by_text("secret", text_column("name", primary_key=True), text_column("value"))

# `next_fire_id` never goes back, whatever is pruned; the others count the rows of the trace tables, which no database
# counts quickly.
counter: Final = keyed_by_text(
    "counter", text_column("name", primary_key=True), Column("value", BigInteger, nullable=False)
)
