"""`shardingItemParameters`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.jobs.sharding import (
    ShardingParameterError,
    check_sharding_item_parameters,
    parse_sharding_item_parameters,
)


def test_each_item_gets_its_parameter() -> None:
    assert parse_sharding_item_parameters("0=Beijing,1=Shanghai", 2) == {0: "Beijing", 1: "Shanghai"}


def test_items_without_a_parameter_are_left_out() -> None:
    assert parse_sharding_item_parameters("3=广州", 5) == {3: "广州"}
    assert parse_sharding_item_parameters("", 5) == {}
    assert parse_sharding_item_parameters("  ", 5) == {}


def test_white_space_around_items_and_parameters_does_not_count() -> None:
    assert parse_sharding_item_parameters(" 0 = a b , 1= ", 2) == {0: "a b", 1: ""}


def test_parameter_may_have_equals_signs() -> None:
    assert parse_sharding_item_parameters("0=a=b", 1) == {0: "a=b"}


@pytest.mark.parametrize(
    "text, reason",
    [
        ("0", "not of the form"),
        ("=a", "not of the form"),
        ("a=b", "not of the form"),
        ("-1=b", "not of the form"),
        ("1.0=b", "not of the form"),
        ("²=b", "not of the form"),
        ("٣=b", "not of the form"),
        ("0=a,", "not of the form"),
        (",", "not of the form"),
        ("0=a,,1=b", "not of the form"),
        (f"{'9' * 5000}=b", "not of the form"),
        ("2=b", "outside the sharding items 0 to 1"),
        ("0=a,0=b", "item 0 is given twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ShardingParameterError, match=reason) as caught:
        parse_sharding_item_parameters(text, 2)
    assert len(str(caught.value)) < 300


_PARAMETER = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"])).map(str.strip)


@given(st.dictionaries(st.integers(0, 49), _PARAMETER))
def test_what_was_written_is_read_back(parameters: dict[int, str]) -> None:
    text = ",".join(f"{item}={parameter}" for item, parameter in parameters.items())
    assert parse_sharding_item_parameters(text, 50) == parameters


@pytest.mark.parametrize(
    "separator",
    [
        ";",
        "; ",
        "|",
        "\n",
        "\r\n",
        "\t",
        "\uff0c",
        "\uff1b",
        "\u3001",
        "\u060c",
        "\ufe50",
        "\u3000",
        "\u2028",
        "\xa0",
    ],
)
@pytest.mark.parametrize("equals", ["=", " = ", "\uff1d"])
def test_items_that_no_comma_separates_are_refused(separator: str, equals: str) -> None:
    with pytest.raises(ShardingParameterError, match=r"item 0 .* looks like another item"):
        check_sharding_item_parameters(f"0=\u5317\u4eac{separator}1{equals}\u4e0a\u6d77", 2)


def test_full_width_digits_count_as_an_item() -> None:
    with pytest.raises(ShardingParameterError, match="item 1 "):
        check_sharding_item_parameters("0=a,1=b\uff0c\uff12\uff1dc", 3)


@pytest.mark.parametrize(
    "text",
    [
        "0=id>0 AND 1=1",
        "0=a;b=1;c=2",
        "0=http://host/?a=1&2=3",
        "0=\u5317\u4eac\uff0c\u4e0a\u6d77,1=\u5e7f\u5dde",
        "0=2026-11-30;2026-12-01",
        "0=a,\n1=b",
        " 0 = a ,\r\n 1 = b\r\n",
        "",
    ],
)
def test_separators_inside_a_parameter_are_left_alone(text: str) -> None:
    assert check_sharding_item_parameters(text, 2).strip() == text.strip()


@pytest.mark.parametrize("end", [",", ", ", " ,\n", ",\r\n"])
def test_comma_at_the_end_is_taken_off(end: str) -> None:
    assert parse_sharding_item_parameters(check_sharding_item_parameters("0=a,1=b" + end, 2), 2) == {
        0: "a",
        1: "b",
    }


@pytest.mark.parametrize("text", ["0=a,,", "0=a,,1=b", ",0=a"])
def test_empty_items_elsewhere_are_refused(text: str) -> None:
    with pytest.raises(ShardingParameterError, match="not of the form"):
        check_sharding_item_parameters(text, 2)
