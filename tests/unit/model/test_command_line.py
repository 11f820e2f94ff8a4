"""Where the sharding context may stand behind a command line, and where it would be a command of its own, or data."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.model.scripts.command_line import takes_argument, trimmed

_DOCUMENT = "cat <<EOF\nfi ( ' \"\nEOF"


@pytest.mark.parametrize(
    "command_line",
    [
        "./run",
        "python job.py --name=x 'a b' \"$HOME\" $(date +%s) `date` ${x:-y} *.txt",
        "cd sub && ./run",
        "./first || ./second",
        "./first; ./second",
        "./first\n./second",
        "./first & ./second",
        "./first # a comment\n./second",
        "VAR=x OTHER='y z' ./run",
        "exec ./run",
        "exec -a name ./run",
        "! ./run",
        "./run > out.log 2>&1",
        "> out.log ./run",
        "./run < in",
        "if ./a; then ./b; else ./c; fi; ./run",
        "for i in 1 2 3; do echo $i; done\n./run",
        "while ./a; do ./b; done && ./run",
        "case $x in a|b) ./a;; (*) ./b; esac; ./run",
        "case x in\n a)\n ./a\n ;;\nesac\n./run",
        "{ ./a; ./b; }; ./run",
        "(cd sub; ./a); ./run",
        'run() { echo "$1"; }; run',
        'run() (\n echo "$1"\n)\nrun',
        "./a | ./b; ./run",
        f"{_DOCUMENT}\n./run",
        "cat <<-'E O' > x\n\tone\n\tE O\n./run",
        "cat <<A <<B\na\nA\nb\nB\n./run",
        "./run a#b",
        "./run \\\n --more",
        "./run 'it is # no comment; (nor this)'",
        "./run }",
        "./run if",
        "echo $(case x in (a) b;; esac) x",
        "echo $(echo a # it's\n) $(( (1 + 2) * 3 )) x",
        "./läuf 北京",
    ],
)
def test_argument_follows_the_words_of_a_simple_command(command_line: str) -> None:
    assert takes_argument(command_line)


@pytest.mark.parametrize(
    "command_line",
    [
        "",
        "./run;",
        "./run &",
        "./run & wait",
        "(./run)",
        "(cd sub; ./run) > out",
        "{ ./run; }",
        "if ./a; then ./b; fi",
        "for i in 1 2; do ./run; done",
        "while ./a; do ./b; done < in",
        "case x in a) ./run;; esac",
        "case x in a) ./run",
        "if true; then ./run",
        "run() { ./a; }",
        "./run | tee log",
        "cat in | ./run",
        "./run |",
        "./run &&",
        "./run >",
        "./run # why",
        _DOCUMENT,
        "cat <<EOF",
        "cat <<EOF\nno end",
        "cat <<EOF; ./run\ntext\nEOF",
        "./run <<< text",
        "./run <(date)",
        "./run 'open",
        './run "open',
        "./run $(open",
        "./run `open",
        "./run \\",
        "X=1",
        "X=$(./run)",
        "> out",
        "exec > out",
        "exec",
        "./a && exit 0",
        "./a; exit",
        "[ -f done ]",
        "test -f done",
        "cd sub",
        "export A=1",
        "trap ./a EXIT",
        'eval "$CODE"',
        "command cd sub",
        "./a; ;",
        ")",
        "fi",
        "function f { ./a; }; f",
        "[[ -f x ]] && ./run",
        "{ ./a; } ./run",
        "case x of a) ./b;; esac; ./run",
        "case x in a; ./b;; esac; ./run",
        "./a b (./run)",
        "A=(b c) ./run",
        "./run $(" + "(" * 10_000,
        "./run " + "$(" * 10_000,
        './run "' + '"$(' * 10_000,
    ],
)
def test_all_else_is_run_as_written(command_line: str) -> None:
    assert not takes_argument(command_line)


@pytest.mark.parametrize(
    "command_line,kept",
    [
        ("./run\n", "./run"),
        ("  ./run\r\n\r\n", "./run"),
        ("./run\r", "./run"),
        ("cd sub\r\n./run\r\n", "cd sub\n./run"),
        ("./run \\\n", "./run"),
        ("./run \\\r\n", "./run"),
        ("./run \\ ", "./run \\ "),
        ("./run \\\\ ", "./run \\\\"),
        ("./run \\", "./run \\"),
        (" \r\n ", ""),
    ],
)
def test_blanks_around_a_command_line_go(command_line: str, kept: str) -> None:
    assert trimmed(command_line) == kept


@given(st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), min_size=1))
def test_quoted_words_take_one_more(words: list[str]) -> None:
    assert takes_argument(shlex.join(["./run", *words]))


@given(st.text("ab'\"`$(){}<>&|;# \\\n\t!=-1", max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    assert takes_argument(trimmed(text)) in {True, False}
