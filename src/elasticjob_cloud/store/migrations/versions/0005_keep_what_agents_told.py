"""Keep up to which batch each agent's events are recorded, and what a clock that jumped left out of a job's cron.

Revision 0005. A scheduler of 0004 neither reads nor writes either table. While it leads, a batch that an agent repeats
may be recorded again, and a cron that a wrong clock silenced stays silent, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_sequence",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule_span",
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column("spans", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_name"),
        sqlite_with_rowid=False,
    )
