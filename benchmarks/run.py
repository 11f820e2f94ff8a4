"""Run all benchmarks, one after another, each in a process of its own (`make bench`).

Each can be run alone, with options of its own: see `--help` of the files beside this one.
"""

import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Run them; the exit code is 1 if one failed."""
    failed = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"==> {path.name}", flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, str(path)], check=False).returncode:
            failed.append(path.name)
        print(f"    ({time.monotonic() - started:.0f} s)\n", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
