"""REPORT.md and its plots, from what a run of the lab came to; and the claims that it must bear out."""

import json
import math
import platform
import re
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template

import matplotlib

matplotlib.use("svg")
import faults
import setup
from matplotlib import pyplot
from probe import Figure
from runs import AT_THEIR_BEST, LADDER, LADDERS, Run

HERE = Path(__file__).resolve().parent
PLOTS = HERE / "report"
CLIENTS = list(dict.fromkeys(run.client for run in LADDERS))
OURS, PEERS, STUCK, DARK = "#2f6f4f", "#9aa5ad", "#c8553d", "#30363c"
# Seconds at the talk's scale: what all have that retry at their best.
TIMES = {"attempt_timeout": 60, "timeout": 1200, "initial": 1, "max_delay": 10}
# A run is over when no download has ended for so long, longer than a call may take.
QUIET = 1300
# And after so long whatever happens: ky's timeout does not reach the body, where undici waits for five minutes.
AT_MOST = 3000
# Two runs are alike if they differ by no more standard deviations of what a hundred downloads can say.
ALIKE = 3


@dataclass
class Outcome:
    """What a run came to: its downloads that ended, and what was seen on the wire, by lane."""

    run: Run
    wanted: int
    downloads: list[dict]
    lanes: dict[int, dict]
    # Of names that were asked for, by lane.
    names: dict[int, int]
    # Lanes that were still waiting at the end, and those of them of which the server knew nothing any more.
    waiting: list[int]
    stuck: list[int]

    @property
    def succeeded(self) -> int:
        return sum(ended["ok"] for ended in self.downloads)

    @property
    def begun(self) -> int:
        return len(self.downloads) + len(self.waiting)

    @property
    def reached_all(self) -> bool:
        return self.succeeded == self.wanted

    def quantile(self, share: float) -> float | None:
        """The time of downloads that succeeded."""
        times = sorted(ended["seconds"] for ended in self.downloads if ended["ok"])
        return times[min(len(times) - 1, int(share * len(times)))] if times else None

    @property
    def tries(self) -> float:
        """Requests per download, as seen on the wire; a connection that never came to ask is one, too."""
        return sum(lane["tries"] for lane in self.lanes.values()) / max(1, self.begun)

    @property
    def tries_error(self) -> float:
        """The standard error of that, if one try succeeds as often as another."""
        return math.sqrt(self.tries * (self.tries - 1) / max(1, self.begun))

    @property
    def kilobytes(self) -> float:
        """Sent both ways for a download, what was lost included."""
        return sum(lane[way]["bytes"] for lane in self.lanes.values() for way in ("up", "down")) / 1000 / max(1, self.begun)

    def failures(self) -> str:
        """What failed, most frequent first."""
        kinds = Counter(reason(ended["why"]) for ended in self.downloads if not ended["ok"])
        words = [f"{count} {kind}" for kind, count in kinds.most_common(3)]
        rest = sum(kinds.values()) - sum(count for _, count in kinds.most_common(3))
        words += [f"{rest} others"] if rest else []
        if self.waiting:
            words.append(f"{len(self.waiting)} links hang, {len(self.stuck)} of them for good")
        return ", ".join(words)

    def of_fault(self, fault: str) -> tuple[int, float]:
        """How many downloads with a fault succeeded, and requests for each."""
        lanes = faults.lanes_of(fault)
        succeeded = sum(ended["ok"] for ended in self.downloads if ended["lane"] in lanes)
        tries = sum(self.lanes[lane]["tries"] for lane in lanes if lane in self.lanes)
        tries += sum(self.names.get(lane, 0) for lane in lanes) if fault == "no name" else 0
        return succeeded, tries / len(lanes)


def reason(why: str) -> str:
    """What an error is, in a word or two: its class, and the code of its cause where the class says nothing."""
    head, _, text = why.partition(":")
    if head in ("TypeError", "Error", "AxiosError", "SocketError") and "(" in text:
        return f"{head} {text.rsplit('(', 1)[1].split(')')[0]}"[:40]
    if head in ("TypeError", "AxiosError", "Error"):
        return f"{head} {text.strip().split(' ')[0]}"
    return head


