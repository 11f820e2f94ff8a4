"""The schema's revisions, which Alembic finds in `versions`. One that was released is never edited."""
