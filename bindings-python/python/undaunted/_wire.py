"""Clients of redis-py: which of them a store takes, and how commands go over them."""

from __future__ import annotations

from hashlib import sha1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from ._links import Errand


def send(client: Any, errands: list[Errand]) -> dict[Errand, Any]:
    """What is answered to each: a reply, or the error instead of one."""
    groups = together(errands)
    talk = conversation(list(groups), is_cluster(client))
    commands = next(talk)
    while True:
        try:
            commands = talk.send(ask(client, commands))
        except StopIteration as end:
            return apart(groups, end.value)


async def send_async(client: Any, errands: list[Errand]) -> dict[Errand, Any]:
    """The same, awaited."""
    groups = together(errands)
    talk = conversation(list(groups), is_cluster(client))
    commands = next(talk)
    while True:
        replies = await ask_async(client, commands)
        try:
            commands = talk.send(replies)
        except StopIteration as end:
            return apart(groups, end.value)


def together(errands: list[Errand]) -> dict[Errand, list[Errand]]:
    """What is sent, and whose errands it is: retries of one price ask for it as one."""
    groups: dict[object, list[Errand]] = {}
    for errand in errands:
        groups.setdefault(errand.link.joins(errand), []).append(errand)
    return {group[0] if len(group) == 1 else group[0].link.together(group): group for group in groups.values()}


def apart(groups: dict[Errand, list[Errand]], replies: dict[Errand, Any]) -> dict[Errand, Any]:
    """What each is answered."""
    found: dict[Errand, Any] = {}
    for sent, group in groups.items():
        reply = replies[sent]
        if len(group) == 1 or isinstance(reply, Exception):
            parts = [reply] * len(group)
        else:
            try:
                parts = sent.link.apart(reply, len(group))
            except Exception as error:
                parts = [error] * len(group)
        found.update(zip(group, parts, strict=True))
    return found


def conversation(errands: list[Errand], is_apart: bool) -> Generator[list[list[Any]], list[Any], dict[Errand, Any]]:
    """Commands that are sent together; goes on with their replies. In a cluster each is sent apart, as each may belong to another node."""
    replies: dict[Errand, Any] = {}
    for together in [[errand] for errand in errands] if is_apart else [errands]:
        replies.update(zip(together, (yield [words(errand, "EVALSHA") for errand in together]), strict=True))
        unknown = [errand for errand in together if is_unknown(replies[errand])]
        if unknown:
            # The server keeps a script that it was sent once.
            new = {errand.link.script: errand for errand in reversed(unknown)}
            again = [words(errand, "EVAL" if new[errand.link.script] is errand else "EVALSHA") for errand in unknown]
            replies.update(zip(unknown, (yield again), strict=True))
        error = replies[together[-1]]
        if isinstance(error, Exception):
            # Whoever waits has lost the store already.
            return {errand: replies.get(errand, error) for errand in errands}
    return replies


def ask(client: Any, commands: list[list[Any]]) -> list[Any]:
    try:
        if len(commands) == 1:
            return [client.execute_command(*commands[0])]
        with client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return pipe.execute(raise_on_error=False)  # type: ignore[no-any-return]
    except Exception as error:
        return [error] * len(commands)


async def ask_async(client: Any, commands: list[list[Any]]) -> list[Any]:
    try:
        if len(commands) == 1:
            return [await client.execute_command(*commands[0])]
        async with client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return await pipe.execute(raise_on_error=False)  # type: ignore[no-any-return]
    except Exception as error:
        return [error] * len(commands)


def words(errand: Errand, how: str) -> list[Any]:
    script = errand.link.script
    return [how, script if how == "EVAL" else digest(script), len(errand.link.keys), *errand.link.keys, *errand.words]


def digest(script: str) -> str:
    found = digests.get(script)
    if found is None:
        found = digests[script] = sha1(script.encode(), usedforsecurity=False).hexdigest()
    return found


def is_unknown(reply: object) -> bool:
    """Whether the server does not know the script."""
    return isinstance(reply, Exception) and (type(reply).__name__ == "NoScriptError" or str(reply).startswith("NOSCRIPT"))


def is_cluster(client: Any) -> bool:
    return hasattr(client, "get_nodes")


def is_asynchronous(client: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(getattr(type(client), "execute_command", None))


def kind_of(client: object) -> str:
    return f"a {type(client).__module__.split('.')[0]} {type(client).__name__}"


def check_client(client: Any) -> None:
    """Refuses a synchronous client that might never come back, and one that sends a command twice."""
    if is_asynchronous(client):
        raise TypeError(f"the client is an asynchronous {type(client).__name__}, allowed a synchronous one here; pass it as async_client")
    if not hasattr(client, "execute_command") or not hasattr(client, "get_connection_kwargs"):
        raise TypeError(f"the client is {client!r}, allowed a URL, or a client of redis-py; write Store(\"redis://localhost:6379/0\")")
    given = client.get_connection_kwargs()
    wait = given.get("socket_timeout")
    if not isinstance(wait, (int, float)):
        raise ValueError(
            f"the client's socket_timeout is {wait}, allowed a number of seconds, as a store that hangs would never be given up; "
            "make the client with socket_timeout=1, or give the store a URL"
        )
    retry = given.get("retry") or getattr(client, "retry", None)
    retries = 0 if retry is None else getattr(retry, "_retries", 0)
    if retries or given.get("retry_on_timeout") or given.get("retry_on_error"):
        raise ValueError(
            f"the client retries {retries or 1} times by itself, allowed 0, as a command that is sent twice may count twice; "
            "make the client with retry=Retry(NoBackoff(), 0), or give the store a URL"
        )


digests: dict[str, str] = {}
