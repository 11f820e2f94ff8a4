"""What a question about the list of jobs asks for."""

import pytest

from elasticjob_cloud.model.queries.jobs import JobFilter, JobOrder, JobSort, JobState

_RESULTS = {JobState.SUCCEEDED, JobState.FAILED, JobState.KILLED, JobState.DROPPED}


@pytest.mark.parametrize("state", JobState)
def test_last_results_are_asked_for_by_the_states_that_are_results(state: JobState) -> None:
    assert JobFilter(state=state).asks_for_result is (state in _RESULTS)


@pytest.mark.parametrize("sort", JobSort)
@pytest.mark.parametrize("descending", [False, True])
def test_last_results_are_asked_for_by_the_orders_that_compare_them(sort: JobSort, descending: bool) -> None:
    asks = JobOrder(sort, descending).asks_for_result
    assert asks is (sort in {JobSort.STATE, JobSort.LAST_RUN})


def test_filter_is_empty_unless_one_of_its_parts_is_given() -> None:
    assert JobFilter().is_empty
    assert not JobFilter().asks_for_result
    for given in (JobFilter(search="a"), JobFilter(app_name="a"), JobFilter(state=JobState.ENABLED)):
        assert not given.is_empty
