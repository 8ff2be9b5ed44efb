"""A fleet's throttles over a real Redis."""

import pytest
from fleet_calls import commands

import undaunted
from undaunted import fleet


def test_a_throttle_counts_what_all_send(server, stores):
    here, there = stores(server, every=10), stores(server, every=10)
    one = fleet.Throttle("all", here, seed=1)
    other = fleet.Throttle("all", there, seed=2)

    def rejected():
        raise ValueError

    for _ in range(10):
        with pytest.raises((ValueError, undaunted.Throttled)):
            one.call(rejected)
    assert commands(server) == 0
    here._flush()
    assert commands(server) == 2  # the second brings the script
    other.call(lambda: 1)
    there._flush()
    assert other.snapshot() == {"requests": 11, "accepts": 1}
