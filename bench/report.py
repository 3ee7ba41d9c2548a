"""The table: each figure with its floor, its spread, its bar, and whether the bar was met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import date

from bench.load import Run
from bench.scenes import Rate

PEER = 249
"""W1 of the fastest peer (better-auth 1.7.25) as measured for the design, with the same method;
an absolute figure of another day, so it is only shown beside the ratios."""

PEER_CHECK = 1_062
"""W4 of the same peer."""

HEAD = """# What was measured

`make bench` writes this page. The server runs with one worker on the first core, the load comes
from the second; each prepared request is sent once, on kept-alive connections, and every status is
checked. Populations sign in beforehand with a cheap hash, except in W2. Absolute rates drift with
the machine's neighbours: compare within one run. Rates are per second of the processor time the
server really used where it did not get its whole core; medians of {rounds} rounds, with the least
and the most.

{machine}. {people} people. Written on {day}.

| figure | floor in the same run | ours | ratio | must | stretch | met |
|---|---|---|---|---|---|---|
"""


class Report:
    """Gathers rows; knows the bars."""

    def __init__(self, machine: str, rounds: int, people: int) -> None:
        self._facts = {"machine": machine, "rounds": rounds, "people": f"{people:,}"}
        self._rows: list[str] = []
        self._notes: list[str] = []

    def row(self, figure: str, base: str, ours: str, ratio: str, bars: str, met: str) -> None:
        """One line."""
        self._rows.append(f"| {figure} | {base} | {ours} | {ratio} | {bars} | {met} |")

    def second_factor(
        self,
        grouped: Sequence[Rate],
        alone: Sequence[Rate],
        ours: Sequence[Rate],
        relaxed: Sequence[Rate],
    ) -> None:
        """W1 and what stands beside it."""
        base, mine, loose = middle(grouped), middle(ours), middle(relaxed)
        self.row(
            "W1, second factor, `synchronous=FULL`", f"{spread(grouped)} bare group commit",
            spread(ours), f"{mine / base:.1%}", "20 % | 40 %", verdict(mine / base, 0.2, 0.4),
        )  # fmt: skip
        self.row(
            "W1 against each update alone", f"{spread(alone)} naive handler", spread(ours),
            f"{mine / middle(alone):.2f}x", " | ", "",
        )  # fmt: skip
        self.row(
            "W1 against `synchronous=NORMAL`", spread(relaxed), spread(ours),
            f"{mine / loose:.1%}", "90 % | ", verdict(mine / loose, 0.9),
        )  # fmt: skip
        self.row(
            "W1 against the fastest peer", f"{PEER} (another day)", spread(ours),
            f"{mine / PEER:.0f}x", "15x | 32x", verdict(mine / PEER, 15, 32),
        )  # fmt: skip
        shares = [rate.share for rate in ours]
        self._notes.append(
            f"W1: the server had {min(shares):.0%} to {max(shares):.0%} of its core; median"
            f" latency {statistics.median(r.median for r in ours) * 1e3:.1f} ms at 64 connections."
        )

    def latency(self, rate: float, run: Run) -> None:
        """W1 at half load."""
        p99 = run.percentile(0.99) * 1e3
        self.row(
            f"W1 p99 at half load ({rate:,.0f}/s)", "", f"{p99:.1f} ms", "", "10 ms | 5 ms",
            verdict(1 / p99, 1 / 10, 1 / 5),
        )  # fmt: skip
        self._notes.append(
            f"W1 at half load: median {run.percentile(0.5) * 1e3:.1f} ms, counted from when each"
            " request was due."
        )

    def alone(self, base: Run, ours: Sequence[Run], single: Sequence[Run]) -> None:
        """W1 with a single client: beside the bare writer, and what batching adds to it."""
        rates, apart = [run.rate for run in ours], [run.rate for run in single]
        mine, without = statistics.median(rates), statistics.median(apart)
        self.row(
            "W1, one client", f"{base.rate:,.0f} bare group commit", ranged(rates),
            f"{mine / base.rate:.0%}", "90 % | ", verdict(mine / base.rate, 0.9),
        )  # fmt: skip
        self.row(
            "W1, one client, against our own server without batches", ranged(apart),
            ranged(rates), f"{mine / without:.0%}", "90 % | ", verdict(mine / without, 0.9),
        )  # fmt: skip

    def logins(
        self, hashes: float, runs: Sequence[tuple[float, float]], checks: tuple[float, float]
    ) -> None:
        """W2, and W4 beside it."""
        rates = [rate / share for rate, share in runs]
        mine = statistics.median(rates)
        self.row(
            "W2, password and code", f"{hashes:.1f} bare Argon2id", ranged(rates),
            f"{mine / hashes:.0%}", "85 % | 92 %", verdict(mine / hashes, 0.85, 0.92),
        )  # fmt: skip
        calm, busy = (seconds * 1e3 for seconds in checks)
        self.row(
            "W4 p99 while W2 saturates the core", f"{calm:.1f} ms idle", f"{busy:.1f} ms",
            f"{busy / calm:.1f}x", "5x | ", verdict(calm / busy, 1 / 5),
        )  # fmt: skip

    def enrolments(self, runs: Sequence[tuple[float, float]]) -> None:
        """W3."""
        rates = [rate for rate, _ in runs]
        self.row(
            "W3, enrol and confirm, QR drawn", "", ranged(rates), "", "400 | 800",
            verdict(statistics.median(rates), 400, 800),
        )  # fmt: skip

    def sessions(
        self, hello: Sequence[Rate], stored: Sequence[Rate], cached: Sequence[Rate]
    ) -> Report:
        """W4 over HTTP."""
        base, mine, kept = middle(hello), middle(stored), middle(cached)
        self.row(
            "W4, session check from the store", f"{spread(hello)} bare hello", spread(stored),
            f"{mine / base:.1%}", "25 % | 45 %", verdict(mine / base, 0.25, 0.45),
        )  # fmt: skip
        self.row(
            "W4 against the fastest peer", f"{PEER_CHECK:,} (another day)", spread(stored),
            f"{mine / PEER_CHECK:.0f}x", "14x | ", verdict(mine / PEER_CHECK, 14),
        )  # fmt: skip
        self.row(
            "W4, cached for one second", f"{PEER_CHECK:,} (another day)", spread(cached),
            f"{kept / PEER_CHECK:.0f}x", "20x | ", verdict(kept / PEER_CHECK, 20),
        )  # fmt: skip
        return self

    def start(self, found: tuple[float, float]) -> Report:
        """Cold start and memory."""
        ready, memory = found
        self.row(
            "idle memory", "", f"{memory:.0f} MiB", "", "60 | 45",
            verdict(1 / memory, 1 / 60, 1 / 45),
        )  # fmt: skip
        self.row("from start to ready, one account made", "", f"{ready:.2f} s", "", " | ", "")
        return self

    def imports(self, found: Sequence[float]) -> None:
        """What is imported before serving."""
        imports = statistics.median(found)
        self.row(
            "imports before serving", "", f"{imports:.2f} CPU-s", "", "0.20 | 0.12",
            verdict(1 / imports, 1 / 0.2, 1 / 0.12),
        )  # fmt: skip

    def library(self, stored: float, cached: float) -> Report:
        """W4 as a call."""
        self.row("W4 as a library call, from the store", "", f"{stored:,.0f}", "", " | ", "")
        self.row(
            "W4 as a library call, cached", "", f"{cached:,.0f}", "", " | 1,000,000",
            verdict(cached, 0, 1e6),
        )  # fmt: skip
        return self

    def text(self, day: date) -> str:
        """The page."""
        notes = "\n".join(f"* {note}" for note in self._notes)
        return HEAD.format(day=day, **self._facts) + "\n".join(self._rows) + f"\n\n{notes}\n"


def middle(rates: Sequence[Rate]) -> float:
    """The median per second of processor time."""
    return statistics.median(rate.per_core for rate in rates)


def spread(rates: Sequence[Rate]) -> str:
    """Median, least and most."""
    return ranged([rate.per_core for rate in rates])


def ranged(rates: Sequence[float]) -> str:
    """Median, least and most."""
    least, most = min(rates), max(rates)
    digits = ".0f" if least > 100 else ".1f"  # noqa: PLR2004 -- where a decimal says something
    return f"{statistics.median(rates):,{digits}} ({least:,{digits}}-{most:,{digits}})"


def verdict(value: float, must: float, stretch: float | None = None) -> str:
    """How a figure stands against its bars."""
    if stretch is not None and value >= stretch:
        return "stretch"
    return "yes" if value >= must else "**no**"
