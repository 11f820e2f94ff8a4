"""`make chaos SEED=1 MINUTES=5`: faults by the dice until the time is over, and whether the promises held.

As root, on Linux: `python -m tests.chaos.run --seed 1 --minutes 5`. With `--fault WORDS` only those whose name has the
words, each once; `--all`: each fault once. Exit code 1 when a promise was broken: the history is then kept in the
directory that is named.
"""

import argparse
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.hosts import isolation
from tests.chaos.hosts.hosts import Network
from tests.chaos.hosts.workplace import kept, workplace
from tests.chaos.table import markdown_table
from tests.chaos.trial import Trial


def main() -> int:
    arguments = _arguments()
    problem = isolation.missing()
    if problem:
        print(f"chaos cannot run here: {problem}", file=sys.stderr)
        return 2
    if not isolation.is_inside():
        return isolation.enter("tests.chaos.run")
    try:
        with workplace() as directory:
            return 1 if _run_in(directory, arguments) else 0
    except KeyboardInterrupt:
        print("interrupted; all is taken down", file=sys.stderr)
        return 130


def _run_in(directory: Path, arguments: argparse.Namespace) -> list[str]:
    began = time.monotonic()
    keep = kept(directory, arguments.seed)
    with Network(directory) as network:
        try:
            with Cluster(network) as cluster:
                _say(f"the cluster is up after {time.monotonic() - began:.1f} s; seed {arguments.seed}")
                return _run(cluster, arguments, keep)
        except Exception:
            _say(f"logs are kept in {keep}")
            shutil.copytree(directory / "logs", keep / "logs", dirs_exist_ok=True)
            raise


def _run(cluster: Cluster, arguments: argparse.Namespace, keep: Path) -> list[str]:
    with Trial(cluster, arguments.seed, _say) as trial:
        try:
            for fault in _faults(arguments):
                trial.settle()
                trial.put_through(fault)
                if trial.outcomes[-1].problems and not arguments.go_on:
                    break
            problems = [problem for outcome in trial.outcomes for problem in outcome.problems]
            problems += trial.end()
        except Exception:
            trial.keep(keep)
            raise
        if problems or arguments.keep:
            trial.keep(keep)
            _say(f"the history is kept in {keep}")
        _say("\n" + markdown_table(trial.outcomes))
        _say(
            "\n".join(f"BROKEN {problem}" for problem in dict.fromkeys(problems)) or "No promise was broken."
        )
    return problems


def _faults(arguments: argparse.Namespace) -> Iterator[Fault]:
    chosen = [fault for fault in FAULTS if any(words in fault.name for words in arguments.fault or [""])]
    if arguments.fault or arguments.all:
        yield from chosen
        return
    dice = random.Random(arguments.seed)
    deadline = time.monotonic() + arguments.minutes * 60
    while time.monotonic() < deadline:
        for fault in dice.sample(chosen, len(chosen)):
            if time.monotonic() >= deadline:
                return
            yield fault


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long faults are injected")
    parser.add_argument("--fault", action="append", help="only faults whose name has these words, each once")
    parser.add_argument("--all", action="store_true", help="each fault once, whatever time it takes")
    parser.add_argument("--go-on", action="store_true", help="go on after a broken promise")
    parser.add_argument("--keep", action="store_true", help="keep the history although no promise was broken")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
