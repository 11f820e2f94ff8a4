"""Keep what tells a database from a restored copy of it, and each scheduler's Ray cluster.

Revision 0006. A scheduler of an earlier version neither reads nor writes these columns. A term that it leads has no
token: agents judge it, and the term after it, by the epoch alone, as before.
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing, zero = sa.text("''"), sa.text("0")
    op.add_column("lease", sa.Column("database_id", sa.Text(), nullable=False, server_default=nothing))
    op.add_column("lease", sa.Column("terms", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("lease", sa.Column("renewals", sa.BigInteger(), nullable=False, server_default=zero))
    op.add_column("lease", sa.Column("load_mark", sa.BigInteger(), nullable=False, server_default=zero))
    op.add_column("scheduler", sa.Column("cluster_id", sa.Text(), nullable=False, server_default=nothing))
    op.execute(sa.text("UPDATE lease SET database_id = :made").bindparams(made=uuid4().hex))
