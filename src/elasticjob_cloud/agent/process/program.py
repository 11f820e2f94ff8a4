"""A command line with all that its process starts with: how it is started, and how its end is described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elasticjob_cloud.agent.apps import folder_hint
from elasticjob_cloud.agent.process.child import ChildProcess, ProcessRuntime
from elasticjob_cloud.agent.process.start.command import (
    LEFT_TO_THE_SHELL,
    SHELL,
    arguments_of,
    shell_arguments,
    shell_command,
)
from elasticjob_cloud.agent.process.start.explanations import TELLING_CODES, explain_exit
from elasticjob_cloud.agent.reporting.ending import describe_exit
from elasticjob_cloud.agent.reporting.output import ProcessOutput


@dataclass(frozen=True, slots=True)
class Program:
    """What a main process runs. `mark` is how its processes are told from others' (`OWNER_VARIABLE`)."""

    command_line: str
    directory: str
    environment: Mapping[str, str]
    mark: str
    last_argument: str | None = None

    def start(
        self,
        runtime: ProcessRuntime,
        outputs: tuple[ProcessOutput, ProcessOutput],
        on_gone: Callable[[ChildProcess], None],
    ) -> ChildProcess:
        """Start it as `/bin/sh -c` would, and the shell itself only where it is needed.

        Raises:
            OSError: it could not be started; nothing is left of it.
            UnwatchableError: it began, and was ended at once.
        """

        def start(arguments: list[str]) -> ChildProcess:
            return ChildProcess(
                runtime, arguments, self.directory, self.environment, self.mark, outputs, on_gone
            )

        command = shell_command(self.command_line, self.directory)
        arguments = arguments_of(command, self.last_argument)
        try:
            return start(arguments)
        except OSError as error:
            if arguments[0] == SHELL or error.errno not in LEFT_TO_THE_SHELL:
                raise
            # The shell knows what to do with a script without a first line, and has the words for what is missing.
            return start(shell_arguments(command, self.last_argument))

    def describe_exit(self, code: int) -> str:
        """Say how it ended, and what is wrong with the file that it should have executed. It looks at the app's files."""
        if not code:
            return describe_exit(code)
        return self._exit_words(code) + folder_hint(self.directory, self.command_line)

    def _exit_words(self, code: int) -> str:
        if code not in TELLING_CODES:
            return describe_exit(code)
        command = shell_command(self.command_line, self.directory)
        found = explain_exit(code, command, self.directory, self.environment.get("PATH", ""))
        return f"exit code {code} ({found})" if found else describe_exit(code)
