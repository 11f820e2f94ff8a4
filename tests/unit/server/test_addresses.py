"""Under which address a scheduler tells the others to reach it."""

import socket

import pytest

from elasticjob_cloud.server.addresses import advertised_url

_DATABASE = "postgresql://user:secret@127.0.0.1:5433/cloud"


@pytest.mark.parametrize(
    "host, url",
    [
        ("10.1.2.3", "http://10.1.2.3:8899"),
        ("scheduler-1", "http://scheduler-1:8899"),
        ("::1", "http://[::1]:8899"),
        ("[::1]", "http://[::1]:8899"),
    ],
)
def test_address_that_it_listens_on_is_told(host: str, url: str) -> None:
    assert advertised_url(host, 8899, _DATABASE) == url


@pytest.mark.parametrize(
    "database",
    [
        "postgres://user:sec@ret@127.0.0.1:5433/cloud\n",
        "postgresql://user:secret@127.0.0.1:1,127.0.0.2:2/cloud",
        "postgresql://user@/cloud?host=127.0.0.1,127.0.0.2",
    ],
)
def test_the_databases_address_is_found_in_every_kind_of_url(database: str) -> None:
    assert advertised_url("0.0.0.0", 8899, database) == "http://127.0.0.1:8899"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_on_every_address_the_one_towards_the_database_is_told(host: str) -> None:
    assert advertised_url(host, 8899, _DATABASE) == "http://127.0.0.1:8899"


@pytest.mark.parametrize(
    "database", ["sqlite:////var/lib/cloud.db", "postgresql:///cloud", "postgresql://u@/cloud?host=/run/pg"]
)
def test_machines_name_is_told_where_the_database_has_no_address(database: str) -> None:
    assert advertised_url("0.0.0.0", 8899, database) == f"http://{socket.gethostname()}:8899"
