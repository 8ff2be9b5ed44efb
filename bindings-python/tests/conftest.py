"""Shared: no test waits for real, and what a test switches is switched back."""

import time

import pytest

import undaunted


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Stands in for time.sleep: records the waits, and time.monotonic goes on by them."""
    recorded = []
    real = time.monotonic

    def sleep(seconds):
        recorded.append(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: real() + sum(recorded))
    yield recorded
    undaunted.set_active(True)


@pytest.fixture
def batches(monkeypatch):
    """How many errands of a fleet went to their store together, time after time."""
    from undaunted import _courier

    made = []
    real, real_async = _courier.send, _courier.send_async

    def send(client, errands):
        made.append(len(errands))
        return real(client, errands)

    async def send_async(client, errands):
        made.append(len(errands))
        return await real_async(client, errands)

    monkeypatch.setattr(_courier, "send", send)
    monkeypatch.setattr(_courier, "send_async", send_async)
    return made


class Flaky:
    """Fails so many times, then returns its result."""

    def __init__(self, failures, error=ConnectionResetError, result="done"):
        self.failures, self.error, self.result, self.calls = failures, error, result, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error("no") if isinstance(self.error, type) else self.error
        return self.result

    async def later(self, *args, **kwargs):
        return self(*args, **kwargs)


@pytest.fixture
def flaky():
    return Flaky
