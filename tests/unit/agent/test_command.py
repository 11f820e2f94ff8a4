"""How a command line becomes an argument vector."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.process.start.command import arguments_of, shell_arguments

_CONTEXT = '{"jobName":"it\'s $HOME"}'


@pytest.mark.parametrize(
    "command_line,words",
    [
        ("/bin/true", ["/bin/true"]),
        ("bin/start.sh -v --name=x 1", ["bin/start.sh", "-v", "--name=x", "1"]),
        ("  ./run  ", ["./run"]),
        ("exec /bin/true", ["/bin/true"]),
        ("exec  ./run a", ["./run", "a"]),
    ],
)
def test_path_and_plain_words_need_no_shell(command_line: str, words: list[str]) -> None:
    assert arguments_of(command_line, None) == words
    assert arguments_of(command_line, _CONTEXT) == [*words, _CONTEXT]


@pytest.mark.parametrize(
    "command_line",
    [
        "true",
        "exec true",
        "exec -a name /bin/true",
        "exec -/x",
        "-/x",
        "A=b/c ./run",
        "./run $HOME",
        "./run *",
        "./run 'a b'",
        "./run; ./again",
        "./run\n./again",
        "./run > out",
        "./run ~",
        "./run # no",
        "./läuf",
        "",
    ],
)
def test_all_else_is_left_to_the_shell(command_line: str) -> None:
    assert arguments_of(command_line, None) == ["/bin/sh", "-c", command_line]
    assert arguments_of(command_line, "x")[:2] == ["/bin/sh", "-c"]


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_context_is_one_word_to_the_shell_whatever_it_holds(context: str) -> None:
    shell, option, line = shell_arguments("echo", context)
    assert (shell, option) == ("/bin/sh", "-c")
    assert shlex.split(line) == ["echo", context]
