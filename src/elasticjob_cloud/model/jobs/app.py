"""The configuration of an app: where its archive is, how it starts, what its executor needs (manual, "应用 API")."""

import msgspec


class AppConfiguration(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False, kw_only=True):
    """A published app. In JSON the fields have the manual's names (`appName`, `appURL`, ...)."""

    app_name: str
    app_url: str = msgspec.field(name="appURL")
    bootstrap_script: str
    cpu_count: float = 1.0
    memory_mb: float = msgspec.field(name="memoryMB", default=128.0)
    app_cache_enable: bool = True
    event_trace_sampling_count: int = 0
