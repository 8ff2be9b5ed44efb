"""Functions that are retried, synchronous and asynchronous, and what is left on an error that is given up."""

import asyncio
from itertools import count

import undaunted

attempts_made = count(1)


@undaunted.retry(on=ConnectionError, attempts=5, timeout=30, initial=0.05)
def read_sensor() -> float:
    """Fails twice, then answers."""
    if next(attempts_made) < 3:
        raise ConnectionError("the sensor is asleep")
    return 21.5


@undaunted.retry(attempts=3, initial="50ms")
async def save(value: float) -> None:
    """Always fails. Without `on` the built-in tables decide: a lost connection is retried."""
    raise ConnectionResetError(f"the database hung up while saving {value}")


if __name__ == "__main__":
    value = read_sensor()
    print("read", value)  # read 21.5
    try:
        asyncio.run(save(value))
    except ConnectionResetError as error:
        attempts = undaunted.history(error)
        print(f"given up for {attempts.reason}: {error}")  # given up for attempts: the database hung up while saving 21.5
        for attempt in attempts:
            wait = "" if attempt.delay is None else f", then {attempt.delay} s"
            print(f"  attempt {attempt.attempt}, {attempt.class_}, {attempt.code}{wait}")
        # prints:   attempt 3, transient, os ECONNRESET