@dataclass
class Claim:
    text: str
    holds: bool


@dataclass
class Report:
    scale: float
    seed: int
    figures: list[Figure]
    lossy: list[Outcome]
    other: list[Outcome]
    chains: str = ""

    def outcome(self, client: str, way: str) -> Outcome | None:
        return next((found for found in self.lossy if (found.run.client, found.run.way) == (client, way)), None)

    def ladder(self, client: str) -> list[Outcome]:
        return [found for found in self.lossy if found.run in LADDERS and found.run.client == client]

    # What the lab must bear out.

    def claims(self) -> list[Claim]:
        claims = [Claim("the link loses as the model says, each way", all(figure.holds for figure in self.figures))]
        for client in CLIENTS:
            if len(rungs := self.ladder(client)) == sum(run.client == client for run in LADDERS):
                text = f"{client}: no step of the talk makes it worse, and its loop helps more than a timeout alone"
                claims.append(Claim(text, in_order(rungs)))
        ours = [found for found in self.lossy if found.run.is_ours]
        claims.append(Claim("ours downloads all, in every client", all(found.reached_all for found in ours)))
        for other in self.lossy:
            found = self.outcome(other.run.client, "ours")
            if found and other.run in AT_THEIR_BEST and not other.run.is_ours and other.reached_all:
                allowed = other.tries + ALIKE * math.hypot(found.tries_error, other.tries_error)
                text = f"{other.run.client}: ours asks no more often, but for chance, than {other.run.label}, which downloads all, too"
                claims.append(Claim(text, found.tries <= allowed))
        whole = [found for found in self.other if found.run.way == "ours"]
        claims.append(Claim("ours gets over every other fault", all(found.reached_all for found in whole)))
        return claims

    # The page.

    def write(self) -> None:
        PLOTS.mkdir(exist_ok=True)
        self._plot_ladder()
        self._plot_times()
        self._plot_tries()
        (HERE / "REPORT.md").write_text(self._text(), encoding="utf-8")

    def _text(self) -> str:
        scale = self.scale
        figures = [
            [figure.model, figure.way, figure.what, f"{figure.expected:.4f}", f"{figure.measured:.4f}", f"± {figure.error:.4f}",
             mark(figure.holds)] for figure in self.figures
        ]  # fmt: skip
        parts = {
            "short": self._in_short(),
            "probe": table(["channel p,r,h,k", "way", "what", "promised", "measured", "allowed", ""], figures),
            "ladders": self._ladders(),
            "peers": self._peers(),
            "faults": [f"- **{name}**: {text}" for name, text in faults.FAULTS.items()],
            "fault_table": self._faults(),
        }
        return Template((HERE / "page.md").read_text(encoding="utf-8")).substitute(
            {name: "\n".join(lines) for name, lines in parts.items()},
            **{name: f"{value * scale:g} s" for name, value in TIMES.items()},
            quiet=f"{QUIET * scale:g} s",
            at_most=f"{AT_MOST * scale:g} s",
            scale="the talk's own" if scale == 1 else f"{scale:g} of the talk's",
            again=f"{200 * scale:g} ms",
            seed=self.seed,
            policy=json.dumps({"undaunted": 1, "attempts": None, **{name: f"{value * scale:g}s" for name, value in TIMES.items()}}),
            chains=self.chains.strip(),
            versions=f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, {packages()}",
        )

    def _in_short(self) -> list[str]:
        lines = []
        naive, timeout, loop = (self.outcome("requests", way) for way in ("naive", "timeout", "loop"))
        if naive and timeout and loop:
            lines += [
                f"- Without a timeout {naive.succeeded} of 100 downloads succeeded (the talk: 45), and then {len(naive.stuck)} of 5 links were",
                "  stuck for good. A missing timeout never fails; it hangs.",
                f"- With a timeout {timeout.succeeded} succeeded (the talk: 74). Retries in the HTTP library add little: they do not see",
                "  a body that breaks off.",
                f"- One loop around the whole download, with waits, made it {loop.succeeded} (the talk: 99).",
            ]
        ours = [found for found in self.lossy if found.run.is_ours]
        clients = {found.run.client for found in ours}
        counts = sorted({str(found.succeeded) for found in ours})
        tries = [found.tries for found in ours]
        lines += [
            f"- undaunted downloaded {listed(counts)} of 100 in each of {len(ours)} ways to use it with {len(clients)} clients, by one",
            f"  policy for Python and JavaScript, with {min(tries):.2f} to {max(tries):.2f} requests for a download.",
        ]
        peers = [found for found in self.lossy if found.run in AT_THEIR_BEST and not found.run.is_ours]
        reached = sorted({found.run.label for found in peers if found.reached_all})
        missed = [f"{found.run.label} ({found.succeeded})" for found in peers if not found.reached_all]
        if reached:
            lines.append(f"- Of the others at their best {listed(reached)} did so, too, around a function that reads the whole body.")
        if missed:
            lines.append(f"- These did not: {listed(missed)}.")
        return lines

    def _ladders(self) -> list[str]:
        lines = []
        for client in CLIENTS:
            if rungs := self.ladder(client):
                rows = [[found.run.label, *cells(found)] for found in rungs]
                lines += [f"### {client}", "", *table(["step", "of 100", *COLUMNS], rows), ""]
        return lines

    def _peers(self) -> list[str]:
        order = [found for client in [*CLIENTS, "axios"] for found in self.lossy
                 if found.run.client == client and (found.run in AT_THEIR_BEST or found.run.way == "ours")]  # fmt: skip
        return table(["client", "with", "of 100", *COLUMNS], [[found.run.client, name_of(found.run), *cells(found)] for found in order])

    def _faults(self) -> list[str]:
        rows = []
        for found in self.other:
            row = [f"{found.run.client}: {name_of(found.run)}"]
            for fault in faults.FAULTS:
                succeeded, tries = found.of_fault(fault)
                row.append(f"{succeeded} · {tries:.1f}")
            rows.append(row)
        return table(["", *faults.FAULTS], rows)

    # Plots.

    def _plot_ladder(self) -> None:
        clients = [client for client in CLIENTS if self.ladder(client)]
        figure, axes = pyplot.subplots(1, len(clients), figsize=(3.1 * len(clients), 2.9), sharey=True, squeeze=False)
        ways = list(LADDER)[::-1]
        for client, axis in zip(clients, axes[0]):
            for found in self.ladder(client):
                at = ways.index(found.run.way)
                axis.barh(at, found.succeeded, color=OURS if found.run.is_ours else PEERS)
                axis.text(found.succeeded - 2, at, found.succeeded, ha="right", va="center", color="white", fontsize=8)
            axis.set_title(client, fontsize=10, color=DARK)
            axis.set_xlim(0, 100)
            axis.set_yticks(range(len(ways)), ways)
            tidy(axis)
        save(figure, "ladder.svg")

    def _plot_times(self) -> None:
        figure, axis = pyplot.subplots(figsize=(8, 3.6))
        shades = ["#d9a441", "#c8553d", "#b07aa1", "#8c6d8a", "#7a8fa6", "#4e79a7", "#59728a", OURS]
        colors = dict(zip(LADDER, shades))
        for found in self.ladder("requests"):
            times = sorted(ended["seconds"] for ended in found.downloads if ended["ok"])
            axis.step([0.001, *times, TIMES["timeout"] * self.scale], [0, *range(1, len(times) + 1), len(times)], where="post",
                      color=colors[found.run.way], linewidth=2.2 if found.run.is_ours else 1.2, label=found.run.way)  # fmt: skip
        axis.set_xscale("log")
        axis.set_xlim(0.01, TIMES["timeout"] * self.scale)
        axis.set_ylim(0, 100)
        axis.set_xlabel("seconds", fontsize=9, color=DARK)
        axis.set_ylabel("downloads of 100", fontsize=9, color=DARK)
        axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
        tidy(axis)
        save(figure, "times.svg")

    def _plot_tries(self) -> None:
        reached = [found for found in self.lossy if found.reached_all and (found.run in AT_THEIR_BEST or found.run.way == "ours")]
        reached.sort(key=lambda found: found.tries, reverse=True)
        figure, axis = pyplot.subplots(figsize=(8, 0.28 * len(reached) + 0.8))
        for at, found in enumerate(reached):
            color = OURS if found.run.is_ours else DARK
            axis.errorbar(found.tries, at, xerr=found.tries_error, fmt="o", markersize=5, color=color, capsize=2)
        axis.set_yticks(range(len(reached)), [f"{found.run.client}: {name_of(found.run)}" for found in reached])
        axis.set_xlabel("requests for a download, with the standard error", fontsize=9, color=DARK)
        axis.set_xlim(left=1)
        tidy(axis)
        save(figure, "requests.svg")


