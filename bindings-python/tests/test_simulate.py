"""Simulations: typed answers, the core's texts, slices that can be watched and stopped. Exact counts are in the shared vectors."""

import json
import pickle
import threading

import pytest

import undaunted
from undaunted import Breaker, Budget, Policy, PolicyError, simulate_herd, simulate_layers, simulate_loss
from undaunted.lab import simulate_outage

FULL = Policy(attempts=7, initial=1, max_delay=40, timeout=None)


def test_a_herd_is_spread_as_published():
    herd = simulate_herd(FULL, seed=7)
    # A count of n has a standard deviation of the root of n; five of them.
    for peak, published in zip(herd.peaks, (1_035, 537, 286, 154, 87, 45), strict=True):
        assert abs(peak.arrivals - published) <= 5 * published**0.5
    assert f"1 0{herd.peaks[0].arrivals % 100:02} of 10 000 in the worst 100 ms" in str(herd)
    assert herd.attempts == 70_000 == 10_000 + sum(herd.arrivals)
    assert herd.gave_up["attempts"] == 10_000 and herd.succeeded == herd.unfinished == 0
    assert [peak.retry for peak in herd.peaks] == [1, 2, 3, 4, 5, 6] and herd.peak.retry is None


def test_without_jitter_all_come_back_at_once():
    herd = simulate_herd(FULL.replace(jitter="none"))
    assert [(peak.at, peak.arrivals) for peak in herd.peaks] == [(1, 10_000), (3, 10_000), (7, 10_000), (15, 10_000), (31, 10_000), (63, 10_000)]
    assert (herd.window, herd.last_at) == (0.1, 63)


def test_a_budget_stops_a_herd_and_is_not_used_up_by_it():
    policy = Policy.preset("aws", budget={"name": "sim", "capacity": 500})
    before = policy.budget.tokens
    assert simulate_herd(policy).attempts == 10_035
    assert simulate_herd(policy, processes=10).attempts == 10_350
    assert policy.budget.tokens == before == 500


def test_a_budget_that_was_made_before_counts_under_its_name():
    budget = Budget("sim-elsewhere", capacity=70)
    assert simulate_herd(Policy(budget="sim-elsewhere"), clients=100).attempts == 105
    assert budget.tokens == 70


def test_conditions_are_written_as_in_policies_and_all_mistakes_told():
    same = {str(simulate_herd(FULL, clients=10, outage=outage, window="50ms")) for outage in (2, "2s", 2.0)}
    assert len(same) == 1 and "fails for 2 s" in same.pop()
    with pytest.raises(PolicyError) as told:
        simulate_herd(FULL, clients=0, status=200, capacity="5")  # type: ignore[arg-type]
    assert [(code, pointer) for code, pointer, _ in told.value.problems] == [
        ("out_of_range", "/clients"), ("wrong_kind", "/capacity"), ("out_of_range", "/status"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="seed is -1, allowed a whole number"):
        simulate_herd(FULL, seed=-1)


def test_progress_is_told_and_may_stop():
    seen = []
    simulate_herd(FULL, clients=100_000, progress=lambda done, clients: seen.append((done, clients)))
    assert len(seen) >= 4 and seen == sorted(seen) and seen[-1] == (100_000, 100_000)

    def stop(done, clients):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_herd(FULL, progress=stop)


def test_other_threads_run_during_a_slice():
    core, problems = undaunted._core.simulate_loss(1, {"trials": 1_000_000}, "python")
    assert not problems
    ran = threading.Event()
    done = threading.Event()
    thread = threading.Thread(target=lambda: (ran.wait(10), done.set()))
    thread.start()
    ran.set()
    core.step(20_000_000)
    # Were the lock held, the thread could have run only after the slice: it would not be through yet.
    assert done.is_set()
    thread.join()


STORM = Policy(attempts=10, initial="100ms", max_delay=1, timeout=None)


def test_a_storm_outlives_an_outage_and_a_budget_ends_it():
    storm = simulate_outage(STORM, capacity=30)
    assert (storm.calls, storm.seed, storm.window, len(storm.first), storm.first[0]) == (6_000, 1, 0.25, 240, 25)
    assert storm.attempts == sum(storm.first) + sum(storm.retries) and storm.total_retries == sum(storm.retries)
    assert storm.succeeded == sum(storm.served) and storm.succeeded + sum(storm.gave_up.values()) + storm.unfinished == 6_000
    assert storm.peak.attempts == max(first + retries for first, retries in zip(storm.first, storm.retries, strict=True))
    assert storm.recovered_at > 35 and storm.load_in_outage > 8 and 10 <= storm.peak.at < 40
    assert f"at most               {storm.peak.attempts} attempts in 250 ms" in str(storm)
    calm = simulate_outage(STORM.replace(budget={"name": "storm"}), capacity=30)
    assert (calm.recovered_at, calm.total_retries, calm.gave_up["budget"]) == (30, 35, 2_000)
    never = simulate_outage(STORM, outage="1h", outage_at=0)
    assert (never.recovered_at, never.succeeded) == (None, 0)
    assert simulate_outage(STORM, outage=0).load_in_outage is None
    assert pickle.loads(pickle.dumps(storm)).peak.attempts == storm.peak.attempts


def test_a_breaker_stands_in_an_outage_and_hears_nothing_of_it():
    breaker = Breaker(name="sim-outage", min_calls=50)
    outages = [
        simulate_outage(STORM.replace(breaker=given), processes=2)
        for given in (breaker, "sim-outage", {"name": "sim-outage", "min_calls": 50})
    ]
    assert outages[0] == outages[1] == outages[2]
    assert outages[0].gave_up["breaker_open"] > 1_000 and outages[0].load_in_outage < 0.2
    assert breaker.state == "closed"


def test_traffic_is_bounded_and_told_of_between_slices():
    with pytest.raises(PolicyError) as told:
        simulate_outage(STORM, calls_per_second=1_000_000, window="1ms")
    assert [(code, pointer) for code, pointer, _ in told.value.problems] == [("out_of_range", "/duration")] * 2
    assert "duration is 1m, allowed up to 1s at this calls_per_second" in str(told.value)
    seen = []
    simulate_outage(STORM, calls_per_second=10_000, progress=lambda done, calls: seen.append((done, calls)))
    assert len(seen) > 3 and seen == sorted(seen) and seen[-1] == (600_000, 600_000)


def test_a_lossy_network_is_set_beside_its_formula():
    loss = simulate_loss(trials=20_000)
    chance = 5 * (loss.by_formula * (1 - loss.by_formula) / loss.trials) ** 0.5
    assert abs(loss.succeeded / loss.trials - loss.by_formula) <= chance
    assert simulate_loss(p=0, k=0.9, attempts=1, calls=2).by_formula == pytest.approx(0.81, abs=1e-8)


def test_layers_multiply():
    layers = simulate_layers(Policy(attempts=3, timeout=None), calls=10)
    assert (layers.amplification, layers.most_at_bottom, layers.attempts) == (27, 27, [30, 90, 270])
    assert "27 x the calls" in str(layers) and layers.gave_up["attempts"] == 10


def test_the_same_seed_is_the_same_herd_and_reports_pickle():
    one, two = simulate_herd(FULL, clients=50, seed=3), simulate_herd(FULL, clients=50, seed=3)
    assert one == two and one != simulate_herd(FULL, clients=50, seed=4)
    assert pickle.loads(pickle.dumps(one)) == one and pickle.loads(pickle.dumps(one)).arrivals == one.arrivals
    assert json.loads(one.json())["seed"] == "3" and one.to_dict()["clients"] == one.clients == 50
