"""Keep after how long without a word the agents of the running tasks are lost.

Revision 0004. A scheduler of 0003 neither reads nor writes it, and goes by its own settings, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lease", sa.Column("lost_ms", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
