"""How often the long tests play all odd jobs: five times in CI, fifty by `make odd-jobs`."""

import os

LONG_ROUNDS = int(os.environ.get("ODD_ROUNDS", "5"))
