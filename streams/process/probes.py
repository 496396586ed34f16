"""Health and metrics over HTTP: /live, /ready, /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from streams.errors import ConfigurationError

log = structlog.get_logger(__name__)

Answer = tuple[bool, dict[str, object]]


class Probes:
    """A small HTTP server for orchestrators and Prometheus.

    Args:
        address: "host:port"; port 0 takes a free one.
        live: Whether the process should go on living, and what there is to say.
        ready: Whether it does its work with what it should do it with.
    """

    def __init__(
        self,
        address: str,
        *,
        registry: CollectorRegistry,
        live: Callable[[], Answer],
        ready: Callable[[], Answer],
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ConfigurationError(f"CHATSIEVE_HTTP: expected host:port, got {address!r}")
        self._host, self._port = host, int(port)
        self._registry = registry
        self._live, self._ready = live, ready
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen and return the port.

        Raises:
            ConfigurationError: When the address can't be listened on.
        """
        app = web.Application()
        app.add_routes([
            web.get("/live", self._answer(self._live)),
            web.get("/ready", self._answer(self._ready)),
            web.get("/metrics", self._metrics),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise ConfigurationError(
                f"CHATSIEVE_HTTP: can't listen on {self._host}:{self._port}: {error.strerror}"
            ) from error
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _answer(ask: Callable[[], Answer]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(_: web.Request) -> web.Response:
            good, said = ask()
            return web.json_response(said, status=200 if good else 503)

        return handler

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
