"""A run from its options to its files: go on where another one stopped, make what is missing, write what there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.exclusive import one_at_a_time
from csc_tasks.chat.spending import require_prices
from csc_tasks.errors import ConfigError, CSConvError, DataError
from csc_tasks.synthesis.config import SynthesisConfig
from csc_tasks.synthesis.engine import Run, SynthesisEngine
from csc_tasks.synthesis.estimate import price
from csc_tasks.synthesis.facts import asked_in
from csc_tasks.synthesis.journal import JOURNALS, ended_in, heads_of, index_of
from csc_tasks.synthesis.output.balance import Balance
from csc_tasks.synthesis.output.export import check_rules, write_outputs
from csc_tasks.synthesis.output.outputs import OutputRules
from csc_tasks.synthesis.output.run_facts import SCRIPTED, facts_of
from csc_tasks.synthesis.progress import Halt, Halted, SynthesisProgress
from csc_tasks.synthesis.ray_engine import make_on_ray
from csc_tasks.synthesis.report import SynthesisReport
from csc_tasks.synthesis.steps import Case, Pipeline, Step
from csc_tasks.synthesis.voices import EndpointVoices, ScriptedVoices, Voices
from csc_tasks.system.ray_cluster import EngineKind

__all__ = ["RunOptions", "run"]

SCRIPTED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a user says of a run.

    Attributes:
        out: the output folder.
        config: who is asked; none where scripts answer.
        scripted: the scripts that answer where nobody else does (``offline``), and give a dry run its typical answers.
        offline: let scripts answer.
        source: where the cases are from, in a few words, for the card.
        limit: make the first so many cases only.
        seed: from which everything by chance is derived.
        budget: what may be spent in this run, in the configuration's currency.
        dry_run: say what would be asked, and ask nothing.
        redacted: personal data that was replaced in what is sent, by kind; ``None`` where none was looked for.
        rules: what the written conversations are held to.
        engine: where conversations are made; ``workers`` and ``address`` are those of a Ray cluster.
    """

    out: Path
    config: SynthesisConfig | None = None
    scripted: Callable[[Case, Step, int], str] | None = None
    offline: bool = False
    source: str = ""
    limit: int | None = None
    seed: int = 0
    budget: float | None = None
    dry_run: bool = False
    redacted: Mapping[str, int] | None = None
    rules: OutputRules = field(default_factory=OutputRules)
    engine: EngineKind = EngineKind.LOCAL
    workers: int | None = None
    address: str | None = None


def run(pipeline: Pipeline, options: RunOptions, report: SynthesisReport) -> None:
    """Make what is missing of a pipeline's conversations, and write all that there are.

    Raises:
        ConfigError: an option contradicts another one, or what the run was begun with.
        DataError: the folder holds something else, or a journal cannot be read.
        SourceError: data that no conversation may overlap with is named and cannot be had.
        ChatError: nothing can be asked any more.
        Halted: less was made than was to be.
    """
    if options.offline and options.config is not None:
        raise ConfigError("--offline asks nobody: leave --config out, or --offline")
    if not options.offline and options.config is None:
        raise ConfigError("--config: name a synthesis.yaml that says who is asked (docs/synthesis.md)")
    config = options.config
    head = _head(pipeline, config, options.seed)
    _require_own(options.out)
    _require_same(options.out, head)
    if options.engine is not EngineKind.RAY and (options.workers or options.address):
        raise ConfigError("--workers and --address go with --engine ray")
    if options.engine is EngineKind.RAY and config is None:
        raise ConfigError("--engine ray: scripts need no cluster; leave --engine out")
    check_rules(options.rules)
    if options.dry_run:
        _price(pipeline, config, options, report)
        return
    if options.budget is not None:
        if config is None:
            raise ConfigError("--budget: scripts cost nothing")
        for role in pipeline.roles:
            require_prices(config.of(role), "synthesis.yaml")
    options.out.mkdir(parents=True, exist_ok=True)
    waiting = f"another csconv is writing to {options.out}; waiting for it, what it asks is not asked again"
    with one_at_a_time(options.out / ".lock", waiting):
        _require_same(options.out, head)
        _run_alone(pipeline, config, head, options, report)


def _head(pipeline: Pipeline, config: SynthesisConfig | None, seed: int) -> dict[str, Any]:
    return {
        "kind": pipeline.kind,
        "seed": seed,
        **pipeline.signature,
        "models": config.identity(pipeline.roles) if config else SCRIPTED,
    }


