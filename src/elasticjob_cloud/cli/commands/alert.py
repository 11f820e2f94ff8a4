"""`elasticjob-cloud alert`: what is wrong, who was told, and silences."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from elasticjob_cloud.cli.commands.alert_setup import channels, rules
from elasticjob_cloud.cli.options import JsonOption, UrlOption, connect
from elasticjob_cloud.cli.output import local_time, print_fields, print_json, print_table, say, say_failure

app = typer.Typer(no_args_is_help=True, help="Alerts: what is wrong, and who is told.")
app.add_typer(rules, name="rules")
app.add_typer(channels, name="channels")

JobFilter = Annotated[str | None, typer.Option("--job", "-j", help="Only this job's.", show_default=False)]
AppFilter = Annotated[str | None, typer.Option("--app", "-a", help="Only this app's.", show_default=False)]
ConditionFilter = Annotated[
    str | None, typer.Option("--condition", help="Only this condition, such as LATE.", show_default=False)
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1000, help="The most rows to show.")]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="Go on after an earlier page.", show_default=False)
]
AlertIdArgument = Annotated[
    str, typer.Argument(metavar="ALERT_ID", help="The alert's id, as `alert list` shows it.")
]
_TIMES = ("since", "firedTime", "lastTime", "acknowledgedTime", "resolvedTime", "messageTime")


@app.command("list", epilog="\b\nExample: elasticjob-cloud alert list --all --job my_job")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    state: Annotated[
        str | None,
        typer.Option("--state", help="FIRING, ACKNOWLEDGED or RESOLVED.", show_default=False),
    ] = None,
    condition: ConditionFilter = None,
    job: JobFilter = None,
    app_name: AppFilter = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List alerts, those that fired last first; those that are over only if asked for."""
    query = {
        "state": state or (None if everything else "OPEN"),
        "condition": condition,
        "jobName": job,
        "appName": app_name,
        "limit": limit,
        "cursor": cursor,
    }
    with connect(url) as scheduler:
        page = scheduler.get("alert", "events", query=query)
    if json:
        print_json(page)
    elif not page["rows"]:
        say("No alerts." if everything or state else "Nothing is wrong. Earlier alerts: add --all")
    else:
        titles = ("FIRED", "STATE", "SEVERITY", "CONDITION", "ABOUT", "TIMES", "SUMMARY", "ID")
        print_table(titles, [_row(alert) for alert in page["rows"]], folded=("SUMMARY", "ABOUT"))
        _say_next(page)


def _row(alert: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        local_time(alert.get("firedTime")),
        alert.get("state"),
        alert.get("severity"),
        alert.get("condition"),
        alert.get("jobName") or alert.get("subject"),
        alert.get("count"),
        alert.get("summary"),
        alert.get("id"),
    )


def _say_next(page: Mapping[str, Any]) -> None:
    if page.get("next"):
        say(f"There are more: --cursor {page['next']}")


@app.command(epilog="\b\nExample: elasticjob-cloud alert show 4f0c2b...")
def show(alert_id: AlertIdArgument, json: JsonOption = False, url: UrlOption = None) -> None:
    """Show one alert with all that is known of it."""
    with connect(url) as scheduler:
        alert = scheduler.get("alert", "events", alert_id)
    if json:
        print_json(alert)
        return
    print_fields({name: local_time(value) if name in _TIMES else value for name, value in alert.items()})


@app.command(epilog="\b\nExample: elasticjob-cloud alert ack 4f0c2b...")
def ack(alert_id: AlertIdArgument, url: UrlOption = None) -> None:
    """Say that you know of an alert: there are no more reminders."""
    with connect(url) as scheduler:
        scheduler.post("alert", "events", alert_id, "acknowledge")
    say(f"Acknowledged {alert_id}.")


@app.command(epilog="\b\nExample: elasticjob-cloud alert silence --job my_job --condition LATE --minutes 60")
def silence(
    minutes: Annotated[
        float, typer.Option("--minutes", "-m", min=0.1, help="For how long.", show_default=False)
    ],
    job: JobFilter = None,
    app_name: AppFilter = None,
    condition: ConditionFilter = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Why.", show_default=False)] = None,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Hold back messages for some time: of a job, an app, a condition, or all. Alerts are shown all the same."""
    given = {"minutes": minutes, "jobName": job, "appName": app_name, "condition": condition}
    body = {name: value for name, value in {**given, "comment": comment}.items() if value is not None}
    with connect(url) as scheduler:
        made = scheduler.post("alert", "silences", json=body)
    if json:
        print_json(made)
    else:
        until = local_time(made.get("endTime"))
        say(f"Silent until {until}. To end it before: elasticjob-cloud alert unsilence {made['id']}")


@app.command(epilog="\b\nExample: elasticjob-cloud alert silences")
def silences(json: JsonOption = False, url: UrlOption = None) -> None:
    """List the silences that are not over."""
    with connect(url) as scheduler:
        rows = scheduler.get("alert", "silences")
    if json:
        print_json(rows)
    elif not rows:
        say("There is no silence.")
    else:
        print_table(
            ("UNTIL", "JOB", "APP", "CONDITION", "BY", "COMMENT", "ID"),
            [
                (
                    local_time(row.get("endTime")),
                    row.get("jobName") or "all",
                    row.get("appName") or "all",
                    row.get("condition") or "all",
                    row.get("createdBy"),
                    row.get("comment"),
                    row.get("id"),
                )
                for row in rows
            ],
            folded=("COMMENT",),
        )


@app.command(epilog="\b\nExample: elasticjob-cloud alert unsilence 4f0c2b...")
def unsilence(
    silence_id: Annotated[
        str, typer.Argument(metavar="SILENCE_ID", help="The silence's id, as `alert silences` shows it.")
    ],
    url: UrlOption = None,
) -> None:
    """End a silence before its time: what is still wrong is told."""
    with connect(url) as scheduler:
        scheduler.delete("alert", "silences", silence_id)
    say("The silence is over.")


@app.command("test", epilog="\b\nExample: elasticjob-cloud alert test ops")
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")],
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send a test message to a channel. Exits with 1 if it does not arrive."""
    with connect(url) as scheduler:
        outcome = scheduler.post("alert", "channels", channel, "test")
    if json:
        print_json(outcome)
    elif outcome["delivered"]:
        say(f"A test message was delivered to {channel}.")
    else:
        say_failure(f"The channel {channel} did not take the test message: {outcome['error']}")
    if not outcome["delivered"]:
        raise typer.Exit(1)


@app.command(epilog="\b\nExample: elasticjob-cloud alert deliveries --state FAILED")
def deliveries(
    channel: Annotated[
        str | None, typer.Option("--channel", help="Only to this channel.", show_default=False)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="PENDING, DELIVERED or FAILED.", show_default=False),
    ] = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List which message went to which channel, and what became of it, the newest first."""
    query = {"channel": channel, "state": state, "limit": limit, "cursor": cursor}
    with connect(url) as scheduler:
        page = scheduler.get("alert", "deliveries", query=query)
    if json:
        print_json(page)
    elif not page["rows"]:
        say("No message of that kind.")
    else:
        print_table(
            ("WRITTEN", "CHANNEL", "KIND", "ALERTS", "STATE", "TRIES", "ERROR", "MESSAGE ID"),
            [
                (
                    local_time(row.get("createdTime")),
                    row.get("channel"),
                    row.get("kind"),
                    row.get("total"),
                    row.get("state"),
                    row.get("attempts"),
                    row.get("lastError"),
                    row.get("messageId"),
                )
                for row in page["rows"]
            ],
            folded=("ERROR",),
        )
        _say_next(page)
