"""Seeded choices, the same on every Python: SplitMix64 words, counted per case."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "oracle"))

from draws import splitmix, uniform  # noqa: E402


class Dice:
    def __init__(self, seed, case):
        self.seed = splitmix(splitmix(seed, 1) ^ case, 1)
        self.thrown = 0

    def word(self):
        self.thrown += 1
        return splitmix(self.seed, self.thrown)

    def up_to(self, most):
        """0..=most"""
        return uniform(self.word(), most)

    def between(self, low, high):
        return low + self.up_to(high - low)

    def chance(self, percent):
        return self.up_to(99) < percent

    def pick(self, choices):
        return choices[self.up_to(len(choices) - 1)]

    def magnitude(self, most):
        """1..=most, every number of digits as likely as the next."""
        return min(most, self.between(1, 10 ** self.between(1, len(str(most)))))

    def shuffled(self, mapping):
        keys = list(mapping)
        for i in range(len(keys) - 1, 0, -1):
            j = self.up_to(i)
            keys[i], keys[j] = keys[j], keys[i]
        return {key: mapping[key] for key in keys}
