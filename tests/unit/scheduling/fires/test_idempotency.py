"""Keys of triggers: which run each means, and when it is forgotten."""

from elasticjob_cloud.scheduling.state.idempotency import KEYS_HOLD_MS, IdempotencyKeys

A, B, C = ("job", "a"), ("job", "b"), ("other", "a")


def test_key_means_its_run_until_it_holds_no_more() -> None:
    keys = IdempotencyKeys({A: (1, 1_000)})
    assert keys.run_id(A, 1_000 + KEYS_HOLD_MS - 1) == 1
    assert keys.run_id(A, 1_000 + KEYS_HOLD_MS) is None
    assert keys.run_id(C, 1_000) is None, "keys are the job's"


def test_keys_that_hold_no_more_are_forgotten_as_others_come() -> None:
    keys = IdempotencyKeys()
    for run_id, (key, recorded_ms) in enumerate([(A, 0), (B, 1), (C, KEYS_HOLD_MS)]):
        keys.put(key, run_id, recorded_ms)
    assert [keys.run_id(key, 2) for key in (A, B, C)] == [None, 1, 2]

    keys.put(A, 3, 2 * KEYS_HOLD_MS)
    assert [keys.run_id(key, 2) for key in (A, B, C)] == [3, None, None], "all of them at once"


def test_key_that_is_used_again_holds_from_then_on() -> None:
    keys = IdempotencyKeys({A: (1, 0), B: (2, 10)})
    keys.put(A, 3, KEYS_HOLD_MS)
    keys.put(C, 4, KEYS_HOLD_MS + 10)
    assert [keys.run_id(key, KEYS_HOLD_MS) for key in (A, B, C)] == [3, None, 4]
