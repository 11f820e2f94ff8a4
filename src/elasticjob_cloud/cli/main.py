"""The command `elasticjob-cloud`: puts the commands together, and turns errors into messages and exit codes.

Exit codes: 0 done, 1 our fault, 2 the caller's, 3 no scheduler answers or it asks to wait, 4 the scheduler cannot start, for a setting or
its surroundings are wrong (`model/errors.py`), 5 a run that was killed or dropped (1: that failed), 130 interrupted, 141 the reader of the output went away.
"""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from elasticjob_cloud import __version__
from elasticjob_cloud.cli.advice import advise_commands
from elasticjob_cloud.cli.commands import app as app_commands
from elasticjob_cloud.cli.commands import cron, job, login, logs, operations, run, task
from elasticjob_cloud.cli.fields import APP_FIELDS, JOB_FIELDS, option_name
from elasticjob_cloud.cli.options import offer_ca_file
from elasticjob_cloud.cli.output import say_error, say_json_error
from elasticjob_cloud.model.errors import BugError, ElasticJobError, InvalidRequestError, UnauthorizedError

PROGRAM = "elasticjob-cloud"
INTERRUPTED = 130
BROKEN_PIPE = 141
# The names and help of what `cli/commands/serve.py` has; its imports (the server) wait until one of them is called.
SERVER_COMMANDS = {
    "standalone": "Run everything on this machine.",
    "scheduler": "Run a scheduler, alone or together with others.",
    "demo": "Run everything, with sample jobs to look at.",
}
_OPTIONS = {field.api_name: option_name(field.api_name) for field in (*APP_FIELDS, *JOB_FIELDS)} | {
    "props": "--prop"
}


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        argv: The arguments after the program's name; by default those of the process.
    """
    arguments = sys.argv[1:] if argv is None else argv
    sys.exit(_run(arguments))


def _run(arguments: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a letter of somebody's job name shows its number instead of our stack trace.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _exit_code_of(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except ElasticJobError as error:
        print_error(error, as_json=_wants_json(arguments))
        return error.exit_code


def _exit_code_of(arguments: Sequence[str]) -> int:
    stdout = sys.stdout
    command = typer.main.get_command(build_app(_wants_server(arguments)))
    offer_ca_file(command)
    try:
        if _wants_json(arguments):
            return _exit_code_with_json_errors(command, arguments)
        command(list(arguments), prog_name=PROGRAM)
    except SystemExit as end:
        if sys.stdout is not stdout:  # Typer's way to silence a broken pipe
            sys.stdout = stdout
            raise BrokenPipeError from None
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _exit_code_with_json_errors(command: Callable[..., Any], arguments: Sequence[str]) -> int:
    try:
        code = command(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except Exception as error:
        # A wrong use has click's exception, or that of Typer's own copy of click: this is what both have.
        message_of = getattr(error, "format_message", None)
        if message_of is None:
            raise
        say_json_error(message_of())
        return int(getattr(error, "exit_code", 2))
    return code if isinstance(code, int) else 0


def _wants_json(arguments: Sequence[str]) -> bool:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _discard_output() -> None:
    # What is still buffered would raise again when Python flushes at its end.
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def _wants_server(arguments: Sequence[str]) -> bool:
    if f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE" in os.environ:
        # The shell asks how the words of this variable go on: the second one is the command.
        arguments = os.environ.get("_TYPER_COMPLETE_ARGS", os.environ.get("COMP_WORDS", "")).split()[1:]
    return next((word for word in arguments if not word.startswith("-")), "") in SERVER_COMMANDS


def build_app(with_server: bool) -> typer.Typer:
    """Put the commands together; those of the server only by name, unless they are wanted."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        # Plain help: in 80 columns Rich's tables cut off the names of options, and they take their time.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Scheduled jobs, sharded over machines. Start with: elasticjob-cloud standalone",
        epilog="\b\nMore about a command: elasticjob-cloud COMMAND --help\n"
        "A job in this process, without a scheduler: elasticjob-cloud run-local --help\n"
        "Exit codes: 2 something in the command is wrong, 3 no scheduler answers,\n"
        "  4 the scheduler cannot start: a setting or its surroundings are wrong.",
    )
    app.callback()(_global_options)
    if with_server:
        # It brings the whole server with it: client commands do without.
        from elasticjob_cloud.cli.commands import serve  # noqa: PLC0415

        app.add_typer(serve.app)
    else:
        for name, help_text in SERVER_COMMANDS.items():
            app.command(name, help=help_text)(_never_called)
    _add_client(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _global_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    # Typer has a program's own options declared like those of a command; the callback has done the work.
    del version


def _never_called() -> None:
    raise BugError("A server's command was called by its placeholder: please report this.")


def _add_client(app: typer.Typer) -> None:
    app.command(epilog="\b\nExample: elasticjob-cloud login --url http://127.0.0.1:8899")(login.login)
    app.command(epilog="\b\nExample: elasticjob-cloud logout")(login.logout)
    for name, group in {"app": app_commands.app, "job": job.app, "run": run.app, "task": task.app}.items():
        app.add_typer(group, name=name)
    app.command(
        epilog="\b\nExample: elasticjob-cloud logs my_job --follow\n"
        "Why it failed: elasticjob-cloud logs my_job --failed --tail 50",
    )(logs.logs)
    app.command(
        epilog="\b\nExample: elasticjob-cloud cron '0 30 9 ? * MON-FRI' --time-zone Asia/Shanghai --count 3",
    )(cron.cron)
    app.add_typer(operations.events, name="events")
    app.command(epilog="\b\nExample: elasticjob-cloud agents")(operations.agents)
    app.command(epilog="\b\nExample: elasticjob-cloud schedulers")(operations.schedulers)
    app.command(epilog="\b\nExample: elasticjob-cloud reconcile --clock")(operations.reconcile)


def print_error(error: ElasticJobError, *, as_json: bool = False) -> None:
    """Say on stderr what went wrong and what to do, with the option for each field that the scheduler names.

    As JSON it is one line, in the API's form of errors.
    """
    lines = str(error).splitlines() or [type(error).__name__]
    if isinstance(error, UnauthorizedError):
        lines = ["You are not logged in, or the log-in has expired. Run: elasticjob-cloud login"]
    elif isinstance(error, InvalidRequestError) and error.errors:
        lines = [f"{_field_name(problem.field)}: {problem.message}" for problem in error.errors]
    message = advise_commands("\n".join(lines))
    if not as_json:
        say_error(message)
        return
    problems = error.errors if isinstance(error, InvalidRequestError) else ()
    say_json_error(message, [{"field": each.field, "message": each.message} for each in problems])


def _field_name(field: str) -> str:
    option = _OPTIONS.get(field)
    return f"{field} ({option})" if option else field
