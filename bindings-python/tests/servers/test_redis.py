"""Redis through redis-py, synchronous and under asyncio."""

import contextlib
import threading

import pytest
import redis
import redis.asyncio
from processes import until


def by_redis(server, use):
    def call():
        with server.client() as client:
            return use(client)

    return call


def by_asyncio(server, use):
    async def call():
        async with redis.asyncio.Redis(port=server.port, retry=None) as client:
            return await use(client)

    return call


@pytest.fixture(params=[by_redis, by_asyncio])
def run(request, redis_server, trial):
    """Calls a function of a client with retries; a list has one for each attempt."""

    def run(use, **options):
        return trial.call(request.param(redis_server, lambda client: (use.pop(0) if isinstance(use, list) else use)(client)), **options)

    return run


@pytest.fixture
def admin(redis_server):
    """A client that stays, for what goes on beside the call."""
    with redis_server.client() as client:
        client.flushall()
        yield client


def write(client):
    return client.set("key", "value")


def test_a_replica_that_becomes_a_primary_is_written_to(admin, trial, run):
    admin.replicaof("127.0.0.1", 1)
    try:
        trial.between = [lambda: None, lambda: admin.replicaof("NO", "ONE")]
        assert run(write, idempotent=False)
    finally:
        admin.replicaof("NO", "ONE")
    assert [("transient", "rejected", "redis READONLY", "retried")] * 2 == trial.seen


def test_a_server_that_loads_its_data_is_tried_again(redis_server, admin, trial, run):
    admin.mset({f"key {number}": "x" * 1024 for number in range(1000)})
    admin.save()
    # Ten seconds, unless told otherwise; it answers after each key.
    admin.config_set("loading-process-events-interval-bytes", 1024)
    admin.config_set("key-load-delay", 10_000)

    def load():
        with contextlib.suppress(redis.RedisError), redis_server.client() as client:
            client.execute_command("DEBUG", "RELOAD", "NOSAVE")

    def loads():
        return admin.info("persistence")["loading"] == 1

    thread = threading.Thread(target=load)
    thread.start()
    until(loads)

    def hurry():
        admin.config_set("key-load-delay", 0)
        until(lambda: not loads())

    trial.between = [lambda: None, hurry]
    assert run(write, idempotent=False)
    thread.join()
    assert [("transient", "rejected", "redis LOADING", "retried")] * 2 == trial.seen


def test_a_script_that_keeps_the_server_busy_is_waited_for(redis_server, admin, trial, run):
    def spin():
        with contextlib.suppress(redis.RedisError), redis_server.client() as client:
            client.eval("while true do end", 0)

    thread = threading.Thread(target=spin)
    thread.start()
    until(lambda: is_busy(admin))
    trial.between = [lambda: None, lambda: (admin.script_kill(), thread.join())]
    assert run(write, idempotent=False)
    assert [("conflict", "rejected", "redis BUSY", "retried")] * 2 == trial.seen


def is_busy(client):
    try:
        client.ping()
    except redis.ResponseError as error:
        return str(error).startswith("BUSY")
    return False


def test_too_many_clients_are_throttled(redis_server, admin, trial, run):
    admin.config_set("maxclients", 2)
    held = redis_server.client()
    held.ping()

    def let_go():
        held.close()
        until(lambda: admin.info("clients")["connected_clients"] == 1)

    trial.between = [let_go]
    try:
        assert run(write, idempotent=False)
    finally:
        admin.config_set("maxclients", 10_000)
    assert [("throttle", "rejected", "redis ERR max number of clients reached", "retried")] == trial.seen


def test_a_memory_that_is_full_is_not_tried_again_unless_a_rule_says_so(admin, trial, run):
    admin.config_set("maxmemory", 1)
    try:
        run(write)
        trial.between = [lambda: admin.config_set("maxmemory", 0)]
        assert run(write, rules=[{"redis": "OOM", "class": "throttle"}])
    finally:
        admin.config_set("maxmemory", 0)
    assert [("throttle", "rejected", "redis OOM", outcome) for outcome in ("permanent", "retried")] == trial.seen


def test_a_command_of_the_wrong_type_is_not_tried_again(admin, trial, run):
    admin.lpush("key", "x")
    run(lambda client: client.incr("key"), on=redis.RedisError)
    assert [("permanent", "maybe", "redis WRONGTYPE", "permanent")] == trial.seen
    assert isinstance(trial.error, redis.ResponseError)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_restart_in_mid_command_is_repeated_if_that_is_harmless(redis_server, trial, run, idempotent):
    def interrupt():
        with redis_server.client() as client:
            until(lambda: client.info("clients")["blocked_clients"] == 1)
        redis_server.stop()

    thread = threading.Thread(target=interrupt)
    thread.start()

    def restart():
        thread.join()
        redis_server.start()

    trial.between = [restart]
    result = run([lambda client: client.blpop("queue", timeout=0), write], idempotent=idempotent)
    if not idempotent:
        restart()
    assert [("transient", "maybe", "os ECONNRESET", "retried" if idempotent else "not_idempotent")] == trial.seen
    assert idempotent is bool(result)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_server_that_is_down_and_then_up_is_tried_again_whatever_was_to_be_sent(redis_server, trial, run, idempotent):
    redis_server.stop()
    trial.between = [lambda: None, redis_server.start]
    assert run(write, idempotent=idempotent)
    assert [("connect", "not_sent", "os ECONNREFUSED", "retried")] * 2 == trial.seen


def test_a_client_that_waits_in_vain_is_late(redis_server, trial, run):
    redis_server.client().close()

    def wait(client):
        client.connection_pool.connection_kwargs["socket_timeout"] = 0.02
        return client.blpop("queue", timeout=0)

    run(wait, attempts=2, idempotent=True)
    assert [("timeout", "maybe", "os ETIMEDOUT", outcome) for outcome in ("retried", "attempts")] == trial.seen
