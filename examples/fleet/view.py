"""Draws the fleet in a terminal of 80 columns, in place; a line for each second where there is none."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

BOLD, DIM, GREEN, RED, YELLOW = "1", "2", "32", "1;31", "33"
WIDTH = 78
COUNTS = ("calls", "answered", "retries", "refused by budget", "refused by breaker")


@dataclass
class Now:
    """What there is to be seen at one moment."""

    seconds: float
    fails: bool
    tokens: float
    capacity: int
    breaker: str
    #: In how many seconds it lets a probe through.
    probe_in: float
    #: Requests at the backend, in each half second until now.
    load: list[int]
    #: What each service counts.
    services: dict[str, dict[str, int]]


class View:
    """What was said stays, what there is to be seen now is drawn below it."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.has_colour = self.is_terminal and "NO_COLOR" not in os.environ
        self._said: list[tuple[str, str]] = []
        self._height = 0
        self._last_line = -1.0

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.has_colour and colour else text

    def say(self, seconds: float, sentence: str, colour: str = "") -> None:
        if self.is_terminal:
            self._said.append((f"{seconds:5.1f} s  {sentence}", colour))
        else:
            print(f"{seconds:5.1f} s  {sentence}", flush=True)

    def show(self, now: Now) -> None:
        if self.is_terminal:
            self._draw([*self._picture(now), "", *(self.paint(text, colour) for text, colour in self._said)])
        elif now.seconds - self._last_line >= 1:
            self._last_line = now.seconds
            counts = {name: sum(service.get(name, 0) for service in now.services.values()) for name in COUNTS}
            state = f"budget {now.tokens:.0f}/{now.capacity}, breaker {now.breaker}, {sum(now.load[-2:])} requests/s at the backend"
            print(f"{now.seconds:5.1f} s  {state}; {', '.join(f'{count} {name}' for name, count in counts.items())}", flush=True)

    def _draw(self, lines: list[str]) -> None:
        up = f"\x1b[{self._height}A" if self._height else ""
        self._height = len(lines)
        # One write, so that nothing flickers.
        sys.stdout.write(up + "".join(f"\r{line}\x1b[K\n" for line in lines))
        sys.stdout.flush()

    def _picture(self, now: Now) -> list[str]:
        backend = self.paint("✗ fails  ", RED) if now.fails else self.paint("✓ is well", GREEN)
        share = now.tokens / now.capacity
        left = f"{now.tokens:3.0f} of {now.capacity} tokens"
        bar = "█" * round(share * 30)
        colour = GREEN if share > 0.5 else YELLOW if share > 0.1 else RED
        colours = {"closed": GREEN, "open": RED, "half open": YELLOW}
        waits = f"probes in {now.probe_in:.1f} s" if now.breaker == "open" else "lets probes through" if now.breaker == "half open" else ""
        lines = [
            self._rule("╭", "╮", f" a fleet of {len(now.services)} · {now.seconds:.1f} s "),
            self._line(f"backend   {backend}  {self.paint(sparkline(now.load), DIM)} {rate(now):>3}/s", 10 + 9 + 2 + len(now.load) + 6),
            self._line(f"budget    {self.paint(bar, colour)}{'░' * (30 - len(bar))} {left}", 10 + 31 + len(left)),
            self._line(f"breaker   {self.paint(f'{now.breaker:10}', colours[now.breaker])} {waits}", 21 + len(waits)),
            self._rule("├", "┤", ""),
        ]
        head = f"{'':12}{'calls':>7}{'answered':>10}{'retries':>9}{'refused by: budget':>22}{'breaker':>10}"
        lines.append(self._line(self.paint(head, DIM), len(head)))
        for name, counts in now.services.items():
            cells = [counts.get(count, 0) for count in COUNTS]
            text = f"{name:12}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, (7, 10, 9, 22, 10)))
            lines.append(self._line(text, len(text)))
        return [*lines, self._rule("╰", "╯", "")]

    def _line(self, text: str, length: int) -> str:
        edge = self.paint("│", DIM)
        return f"{edge} {text}{' ' * (WIDTH - 3 - length)}{edge}"

    def _rule(self, left: str, right: str, title: str) -> str:
        return self.paint(left + "─", DIM) + self.paint(title, BOLD) + self.paint("─" * (WIDTH - 3 - len(title)) + right, DIM)


def rate(now: Now) -> int:
    return sum(now.load[-2:])


def sparkline(values: list[int]) -> str:
    top = max(*values, 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-value * 8 // top)] for value in values)
