"""What `make cluster` takes."""

import pytest

from scripts.cluster import read_options


def test_cluster_has_two_schedulers_and_three_nodes_unless_told_otherwise() -> None:
    options = read_options([])
    assert (options.ports, options.nodes, options.no_auth) == ([8899, 8898], 3, False)
    assert read_options(["--ports", "0,0"]).ports == [0, 0]  # free ones
    options = read_options(["--ports", "9001, 9002,9003", "--nodes", "1", "--no-auth"])
    assert (options.ports, options.nodes, options.no_auth) == ([9001, 9002, 9003], 1, True)


@pytest.mark.parametrize(
    "option, value, allowed",
    [
        ("--ports", "99999,8898", "up to 65535"),
        ("--ports", "8899,8899", "different numbers"),
        ("--ports", "8899,", "such as 8899,8898"),
        ("--ports", "abc", "such as 8899,8898"),
        ("--ports", "", "such as 8899,8898"),
        ("--nodes", "0", "from 1 to 50"),
        ("--nodes", "51", "from 1 to 50"),
        ("--nodes", "three", "from 1 to 50"),
    ],
)
def test_bad_option_is_told_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str], option: str, value: str, allowed: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options([option, value])

    assert ended.value.code == 2
    assert allowed in capsys.readouterr().err
