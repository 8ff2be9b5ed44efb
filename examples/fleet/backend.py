"""The backend that all services call: an HTTP server that is well, or fails in three ways in turn, as it is told."""

import asyncio
import itertools
import socket
import struct
import time

from aiohttp import web


class Backend:
    """`async with Backend() as backend`: then `backend.url` answers, and `backend.fails = True` is an outage."""

    def __init__(self) -> None:
        self.fails = False
        #: When requests came.
        self.requests: list[float] = []
        self._ways = itertools.cycle([self._busy, self._slow, self._resets, self._busy])

    async def __aenter__(self) -> "Backend":
        app = web.Application()
        app.router.add_get("/users/{id}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(time.monotonic())
        if self.fails:
            return await next(self._ways)(request)
        return web.json_response({"id": request.match_info["id"]})

    async def _busy(self, _: web.Request) -> web.Response:
        return web.Response(status=503)

    async def _slow(self, _: web.Request) -> web.Response:
        """An answer that comes when nobody waits for it any more."""
        await asyncio.sleep(1)
        return web.Response(status=504)

    async def _resets(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
        return web.Response(status=503)