def _require_own(folder: Path) -> None:
    """Check that a folder is one of ours, empty, or not there."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: not a folder; name a new one with --out")
    if folder.is_dir() and not (folder / JOURNALS).is_dir():
        left = sorted(p.name for p in folder.iterdir() if p.name != ".lock")
        if left:
            raise DataError(
                f"{folder}: holds {left[0]} and no journals of csconv; name another folder with --out"
            )


def _require_same(folder: Path, head: Mapping[str, Any]) -> None:
    """Check that a run goes on as it began, for its conversations are to be of one kind."""
    now = _plain(head)
    for number, (path, begun) in enumerate(heads_of(folder)):
        if dict(begun) == now:
            continue
        differs = ", ".join(_differences(begun, now))
        if number:  # somebody put it there, for this run began as it goes on
            raise ConfigError(
                f"{path}: of a run with another {differs}; move it away: `csconv synthesize merge` puts folders "
                "together"
            )
        raise ConfigError(
            f"{folder}: begun with another {differs}; go on as it began, or name another folder with --out and put "
            "both together with `csconv synthesize merge`"
        )


def _plain(value: Any) -> Any:
    """A value as it comes back from JSON."""
    return json.loads(json.dumps(value))


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Where two JSON values differ, as dotted names."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            each
            for key in sorted(before.keys() | now.keys())
            for each in _differences(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
        ]
    return [] if before == now else [name]


def _cases(pipeline: Pipeline, options: RunOptions, report: SynthesisReport) -> tuple[Case, ...]:
    """What is to be made; that it is less than was asked for is said."""
    cases = tuple(islice(pipeline.cases(), options.limit))
    if options.limit is not None and len(cases) < options.limit:
        report.say(
            f"{options.limit:,} are asked for and there are {len(cases):,} cases: all of them are made"
        )
    return cases


def _price(
    pipeline: Pipeline, config: SynthesisConfig | None, options: RunOptions, report: SynthesisReport
) -> None:
    """Say what would be asked."""
    over = index_of(options.out).cases
    cases = [case for case in _cases(pipeline, options, report) if case.id not in over]
    report.say(f"{len(cases):,} conversations to make, {len(over):,} are there")
    if config is None or options.scripted is None:
        report.say("scripts answer: nothing is asked, and nothing costs anything")
        return
    report.prices(price(pipeline, config, cases, options.scripted), config.currency)
    report.say(
        "an estimate, from a few conversations with typical answers, each usable at once; --budget is a limit"
    )


def _run_alone(
    pipeline: Pipeline,
    config: SynthesisConfig | None,
    head: Mapping[str, Any],
    options: RunOptions,
    report: SynthesisReport,
) -> None:
    cases = _cases(pipeline, options, report)
    over = index_of(options.out).cases
    with _written_at_the_end(pipeline, config, head, options, report, cases):
        progress = _make(pipeline, config, head, options, report, cases, over)
        if progress.waiting:
            raise Halted(
                Halt.BROKEN,
                f"{progress.waiting:,} conversations are not over, for their server failed again and again; the same "
                "command goes on with them",
            )
        if progress.stopped not in (None, Halt.BALANCED):
            raise Halted(progress.stopped, progress.trouble)


def _make(
    pipeline: Pipeline,
    config: SynthesisConfig | None,
    head: Mapping[str, Any],
    options: RunOptions,
    report: SynthesisReport,
    cases: Sequence[Case],
    over: frozenset[str],
) -> SynthesisProgress:
    """Make what is missing."""
    how = Run(
        options.out,
        head,
        options.seed,
        config.concurrency if config else SCRIPTED_AT_ONCE,
        config.attempts if config else 1,
    )
    on_progress = report.bar(pipeline.kind, len(cases), config.currency if config else "")
    balance = Balance(options.rules.balance) if options.rules.balance is not None else None
    if balance is not None and any(balance.add(ended) for ended in ended_in(options.out)):
        return SynthesisProgress(stopped=Halt.BALANCED)
    if config is not None and options.engine is EngineKind.RAY:
        return make_on_ray(
            pipeline,
            config,
            how,
            cases,
            over,
            options.budget,
            options.workers,
            options.address,
            on_progress,
            balance,
        )
    voices: Voices
    if config is not None:
        voices = EndpointVoices(config, pipeline.roles, Budget(options.budget))
    else:
        assert options.scripted is not None
        voices = ScriptedVoices(options.scripted, SCRIPTED)
    on_ended = balance.add if balance is not None else lambda _: False
    engine = SynthesisEngine(pipeline, voices, how, on_progress, on_ended)
    engine.progress.kept = sum(case.id in over for case in cases)
    return engine.run(cases, over)


@contextmanager
def _written_at_the_end(
    pipeline: Pipeline,
    config: SynthesisConfig | None,
    head: Mapping[str, Any],
    options: RunOptions,
    report: SynthesisReport,
    cases: Sequence[Case],
) -> Iterator[None]:
    """Write what there is however the run ends, but where somebody waits for it to end."""
    trouble: CSConvError | None = None
    try:
        yield
    except CSConvError as error:
        if isinstance(error, Halted) and error.why is Halt.INTERRUPTED:
            raise
        trouble = error
        if not (options.out / JOURNALS).is_dir():  # moved or removed: nothing may take its place
            raise
    try:
        _write(pipeline, config, head, options, report, cases)
    except CSConvError as error:
        if trouble is None:
            raise
        report.say(str(error))  # what ended the run says where paid answers are
    if trouble is not None:
        raise trouble


def _write(
    pipeline: Pipeline,
    config: SynthesisConfig | None,
    head: Mapping[str, Any],
    options: RunOptions,
    report: SynthesisReport,
    cases: Sequence[Case],
) -> None:
    """Write the files of all cases that are over, and say what they are."""
    index = index_of(options.out)
    asked = asked_in(options.out, index)
    unpriced = [
        role for role in pipeline.roles if config and asked.requests[role] and not config.of(role).priced
    ]
    facts = facts_of(
        _plain(head),
        asked,
        currency=config.currency if config is not None and not unpriced else "",
        source=options.source,
        unfinished=sum(case.id not in index.cases for case in cases),
        redacted=options.redacted,
    )
    written = write_outputs(options.out, lambda: ended_in(options.out, index), facts, options.rules)
    for line in written.lines():
        report.say(line)
    if asked.cost and unpriced:
        report.say(
            f"what it cost is not known: {', '.join(unpriced)} without input_price and output_price (0 is a price)"
        )
    if asked.not_usable:
        report.counts(
            "answers that could not be used and were asked for again:",
            {f"{role}: {reason}": n for (role, reason), n in asked.not_usable.items()},
        )
