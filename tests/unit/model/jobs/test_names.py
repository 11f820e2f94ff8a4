"""The rules for app and job names (api.md, "How every call behaves")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.jobs.names import is_own_variable, name_problem


@pytest.mark.parametrize(
    "name",
    ["a", "my_job", "my-app.v2", "作业", "العمل", "हिन्दी", "ราคา", "Ünïcödé", "7", "_", "...a", "x" * 100],
)
def test_good_names_are_accepted(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 101,
        "a b",
        "a\tb",
        "a/b",
        "a@-@b",
        "a\0",
        "a\n",
        ".",
        "..",
        "a:b",
        "a?",
        "\ud800",
        "½",
        "😀",
        "a\u200b",
    ],
)
def test_bad_names_are_refused_with_a_reason(name: str) -> None:
    problem = name_problem(name)
    assert problem is not None
    assert problem.startswith(("must have", "may hold"))
    problem.encode()


@given(st.text())
def test_accepted_name_can_stand_in_a_path_and_in_a_task_id(name: str) -> None:
    if name_problem(name) is None:
        assert "/" not in name
        assert "@-@" not in name
        assert not any(character.isspace() for character in name)
        assert name not in {".", ".."}
        assert 1 <= len(name) <= 100


@pytest.mark.parametrize(
    "name,is_own",
    [("ELASTICJOB_TOKEN", True), ("elasticjob_token", True), ("MY_ELASTICJOB_TOKEN", False), ("", False)],
)
def test_own_variables_are_known_by_how_they_begin_in_any_case(name: str, is_own: bool) -> None:
    assert is_own_variable(name) is is_own
