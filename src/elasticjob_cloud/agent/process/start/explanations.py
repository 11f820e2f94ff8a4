"""Says in our words why a script did not start or could not be executed: the kernel's own name neither file nor cure."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from elasticjob_cloud.model.jobs.context import ShardingContext
from elasticjob_cloud.model.scripts.command_tokens import Kind, Tokens, UnknownSyntaxError

_SHELLS: Final = frozenset({"sh", "bash", "dash", "ksh", "zsh", "source", "."})
_BEFORE_COMMAND: Final = frozenset(
    ["!", "{", "do", "elif", "else", "env", "exec", "if", "nohup", "then", "time", "until", "while"]
)
_HEAD_BYTES: Final = 4096
_CANNOT_EXECUTE = 126
_NOT_FOUND = 127
# A shell's own complaint about what it cannot read.
_SYNTAX_ERROR = 2
TELLING_CODES: Final = frozenset({_SYNTAX_ERROR, _CANNOT_EXECUTE, _NOT_FOUND})
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CURES: Final = {
    errno.EAGAIN: "the limit of processes of its user or its control group is reached",
    errno.ENOMEM: "the machine has no memory left for another process",
    errno.EMFILE: "the agent has as many files open as it may; raise its limit (ulimit -n)",
    errno.ENFILE: "the machine has as many files open as it may",
    errno.ETXTBSY: "its file is open for writing: some process still changes it",
    errno.EACCES: "its file or directory may not be executed by the agent's user",
}


def explain_refusal(error: OSError, context: ShardingContext, directory: str) -> str:
    """Say why no process could be started for a script."""
    if error.errno == errno.E2BIG:
        return _explain_size(context)
    if not Path(directory).is_dir():
        return f"the directory of its app, {directory}, is gone"
    known = _CURES.get(error.errno or 0)
    return f"{known} ({error.strerror})" if known else str(error)


def _explain_size(context: ShardingContext) -> str:
    job, item = (len(text.encode()) for text in (context.job_parameter, context.sharding_parameter))
    return (
        f"its parameters are too long for a process: jobParameter has {job:,} bytes, the shardingItemParameters of item "
        f"{context.sharding_item} have {item:,} (an argument may have about 131,000, quoted). "
        "Shorten them, or put them into a file of the app"
    )


def explain_exit(code: int, command: str, directory: str, search_path: str) -> str:
    """Say what is wrong with the file that a command should have executed; empty when nothing is seen."""
    if code not in TELLING_CODES:
        return ""
    here = Path(directory)
    for words in _commands(command):
        if words[0] == "cd":
            here = here.joinpath(*words[1:2])
            continue
        for index, word in enumerate(words if _is_shell(words[0]) else words[:1]):
            fault = _fault(here / word, search_path, code=code, is_command=index == 0)
            if fault:
                return f"{word} {fault}"
    return ""


def _commands(command: str) -> Iterator[list[str]]:
    """Give the words of each simple command, as far as they can be told."""
    words: list[str] = []
    with contextlib.suppress(UnknownSyntaxError):
        for token in Tokens(command):
            if token.kind is Kind.OPERATOR and words:
                yield words
                words = []
            elif token.kind is Kind.WORD:
                word = token.text.strip("'\"")
                if words or not (word in _BEFORE_COMMAND or "=" in word):
                    words.append(word)
    if words:
        yield words


def _is_shell(word: str) -> bool:
    return word.rsplit("/", 1)[-1] in _SHELLS


def _fault(file: Path, search_path: str, *, code: int, is_command: bool) -> str:
    if file.is_dir():
        return "is a directory" if is_command and code == _CANNOT_EXECUTE else ""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except PermissionError:
        return "may not be read by the agent's user"
    except OSError:
        return ""
    line_end = _line_end_fault(head, file.name)
    if line_end or not is_command or code == _SYNTAX_ERROR:
        return line_end
    return _first_line_fault(head, search_path) or _permission_fault(file)


def _line_end_fault(head: bytes, name: str) -> str:
    if head.startswith(_BYTE_ORDER_MARK):
        return "begins with a byte order mark; save it as UTF-8 without one"
    if b"\0" not in head and b"\r\n" in head:
        return f"has Windows line ends (CRLF); convert it, as by: sed -i 's/\\r$//' {name}"
    return ""


def _first_line_fault(head: bytes, search_path: str) -> str:
    if head.startswith(b"\x7fELF"):
        return (
            "is a program that this machine cannot execute (another architecture, or its loader is missing)"
        )
    if not head.startswith(b"#!"):
        return ""
    words = head[2:].split(b"\n", 1)[0].decode(errors="replace").split()
    if not words:
        return "names no interpreter in its first line"
    if not Path(words[0]).exists():
        return f"needs the interpreter {words[0]}, which this machine does not have"
    if not os.access(words[0], os.X_OK):
        return f"needs the interpreter {words[0]}, which may not be executed"
    programs = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if words[0].endswith("/env") and programs and shutil.which(programs[0], path=search_path) is None:
        return f"needs the interpreter {programs[0]}, which is not in the agent's PATH"
    return ""


def _permission_fault(file: Path) -> str:
    if os.statvfs(file).f_flag & os.ST_NOEXEC:
        return "lies on a file system that is mounted noexec; give the agent another directory"
    if not os.access(file, os.X_OK):
        return "has no run bit, and it cannot be set"
    return ""
