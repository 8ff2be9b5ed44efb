"""Plays the story: `python play.py`. Each scene of story.json is played under the policy of its day and under that of the day before.

Nothing waits: the network below is made up, and shares the virtual clock of `undaunted.testing()`. Look at the requests: what the API had to
bear, and at the answers: what users saw. The program ends with 1 if a scene ends otherwise than story.json says. The day is the seed of all
waits, so that these numbers are the same in every language.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import httpx
from service import UserService

import undaunted

FOLDER = Path(__file__).parent
# A user closes a page that takes longer.
PATIENCE = 15.0


class Network(httpx.BaseTransport):
    """The API as the scene has it: the first answer whose time is not over.

    An answer has `until`, seconds from the beginning of the scene, or none; `after`, how long it takes; and an `error` or a `status`.
    """

    def __init__(self, answers: list[dict], clock: undaunted.Testing) -> None:
        self.answers = answers
        self.clock = clock
        self.began = clock.now
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        answer = next(answer for answer in self.answers if self.clock.now - self.began < seconds(answer.get("until", "1h")))
        if answer.get("error") == "refused":
            raise httpx.ConnectError("connection refused") from ConnectionRefusedError()
        if answer.get("error") == "reset":
            raise httpx.ReadError("connection reset") from ConnectionResetError()
        patience = request.extensions["timeout"]["read"]
        takes = seconds(answer.get("after", "0s"))
        if patience is not None and takes > patience:
            self.clock.advance(patience)
            raise httpx.ReadTimeout("the API is silent")
        self.clock.advance(takes)
        return httpx.Response(answer["status"], headers=answer.get("headers"), text=answer.get("body", "Ada"))


def play(scene: dict, policy: undaunted.Policy) -> dict:
    """What users saw and how many requests the API got; users come one after the other, each when the scene begins."""
    answers: Counter[str] = Counter()
    requests = 0
    with undaunted.testing(seed=scene["day"]) as clock:
        for number in range(scene["users"]):
            network = Network(scene["api"], clock)
            status, _ = UserService(policy, network).show(number)
            answers["gone" if clock.now - network.began > PATIENCE else str(status)] += 1
            requests += network.requests
    return {"answers": dict(answers), "requests": requests}


def seconds(text: str) -> float:
    number, unit = (text[:-2], text[-2:]) if text.endswith("ms") else (text[:-1], text[-1])
    return float(number) * {"ms": 0.001, "s": 1, "h": 3600}[unit]


def main() -> int:
    wrong = 0
    for scene in json.loads((FOLDER / "story.json").read_text()):
        day = scene["day"]
        before = undaunted.Policy.preset("none") if day == 1 else undaunted.Policy.load(FOLDER / f"day{day - 1}.json")
        print(f"day {day}: {scene['scene']}")
        for when, policy in (("yesterday", before), ("today", undaunted.Policy.load(FOLDER / f"day{day}.json"))):
            found = play(scene, policy)
            is_right = found == scene[when]
            wrong += not is_right
            print(f"  {when:<11}{found}{'' if is_right else f', expected {scene[when]}'}")
        if scene["yesterday"] == scene["today"]:
            print("  the policy of the day changes nothing")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
