"""What a user sees of a judging: tables and written files on stdout, everything else on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.estimate import Estimate
from csc_tasks.judging.pairwise import Contest, Pairing
from csc_tasks.judging.probe import Probed
from csc_tasks.judging.progress import JudgeProgress, OnProgress, Stop
from csc_tasks.judging.saved_run import JudgedLog, Judgement
from csc_tasks.metrics.judge.agreement import Agreement
from csc_tasks.metrics.judge.pairs import Ratings
from csc_tasks.metrics.judge.verdict import SILENT
from csc_tasks.printable import printable, printable_lines
from csc_tasks.system.terminal_bar import TerminalBar

__all__ = ["Report"]


class Report:
    """The terminal while something is judged (``with``), with a bar that goes when it is done.

    Args:
        out: stdout.
        err: stderr.
    """

    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._err = err
        self._progress = TerminalBar(err)

    def __enter__(self) -> Report:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line on stderr."""
        self._err.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)

    def _print(self, what: RenderableType) -> None:
        # While a bar is drawn, what goes to stdout would be caught and drawn with it, on stderr.
        if drawn := self._progress.live.is_started:
            self._progress.stop()
        self._out.print(what, markup=False, highlight=False, soft_wrap=isinstance(what, str))
        if drawn:
            self._progress.start()

    def _print_path(self, path: Path) -> None:
        self._print(printable(str(path)) if self._out.is_terminal else str(path))

    def bar(self, name: str, currency: str) -> OnProgress:
        """What keeps a line of the bar up to date: rate, samples without a verdict, cost so far."""
        line = self._progress.add_task(printable(name), total=None, state="", visible=False)
        start = last = monotonic()

        def on_progress(progress: JudgeProgress) -> None:
            nonlocal last
            now = monotonic()
            if now - last < 0.1 and progress.done != progress.total:
                return
            last = now
            state = f"{progress.asked / max(now - start, 1e-9):.1f}/s"
            if progress.failures:
                state += f" [red]{progress.failures} without a verdict[/red]"
            if progress.cost:
                state += f" {progress.cost:.2f} {escape(printable(currency))}"
            self._progress.update(
                line, completed=progress.done, total=progress.total, state=state, visible=True
            )

        return on_progress

    def judgement(self, judged: JudgedLog, judgement: Judgement, progress: JudgeProgress) -> None:
        """What was judged of a log, and the written file."""
        counts = ", ".join(f"{n} {s.value}" for s, n in judgement.statuses.most_common())
        cost = f", {progress.cost:.4f} {judged.config.currency}" if judged.config.priced else ""
        again = f", {progress.reasked} asked again" if progress.reasked else ""
        self.say(
            f"{judged.log.task} by {judged.signature.line}: {counts} "
            f"({progress.cached} from earlier runs{again}{cost})"
        )
        if len(judgement.models) > 1:
            each = ", ".join(f"{model} ({count})" for model, count in judgement.models.most_common(10))
            self.say(f"  the server answered as more than one model: {each}")
        for reason, count in progress.reasons.most_common(3):
            self.say(f"  {count} × {reason}")
        if attempts := sum(n for flag, n in judgement.flags.items() if flag != SILENT):
            self.say(f"  {attempts} flags of judged text that addresses the judge; see flags in the verdicts")
        if judgement.withheld:
            self.say(f"  scores withheld: {judgement.withheld}")
        if progress.stopped is not Stop.INTERRUPTED:
            self._print_path(judged.results_path)

    def estimates(self, rows: Sequence[tuple[str, str, Estimate]], config: JudgeConfig) -> None:
        """Requests, tokens and cost of each log or pair, and the sum."""
        table = _table(
            f"what would be asked, with answers of {config.longest:,} tokens"
            + (" (max_tokens)" if config.limit else ", for there is no max_tokens; they may be longer"),
            ("log", "rubric"),
            ("to judge", "known", "requests", "prompt tokens", "answer tokens", "cost"),
        )

        def add(log: str, rubric: str, e: Estimate) -> None:
            cost = f"{e.cost:.2f} {config.currency}" if config.priced else "no prices"
            numbers = (e.samples, e.cached, e.requests, e.prompt_tokens, e.completion_tokens)
            _add(table, log, rubric, *(f"{n:,}" for n in numbers), cost)

        for row in rows:
            add(*row)
        total = sum((e for _, _, e in rows), Estimate())
        if len(rows) > 1:
            table.add_section()
            add("sum", "", total)
        self._print(table)
        if total.most_requests > total.requests:
            cost = f", {total.most_cost:.2f} {config.currency}" if config.priced else ""
            self._print(
                f"at most {total.most_requests:,} requests{cost}: an answer that is no verdict is asked for again, "
                f"{config.reasks} times in all (reasks)"
            )

    def contest(self, contest: Contest, pairings: Sequence[Pairing], ratings: Ratings | None) -> None:
        """The outcomes of every two models, the ratings of three or more, and the written file."""
        table = _table(
            f"{contest.task} by {contest.signature.line}",
            ("first", "second"),
            ("pairs", "won", "tied", "lost", "win rate", "95 %", "judged", "flips", "length", "coverage"),
        )
        for p in pairings:
            r = p.result
            interval = f"{_percent(r.low)} to {_percent(r.high)}"
            rate = ("withheld", "") if r.withheld else (_percent(r.win_rate), interval)
            _add(
                table,
                *(p.first, p.second, str(r.pairs), str(r.wins), str(r.ties), str(r.losses), *rate),
                *(str(r.judged), _percent(r.flips), _number(r.length, "+.2f"), _percent(r.coverage)),
            )
        self._print(table)
        for p in pairings:
            if p.result.withheld:
                self.say(f"{p.first} against {p.second}: win rate withheld: {p.result.withheld}")
        if ratings is not None:
            table = _table("Bradley-Terry ratings", ("model",), ("rating", "95 %"))
            columns = (ratings.models, ratings.rating, ratings.low, ratings.high)
            for model, value, low, high in zip(*columns, strict=True):
                _add(table, model, f"{value:.0f}", f"{low:.0f} to {high:.0f}")
            self._print(table)
        self._print_path(contest.results_path)

    def probe(self, model: str, probed: Probed) -> None:
        """What a probe found, kind by kind, and the written file."""
        found, admission = probed.report, probed.admission
        title = f"{model} under {probed.rubric}, {found.probe}: {found.score:.0%} in order"
        table = _table(title, ("case",), ("right", "least", ""))
        for kind, (right, asked) in found.kinds.items():
            mark = "below" if kind in admission.below else ""
            _add(table, kind, f"{right} of {asked}", str(admission.least[kind]), mark)
        table.add_section()
        for name, value in (
            ("grades gained by length alone", _signed(found.length_shift)),
            ("grades gained by a word to the judge", _signed(found.injection_shift)),
            ("pairs in which the order decided", _number(found.position_flips, ".0%")),
            ("better replies that won in both orders", _number(found.pairs_right, ".0%")),
            ("without a verdict", str(found.unscored)),
        ):
            _add(table, name, value, "", "")
        self._print(table)
        self.say(
            f"{model} {probed.shortfall or f'is admitted where require_probe is {admission.required:g}'}"
        )
        self._print_path(probed.path)

    def agreement(self, title: str, figures: Sequence[Agreement]) -> None:
        """How far a judge agrees with people, and each dimension's confusion."""
        columns = ("rated", "kappa", "Spearman", "alpha", "people alone", "bias")
        table = _table(title, ("dimension",), columns)
        for f in figures:
            error = f" ±{f.error:.2f}" if f.error == f.error else ""
            numbers = (_number(x, ".2f") for x in (f.spearman, f.alpha, f.human_alpha))
            _add(table, f.dimension, str(f.items), f"{f.kappa:.2f}{error}", *numbers, _signed(f.bias))
        self._print(table)
        for f in figures:
            self._print(f"{printable(f.dimension)}: rows people, columns judge")
            for row in f.confusion:
                self._print("  " + " ".join(f"{n:4d}" for n in row))


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    """An empty table: columns of names to the left, of numbers to the right."""
    table = Table(title=Text(printable(title)), title_justify="left")
    for name in names:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _add(table: Table, *cells: str) -> None:
    """Add a row; names of models, logs and rubrics stand in it, which may look like markup."""
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _number(value: float, form: str) -> str:
    return "n/a" if value != value else format(value, form)


def _signed(value: float) -> str:
    return _number(value, "+.2f")


def _percent(share: float) -> str:
    return _number(100 * share, ".1f")
