"""A process of its own for the tests of the store: `python -m tests.integration.store.store_committer MODE URL`.

`commit` writes one run after another, and says each one's number when it is durable, until somebody ends it.
`compete` asks for the lease when a line comes in, and says the epoch that it got, or 0.
`freeze` freezes itself (SIGSTOP) when all rows of a commit are written and COMMIT is not sent; when it goes on, it says
what came of it, then what comes of a second commit. `freeze-pruning` does so where it prunes the history.
`narrow` commits while its files may not grow, and again when they may.
"""

import os
import resource
import signal
import sys
from typing import Any

from sqlalchemy import event

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples


def one_run(number: int) -> Changes:
    """A fire with three tasks, a trace and an execution for each: seven rows in five tables that belong together."""
    names = [f"{number}-{item}" for item in range(3)]
    return Changes(
        fires={number: samples.fire(number)},
        tasks={name: samples.task(name, number) for name in names},
        status_traces=[samples.status_trace(name) for name in names],
        executions=[samples.execution(name) for name in names],
    )


def say(text: object) -> None:
    print(text, flush=True)


def commit(store: SqlStore) -> None:
    epoch = store.acquire_lease("committer", "", 60, steal=True)
    assert epoch is not None
    number = store.load().next_fire_id
    while True:
        assert store.commit(epoch, one_run(number))
        say(number)
        number += 1


def compete(store: SqlStore) -> None:
    say("ready")
    sys.stdin.readline()
    say(store.acquire_lease(f"competitor-{sys.argv[3]}", "", 60) or 0)


def freeze_at_commit(store: SqlStore) -> None:
    def stop(_: Any) -> None:
        say("freezing")
        os.kill(os.getpid(), signal.SIGSTOP)

    event.listen(store._database.writer, "commit", stop, once=True)


def freeze(store: SqlStore) -> None:
    epoch = store.acquire_lease("frozen", "", float(sys.argv[3]))
    assert epoch is not None
    freeze_at_commit(store)
    try:
        say(store.commit(epoch, one_run(1)))
    except StoreUnavailableError as error:
        say(f"unavailable, outcome unknown: {error.outcome_unknown}")
    say(store.commit(epoch, one_run(2)))


def freeze_pruning(store: SqlStore) -> None:
    epoch = store.acquire_lease("frozen", "", float(sys.argv[3]))
    assert epoch is not None
    assert store.commit(epoch, one_run(1))
    freeze_at_commit(store)
    try:
        say(store.prune_history(2**62, 1000))
    except StoreUnavailableError as error:
        say(f"unavailable, outcome unknown: {error.outcome_unknown}")


def narrow(store: SqlStore) -> None:
    epoch = store.acquire_lease("narrow", "", 60)
    assert epoch is not None
    assert store.commit(epoch, one_run(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        store.commit(epoch, one_run(2))
    except StoreUnavailableError as error:
        say(error.outcome_unknown)
        say(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    say([fire.fire_id for fire in store.load().fires])
    say(store.commit(epoch, one_run(3)))
    say([fire.fire_id for fire in store.load().fires])


MODES = {
    "commit": commit,
    "compete": compete,
    "freeze": freeze,
    "freeze-pruning": freeze_pruning,
    "narrow": narrow,
}


def main() -> None:
    store = SqlStore(sys.argv[2])
    store.migrate()
    MODES[sys.argv[1]](store)
    store.close()


if __name__ == "__main__":
    main()
