"""A first tour: `python tutorial.py`. A decorator, a predicate, async, a block, a caller, instrumentation, tests; nothing but undaunted is needed.

Look at how little changes between the forms: a policy's options have the same names everywhere.
"""

import asyncio

import undaunted


class Catalogue:
    """Something that fails a few times before it answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    def page(self, number: int) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return f"page {number}"


# 1. A decorator: what to retry, how often, how long in all.
busy = Catalogue(ConnectionResetError("reset"), ConnectionResetError("reset"))


@undaunted.retry(on=ConnectionError, attempts=3, timeout="30s", initial="10ms")
def fetch(number: int) -> str:
    return busy.page(number)


# 2. A function decides, where a type is not enough. It may also answer with a wait of its own, in seconds.
def is_worth_it(error: Exception) -> bool:
    return isinstance(error, ValueError) and "later" in str(error)


@undaunted.retry(on=is_worth_it, attempts=3, initial="10ms")
def parse(text: str) -> int:
    return int(text)


# 3. The same decorator on a coroutine function; the wait lets other tasks run.
sleepy = Catalogue(TimeoutError("asleep"))


@undaunted.retry(on=TimeoutError, attempts=3, attempt_timeout="1s", initial="10ms")
async def fetch_later(number: int) -> str:
    await asyncio.sleep(0)
    return sleepy.page(number)


# 4. A block, where a function of its own would be in the way. `async for` is the same.
def fetch_in_a_block(catalogue: Catalogue) -> str:
    for attempt in undaunted.retry_context(on=ConnectionError, attempts=4, initial="10ms"):
        with attempt:
            found = catalogue.page(attempt.number)
    return found


# 5. A policy is a value: it calls functions, decorates them, and lies in a file that JavaScript and Rust read, too.
POLICY = undaunted.Policy(on=ConnectionError, attempts=3, initial="10ms", name="catalogue")


def main() -> None:
    print(fetch(1))  # page 1
    try:
        parse("seven")
    except ValueError as error:
        print(undaunted.history(error).reason)  # permanent
    print(asyncio.run(fetch_later(2)))  # page 2
    print(fetch_in_a_block(Catalogue(ConnectionError())))  # page 2
    print(POLICY.call(Catalogue(ConnectionError()).page, 3))  # page 3
    instrumented()
    tested()


# 6. Instrumentation: a hook hears of every call in the process. undaunted.instrumentation has some for logging, structlog, Prometheus and OpenTelemetry.
def instrumented() -> None:
    def tell(event: undaunted.Event) -> None:
        if event.kind == "scheduled":
            print(f"{event.name}: attempt {event.attempt} failed ({event.class_})")

    with undaunted.on_event(tell):
        POLICY.call(Catalogue(ConnectionResetError()).page, 4)
    # prints: catalogue: attempt 1 failed (transient)


# 7. Tests: no waiting, recorded waits, failures by script.
def tested() -> None:
    with undaunted.testing(script=[503, "ECONNRESET"]) as t:
        answer = undaunted.Policy(attempts=5, jitter="none").call(Catalogue().page, 5)
    print(answer, t.waits)  # page 5 [1.0, 2.0]

    with undaunted.testing(attempts=1) as t:  # at most one attempt, as if nothing were retried
        try:
            POLICY.call(Catalogue(ConnectionError("down")).page, 6)
        except ConnectionError as error:
            print(error.__notes__[0])  # undaunted: gave up after 1 of 1 attempt in 0.0 s: attempts

    undaunted.set_active(False)  # for a whole process; set_active(True) turns it on again
    try:
        POLICY.call(Catalogue(ConnectionError("down")).page, 7)
    except ConnectionError as error:
        print(undaunted.history(error).reason)  # inactive
    finally:
        undaunted.set_active(True)


if __name__ == "__main__":
    main()
