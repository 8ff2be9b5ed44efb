"""An aiohttp service that calls a flaky upstream: `python aiohttp_service.py` starts both and asks the service twice.

Look at `user`: one session for all requests, a `timeout` shorter than the callers', and what a caller is told when the upstream stays
down: 503 with the upstream's own Retry-After instead of a second round of waiting.
"""

import asyncio
from math import ceil

import aiohttp
from aiohttp import web

import undaunted
from undaunted.adapters.aiohttp import RetryingSession

POLICY = undaunted.Policy(attempts=4, timeout="3s", attempt_timeout="1s", initial="20ms", name="users-api", budget={"name": "users-api"})
SESSION = web.AppKey("session", RetryingSession)
UPSTREAM = web.AppKey("upstream", str)


async def user(request: web.Request) -> web.Response:
    url = f"{request.app[UPSTREAM]}/users/{request.match_info['id']}"
    try:
        found = await request.app[SESSION].fetch(url)  # the body, too, is read within the attempt
    except aiohttp.ClientResponseError as error:
        if error.status == 404:
            raise web.HTTPNotFound(text="no such user") from error
        raise unavailable(error) from error
    except (aiohttp.ClientError, undaunted.TimeoutError, undaunted.GaveUp) as error:
        raise unavailable(error) from error
    return web.json_response({"hello": found["name"]})


def unavailable(error: Exception) -> web.HTTPServiceUnavailable:
    hint = undaunted.history(error).hint
    return web.HTTPServiceUnavailable(headers={"Retry-After": str(ceil(hint))} if hint else None, text="please come back later")


async def session_of_the_app(app: web.Application):
    async with RetryingSession(POLICY) as session:
        app[SESSION] = session
        yield


def service(upstream: str) -> web.Application:
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(session_of_the_app)
    app.router.add_get("/hello/{id}", user)
    return app


def flaky_upstream() -> web.Application:
    """Fails twice, then knows Ada; for anybody else it is in maintenance."""
    failures = [500, 503]

    async def answer(request: web.Request) -> web.Response:
        if request.match_info["id"] != "ada":
            return web.Response(status=503, headers={"Retry-After": "60"})
        return web.Response(status=failures.pop(0)) if failures else web.json_response({"name": "Ada"})

    app = web.Application()
    app.router.add_get("/users/{id}", answer)
    return app


async def started(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def main() -> None:
    upstream, upstream_url = await started(flaky_upstream())
    ours, url = await started(service(upstream_url))
    async with aiohttp.ClientSession() as browser:
        async with browser.get(f"{url}/hello/ada") as response:
            print(response.status, await response.text())  # 200 {"hello": "Ada"}
        async with browser.get(f"{url}/hello/bob") as response:
            print(response.status, response.headers["Retry-After"], await response.text())  # 503 60 please come back later
    await ours.cleanup()
    await upstream.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
