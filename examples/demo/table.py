"""Draws two traces side by side in a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

Event = dict[str, Any]

BOLD, DIM, GREEN, RED, YELLOW, CYAN = "1", "2", "32", "1;31", "33", "1;36"
WIDEST, NARROWEST = 100, 80


class Table:
    """A box with one column for each client, printed as events come in."""

    def __init__(self) -> None:
        columns = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns))
        self.half = (columns - 3) // 2
        self.has_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.has_colour and text else text

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def head(self, left: str, right: str) -> None:
        self.say(self._rule("╭┬╮", f"─ {left} ", f" {right} ─", BOLD, BOLD))

    def title(self, number: int, title: str, note: str) -> None:
        self.say(self._rule("├┼┤", f"─ {number} · {title} ", f" {note} ─", BOLD, DIM))

    def foot(self) -> None:
        self.say(self._rule("╰┴╯", "", "", DIM, DIM))

    def row(self, left: Event | None, right: Event | None) -> None:
        """What happened in one attempt on each side, and what was decided; `=` where both wait the same."""
        self._line("│", self._attempt(left), self._attempt(right))
        if has_decision(left) or has_decision(right):
            agree = left is not None and right is not None and decision_of(left) == decision_of(right)
            waits = left is not None and left["delay_us"] is not None
            middle = (self.paint("=", GREEN) if waits else "│") if agree else self.paint("≠", RED)
            self._line(middle, self._decision(left), self._decision(right))

    def _attempt(self, event: Event | None) -> str:
        if event is None:
            return self._cell("", "", "", DIM)
        is_success = event["kind"] == "success"
        text = f"✓ {event['text']}" if is_success else str(event["text"])
        return self._cell(f"{event['attempt']}  ", text, f"{event['elapsed_us'] / 1e6:.3f} s", DIM, GREEN if is_success else "")

    def _decision(self, event: Event | None) -> str:
        if event is None or not has_decision(event):
            return self._cell("", "", "", DIM)
        if event["delay_us"] is None:
            given_up = "given up: " if self.half >= WIDEST // 2 - 2 else ""
            return self._cell("   ", f"{event['class']} ✗ {given_up}{event['reason']}", "", DIM, YELLOW)
        return self._cell("   ", f"{event['class']} ↻ retry in", wait_text(event["delay_us"]), CYAN)

    def _cell(self, indent: str, text: str, right: str, colour_of_right: str, colour: str = "") -> str:
        """Text on the left, cut if it must be, and a number on the right."""
        room = self.half - 2 - len(indent) - (len(right) + 2 if right else 0)
        text = " ".join(text.split())
        if len(text) > room:
            text = text[: room - 1].rstrip() + "…"
        gap = " " * (self.half - 2 - len(indent) - len(text) - len(right))
        return f" {indent}{self.paint(text, colour) if colour else text}{gap}{self.paint(right, colour_of_right)} "

    def _line(self, middle: str, left: str, right: str) -> None:
        bar = self.paint("│", DIM)
        self.say(f"{bar}{left}{self.paint(middle, DIM) if middle == '│' else middle}{right}{bar}")

    def _rule(self, corners: str, left: str, right: str, colour_of_left: str, colour_of_right: str) -> str:
        """A line with a text near its left end and one near its right end."""
        start, middle, end = (self.paint(corner, DIM) for corner in corners)
        left, right = left[: self.half], right[-self.half :]
        fill = [self.paint("─" * (self.half - len(text)), DIM) for text in (left, right)]
        return f"{start}{self._text(left, colour_of_left)}{fill[0]}{middle}{fill[1]}{self._text(right, colour_of_right)}{end}"

    def _text(self, text: str, colour: str) -> str:
        """The dashes beside a text belong to the box."""
        parts = text.split("─")
        return self.paint("─", DIM).join(self.paint(part, colour) for part in parts)


def has_decision(event: Event | None) -> bool:
    return event is not None and event["kind"] != "success"


def decision_of(event: Event) -> dict[str, Any]:
    """What must be the same on both sides."""
    return {name: event[name] for name in ("kind", "attempt", "class", "reason", "delay_us", "call_seed")}


def wait_text(delay_us: int) -> str:
    return f"{delay_us / 1e6:.6f} s"
