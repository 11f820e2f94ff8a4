"""Play many seeded worlds, in parallel; print the history of the first that breaks a promise (`make simulate`)."""

import argparse
import gc
import logging
import sys
import time
import traceback
from multiprocessing import Pool

from tests.simulation.clock_changes import play_clocks_back
from tests.simulation.cluster.scenarios import play_cluster
from tests.simulation.quiet_logs import quiet_logs
from tests.simulation.scenarios import WORLDS


def _play(seed: int) -> tuple[int, str | None]:
    try:
        for play in (*WORLDS, play_clocks_back, play_cluster):
            play(seed)
    except Exception:
        return seed, traceback.format_exc()
    return seed, None


def main() -> int:
    """Play the seeds; 0 when all are clean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many worlds to play (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    options = parser.parse_args()
    logging.disable()  # what asyncio says of tasks of a crashed scheduler is no news
    quiet_logs()
    gc.freeze()  # each collection would look through all modules
    started = time.perf_counter()
    failures = 0
    with Pool() as pool:
        for seed, failure in pool.imap_unordered(_play, range(options.first, options.first + options.seeds)):
            if failure is not None:
                failures += 1
                print(f"seed {seed}: repeat with --first {seed} --seeds 1\n{failure}", file=sys.stderr)
    print(f"{options.seeds} seeds in {time.perf_counter() - started:.1f} s, {failures} with a broken promise")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
