"""What all tables are made of: their kinds of columns, and their keys and indexes."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy.schema import SchemaItem

# SQLite numbers rows by itself only where the type is exactly INTEGER.
ID: Final = BigInteger().with_variant(Integer, "sqlite")


metadata: Final = MetaData()


def text_column(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def later_text(name: str) -> Column[str]:
    """Make a column that came with a later schema: earlier versions write rows without it."""
    return Column(name, Text, nullable=False, server_default=text("''"))


def later_number(name: str, default: int = 0) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text(str(default)))


def time_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def count_column(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def number_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def truth_column(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


def amount_column(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


def keyed_by_text(name: str, *items: SchemaItem) -> Table:
    # One B-tree rather than two: the rows lie in the order of their key.
    return Table(name, metadata, *items, sqlite_with_rowid=False)


def index(name: str, *columns: Column[Any] | TextClause, where: str | None = None) -> None:
    condition = None if where is None else text(where)
    Index(name, *columns, sqlite_where=condition, postgresql_where=condition)
