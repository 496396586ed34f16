"""The yardstick: a plain Faust app as its documentation writes it, one event a record, `await topic.send`.

python -m tests.bench.plain_faust BROKER SOURCE TARGET DATADIR
"""

from __future__ import annotations

import sys
from typing import Any

import faust

BROKER, SOURCE, TARGET, DATADIR = sys.argv[1:5]

app = faust.App(
    "bench-plain-faust",
    broker=f"kafka://{BROKER}",
    value_serializer="raw",
    key_serializer="raw",
    datadir=DATADIR,
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    web_enabled=False,
)
source = app.topic(SOURCE, value_type=bytes, key_type=bytes)
target = app.topic(TARGET, value_type=bytes, key_type=bytes)


@app.agent(source)
async def copy(stream: Any) -> None:
    """Copy each record."""
    async for key, value in stream.items():
        await target.send(key=key, value=value)


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
