"""Why a command finds nothing in an archive that has all in one folder, as those of forges and many packers have."""

import os
import shlex
from pathlib import Path

_MOST_WORDS = 32
_MOST_FOLDERS = 32


def folder_hint(directory: str, command_line: str) -> str:
    """Say, in brackets, that a file which a command names is in a folder below; empty when that is not so.

    For a command that has failed: it looks at the disk.
    """
    for word in _file_names(command_line):
        if Path(directory, word).exists():
            continue
        found = [folder for folder in _folders(directory) if Path(directory, folder, word).is_file()]
        if len(found) == 1:
            return (
                f" ({word} is in the app's folder {found[0]}: "
                f"begin the command with `cd {shlex.quote(found[0])} && `)"
            )
    return ""


def _file_names(command_line: str) -> list[str]:
    try:
        words = shlex.split(command_line.replace("\\", "/"))
    except ValueError:
        words = command_line.split()
    relative = (word for word in words[:_MOST_WORDS] if not word.startswith(("-", "/")) and ".." not in word)
    return [name for word in relative if (name := os.path.normpath(word)) != "."]


def _folders(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return folders if len(folders) <= _MOST_FOLDERS else []
