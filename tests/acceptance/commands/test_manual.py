"""What `docs/cli.md` says is what the command line has."""

import re
from collections.abc import Iterator

import typer

from elasticjob_cloud.cli.fields import JOB_DEFAULTS, option_name
from elasticjob_cloud.cli.main import BROKEN_PIPE, INTERRUPTED, build_app
from elasticjob_cloud.cli.run_end import EXIT_CODES
from elasticjob_cloud.model import errors
from tests.checkout import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def command_names(app: typer.Typer) -> Iterator[str]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield command.name or command.callback.__name__
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for name in command_names(group.typer_instance):
            yield f"{group.name} {name}"


def documented_commands() -> Iterator[str]:
    table = PAGE.partition("## Commands")[2].partition("## ")[0]
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        group = ""
        for words in re.findall(r"`([^`]*)`", cell):
            named = [word for word in words.split() if word.islower()]
            group = named[0] if len(named) > 1 else group
            yield " ".join(named) if len(named) > 1 or not group else f"{group} {named[0]}"


def test_page_has_every_command_and_no_other() -> None:
    # `run-local` is the SDK's own: entry.py hands it on before the rest is imported.
    assert set(documented_commands()) == {*command_names(build_app(with_server=False)), "run-local"}


def test_page_has_every_exit_code() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {error.exit_code for error in classes if issubclass(error, errors.ElasticJobError)}
    assert documented == codes | {0, INTERRUPTED, BROKEN_PIPE} | set(EXIT_CODES.values())


def test_page_has_the_defaults_of_a_job() -> None:
    for field, default in JOB_DEFAULTS.items():
        assert f"{option_name(field)} {default}" in PAGE
