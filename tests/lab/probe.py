"""Is the link what it says? Datagrams are sent over it and counted; what the model promises is worked out here, without lossy-link."""

import contextlib
import math
import socket
import threading
from dataclasses import dataclass

from world import CLIENT, World

RUN = 250
LANES = 10
DATAGRAMS = 4_000
WINDOW = 50
# Seconds without an answer after which more is sent, and after which no more is awaited.
MOMENT, LONG = 0.005, 0.2
# The talk's, and one in which either state loses some.
MODELS = ("0.5,0.2,0,1", "0.1,0.3,0.4,0.95")
# Of a figure from its expectation, in standard deviations of the sample.
ALLOWED = 5


@dataclass
class Figure:
    """One line of the probe's table."""

    model: str
    way: str
    what: str
    expected: float
    measured: float
    error: float

    @property
    def holds(self) -> bool:
        return abs(self.measured - self.expected) <= self.error

    def __str__(self) -> str:
        return f"{self.model:<18} {self.way:<4} {self.what:<24} {self.measured:.4f}, promised {self.expected:.4f} ± {self.error:.4f}"


class Expected:
    """What a channel p, r, h, k comes to in the long run."""

    def __init__(self, model: str) -> None:
        self.p, self.r, self.h, self.k = map(float, model.split(","))
        bad = self.p / (self.p + self.r)
        lost = (1 - self.k, 1 - self.h)
        self.loss = (1 - bad) * lost[0] + bad * lost[1]
        # Of two packets one after the other: both lost, by the state of the first and where it goes.
        after_good = (1 - self.p) * lost[0] + self.p * lost[1]
        after_bad = self.r * lost[0] + (1 - self.r) * lost[1]
        self.both = (1 - bad) * lost[0] * after_good + bad * lost[1] * after_bad
        # What a sample says is less than as many packets that know nothing of each other would: their states do, for a while.
        self._memory = (1 + abs(1 - self.p - self.r)) / (1 - abs(1 - self.p - self.r))

    def error(self, probability: float, count: int) -> float:
        return ALLOWED * math.sqrt(probability * (1 - probability) * self._memory / count)


def probe(world: World, seed: int) -> list[Figure]:
    """Measures both models each way, one at a time."""
    figures = []
    for model in MODELS:
        for way, up, down in (("up", model, "0,1,1,1"), ("down", "0,1,1,1", model)):
            world.link.ask(begin=RUN, seed=seed, up=up, down=down)
            figures += judge(model, way, [send(world, way, lane) for lane in range(LANES)])
    return figures


def send(world: World, way: str, lane: int) -> list[bool]:
    """Sends numbered datagrams to the echo of a lane; answers which were lost on the way that is looked at."""
    came: set[int] = set()

    def ask() -> None:
        world.enter(CLIENT)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((f"10.77.{RUN}.{lane}", 7))
            for number in range(DATAGRAMS):
                client.send(str(number).encode())
                # Some at a time, so that no buffer loses what the link did not.
                if number % WINDOW == WINDOW - 1 or number == DATAGRAMS - 1:
                    receive(client, came, number, MOMENT)
            receive(client, came, DATAGRAMS, LONG)

    # A thread of its own, since it stays in the namespace.
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    if way == "up":
        came = set(world.faults.ask(echoed=[RUN, lane])["numbers"])
    else:
        world.faults.ask(echoed=[RUN, lane])
    return [number not in came for number in range(DATAGRAMS)]


def receive(client: socket.socket, came: set[int], last: int, patience: float) -> None:
    """What comes until the last one has, or nothing more does for a moment; what is late comes with the next."""
    client.settimeout(patience)
    with contextlib.suppress(TimeoutError):
        while last not in came:
            came.add(int(client.recv(64)))
    client.settimeout(None)


def judge(model: str, way: str, lanes: list[list[bool]]) -> list[Figure]:
    expected = Expected(model)
    fates = [lost for lane in lanes for lost in lane]
    loss = sum(fates) / len(fates)
    pairs = [(lane[n], lane[n + 1]) for lane in lanes for n in range(len(lane) - 1)]
    both = sum(first and second for first, second in pairs) / len(pairs)
    # A burst is a row of lost packets; as many begin as lost packets follow one that came.
    burst = loss / (loss - both)
    burst_expected = expected.loss / (expected.loss - expected.both)
    bursts = sum(not first and second for first, second in pairs)
    burst_error = ALLOWED * burst_expected * math.sqrt(expected._memory / bursts)
    return [
        Figure(model, way, "packets lost", expected.loss, loss, expected.error(expected.loss, len(fates))),
        Figure(model, way, "two in a row lost", expected.both, both, expected.error(expected.both, len(pairs))),
        Figure(model, way, "packets of a burst, mean", burst_expected, burst, burst_error),
    ]
