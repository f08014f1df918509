"""What a user sees of a run: the bar, what it came to, what it would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from csc_tasks.printable import printable, printable_lines
from csc_tasks.synthesis.estimate import RolePrice
from csc_tasks.synthesis.progress import OnSynthesis, SynthesisProgress
from csc_tasks.system.terminal_bar import TerminalBar

__all__ = ["SynthesisReport"]


_LISTED = 10


class SynthesisReport:
    """The terminal of a run (``with``).

    Args:
        out: what it prints goes here.
        err: the bar stands here.
    """

    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._bar = TerminalBar(err)

    def __enter__(self) -> SynthesisReport:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """A line."""
        self._out.print(Text(printable_lines(text)), soft_wrap=True)

    def bar(self, name: str, total: int | None, currency: str) -> OnSynthesis:
        """What keeps a line of the bar up to date: rate, what was dropped, cost so far, time left."""
        line = self._bar.add_task(printable(name), total=total, state="")
        start = last = monotonic()

        def on_progress(progress: SynthesisProgress) -> None:
            nonlocal last
            now = monotonic()
            if now - last < 0.1 and progress.done != total:
                return
            last = now
            state = f"{progress.requests / max(now - start, 1e-9):.1f} answers/s"
            if progress.dropped:
                state += f" [red]{progress.dropped} dropped[/red]"
            if progress.cost:
                state += f" {progress.cost:.2f} {escape(printable(currency))}"
            self._bar.update(line, completed=progress.done, state=state)

        return on_progress

    def counts(self, title: str, counts: Mapping[str, int] | Counter[str]) -> None:
        """How often each, the most frequent ones first; nothing where there is nothing."""
        if not counts:
            return
        self.say(title)
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        for what, count in frequent[:_LISTED]:
            self.say(f"{count:7,}  {what}")
        if left := frequent[_LISTED:]:
            self.say(f"{sum(count for _, count in left):7,}  for {len(left)} other reasons")

    def prices(self, rows: Sequence[RolePrice], currency: str) -> None:
        """Requests, tokens and cost by role, and the sum."""
        heads = (
            "role",
            "model",
            "requests",
            "prompt tokens",
            "answer tokens",
            f"cost, {printable(currency)}",
        )
        table = Table(*heads, box=None)
        for column in table.columns[2:]:
            column.justify = "right"
        for row in rows:
            counts = (f"{n:,}" for n in (row.requests, row.prompt_tokens, row.answer_tokens))
            table.add_row(row.role, Text(printable(row.model)), *counts, _money(row.cost))
        sums = (
            sum(r.requests for r in rows),
            sum(r.prompt_tokens for r in rows),
            sum(r.answer_tokens for r in rows),
        )
        costs = [row.cost for row in rows if row.cost is not None]
        known = _money(sum(costs) if len(costs) == len(rows) else None)
        table.add_row("all", "", *(f"{n:,}" for n in sums), known)
        self._out.print(table)
        if len(costs) < len(rows):
            self.say("cost not known: set input_price and output_price in synthesis.yaml")


def _money(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"
