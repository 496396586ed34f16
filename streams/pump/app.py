"""The Faust application of a worker: one agent that hands on slices, and what Faust is told to leave out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
import msgspec
from faust.types import TP

from streams.kafka.access import Access
from streams.pump.chunks import HaulScheduler, HaulSchema, SliceApp
from streams.pump.credit import FetchCredit
from streams.pump.slices import Slice
from streams.pump.watermarks import Watermarks

# Faust's own buffer counts fetches; ours counts bytes, so Faust's stays short.
FAUST_FETCHES = 1
# A topic that is gone leaves a member without partitions; it joins again when metadata shows the topic.
METADATA_MS = 10_000
# A batch of records stays below what brokers take by default; a single record may be larger.
RECORD_BATCH_BYTES = 512 << 10
LARGEST_REQUEST_BYTES = 4 << 20


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker is a member of its consumer group.

    Attributes:
        batch_messages: Most records that are judged as one batch.
        fetch_wait_s: Seconds that the broker may hold an empty fetch.
        commit_interval_s: Seconds between commits.
        session_timeout_s: Seconds of silence that cost a member its partitions; a join on Tansu takes half.
        rebalance_timeout_s: Seconds that members have to rejoin.
    """

    group: str
    batch_messages: int = 8192
    fetch_wait_s: float = 0.5
    commit_interval_s: float = 0.5
    session_timeout_s: float = 10.0
    rebalance_timeout_s: float = 10.0


def build(
    access: Access,
    topic: str,
    membership: Membership,
    datadir: str,
    gather: Callable[[Slice], Awaitable[None]],
    asked: Callable[[], None],
) -> SliceApp:
    """Return the application.

    Args:
        gather: Awaited with each slice of the topic, in its order.
        asked: Called each time that a broker is asked for records.
    """
    app = SliceApp(
        membership.group,
        broker=[f"kafka://{address}" for address in access.brokers],
        broker_credentials=_credentials(access),
        broker_commit_interval=membership.commit_interval_s,
        broker_session_timeout=membership.session_timeout_s,
        broker_heartbeat_interval=membership.session_timeout_s / 4,
        broker_rebalance_timeout=membership.rebalance_timeout_s,
        broker_max_poll_records=membership.batch_messages,
        ConsumerScheduler=HaulScheduler,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MS,
        datadir=datadir,
        autodiscover=False,
        store="memory://",
        stream_buffer_maxsize=FAUST_FETCHES,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        producer_max_batch_size=RECORD_BATCH_BYTES,
        producer_max_request_size=LARGEST_REQUEST_BYTES,
    )
    app.watermarks = Watermarks[TP]()
    app.topic_id = ""
    app.credit = FetchCredit(asked)
    app.fetch_wait_ms = int(membership.fetch_wait_s * 1000)

    async def agent(stream: Any) -> None:
        async for haul in stream.noack():
            for piece in haul.slices:
                await gather(piece)

    app.agent(app.topic(topic, schema=HaulSchema(), value_type=bytes), name="gather")(agent)
    return app


def _credentials(access: Access) -> Any:
    """Return Faust's credentials for the broker, or None for plain text."""
    context = access.tls
    if access.security.startswith("SASL"):
        return faust.SASLCredentials(
            username=access.user, password=access.password, mechanism=access.mechanism, ssl_context=context
        )
    return faust.SSLCredentials(context) if context else None
