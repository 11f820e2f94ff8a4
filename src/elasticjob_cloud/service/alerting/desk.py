"""What API and command line ask about alerts, and the keeping of channels."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from elasticjob_cloud.alerting import Courier, DeliveryError, probe_message
from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.queries import AlertPage, AlertQuery, DeliveryPage, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import GLOBAL_SCOPE, AlertRule, Language
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.errors import ConflictError, NotFoundError
from elasticjob_cloud.service.alerting.settings import AlertSettings
from elasticjob_cloud.service.threads.store_threads import StoreThreads
from elasticjob_cloud.store.alert_contract import AlertStore

_log = structlog.get_logger(__name__)


class AlertDesk:
    """Implements `AlertPort`.

    Args:
        store: Where alerts are.
        threads: In which the store is called.
        settings: How messages look.
        check_leads: Raises where this scheduler does not lead: channels are the leader's to change.
        now_ms: The wall clock.
        new_id: Makes the ids of messages that try a channel.
        changed: Told when a channel was set or deleted.
    """

    def __init__(
        self,
        store: AlertStore,
        threads: StoreThreads,
        settings: AlertSettings,
        check_leads: Callable[[], object],
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._threads = threads
        self._settings = settings
        self._check_leads = check_leads
        self._now_ms = now_ms
        self._new_id = new_id
        self._changed = changed

    async def rules(self) -> Mapping[str, AlertRule]:
        return await self._threads.read(self._store.rules)

    async def silences(self) -> Sequence[Silence]:
        now_ms = self._now_ms()
        return [it for it in await self._threads.read(self._store.silences) if it.end_ms > now_ms]

    async def events(self, query: AlertQuery) -> AlertPage:
        return await self._threads.read(self._store.events, query)

    async def event(self, alert_id: str) -> Alert:
        alert = await self._threads.read(self._store.event, alert_id)
        if alert is None:
            message = f"There is no alert '{alert_id}'. GET /api/alert/events lists them."
            raise NotFoundError(message)
        return alert

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        return await self._threads.read(self._store.deliveries, query)

    async def channels(self) -> Sequence[Channel]:
        return await self._threads.read(self._store.channels)

    async def put_channel(self, channel: Channel) -> None:
        self._check_leads()
        await self._threads.read(self._store.put_channel, channel)
        self._changed()
        _log.info("A channel was set.", channel=channel.name, type=channel.type.value)

    async def drop_channel(self, name: str) -> None:
        self._check_leads()
        users = [scope for scope, rule in (await self.rules()).items() if name in (rule.channels or ())]
        if users:
            message = f"The rules {', '.join(users)} name the channel '{name}'. Take it out of them first."
            raise ConflictError(message)
        if not await self._threads.read(self._store.drop_channel, name):
            raise _no_channel(name)
        self._changed()
        _log.info("A channel was deleted.", channel=name)

    async def try_channel(self, name: str) -> str | None:
        channel = next((it for it in await self.channels() if it.name == name), None)
        if channel is None:
            raise _no_channel(name)
        rule = (await self.rules()).get(GLOBAL_SCOPE, AlertRule())
        language = rule.language or Language.ENGLISH
        message = probe_message(name, self._new_id(), self._now_ms(), language)
        async with Courier(self._settings.head, self._now_ms) as courier:
            try:
                await courier.deliver(channel, message)
            except DeliveryError as error:
                return str(error)
        return None


def _no_channel(name: str) -> NotFoundError:
    return NotFoundError(f"There is no channel '{name}'. Set it with PUT /api/alert/channels/{name}.")
