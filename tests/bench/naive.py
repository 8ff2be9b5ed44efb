"""What a careful programmer writes by hand: attempts, exponential full jitter, a deadline. The baseline of the Python figures."""

import asyncio
import functools
import random
import time


def retry(on=Exception, attempts=10, timeout=45.0, initial=1.0, max_delay=10.0):
    def decorate(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            deadline = time.monotonic() + timeout
            for attempt in range(1, attempts + 1):
                try:
                    return fn(*args, **kwargs)
                except on:
                    delay = random.uniform(0, min(max_delay, initial * 2 ** (attempt - 1)))
                    if attempt == attempts or time.monotonic() + delay >= deadline:
                        raise
                    time.sleep(delay)

        return wrapper

    return decorate


def retry_async(on=Exception, attempts=10, timeout=45.0, initial=1.0, max_delay=10.0):
    def decorate(fn):
        @functools.wraps(fn)
        async def wrapper(*args, **kwargs):
            deadline = time.monotonic() + timeout
            for attempt in range(1, attempts + 1):
                try:
                    return await fn(*args, **kwargs)
                except on:
                    delay = random.uniform(0, min(max_delay, initial * 2 ** (attempt - 1)))
                    if attempt == attempts or time.monotonic() + delay >= deadline:
                        raise
                    await asyncio.sleep(delay)

        return wrapper

    return decorate
