"""How `bootstrapScript` and `script.command.line` become a command (semantics, "Transient and daemon jobs")."""

import contextlib
import errno
import os
import re
import shlex
import shutil
import stat
from pathlib import Path

from elasticjob_cloud.model.scripts.command_line import takes_argument, trimmed

SHELL = "/bin/sh"
# What the kernel says of a file that is not there, or that it cannot execute by itself: the shell may, or has the words.
LEFT_TO_THE_SHELL = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOEXEC, errno.EISDIR})
# A path and plain words: the shell would do nothing but execute it, so it need not be started for that.
_PLAIN = re.compile(r" *(?:exec +)?([\w@%+:,./-]*/[\w@%+:,./-]*(?: +[\w@%+=:,./-]+)*) *", re.ASCII)
_FIRST_WORD = re.compile(r"\s*([^\s'\"$`;&|<>(){}*?\[\]#~=!]+)(?=\s|$|[;&|])")
_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def shell_command(command_line: str, directory: str) -> str:
    r"""Give the command line with its first word corrected: Windows separators, a script without its run bit.

    `bin\start.sh` becomes `bin/start.sh` where the app has such a file; `start.sh`, which a shell would look for in `PATH`
    alone, becomes `./start.sh` where only the app has it. Blanks around it go, those of Windows line ends too.
    """
    command_line = trimmed(command_line)
    match = _FIRST_WORD.match(command_line)
    if match is None or match[1].startswith("/"):
        return command_line
    word = match[1]
    path = word.replace("\\", "/")
    file = Path(directory, path)
    if ".." in path or not file.is_file():
        return command_line
    _allow_execution(file)
    if "/" not in path and shutil.which(path) is None:
        path = f"./{path}"
    return command_line[: match.start(1)] + path + command_line[match.end(1) :]


def arguments_of(command_line: str, last_argument: str | None) -> list[str]:
    """Give the argument vector that runs a command line as `/bin/sh -c` would, with one more argument if it can take it."""
    plain = _PLAIN.fullmatch(command_line)
    # `exec -a name` and the like are the shell's own matter; so is a first word that it would take as an option.
    if plain is not None and not plain[1].startswith("-"):
        words = plain[1].split()
        return words if last_argument is None else [*words, last_argument]
    return shell_arguments(command_line, last_argument)


def shell_arguments(command_line: str, last_argument: str | None) -> list[str]:
    """Give the argument vector of `/bin/sh -c` for this command line.

    The argument is put behind it, quoted, where it is one more word of the last command. Behind a here-document, `&`, `)`
    and the like it would be a command of its own, or data: such a line is run as written.
    """
    if last_argument is not None and takes_argument(command_line):
        command_line = f"{command_line} {shlex.quote(last_argument)}"
    return [SHELL, "-c", command_line]


def _allow_execution(file: Path) -> None:
    mode = file.stat().st_mode
    if not mode & stat.S_IXUSR and os.access(file, os.R_OK):
        # A read-only sandbox answers with the shell's own "permission denied", which says enough.
        with contextlib.suppress(OSError):
            file.chmod(mode | _EXECUTABLE)
