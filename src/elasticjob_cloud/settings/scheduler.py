"""The scheduler's settings, and what each may be (`docs/configuration.md`).

A setting `data_dir` is the option `--data-dir` (where `OPTIONS` has it), the variable `ELASTICJOB_DATA_DIR` and the
TOML key `data_dir`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    FiniteFloat,
    PositiveInt,
    SecretStr,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.settings.agent_tuning import AgentTuning
from elasticjob_cloud.settings.values import (
    URL_PREFIXES,
    Password,
    PositiveNumber,
    UserName,
    certificates,
    host_names,
    http_url,
    known_database,
    known_schemes,
    known_zone,
    lower,
    networks,
    split,
    whole_path,
    zero_or_long,
)
from elasticjob_cloud.time_zones.machine import machine_time_zone

ENVIRONMENT_PREFIX: Final = "ELASTICJOB_"
# Only these can be given on the command line; all others belong in the environment or the file.
OPTIONS: Final = frozenset(
    {
        "host",
        "port",
        "data_dir",
        "no_auth",
        "cpus",
        "memory_mb",
        "engine",
        "ray_address",
        "database_url",
        "take_over_agents",
        "clock_limit_seconds",
        "ca_file",
        "pass_env",
        "time_zone",
        "trusted_proxies",
        "public_url",
        "log_level",
        "log_format",
    }
)


def default_data_dir(environment: Mapping[str, str] | None = None) -> Path:
    """Give `$XDG_DATA_HOME/elasticjob-cloud`, by default `~/.local/share/elasticjob-cloud`.

    Raises:
        StartError: this user has no home directory.
    """
    home = (os.environ if environment is None else environment).get("XDG_DATA_HOME", "")
    # The XDG specification has relative paths ignored.
    if Path(home).is_absolute():
        return Path(home) / "elasticjob-cloud"
    try:
        return Path.home() / ".local" / "share" / "elasticjob-cloud"
    except RuntimeError:
        message = "This user has no home directory to keep the data in. Choose a directory with --data-dir, or set HOME."
        raise StartError(message) from None


class SchedulerSettings(AgentTuning):
    """All settings of a scheduler. Made by `settings_sources.load_settings`, which also says where a bad value came from."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8899, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    data_dir: Annotated[Path, AfterValidator(whole_path)] = Field(
        default_factory=default_data_dir,
        description="Where the database, apps, sandboxes and output are kept.",
    )
    no_auth: bool = Field(
        default=False,
        description="Serve without log-in, on loopback, the user who started the scheduler and root.",
    )
    cpus: PositiveNumber | None = Field(
        None, description="How many CPUs this machine's agent offers; by default all."
    )
    memory_mb: PositiveNumber | None = Field(
        None,
        description="How many MB of memory this machine's agent offers; by default what the machine has.",
    )
    engine: Literal["local", "ray"] = Field(
        "local", description="Where tasks run: on this machine (`local`) or on a Ray cluster (`ray`)."
    )
    ray_address: str = Field(
        "auto", min_length=1, description="The Ray cluster to join, as `ray.init` takes it."
    )
    ray_namespace: str = Field(
        "elasticjob-cloud",
        min_length=1,
        description="The Ray namespace of the agents: schedulers that share a database share it.",
    )
    agent_dir: str = Field(
        "~/.local/share/elasticjob-cloud/agents",
        min_length=1,
        description="Where agents on the nodes of a Ray cluster keep apps, sandboxes and output.",
    )
    database_url: Annotated[str, AfterValidator(known_database)] = Field(
        "",
        repr=False,
        description="SQLite or PostgreSQL, as an SQLAlchemy URL; by default `elasticjob.db` in the data directory.",
    )
    take_over_agents: bool = Field(
        default=False,
        description="Take over agents that know a later database state: for one start, after restoring a backup.",
    )

    advertise_url: Annotated[str, AfterValidator(http_url)] = Field(
        "",
        description="Where other schedulers reach this one's API; by default `http://HOST:PORT` as it listens.",
    )

    admin_username: UserName = Field("root", description="The name of the user who may do everything.")
    admin_password: Password = Field(
        SecretStr("pwd"),
        description="Their password, or its argon2id hash. A default or weak one serves the user who started the scheduler only.",
    )
    guest_username: UserName = Field("guest", description="The name of the user who may only read.")
    guest_password: Password = Field(
        SecretStr("guest"),
        description="Their password, or its argon2id hash. A default or weak one serves the user who started the scheduler only.",
    )
    token_hours: PositiveNumber = Field(24.0, description="How long a log-in lasts.")
    login_failures: PositiveInt = Field(
        5,
        description="How many failed log-ins of a user from an address are allowed in a minute (of all users: six times that).",
    )
    trusted_proxies: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(networks)
    ] = Field(
        (),
        description="Addresses and CIDR networks of proxies (comma-separated) whose `X-Forwarded-For` or `Forwarded` is "
        "believed.",
    )
    allowed_hosts: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(host_names)
    ] = Field(
        (),
        description="More names than `localhost` (comma-separated) under which browsers may reach a server with a default "
        "password or `no_auth`.",
    )
    body_limit_bytes: ByteSize = Field(
        ByteSize(1024**2),
        ge=8 * 1024,
        description="The largest body of a call; a log-in's has 8 KiB at most.",
    )

    time_zone: Annotated[str, AfterValidator(known_zone)] = Field(
        default_factory=machine_time_zone,
        description="The zone of crons whose job names none; by default the machine's.",
    )
    job_state_queue_size: PositiveInt = Field(
        10_000,
        description="How many jobs may wait in the ready queue; fires beyond that are recorded as dropped.",
    )
    misfire_limit: int = Field(
        100, ge=0, description="How many missed fires of a job are made up after a time without a leader."
    )
    failover_attempts: PositiveInt = Field(
        3,
        description="How often a shard of a transient job with failover is started in all when it fails; "
        "starts after its agent was lost do not count.",
    )
    placement: Annotated[Literal["spread", "pack"], BeforeValidator(lower)] = Field(
        "spread",
        description="Where shards go: to the agents with the most room (`spread`), or to as few agents as possible (`pack`).",
    )
    release_idle_seconds: Annotated[FiniteFloat, AfterValidator(zero_or_long)] = Field(
        0.0,
        ge=0,
        description="On a Ray cluster, release a node that has had no task for this time, so that Ray's autoscaler can remove "
        "it; at least 30. 0: never.",
    )
    lease_seconds: FiniteFloat = Field(
        4.0, ge=1, le=300, description="How long a leader that falls silent keeps the lead."
    )
    clock_limit_seconds: FiniteFloat = Field(
        5.0,
        ge=0,
        description="A scheduler whose clock differs by more from the database server's does not lead. 0: it does.",
    )
    history_days: PositiveNumber = Field(30.0, description="How long executions and status traces are kept.")
    history_limit_bytes: ByteSize = Field(
        ByteSize(10 * 1024**3),
        gt=0,
        description="How large the database may be: beyond that, its oldest history is deleted, at any age.",
    )

    public_url: Annotated[str, AfterValidator(http_url)] = Field(
        "",
        description="The console's address for people, such as `https://jobs.example.org`: alert messages link to it.",
    )
    alert_days: PositiveNumber = Field(
        90.0, description="How long alerts that are over, and what was sent of them, are kept."
    )

    fence_seconds: PositiveNumber = Field(
        10.0, description="After this time without its scheduler a remote agent kills what may fail over."
    )
    lost_seconds: PositiveNumber = Field(
        15.0,
        description="After this time without its agent a task counts as lost; longer than `fence_seconds` by 2 at least.",
    )
    orphan_seconds: PositiveNumber = Field(
        600.0, description="After this time without a scheduler a local agent ends its tasks and itself."
    )
    kill_grace_seconds: FiniteFloat = Field(
        5.0, ge=0, description="How long a task may tidy up between SIGTERM and SIGKILL."
    )
    executor_idle_seconds: PositiveNumber = Field(
        300.0, description="An app's executor without tasks is stopped after this time."
    )

    ca_file: Annotated[str, AfterValidator(certificates)] = Field(
        "",
        description="A PEM file of authorities to trust in addition to the system's: for downloads of apps, calls between "
        "schedulers, HTTP jobs and notifications.",
    )
    allowed_url_prefixes: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(known_schemes)
    ] = Field(
        URL_PREFIXES[:3],
        min_length=1,
        description="What an `appURL` may begin with (comma-separated); `standalone` allows `file://` as well.",
    )
    app_download_limit_bytes: ByteSize = Field(
        ByteSize(1024**3), gt=0, description="The largest app to download."
    )
    app_extracted_limit_bytes: ByteSize = Field(
        ByteSize(4 * 1024**3), gt=0, description="The most that an app's archive may hold."
    )
    app_file_limit: PositiveInt = Field(
        100_000, description="The most files, folders and links that an app's archive may hold."
    )
    app_download_seconds: PositiveNumber = Field(
        300.0, description="The longest time for a download, redirects included."
    )
    app_cache_bytes: ByteSize = Field(
        ByteSize(10 * 1024**3),
        gt=0,
        description="How much an agent keeps of apps that nothing runs any more.",
    )
    output_limit_bytes: ByteSize = Field(
        ByteSize(10 * 1024**2),
        gt=0,
        description="How much of each output stream of a task is kept: its first and its last part.",
    )
    output_days: PositiveNumber = Field(7.0, description="How long the output of ended tasks is kept.")
    output_total_bytes: ByteSize = Field(
        ByteSize(2 * 1024**3), gt=0, description="How much output of ended tasks an agent keeps in all."
    )
    output_file_count: PositiveInt = Field(
        20_000, description="How many files of output of ended tasks an agent keeps in all."
    )

    metrics_job_limit: int = Field(
        1_000,
        ge=0,
        description="Up to how many jobs `/metrics` tells when each last succeeded; with more of them it does not. 0: never.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = Field(
        "info", description="How much the scheduler logs."
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(lower)] = Field(
        "console", description="Log lines for people (`console`) or for machines (`json`)."
    )

    @property
    def store_url(self) -> str:
        """The database's URL: as set, else that of `elasticjob.db` in the data directory."""
        file = str(self.data_dir / "elasticjob.db").replace("%", "%25").replace("?", "%3F")
        return self.database_url or f"sqlite:///{file}"


def option_of(name: str) -> str:
    """Give a setting's option: `data_dir` is `--data-dir`."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """Give a setting's environment variable: `data_dir` is `ELASTICJOB_DATA_DIR`."""
    return ENVIRONMENT_PREFIX + name.upper()
