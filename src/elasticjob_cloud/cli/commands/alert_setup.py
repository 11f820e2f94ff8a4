"""`elasticjob-cloud alert rules` and `alert channels`: what is watched, and where messages go."""

from typing import Annotated

import typer

from elasticjob_cloud.cli.fields import read_document
from elasticjob_cloud.cli.options import FileOption, JsonOption, UrlOption, YesOption, confirm, connect
from elasticjob_cloud.cli.output import print_fields, print_json, print_table, say
from elasticjob_cloud.model.errors import InvalidRequestError

rules = typer.Typer(no_args_is_help=True, help="Rules: what is watched, and which channels hear of it.")
channels = typer.Typer(no_args_is_help=True, help="Channels: where messages go.")

ScopeArgument = Annotated[str, typer.Argument(metavar="SCOPE", help="global, app:NAME or job:NAME.")]
ChannelArgument = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name.")]


@rules.command("list", epilog="\b\nExample: elasticjob-cloud alert rules list")
def list_rules(json: JsonOption = False, url: UrlOption = None) -> None:
    """List all rules."""
    with connect(url) as scheduler:
        found = scheduler.get("alert", "rules")
    if json:
        print_json(found)
    elif not found:
        say("There is no rule: the defaults are watched, and nobody is told.")
    else:
        rows = [
            (scope, ", ".join(rule.get("channels", ())), ", ".join(rule.get("conditions", {})))
            for scope, rule in found.items()
        ]
        print_table(("SCOPE", "CHANNELS", "CONDITIONS"), rows, folded=("CHANNELS", "CONDITIONS"))


@rules.command("show", epilog="\b\nExample: elasticjob-cloud alert rules show job:my_job --json > rule.json")
def show_rule(scope: ScopeArgument, json: JsonOption = False, url: UrlOption = None) -> None:
    """Show the rule of a scope."""
    with connect(url) as scheduler:
        found = scheduler.get("alert", "rules", scope)
    if json:
        print_json(found)
    else:
        print_fields(found)


@rules.command(
    "set",
    epilog="\b\nExample: elasticjob-cloud alert rules set global --channel ops --channel mail\n"
    "From a file: elasticjob-cloud alert rules set job:my_job --file rule.json",
)
def set_rule(
    scope: ScopeArgument,
    file: FileOption = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="Send to this channel. May be repeated.", show_default=False),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Of messages: en or zh.", show_default=False)
    ] = None,
    url: UrlOption = None,
) -> None:
    """Set the rule of a scope, over the one that it has."""
    given = {"channels": channel or None, "language": language}
    body = read_document(file) | {name: value for name, value in given.items() if value is not None}
    if not body:
        raise InvalidRequestError("There is nothing to set: give a --file, or a --channel.")
    with connect(url) as scheduler:
        scheduler.put("alert", "rules", scope, json=body)
    say(f"Set the rule of {scope}.")


@rules.command("delete", epilog="\b\nExample: elasticjob-cloud alert rules delete job:my_job --yes")
def delete_rule(scope: ScopeArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Take the rule of a scope away: farther rules and the defaults hold."""
    confirm(f"Delete the rule of {scope}?", yes=yes)
    with connect(url) as scheduler:
        scheduler.delete("alert", "rules", scope)
    say(f"Deleted the rule of {scope}.")


@channels.command("list", epilog="\b\nExample: elasticjob-cloud alert channels list")
def list_channels(json: JsonOption = False, url: UrlOption = None) -> None:
    """List all channels, with secrets as ***."""
    with connect(url) as scheduler:
        found = scheduler.get("alert", "channels")
    if json:
        print_json(found)
    elif not found:
        say(
            "There is no channel. Set one: elasticjob-cloud alert channels set NAME --type webhook --address URL"
        )
    else:
        rows = [(row.get("name"), row.get("type"), row.get("url") or row.get("host")) for row in found]
        print_table(("CHANNEL", "TYPE", "ADDRESS"), rows, folded=("ADDRESS",))


@channels.command("show", epilog="\b\nExample: elasticjob-cloud alert channels show ops")
def show_channel(channel: ChannelArgument, json: JsonOption = False, url: UrlOption = None) -> None:
    """Show one channel, with secrets as ***."""
    with connect(url) as scheduler:
        found = scheduler.get("alert", "channels", channel)
    if json:
        print_json(found)
    else:
        print_fields(found)


@channels.command(
    "set",
    epilog="\b\nExample: elasticjob-cloud alert channels set ops --type slack --address https://hooks.slack.com/...\n"
    "With secrets: elasticjob-cloud alert channels set mail --file mail.json",
)
def set_channel(
    channel: ChannelArgument,
    file: FileOption = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="Such as webhook, mail, dingtalk or slack.", show_default=False),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="The URL to send to.", show_default=False)
    ] = None,
    url: UrlOption = None,
) -> None:
    """Set a channel, over the one of its name. Secrets come from a file: other users see a command's arguments."""
    given = {"type": kind, "url": address}
    body = read_document(file) | {name: value for name, value in given.items() if value is not None}
    if not body:
        raise InvalidRequestError("There is nothing to set: give a --file, or a --type and an --address.")
    with connect(url) as scheduler:
        scheduler.put("alert", "channels", channel, json=body)
    say(f"Set the channel {channel}. To try it: elasticjob-cloud alert test {channel}")


@channels.command("delete", epilog="\b\nExample: elasticjob-cloud alert channels delete ops --yes")
def delete_channel(channel: ChannelArgument, yes: YesOption = False, url: UrlOption = None) -> None:
    """Delete a channel that no rule names."""
    confirm(f"Delete the channel {channel}?", yes=yes)
    with connect(url) as scheduler:
        scheduler.delete("alert", "channels", channel)
    say(f"Deleted the channel {channel}.")
