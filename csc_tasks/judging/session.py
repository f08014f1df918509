"""A call of ``csconv judge``: which logs or pairs of runs are judged, in which order, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.chat.cache import AnswerCache
from csc_tasks.errors import ConfigError
from csc_tasks.judging.config import JudgeConfig, load_judge
from csc_tasks.judging.estimate import Estimate
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.pairwise import Contest, Pairing, contests
from csc_tasks.judging.probe import Probed, ProbeOfJudge, estimate_probe, require_probe
from csc_tasks.judging.progress import Stopped, Withheld
from csc_tasks.judging.report import Report
from csc_tasks.judging.saved_run import JudgedLog, rubric_for
from csc_tasks.judging.superseded import tell_of_superseded
from csc_tasks.metrics.judge.probe_cases import PROBE
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.results.find_logs import find_logs

__all__ = ["JudgeOptions", "judge_results", "probe_judge"]

CACHE = "judge_cache.sqlite"


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """What is judged, by whom, and within which limits.

    Attributes:
        results: folders or logs.
        config: the file that says who judges.
        rubric: name or folder, or a version of the shipped rubrics; by default the one for the context of each log.
        with_reference: show the judge the gold reply.
        sample_size: judge a stratified sample of so many.
        dry_run: count, and ask nothing.
        budget: what may be spent, in the configuration's currency.
        cache: the verdict cache; by default the configuration's, or one in the first of the results.
        pairwise: compare the runs with each other.
        fresh: take no verdict from earlier runs.
    """

    results: tuple[Path, ...]
    config: Path
    rubric: str | None = None
    with_reference: bool = False
    sample_size: int | None = None
    dry_run: bool = False
    budget: float | None = None
    cache: Path | None = None
    pairwise: bool = False
    fresh: bool = False


def judge_results(options: JudgeOptions, report: Report) -> None:
    """Judge saved runs, or say what it would take.

    Raises:
        CSConvError: something is wrong with the configuration, the results or the judge.
        JudgeError: something is wrong with the rubric.
        Stopped: less was asked than was to be.
        Withheld: everything was asked, and too little of it was answered.
    """
    config = load_judge(options.config)
    if options.budget is not None and not config.priced:
        raise ConfigError(f"--budget needs input_price and output_price in {options.config}")
    if options.budget is not None and config.limit is None:
        raise ConfigError(
            f"--budget needs max_tokens or max_completion_tokens in {options.config}: without, no answer has an end"
        )
    session = (_Pairs if options.pairwise else _Logs)(options, config, report)
    if options.rubric is None and not options.fresh:
        for line in tell_of_superseded(session.plan, options.dry_run):
            report.say(line)
    first = options.results[0]
    folder = first if first.is_dir() else first.parent
    with _opened(options.cache or config.cache or folder / CACHE) as cache:
        if options.dry_run:
            probed = [("the probe", rubric.name, e) for rubric, e in estimate_probe(config, cache)]
            report.estimates([*probed, *session.estimates(cache)], config)
            return
        on_progress = report.bar("probe", config.currency)
        if config.require_probe is not None and (said := ProbeOfJudge(config, cache).earlier()):
            report.say(said)
        spent = require_probe(config, cache, options.config, on_progress, options.budget)
        if options.fresh:
            for judged in session.plan:
                if (aside := judged.forget(cache)) is not None:
                    report.say(f"{judged.journal_path}: set aside as {aside.name}; nothing is taken from it")
        session.run(cache, spent)


class _Session:
    """What the two ways of judging have in common."""

    def __init__(self, options: JudgeOptions, config: JudgeConfig, report: Report) -> None:
        self.options = options
        self.config = config
        self.report = report

    def left(self, spent: float) -> float | None:
        """What is left of the budget."""
        return None if self.options.budget is None else self.options.budget - spent


class _Logs(_Session):
    """Each log by itself."""

    def __init__(self, options: JudgeOptions, config: JudgeConfig, report: Report) -> None:
        super().__init__(options, config, report)
        self.plan: list[JudgedLog] = []
        for log in find_logs(list(options.results)):
            rubric = rubric_for(log, options.rubric)
            if rubric is None:
                report.say(f"{log.path}: {log.task} has nothing that this rubric judges; skipped")
            else:
                self.plan.append(JudgedLog(log, rubric, config, options.with_reference, options.sample_size))
        if not self.plan:
            raise ConfigError(
                "nothing to judge among these logs: judged are csconv_response and csconv_dialogue"
            )

    def estimates(self, cache: AnswerCache) -> Iterator[tuple[str, str, Estimate]]:
        """What judging would ask, a log at a time."""
        for judged in self.plan:
            yield judged.log.path.name, judged.rubric.name, judged.estimate(cache)

    def run(self, cache: AnswerCache, spent: float) -> None:
        """Judge them in turn."""
        withheld: list[str] = []
        for judged in self.plan:
            name = f"{judged.log.task} {judged.rubric.name}"
            on_progress = self.report.bar(name, self.config.currency)
            judgement, progress = judged.run(cache, self.left(spent), on_progress)
            spent += progress.cost
            self.report.judgement(judged, judgement, progress)
            if progress.stopped is not None:
                raise Stopped(judged.log.task, progress.stopped, progress.trouble)
            if judgement.withheld:
                withheld.append(judged.log.task)
        _require_scores(withheld)


class _Pairs(_Session):
    """Every two models on the tasks that they have in common, both orders."""

    def __init__(self, options: JudgeOptions, config: JudgeConfig, report: Report) -> None:
        super().__init__(options, config, report)
        rubric = rubric_for_unit(Unit.PAIR, options.rubric)
        self.plan: list[Contest] = contests(
            options.results, rubric, config, options.with_reference, options.sample_size
        )

    def estimates(self, cache: AnswerCache) -> Iterator[tuple[str, str, Estimate]]:
        """What comparing would ask, a pair of models at a time."""
        for contest in self.plan:
            for pair, estimate in zip(contest.pairs(), contest.estimate(cache), strict=True):
                yield f"{contest.task}: {' against '.join(pair)}", contest.rubric.name, estimate

    def run(self, cache: AnswerCache, spent: float) -> None:
        """Compare them in turn."""
        withheld: list[str] = []
        for contest in self.plan:
            pairings: list[Pairing] = []
            for first, second in contest.pairs():
                on_progress = self.report.bar(f"{first} against {second}", self.config.currency)
                pairing, progress = contest.run(first, second, cache, self.left(spent), on_progress)
                spent += progress.cost
                if progress.stopped is not None:
                    raise Stopped(contest.task, progress.stopped, progress.trouble)
                pairings.append(pairing)
            ratings = contest.ratings(pairings)
            contest.write(pairings, ratings)
            self.report.contest(contest, pairings, ratings)
            withheld += [f"{p.first} against {p.second}" for p in pairings if p.result.withheld]
        _require_scores(withheld)


def _require_scores(withheld: Sequence[str]) -> None:
    if withheld:
        raise Withheld(
            f"no scores of {', '.join(withheld)}: too few verdicts (min_coverage); the same command asks again for "
            "those that failed, and for an answer that is no verdict as often as reasks allows"
        )


def probe_judge(
    config_path: Path, rubric: str | None, cache_path: Path | None, report: Report, name: str | None = None
) -> tuple[JudgeConfig, Probed]:
    """Put a probe to a judge; who that is, and what was found.

    Args:
        config_path: the file that says who judges.
        rubric: name or folder, or a version of the shipped rubrics; by default the probe's own.
        cache_path: the verdict cache; by default the configuration's, or one in the working folder.
        report: what the user sees.
        name: of the probe; by default the newest.

    Raises:
        CSConvError: something is wrong with the configuration or the judge.
        JudgeError: the rubric does not fit, or there is no such probe.
        Stopped: the run was interrupted.
    """
    config = load_judge(config_path)
    with _opened(cache_path or config.cache or Path(CACHE)) as cache:
        of_judge = ProbeOfJudge(config, cache, rubric, name or PROBE)
        if said := of_judge.earlier():
            report.say(said)
        return config, of_judge.run(report.bar("probe", config.currency))


@contextmanager
def _opened(path: Path) -> Iterator[AnswerCache]:
    cache = open_cache(path)
    try:
        yield cache
    finally:
        cache.close()
