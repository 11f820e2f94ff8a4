"""Keep secrets that all schedulers share.

Revision 0003. A scheduler of 0002 does not look at this table, and never runs beside this one: 0002 knows SQLite alone,
and a scheduler locks its SQLite file for itself before it looks at the schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )
