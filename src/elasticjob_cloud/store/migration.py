"""Brings a database's schema to this version of the code.

Alembic is run from code, so that there is nothing to configure, and in one transaction: two schedulers that start at
once migrate one after the other, and one that dies on the way leaves the schema as it was.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store.databases.database import Database
from elasticjob_cloud.store.databases.sqlite.connection import MIGRATES
from elasticjob_cloud.store.tables import metadata

SCHEMA_REVISION: Final = "0008"
REVISIONS_DIRECTORY: Final = Path(__file__).parent / "migrations"


def migrate_database(database: Database) -> None:
    with database.reader.connect() as connection:
        if current_revision(connection) == SCHEMA_REVISION:
            return
    with database.writer.execution_options(**{MIGRATES: True}).begin() as connection:
        database.begin_migration(connection)
        _upgrade(connection, SCHEMA_REVISION)


def current_revision(connection: Connection) -> str | None:
    """Give the schema's revision, or None for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


def _upgrade(connection: Connection, target: str) -> None:
    # Imported here: an up-to-date database, the usual case, does not wait for it.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext, RevisionStep  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(REVISIONS_DIRECTORY))
    revision = current_revision(connection)
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        raise StartError(
            f"The database has the schema {revision!r}, which this version (schema {SCHEMA_REVISION!r}) does not know. "
            "A newer version wrote it, or another program: start that one, or restore a backup made before the upgrade."
        )

    strangers = set() if revision else set(inspect(connection).get_table_names()) & set(metadata.tables)
    if strangers:
        raise StartError(
            f"The database holds tables of another program: {', '.join(sorted(strangers))}. Give the scheduler its own."
        )

    def steps(revisions: tuple[str, ...], _: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs(target, revisions)  # type: ignore[arg-type]  # noqa: SLF001 - as `alembic upgrade` does

    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev=target) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
