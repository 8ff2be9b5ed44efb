"""A plugin for pytest: urllib3's own tests of `Retry` find ours in its place, built from urllib3's arguments.

`convert` makes the policy of the arguments that say how long to wait; that every failure is worth a retry, which urllib3 takes for granted
where `increment` is called, is said by rules. The others are passed on.
"""

import contextlib
import os
import sys
import time
import types

import pytest
import urllib3
from urllib3.util import retry

from undaunted.adapters.urllib3 import Retry as Ours
from undaunted.lab import convert

# Tests that fail, by what their names have in them, each since our rule is another one on purpose.
DIFFERENT = {
    "test_backoff_jitter": "jitter is drawn below the cap, so that clients do not all wait exactly as long as the cap",
    "test_backoff_reset_after_redirect": "a redirect is a part of the call: the waits of a struggling server do not begin anew",
    "3 Jun 2019 12:00:00 UTC-True": "a date is one of RFC 9110's three forms, with two digits for the day and GMT; others are no hint",
}
WAITS = ("backoff_factor", "backoff_max", "backoff_jitter", "respect_retry_after_header", "retry_after_max")
ALL_ARE_RETRIED = [{"http": "400-599", "class": "transient"}, {"user": "ResponseError", "class": "transient"}]


class Retry(Ours):
    """Ours, with urllib3's constructor."""

    def __init__(self, total=10, connect=None, read=None, redirect=None, status=None, other=None, **given):
        waits = {name: given.pop(name) for name in WAITS if name in given}
        policy = convert({"total": 10, **waits}, "urllib3").policy
        policy = policy.replace(attempts=1000, idempotent=True, rules=ALL_ARE_RETRIED, on=Exception)
        given.setdefault("allowed_methods", self.DEFAULT_ALLOWED_METHODS)
        super().__init__(policy, total=total, connect=connect, read=read, redirect=redirect, status=status, other=other, **given)
        vars(self).update(waits)

    def sleep(self, response=None):
        """Every wait is decided by `increment`, which a test leaves out; waits of 0 s, which ours makes, are none for urllib3."""
        decided = self if self._run is not None else self.increment("GET", response=response)
        if decided.get_backoff_time() > 0:
            super(Retry, decided).sleep(response)


retry.Retry = Retry
# What the file imports from its own folder, whose conftest needs much more than this.
sys.modules["test"] = types.ModuleType("test")
sys.modules["test"].DUMMY_POOL = urllib3.connectionpool.ConnectionPool("dummy")


@pytest.fixture
def stub_timezone(request, monkeypatch):
    if request.param is not None:
        monkeypatch.setitem(os.environ, "TZ", request.param)
    with contextlib.suppress(AttributeError):  # of Windows
        time.tzset()


def pytest_collection_modifyitems(items):
    names = " ".join(item.name for item in items)
    if unknown := [name for name in DIFFERENT if name not in names]:
        raise pytest.UsageError(f"{unknown} names no test of urllib3's, allowed parts of {names}; correct DIFFERENT")
    for item in items:
        for name, reason in DIFFERENT.items():
            if name in item.name:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