# A figure, with its unit, or two of them.
NUMBER = re.compile(r"(± )?[0-9.]*( s| · [0-9.]+)?")
COLUMNS = ["p50", "p95", "p99", "requests", "kB", "what failed"]


def cells(found: Outcome) -> list[str]:
    times = [found.quantile(share) for share in (0.5, 0.95, 0.99)]
    return [str(found.succeeded), *("" if time is None else f"{time:.1f} s" for time in times),
            f"{found.tries:.2f}", f"{found.kilobytes:.0f}", found.failures()]  # fmt: skip


def name_of(run: Run) -> str:
    return run.label.split(", around")[0]


def in_order(rungs: list[Outcome]) -> bool:
    """Each step is at least as good as those before, but for chance; a timeout beats none, the loop a timeout, and ours has all."""
    steps = [found for found in rungs if found.run.way != "naive" or found.run.may_hang]
    shares = [found.succeeded for found in steps]
    chance = [ALIKE * math.sqrt(2 * max(1, share * (100 - share) / 100)) for share in shares]
    strict = [found.succeeded for found in steps if found.run.way in ("naive", "timeout", "loop")]
    return (
        all(before < after for before, after in zip(strict, strict[1:]))
        and all(after >= before - allowed for before, after, allowed in zip(shares, shares[1:], chance))
        and rungs[-1].reached_all
    )


def listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def mark(holds: bool) -> str:
    return "✓" if holds else "✗"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Markdown that can be read as it is, too: numbers to the right, words to the left."""
    columns = list(zip(head, *rows))
    numbers = [all(NUMBER.fullmatch(cell) for cell in column[1:]) and any(column[1:]) for column in columns]
    widths = [max(3, *(len(cell) for cell in column)) for column in columns]

    def line(cells: list[str]) -> str:
        padded = (cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(cells, widths, numbers))
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + ":" if number else "-" * width for width, number in zip(widths, numbers)]
    return [line(head), line(rule), *(line(row) for row in rows)]


def tidy(axis) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8, colors=DARK)


def save(figure, name: str) -> None:
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "undaunted"}):
        figure.savefig(PLOTS / name, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def packages() -> str:
    """The versions of what was held beside ours."""
    python = ["requests", "urllib3", "aiohttp", "httpx", "tenacity", "stamina", "aiohttp-retry"]
    lock = json.loads((setup.LAB_PACKAGES / "package-lock.json").read_text())["packages"]
    node = ["undici", "p-retry", "cockatiel", "ky", "axios", "axios-retry"]
    versions = {name: version(name) for name in python} | {name: lock[f"node_modules/{name}"]["version"] for name in node}
    return ", ".join(f"{name} {number}" for name, number in versions.items())
