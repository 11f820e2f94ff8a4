"""Secrets that all schedulers of a database share."""

import threading
from collections.abc import Iterator

import pytest

from tests.contract.store.factories import STORE_FACTORIES, StoreOpener


@pytest.fixture(params=sorted(STORE_FACTORIES))
def open_store(request: pytest.FixtureRequest) -> Iterator[StoreOpener]:
    with STORE_FACTORIES[request.param]() as opener:
        yield opener


def test_the_first_proposal_is_kept_and_given_to_everybody(open_store: StoreOpener) -> None:
    first, second = open_store(), open_store()
    assert first.secret("key", "mine") == "mine"
    assert second.secret("key", "another") == "mine"
    assert first.secret("key", "a third") == "mine"
    assert second.secret("other key", "another") == "another"


def test_a_secret_outlives_those_who_asked_for_it(open_store: StoreOpener) -> None:
    store = open_store()
    assert store.secret("key", "kept") == "kept"
    store.close()
    assert open_store().secret("key", "new") == "kept"


def test_all_that_ask_at_once_are_given_the_same_secret(open_store: StoreOpener) -> None:
    stores = [open_store() for _ in range(4)]
    start = threading.Barrier(len(stores))
    answers: list[str] = [""] * len(stores)

    def ask(number: int) -> None:
        start.wait()
        answers[number] = stores[number].secret("key", f"proposal {number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(answers)) == 1
    assert answers[0].startswith("proposal")
