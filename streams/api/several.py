"""Several processes behind one port: the kernel gives each its share of the connections (SO_REUSEPORT)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import structlog

from streams.errors import ConfigurationError
from streams.process.embedded import guarded
from streams.process.tasks import stopping_of
from streams.settings import PREFIX, Settings

log = structlog.get_logger(__name__)

LOOK_S = 0.1
# What a process is told so that it shares its port.
SHARES = "--shares-port"


async def run(settings: Settings, count: int) -> int:
    """Run so many processes until told to stop; where one ends by itself all do. Return the exit code.

    Raises:
        ConfigurationError: They can't share a port here.
    """
    if not hasattr(socket, "SO_REUSEPORT") or settings.api.endswith(":0"):
        raise ConfigurationError(
            "--workers: give CHATSIEVE_API a port, on a system that lets processes share it"
        )
    stopping = asyncio.create_task(stopping_of(None).wait())
    processes: list[Process] = []
    ends: list[asyncio.Task[int]] = []
    for number in range(count):
        processes.append(await _start(settings, number))
        ends.append(asyncio.create_task(processes[-1].wait()))
        if number == 0:
            # What is wrong with the settings is said once, and what is missing is made once.
            await _answers(settings.api, ends[0], stopping)
        if stopping.done() or any(end.done() for end in ends):
            break
    await asyncio.wait([stopping, *ends], return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        log.critical("process_ended", codes=[end.result() for end in ends if end.done()])
    for process in processes:
        with suppress(ProcessLookupError):
            process.terminate()
    codes = await asyncio.gather(*ends)
    stopping.cancel()
    return next((code if code > 0 else 1 for code in codes if code), 0)


async def _start(settings: Settings, number: int) -> Process:
    host, _, port = settings.http.rpartition(":")
    its = {
        "WORKER": f"{settings.worker}-{number}",
        "HTTP": settings.http if port == "0" else f"{host}:{int(port) + number}",
    }
    command = [sys.executable, "-m", "streams", "api", SHARES]
    return await asyncio.create_subprocess_exec(
        *guarded(command, signal.SIGTERM),
        stdin=PIPE,
        env=os.environ | {PREFIX + name: value for name, value in its.items()},
    )


async def _answers(address: str, end: asyncio.Task[int], stopping: asyncio.Task[bool]) -> None:
    """Return when somebody listens there, or nobody will."""
    host, _, port = address.rpartition(":")
    while not (end.done() or stopping.done()):
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
            return
        await asyncio.sleep(LOOK_S)
