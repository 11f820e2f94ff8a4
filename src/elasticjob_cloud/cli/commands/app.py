"""`elasticjob-cloud app`: publish apps and look after them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from elasticjob_cloud.cli.fields import APP_FIELDS, named, read_document, with_fields
from elasticjob_cloud.cli.options import (
    AppNameArgument,
    FileOption,
    JsonOption,
    SecretsOption,
    UrlOption,
    YesOption,
    confirm,
    connect,
)
from elasticjob_cloud.cli.output import print_fields, print_json, print_table, say
from elasticjob_cloud.model.errors import InvalidRequestError, NotFoundError
from elasticjob_cloud.model.masking import mask_configuration

if TYPE_CHECKING:
    from elasticjob_cloud.cli.connection import Connection

app = typer.Typer(no_args_is_help=True, help="Apps: the archives or scripts that jobs run.")
OptionalAppName = Annotated[
    str | None,
    typer.Argument(metavar="APP_NAME", help="The app's name; may stand in the file.", show_default=False),
]


@app.command(
    epilog="\b\nExample: elasticjob-cloud app publish my_app -u http://host/my-job.tar.gz -b bin/start.sh\n"
    "From a file: elasticjob-cloud app publish --file app.toml"
)
@with_fields(APP_FIELDS)
def publish(
    given: dict[str, Any], app_name: OptionalAppName = None, file: FileOption = None, url: UrlOption = None
) -> None:
    """Publish a new app; jobs can then be registered in it."""
    body = named({**read_document(file), **given}, "appName", app_name)
    with connect(url) as scheduler:
        scheduler.post("app", json=body)
    name = body["appName"]
    say(
        f"Published {name}. Next: elasticjob-cloud job register JOB_NAME --app-name {name} --cron '0/5 * * * * ?'"
    )


@app.command(epilog="\b\nExample: elasticjob-cloud app update my_app --no-app-cache-enable")
@with_fields(APP_FIELDS)
def update(
    given: dict[str, Any], app_name: OptionalAppName = None, file: FileOption = None, url: UrlOption = None
) -> None:
    """Change the named settings of an app; keep the rest.

    Running executors keep theirs until they restart.
    """
    body = named({**read_document(file), **given}, "appName", app_name)
    if len(body) == 1:
        raise InvalidRequestError("There is nothing to change: name at least one option (see --help).")
    with connect(url) as scheduler:
        scheduler.put("app", json=body)
    say(f"Updated {body['appName']}.")


@app.command("list", epilog="\b\nExample: elasticjob-cloud app list --json | jq -r '.[].appName'")
def list_apps(json: JsonOption = False, url: UrlOption = None) -> None:
    """List all apps."""
    with connect(url) as scheduler:
        apps = scheduler.get("app", "list")
    if json:
        print_json(apps)
    elif not apps:
        say(
            "No apps yet. Publish one: elasticjob-cloud app publish APP_NAME --app-url URL --bootstrap-script COMMAND"
        )
    else:
        print_table(
            ("APP", "STATE", "CPUS", "MEMORY MB", "URL"),
            [
                (
                    row.get("appName"),
                    "disabled" if row.get("disabled") else "enabled",
                    row.get("cpuCount"),
                    row.get("memoryMB"),
                    row.get("appURL"),
                )
                for row in apps
            ],
            folded=("URL",),
        )


@app.command(epilog="\b\nExample: elasticjob-cloud app show my_app")
def show(
    app_name: AppNameArgument,
    json: JsonOption = False,
    show_secrets: SecretsOption = False,
    url: UrlOption = None,
) -> None:
    """Show one app with all its settings."""
    with connect(url) as scheduler:
        found = _find(scheduler, app_name)
    if not (json or show_secrets):  # JSON is for other programs, such as one that registers it elsewhere
        found = mask_configuration(found)
    print_json(found) if json else print_fields(found)


def _find(scheduler: "Connection", app_name: str) -> dict[str, Any]:
    if app_name != "list":
        found: dict[str, Any] = scheduler.get("app", app_name)
        return found
    # The path of an app with this name is that of the list.
    for each in scheduler.get("app", "list"):
        if each.get("appName") == app_name:
            return dict(each)
    raise NotFoundError(f"There is no app '{app_name}'.")


@app.command(epilog="\b\nExample: elasticjob-cloud app disable my_app")
def disable(app_name: AppNameArgument, url: UrlOption = None) -> None:
    """Stop an app's jobs, and kill their running tasks."""
    with connect(url) as scheduler:
        scheduler.post("app", app_name, "disable")
    say(f"Disabled {app_name}. To take it up again: elasticjob-cloud app enable {app_name}")


@app.command(epilog="\b\nExample: elasticjob-cloud app enable my_app")
def enable(app_name: AppNameArgument, url: UrlOption = None) -> None:
    """Take the jobs of a disabled app up again."""
    with connect(url) as scheduler:
        scheduler.post("app", app_name, "enable")
    say(f"Enabled {app_name}.")


@app.command(epilog="\b\nExample: elasticjob-cloud app delete my_app --yes")
def delete(app_name: AppNameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove an app and its jobs.

    Their tasks are killed, and its executors stopped everywhere.
    """
    confirm(f"Delete {app_name} with all its jobs, and kill their running tasks?", yes=yes)
    with connect(url) as scheduler:
        scheduler.delete("app", app_name)
    say(f"Deleted {app_name}.")
