"""The server's commands: `standalone`, `scheduler`, `demo`."""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from elasticjob_cloud.cli.output import say
from elasticjob_cloud.demo import Demo
from elasticjob_cloud.server import Server, build_server, settle_passwords
from elasticjob_cloud.server.arguments import hide_password_of_url
from elasticjob_cloud.server.logs import configure_logs
from elasticjob_cloud.settings.first_password import PASSWORD_FILE, note_password_file, uses_first_password
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from elasticjob_cloud.settings.sources import (
    STANDALONE_DEFAULTS,
    load_settings,
    unknown_variables,
)
from elasticjob_cloud.time_zones.machine import find_machine_zone

app = typer.Typer()
_log = logging.getLogger(__name__)

_PANEL = (
    "Each option is also a variable (--data-dir: ELASTICJOB_DATA_DIR) and a key of the TOML file of --config."
)
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file of settings.", show_default=False),
]
HostOption = Annotated[
    str | None,
    typer.Option("--host", metavar="HOST", help="The address to listen on (127.0.0.1).", show_default=False),
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", help="The port to listen on (8899).", show_default=False),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where the database, apps and output are kept (~/.local/share/elasticjob-cloud).",
        show_default=False,
    ),
]
NoAuthOption = Annotated[
    bool | None, typer.Option("--no-auth", help="Serve without log-in; on loopback only.", show_default=False)
]
TakeOverOption = Annotated[
    bool | None,
    typer.Option(
        "--take-over-agents",
        help="After restoring the database: take agents over that know a later state of it.",
        show_default=False,
    ),
]
CpusOption = Annotated[
    float | None,
    typer.Option("--cpus", metavar="N", help="CPUs to offer to jobs (all).", show_default=False),
]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        "--memory-mb", metavar="N", help="Memory to offer to jobs, in MB (most of it).", show_default=False
    ),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="A PEM file of authorities to trust in addition to the system's.",
        show_default=False,
    ),
]
PassEnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--pass-env",
        metavar="NAME",
        help="A variable that jobs inherit beyond PATH, HOME and the like; repeatable.",
        show_default=False,
    ),
]
TimeZoneOption = Annotated[
    str | None,
    typer.Option(
        "--time-zone", metavar="ZONE", help="For crons without one (the machine's).", show_default=False
    ),
]
PublicUrlOption = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="Where people reach the console: links in messages of alerts lead there.",
        show_default=False,
    ),
]
TrustedProxiesOption = Annotated[
    str | None,
    typer.Option(
        "--trusted-proxies",
        metavar="NETWORKS",
        help="Proxies whose X-Forwarded-For is believed, such as 10.0.0.0/24 (none).",
        show_default=False,
    ),
]
LogLevelOption = Annotated[
    str | None,
    typer.Option(
        "--log-level", metavar="LEVEL", help="debug, info, warning or error (info).", show_default=False
    ),
]
LogFormatOption = Annotated[
    str | None,
    typer.Option("--log-format", metavar="FORMAT", help="console or json (console).", show_default=False),
]


@app.command(
    epilog=f"\b\nExample: elasticjob-cloud standalone --port 8899 --data-dir ./data --no-auth\n{_PANEL}"
)
def standalone(
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    no_auth: NoAuthOption = None,
    take_over_agents: TakeOverOption = None,
    cpus: CpusOption = None,
    memory_mb: MemoryOption = None,
    ca_file: CaFileOption = None,
    pass_env: PassEnvOption = None,
    time_zone: TimeZoneOption = None,
    trusted_proxies: TrustedProxiesOption = None,
    public_url: PublicUrlOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    config: ConfigOption = None,
) -> None:
    """Run everything on this machine: scheduler, SQLite database and agent."""
    settings = _load_settings(
        {
            "host": host,
            "port": port,
            "data_dir": data_dir,
            "no_auth": no_auth,
            "take_over_agents": take_over_agents,
            "cpus": cpus,
            "memory_mb": memory_mb,
            "ca_file": None if ca_file is None else str(ca_file),
            "pass_env": tuple(pass_env) if pass_env else None,
            "time_zone": time_zone,
            "trusted_proxies": trusted_proxies,
            "public_url": public_url,
            "log_level": log_level,
            "log_format": log_format,
        },
        config,
        defaults=STANDALONE_DEFAULTS,
    )
    _serve(settings)


