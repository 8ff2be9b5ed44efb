"""The faults of the lab beside lost packets, in the order of their lanes: lanes 10 n to 10 n + 9 of a run have fault n."""

LANES = 10
FAULTS = {
    "refused": "nothing listens for 20 s",
    "no route": "the host cannot be reached for 20 s",
    "no name": "the name server fails for 20 s",
    "busy": "503 for 20 s, with Retry-After: 10",
    "reset": "two answers are reset in the body",
    "stall": "two answers stop in the body",
    "slow start": "the first answer takes 90 s, the second 45 s",
    "wrong content": "two answers are half of the file, and say that they are whole",
}
# Seconds at the talk's scale, of the first four.
LASTS = 20
RETRY_AFTER = 10
# The others are over after as many requests of a lane.
BAD_REQUESTS = 2
SLOW = (90, 45)


def of_lane(lane: int) -> str:
    return list(FAULTS)[lane // LANES]


def lanes_of(fault: str) -> range:
    first = list(FAULTS).index(fault) * LANES
    return range(first, first + LANES)
