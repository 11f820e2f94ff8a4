"""The URL that names a database: what cannot be used is refused before anything is opened, and no password is shown."""

import pytest

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store import SqlStore

A_FILE = "sqlite:////var/lib/elasticjob/cloud.db"
A_SERVER = "postgresql://user:password@host:5432/database"


@pytest.mark.parametrize(
    "url, example",
    [
        ("", A_FILE),
        ("cloud.db", A_FILE),
        ("sqlite://", A_FILE),
        ("sqlite:///:memory:", A_FILE),
        ("sqlite:///file:x", A_FILE),
        ("mysql://root:secret@localhost/cloud", A_FILE),
        ("postgresql+asyncpg://me:secret@host/db", A_SERVER),
        ("postgresql://me:secret@host:port/db", A_SERVER),
    ],
)
def test_a_url_that_names_no_usable_database_is_refused_with_an_example_and_without_its_password(
    url: str, example: str
) -> None:
    with pytest.raises(StartError) as raised:
        SqlStore(url)
    assert example in str(raised.value)
    assert "secret" not in str(raised.value)