@app.command(
    epilog="\b\nExample: elasticjob-cloud scheduler --engine local --database-url sqlite:////srv/elasticjob.db\n"
    + _PANEL
)
def scheduler(
    engine: Annotated[
        str | None,
        typer.Option("--engine", metavar="ENGINE", help="Where tasks run: local or ray.", show_default=False),
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address", metavar="A", help="The Ray cluster to join (auto).", show_default=False
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", metavar="URL", help="The database, as URL.", show_default=False),
    ] = None,
    clock_limit_seconds: Annotated[
        float | None,
        typer.Option(
            "--clock-limit-seconds",
            metavar="N",
            help="Lead only with a clock that near the database server's (5; 0: with any).",
            show_default=False,
        ),
    ] = None,
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    no_auth: NoAuthOption = None,
    take_over_agents: TakeOverOption = None,
    cpus: CpusOption = None,
    memory_mb: MemoryOption = None,
    ca_file: CaFileOption = None,
    pass_env: PassEnvOption = None,
    time_zone: TimeZoneOption = None,
    trusted_proxies: TrustedProxiesOption = None,
    public_url: PublicUrlOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    config: ConfigOption = None,
) -> None:
    """Run a scheduler with the engine and the database of your choice."""
    if database_url is not None and hide_password_of_url(database_url):
        say(
            "warning: the password in --database-url could be seen in ps; set ELASTICJOB_DATABASE_URL instead"
        )
    settings = _load_settings(
        {
            "engine": engine,
            "ray_address": ray_address,
            "database_url": database_url,
            "clock_limit_seconds": clock_limit_seconds,
            "host": host,
            "port": port,
            "data_dir": data_dir,
            "no_auth": no_auth,
            "take_over_agents": take_over_agents,
            "cpus": cpus,
            "memory_mb": memory_mb,
            "ca_file": None if ca_file is None else str(ca_file),
            "pass_env": tuple(pass_env) if pass_env else None,
            "time_zone": time_zone,
            "trusted_proxies": trusted_proxies,
            "public_url": public_url,
            "log_level": log_level,
            "log_format": log_format,
        },
        config,
        required=("engine", "database_url"),
    )
    _serve(settings)


@app.command(epilog=f"\b\nExample: elasticjob-cloud demo --port 8899\n{_PANEL}")
def demo(
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Run everything, with sample jobs to look at: the terminal shows their shards start and finish."""
    options = {"host": host, "port": port, "data_dir": data_dir, "log_level": "warning"}
    defaults = dict(STANDALONE_DEFAULTS)
    if data_dir is None:
        defaults["data_dir"] = Demo.default_data_dir()
    settings = _load_settings(options, config, defaults=defaults)
    configure_logs(settings.log_level, settings.log_format)
    settings = settle_passwords(settings)
    show = Demo(settings, sys.stdout)
    server = build_server(settings, on_commit=show.show_changes)
    show.greet(server.url)
    _note_password(settings, server)
    server.run(show.begin)


def _load_settings(
    options: Mapping[str, object | None],
    config: Path | None,
    *,
    defaults: Mapping[str, object] | None = None,
    required: Sequence[str] = (),
) -> SchedulerSettings:
    # First: a misspelt variable may be why what is required seems to be missing.
    for variable, meant in unknown_variables(os.environ).items():
        hint = f"did you mean {meant}?" if meant else "docs/configuration.md lists all settings."
        say(f"warning: {variable} is no setting; {hint}")
    return load_settings(options, config, defaults=defaults, required=required)


def _serve(settings: SchedulerSettings) -> None:
    configure_logs(settings.log_level, settings.log_format)
    if "time_zone" not in settings.model_fields_set and (warning := find_machine_zone().warning):
        _log.warning(warning)
    settings = settle_passwords(settings)
    server = build_server(settings)
    _note_password(settings, server)

    async def greet() -> None:
        _print_welcome(settings, server)

    server.run(greet)


def _note_password(settings: SchedulerSettings, server: Server) -> None:
    port = urlsplit(server.url).port
    if port is not None and uses_first_password(settings):
        note_password_file(port, settings.data_dir)


def _print_welcome(settings: SchedulerSettings, server: Server) -> None:
    login = "nobody has to log in (--no-auth)"
    if not settings.no_auth:
        login = f"log in with: elasticjob-cloud login --url {server.url} --username {settings.admin_username}"
        if settings.admin_password.get_secret_value() == "pwd":
            login += " (password: pwd; for this user and root only)"
        elif uses_first_password(settings):
            login += f" (its password is in {settings.data_dir / PASSWORD_FILE})"
    print(
        f"ElasticJob-Cloud serves at {server.url}/ (the console) and {server.url}/api ({server.url}/api/docs describes it)"
    )
    print(f"  data in {settings.data_dir}; crons without a timeZone are in {settings.time_zone}")
    print(f"  {login}")
    if sys.platform == "darwin":
        print("  on macOS without Linux's process tree: a script that forks away may outlive its task")
    print("  Ctrl-C stops it; tasks that run are allowed to end", flush=True)
