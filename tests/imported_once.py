"""All that a scheduler imports and makes only once it runs: `tests/forks.py` has it ready before schedulers are forked.

Nothing else imports this module: test processes would take as long to begin.
"""

import gc
import importlib

from elasticjob_cloud.store import SqlStore

LATE_IMPORTS = (
    "alembic.command",
    "alembic.context",
    "anyio._backends._asyncio",
    "elasticjob_cloud.cli.commands.serve",
    "elasticjob_cloud.cli.main",
    "elasticjob_cloud.demo",
    "encodings.idna",
    "httpcore",
    "pydantic.v1",
    "uvicorn.lifespan.off",
    "uvloop",
)
for name in LATE_IMPORTS:
    importlib.import_module(name)

# The SQL text of commits. Neither database is opened.
for url in ("sqlite:////nowhere/cloud.db", "postgresql://nobody@localhost/nothing"):
    SqlStore(url)

gc.collect()
gc.freeze()  # what is here stays: no scheduler looks through it, or copies it by doing so
