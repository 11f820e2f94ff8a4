"""What a cache of apps gives up when there is too much in it."""

import asyncio
from pathlib import Path

from elasticjob_cloud.agent.apps.entries import Entries, Entry
from elasticjob_cloud.agent.apps.sources.fetching import Validator
from elasticjob_cloud.agent.apps.versions.version import Version, VersionRecord

LIMIT_BYTES = 1_000_000


def _entry(key: str, used_ns: int, *, written: int = 0) -> Entry:
    record = VersionRecord(
        key=key,
        app_names=[key],
        single_file=None,
        validator=Validator(),
        sha256="",
        disk_bytes=10_000,
        created_ns=0,
        boot_id="",
    )
    entry = Entry(key)
    entry.version = Version(Path("/nowhere") / key, record, used_ns)
    entry.version.disk_bytes += written
    return entry


def test_no_other_app_is_dropped_while_a_filled_folder_is_extracted_again() -> None:
    async def run() -> None:
        full, other = _entry("full", 2, written=2_000_000), _entry("other", 1)
        entries = Entries({it.key: it for it in (full, other)})
        assert entries.plan_eviction(1_020_000, LIMIT_BYTES) == ([full], [])

        full.renewal = asyncio.ensure_future(asyncio.sleep(0))
        assert full.version is not None
        full.version.hold()

        assert entries.plan_eviction(1_020_000, LIMIT_BYTES) == ([], [])
        assert entries.plan_eviction(2_020_000, LIMIT_BYTES) == ([], [other])
        await full.renewal

    asyncio.run(run())
