"""`elasticjob-cloud job`: register jobs and look after them."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.commands.bulk import change_many
from elasticjob_cloud.cli.commands.cron import say_weekdays
from elasticjob_cloud.cli.commands.job_list import list_jobs
from elasticjob_cloud.cli.fields import (
    JOB_DEFAULTS,
    JOB_FIELDS,
    WRITABLE_JOB_FIELDS,
    PropOption,
    RemovePropOption,
    ScriptOption,
    merge_props,
    named,
    read_document,
    with_fields,
)
from elasticjob_cloud.cli.options import (
    FileOption,
    FollowRunOption,
    JobNameArgument,
    JsonOption,
    SecretsOption,
    UrlOption,
    WaitOption,
    YesOption,
    confirm,
    connect,
)
from elasticjob_cloud.cli.output import print_fields, print_json, say
from elasticjob_cloud.cli.run_end import tell_run
from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.masking import mask_configuration

app = typer.Typer(no_args_is_help=True, help="Jobs: what runs when, in how many shards.")
OptionalJobName = Annotated[
    str | None,
    typer.Argument(metavar="JOB_NAME", help="The job's name; may stand in the file.", show_default=False),
]
app.command(
    "list", epilog="\b\nExample: elasticjob-cloud job list --state FAILED --sort lastRun --descending"
)(list_jobs)
app.command(
    "bulk",
    epilog="\b\nExample: elasticjob-cloud job bulk disable --app-name my_app\n"
    "Those of a file, a name a line: elasticjob-cloud job bulk trigger --names-from jobs.txt",
)(change_many)
_DEFAULTS = "--job-execution-type TRANSIENT --sharding-total-count 1 --cpu-count 0.1 --memory-mb 64"


@app.command(
    help="Register a new job.\n\nThe API asks for a type, a shard count and the room of one shard; "
    f"what is not given here is: {_DEFAULTS}",
    epilog="\b\nExample: elasticjob-cloud job register my_job -a my_app -c '0/5 * * * * ?' -n 2 --failover\n"
    "A script job: elasticjob-cloud job register report -a my_scripts -c '0 0 3 * * ?' -s 'python report.py'\n"
    "From a file: elasticjob-cloud job register --file job.toml",
)
@with_fields(JOB_FIELDS)
def register(
    given: dict[str, Any],
    job_name: OptionalJobName = None,
    file: FileOption = None,
    prop: PropOption = None,
    script: ScriptOption = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Register it without starting it.")] = False,
    url: UrlOption = None,
) -> None:
    """Register a new job."""
    document = {**JOB_DEFAULTS, **read_document(file), **given}
    body = _without_empty(named(_with_props(document, prop, None, script), "jobName", job_name))
    if disabled:
        body["disabled"] = True
    with connect(url) as scheduler:
        scheduler.post("job", "register", json=body)
    say_weekdays(str(body.get("cron") or ""))
    say(f"Registered {body['jobName']}. To run it now: elasticjob-cloud job trigger {body['jobName']}")


@app.command(
    epilog="\b\nExample: elasticjob-cloud job update my_job --cron '0 0 * * * ?' --misfire\n"
    "Make it run by trigger only: elasticjob-cloud job update my_job --cron ''"
)
@with_fields(JOB_FIELDS)
def update(
    given: dict[str, Any],
    job_name: OptionalJobName = None,
    file: FileOption = None,
    prop: PropOption = None,
    remove_prop: RemovePropOption = None,
    script: ScriptOption = None,
    url: UrlOption = None,
) -> None:
    """Change the named settings of a job; keep the rest.

    Its schedule starts afresh. Running tasks of a transient job end under the old settings, those of a daemon job are
    replaced.
    """
    document = named(read_document(file), "jobName", job_name)
    name = document["jobName"]
    if len(document) == 1 and not (given or prop or remove_prop or script is not None):
        raise InvalidRequestError("There is nothing to change: name at least one option (see --help).")
    with connect(url) as scheduler:
        present = _settings_of(scheduler.get("job", "jobs", name))
        body = _with_props({**present, **document, **given}, prop, remove_prop, script)
        scheduler.put("job", "update", json=_without_empty(body))
    if body.get("cron") != present.get("cron"):
        say_weekdays(str(body.get("cron") or ""))
    say(f"Updated {name}.")


def _settings_of(job: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name in WRITABLE_JOB_FIELDS}


def _without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    # The API takes a whole job: what is left out is none, and none is what an empty text stands for.
    return {name: value for name, value in body.items() if value not in ("", None)}


def _with_props(
    document: Mapping[str, Any], prop: list[str] | None, remove: list[str] | None, script: str | None
) -> dict[str, Any]:
    if not (prop or remove or script is not None):
        return dict(document)
    return {**document, "props": merge_props(document.get("props") or {}, prop, remove, script)}


@app.command(epilog="\b\nExample: elasticjob-cloud job show my_job --json > job.json")
def show(
    job_name: JobNameArgument,
    json: JsonOption = False,
    show_secrets: SecretsOption = False,
    url: UrlOption = None,
) -> None:
    """Show one job with all its settings."""
    with connect(url) as scheduler:
        found = scheduler.get("job", "jobs", job_name)
    if not (json or show_secrets):  # JSON is for other programs, such as one that registers it elsewhere
        found = mask_configuration(found)
    if json:
        print_json(found)
    else:
        print_fields(found)
        say_weekdays(str(found.get("cron") or ""))


@app.command(
    epilog="\b\nExample: elasticjob-cloud job trigger my_job --follow\n"
    "With a parameter for this run: elasticjob-cloud job trigger report --parameter 2026-11-22 --wait\n"
    "Exit codes with --wait and --follow: 0 succeeded, 1 failed, 5 killed or dropped."
)
def trigger(
    job_name: JobNameArgument,
    wait: WaitOption = False,
    follow: FollowRunOption = False,
    parameter: Annotated[
        str | None,
        typer.Option("--parameter", "-p", help="The jobParameter of this run alone.", show_default=False),
    ] = None,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Run a transient job once now, apart from its cron.

    During a run, it waits for that to end.
    """
    body = job_name if parameter is None else {"jobName": job_name, "jobParameter": parameter}
    with connect(url) as scheduler:
        run_id = scheduler.post_for_run("job", "trigger", json=body)
        if not (wait or follow):
            say(f"Triggered {job_name}: run {run_id}. See: elasticjob-cloud run show {run_id}")
        tell_run(scheduler, run_id, wait=wait, follow=follow, json=json)


@app.command(epilog="\b\nExample: elasticjob-cloud job disable my_job")
def disable(job_name: JobNameArgument, url: UrlOption = None) -> None:
    """Stop scheduling a job, and kill its running tasks."""
    with connect(url) as scheduler:
        scheduler.post("job", job_name, "disable")
    say(f"Disabled {job_name}. To take it up again: elasticjob-cloud job enable {job_name}")


@app.command(epilog="\b\nExample: elasticjob-cloud job enable my_job")
def enable(job_name: JobNameArgument, url: UrlOption = None) -> None:
    """Take a disabled job up again."""
    with connect(url) as scheduler:
        scheduler.post("job", job_name, "enable")
    say(f"Enabled {job_name}.")


@app.command(epilog="\b\nExample: elasticjob-cloud job deregister my_job --yes")
def deregister(job_name: JobNameArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Remove a job and kill its running tasks."""
    confirm(f"Deregister {job_name}, and kill its running tasks?", yes=yes)
    with connect(url) as scheduler:
        scheduler.delete("job", job_name, "deregister")
    say(f"Deregistered {job_name}.")
