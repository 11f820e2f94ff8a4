"""Database URLs as people write them, and what is shown of them: never any part of a password."""

import traceback

import pytest

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store.databases.url import first_address, parse_database_url, shown_name


@pytest.mark.parametrize(
    "text, user, password, shown",
    [
        ("postgresql://me:secret@host:5432/db", "me", "secret", "host:5432/db"),
        ("postgres://me:secret@host/db", "me", "secret", "host/db"),
        ("postgresql+psycopg://me:secret@host/db", "me", "secret", "host/db"),
        ("postgres+psycopg://me:secret@host/db", "me", "secret", "host/db"),
        ("PostgreSQL://me:secret@host/db", "me", "secret", "host/db"),
        ("postgresql://me:secret@host/db\n", "me", "secret", "host/db"),
        (" \t\ufeffpostgresql://me:secret@host/db\r\n", "me", "secret", "host/db"),
        ("postgresql://me@host/db", "me", None, "host/db"),
        ("postgresql://me:@host/db", "me", "", "host/db"),
        ("postgresql://host/db", None, None, "host/db"),
        ("postgresql:///db", None, None, "on this machine/db"),
        ("postgresql://", None, None, "on this machine/"),
        ("postgresql://me:secret@host", "me", "secret", "host/"),
        ("postgresql://me:secret@host?sslmode=require", "me", "secret", "host/"),
        # As it is
        ("postgresql://me:se@cret@host/db", "me", "se@cret", "host/db"),
        ("postgresql://me:@secret@@host:1/db", "me", "@secret@", "host:1/db"),
        ("postgresql://me:se/cret@host/db", "me", "se/cret", "host/db"),
        ("postgresql://me:se#cret@host/db", "me", "se#cret", "host/db"),
        ("postgresql://me:se:cret@host/db", "me", "se:cret", "host/db"),
        ("postgresql://me:se?cret@host/db", "me", "se?cret", "host/db"),
        ("postgresql://me:se/c@ret@host/db", "me", "se/c@ret", "host/db"),
        ("postgresql://me:se%cret@host/db", "me", "se%cret", "host/db"),
        ("postgresql://me:se+cret@host/db", "me", "se+cret", "host/db"),
        # Encoded
        ("postgresql://m%40e:%40%2F%3A%3F%23%25@host/db", "m@e", "@/:?#%", "host/db"),
        ("postgresql://me:secret@host/a%20db", "me", "secret", "host/a db"),
        # In the query
        ("postgresql://me@host/db?password=secret", "me", "secret", "host/db"),
        ("postgresql://host/db?user=me&password=sec%40r%26,et", "me", "sec@r&,et", "host/db"),
        ("postgresql://you:no@host/db?user=me&password=a&password=secret", "me", "secret", "host/db"),
        # Where it is
        ("postgresql://me:secret@[::1]:5433/db", "me", "secret", "[::1]:5433/db"),
        ("postgresql://me:secret@[2001:db8::1]/db", "me", "secret", "[2001:db8::1]/db"),
        ("postgresql://me:secret@/db?host=/run/postgresql", "me", "secret", "/run/postgresql/db"),
        ("postgresql://me:secret@%2Frun%2Fpostgresql/db", "me", "secret", "/run/postgresql/db"),
        ("postgresql://me:secret@a,b/db", "me", "secret", "a,b/db"),
        ("postgresql://me:secret@a:1,[::1]:2/db", "me", "secret", "a:1,[::1]:2/db"),
        ("postgresql://me:se@cret@a:1,b/db", "me", "se@cret", "a:1,b/db"),
        ("postgresql://me:secret@/db?host=a,b&port=1,2", "me", "secret", "a:1,b:2/db"),
        ("postgresql://me:secret@/db?host=a,b&port=1", "me", "secret", "a:1,b:1/db"),
        ("postgresql://me:secret@/db?host=a&host=b", "me", "secret", "a,b/db"),
    ],
)
def test_every_way_to_write_a_servers_url_is_read(
    text: str, user: str | None, password: str | None, shown: str
) -> None:
    url = parse_database_url(text)
    assert (url.drivername.split("+")[0], url.username, url.password) == ("postgresql", user, password)
    assert shown_name(url) == shown
    if password:
        assert password not in repr(url)
        assert password not in str(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cloud.db",
        "me:secret@host/db",
        "postgresql:/me:secret@host/db",
        "postgresql://me:secret/db",  # without a host
        "postgresql://me:secret",
        "postgresql://me:pass@host:secret/db",
        "postgresql://me:pass@host:99999/secret",
        "postgresql://me:pass@host:0/secret",
        "postgresql://me:pass@ho[st:secret/db",
        "postgresql://me:sec\nret@host/db",
        "postgresql://me:sec\0ret@host/db",
        # An @ of which nobody can say where it belongs
        "postgresql://me:pass@secret/secret@host/db",
        "postgresql://me:pass@secret?secret@host/db",
        "postgresql://me:pass@host/db?password=secret@secret",
        "postgresql://host/db?password=secret@secret",
        "postgresql://host:5432/db?password=secret@secret",
        "postgresql://host/db@secret",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(StartError) as raised:
        parse_database_url(text)
    assert raised.value.__context__ is None, "what failed before shows parts of the URL"
    shown = "".join(traceback.format_exception(raised.value)).partition("StartError:")[2]
    for part in ("secret", "pass@", "ret@", "me:"):
        assert part not in shown


@pytest.mark.parametrize(
    "text, address",
    [
        ("postgresql://host/db", ("host", None)),
        ("postgresql://a:1,b:2/db", ("a", 1)),
        ("postgresql:///db?host=a,b&port=1,2", ("a", 1)),
        ("postgresql:///db?host=/run/pg", ("/run/pg", None)),
        ("postgresql:///db", (None, None)),
        ("sqlite:////cloud.db", (None, None)),
    ],
)
def test_the_first_of_several_addresses_is_given(text: str, address: tuple[str | None, int | None]) -> None:
    assert first_address(parse_database_url(text)) == address


def test_a_file_keeps_its_name() -> None:
    assert parse_database_url("sqlite:////a dir/b@c.db\n").database == "/a dir/b@c.db"
    assert parse_database_url("sqlite:////a%3Fb%25.db").database == "/a?b%.db"
    assert parse_database_url("SQLite:///x.db").drivername == "sqlite"
