"""Channels, with their secrets. All functions want a transaction that their caller began."""

from sqlalchemy import Connection, delete, select

from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.store.alerts import rows, tables
from elasticjob_cloud.store.databases.conflicts import upsert
from elasticjob_cloud.store.databases.database import Database

_CHANNEL = tables.alert_channel


def all_channels(connection: Connection) -> list[Channel]:
    """Give all channels, by name."""
    found = connection.execute(select(_CHANNEL.c.channel).order_by(_CHANNEL.c.name)).scalars()
    return [rows.channel_of(text) for text in found]


def put_channel(connection: Connection, database: Database, channel: Channel) -> None:
    """Write a channel over the one of its name."""
    row = {"name": channel.name, "channel": rows.channel_text(channel)}
    connection.execute(upsert(database, _CHANNEL), row)


def drop_channel(connection: Connection, name: str) -> bool:
    """Delete a channel; False: there is none of this name."""
    return connection.execute(delete(_CHANNEL).where(_CHANNEL.c.name == name)).rowcount > 0
