"""A run from its options to its files: go on where another one stopped, make what is missing, write what there is."""

from __future__ import annotations

from collections import Counter
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
from csc_tasks.synthesis.ended import Ended
from csc_tasks.synthesis.engine import Run, SynthesisEngine
from csc_tasks.synthesis.estimate import price
from csc_tasks.synthesis.facts import asked_in
from csc_tasks.synthesis.head import SCRIPTED, head_of_run
from csc_tasks.synthesis.journal import JOURNALS, ended_in, heads_of, index_of
from csc_tasks.synthesis.output.balance import Balance
from csc_tasks.synthesis.output.export import check_rules, write_outputs
from csc_tasks.synthesis.output.outputs import OutputRules
from csc_tasks.synthesis.output.run_facts import facts_of
from csc_tasks.synthesis.product import Product
from csc_tasks.synthesis.progress import Halt, Halted, OnSynthesis, SynthesisProgress
from csc_tasks.synthesis.ray_engine import make_on_ray
from csc_tasks.synthesis.report import SynthesisReport
from csc_tasks.synthesis.steps import Case, Pipeline, Step
from csc_tasks.synthesis.trial import LIMIT
from csc_tasks.synthesis.voices import EndpointVoices, ScriptedVoices, Voices
from csc_tasks.system.ray_cluster import EngineKind

__all__ = ["RunOptions", "run"]

SCRIPTED_AT_ONCE = 8
CONVERSATIONS = Product(
    "conversations",
    check_rules,
    write_outputs,
    together="put both together with `csconv synthesize merge`",
)


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
        product: what is made.
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
    product: Product = CONVERSATIONS
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
    head = head_of_run(pipeline, config, options.seed)
    _require_own(options.out)
    _require_same(options.out, head, options.product)
    if options.engine is not EngineKind.RAY and (options.workers or options.address):
        raise ConfigError("--workers and --address go with --engine ray")
    if options.engine is EngineKind.RAY and config is None:
        raise ConfigError("--engine ray: scripts need no cluster; leave --engine out")
    options.product.check(options.rules)
    session = _SynthesisSession(pipeline, options, head, report)
    if options.dry_run:
        session.price()
        return
    if options.budget is not None:
        if config is None:
            raise ConfigError("--budget: scripts cost nothing")
        for role in pipeline.roles:
            require_prices(config.of(role), "synthesis.yaml")
    options.out.mkdir(parents=True, exist_ok=True)
    waiting = f"another csconv is writing to {options.out}; waiting for it, what it asks is not asked again"
    with one_at_a_time(options.out / ".lock", waiting):
        _require_same(options.out, head, options.product)
        session.run()


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


def _require_same(folder: Path, head: Mapping[str, Any], product: Product) -> None:
    """Check that a run goes on as it began, for what it makes is to be of one kind."""
    together = f" and {product.together}" if product.together else ""
    for number, (path, begun) in enumerate(heads_of(folder)):
        if dict(begun) == head:
            continue
        differs = ", ".join(_differences(begun, head))
        if number:  # somebody put it there, for this run began as it goes on
            raise ConfigError(f"{path}: of a run with another {differs}; move it away{together}")
        raise ConfigError(
            f"{folder}: begun with another {differs}; go on as it began, or name another folder with "
            f"--out{together}"
        )


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Where two JSON values differ, as dotted names."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            each
            for key in sorted(before.keys() | now.keys())
            for each in _differences(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
        ]
    return [] if before == now else [name]


@dataclass(frozen=True, slots=True)
class _SynthesisSession:
    """One call of a command, whose options are sound: what it prices, makes and writes."""

    pipeline: Pipeline
    options: RunOptions
    head: Mapping[str, Any]
    report: SynthesisReport

    def price(self) -> None:
        """Say what would be asked."""
        options = self.options
        config, scripted = options.config, options.scripted
        over = index_of(self.options.out).cases
        cases = [case for case in self._cases() if case.id not in over]
        self.report.say(f"{len(cases):,} {options.product.noun} to make, {len(over):,} are there")
        if config is None or scripted is None:
            self.report.say("scripts answer: nothing is asked, and nothing costs anything")
            return
        self.report.prices(price(self.pipeline, config, cases, scripted), config.currency)
        self.report.say(
            f"an estimate, from a few {options.product.noun} with typical answers, each usable at once; --budget is a "
            "limit"
        )

    def run(self) -> None:
        """Make what is missing, then write."""
        cases = self._cases()
        with self._written_at_the_end(cases):
            progress = self._make(cases)
            if progress.waiting:
                raise Halted(
                    Halt.BROKEN,
                    f"{progress.waiting:,} {self.options.product.noun} are not over, for their server failed again and "
                    "again; the same command goes on with them",
                )
            if progress.stopped not in (None, Halt.BALANCED):
                raise Halted(progress.stopped, progress.trouble)

    def _cases(self) -> tuple[Case, ...]:
        """What is to be made; that it is less than was asked for is said."""
        limit = self.options.limit
        cases = tuple(islice(self.pipeline.cases(), limit))
        if limit is not None and len(cases) < limit:
            self.report.say(
                f"{limit:,} are asked for and there are {len(cases):,} cases: all of them are made"
            )
        return cases

    def _make(self, cases: Sequence[Case]) -> SynthesisProgress:
        """Make what is missing."""
        options, config = self.options, self.options.config
        index = index_of(options.out)
        over = index.cases
        how = Run(
            options.out,
            self.head,
            options.seed,
            config.concurrency if config else SCRIPTED_AT_ONCE,
            config.attempts if config else 1,
        )
        bar = self.report.bar(self.pipeline.kind, len(cases), config.currency if config else "")
        product = options.product

        def on_progress(progress: SynthesisProgress) -> None:
            bar(product.counted(progress))

        balance = Balance(options.rules.balance) if options.rules.balance is not None else None
        if balance is not None and any(balance.add(ended) for ended in ended_in(options.out, index)):
            return SynthesisProgress(stopped=Halt.BALANCED)
        if config is not None and options.engine is EngineKind.RAY:
            return make_on_ray(
                self.pipeline,
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
            voices = EndpointVoices(config, self.pipeline.roles, Budget(options.budget))
        else:
            assert options.scripted is not None
            voices = ScriptedVoices(options.scripted, SCRIPTED)
        if product.made:
            return self._make_products(voices, how, cases, over, on_progress)
        on_ended = balance.add if balance is not None else lambda _: False
        engine = SynthesisEngine(self.pipeline, voices, how, on_progress, on_ended)
        engine.progress.kept = sum(case.id in over for case in cases)
        return engine.run(cases, over)

    def _make_products(
        self,
        voices: Voices,
        how: Run,
        cases: Sequence[Case],
        over: frozenset[str],
        on_progress: OnSynthesis,
    ) -> SynthesisProgress:
        """The same of what is no conversation; a model that can make none of them is left alone."""
        made = self.options.product.made
        dropped: Counter[str] = Counter()
        proven = False

        def on_ended(ended: Ended) -> bool:
            nonlocal proven
            proven = proven or ended.dropped == made
            dropped[ended.dropped] += 1
            return not proven and dropped.total() >= LIMIT

        engine = SynthesisEngine(self.pipeline, voices, how, on_progress, on_ended)
        for ended in ended_in(how.folder):
            proven = proven or ended.dropped == made
            engine.progress.dropped += 1
            engine.progress.reasons[ended.dropped] += 1
        progress = engine.run(cases, over)
        if progress.stopped is Halt.BALANCED:
            reasons = "; ".join(f"{n} × {reason}" for reason, n in dropped.most_common(3))
            noun = self.options.product.noun
            progress.stopped = Halt.HOPELESS
            progress.trouble = (
                f"none of the first {dropped.total()} {noun} came to one ({reasons})\nWhat to do: try a larger model, "
                "json_schema: on if the server knows schemas, or more max_tokens if answers are cut off"
            )
        return progress

    @contextmanager
    def _written_at_the_end(self, cases: Sequence[Case]) -> Iterator[None]:
        """Write what there is however the run ends, but where somebody waits for it to end."""
        trouble: CSConvError | None = None
        try:
            yield
        except CSConvError as error:
            if isinstance(error, Halted) and error.why is Halt.INTERRUPTED:
                raise
            trouble = error
            if not (self.options.out / JOURNALS).is_dir():  # moved or removed: nothing may take its place
                raise
        try:
            self._write(cases)
        except CSConvError as error:
            if trouble is None:
                raise
            self.report.say(str(error))  # what ended the run says where paid answers are
        if trouble is not None:
            raise trouble

    def _write(self, cases: Sequence[Case]) -> None:
        """Write the files of all cases that are over, and say what they are."""
        options, config = self.options, self.options.config
        index = index_of(options.out)
        asked = asked_in(options.out, index)
        roles = self.pipeline.roles
        unpriced = [role for role in roles if config and asked.requests[role] and not config.of(role).priced]
        facts = facts_of(
            self.head,
            asked,
            currency=config.currency if config is not None and not unpriced else "",
            source=options.source,
            unfinished=sum(case.id not in index.cases for case in cases),
            redacted=options.redacted,
        )
        written = options.product.write(
            options.out, lambda: ended_in(options.out, index), facts, options.rules
        )
        for line in written.lines():
            self.report.say(line)
        if asked.cost and unpriced:
            self.report.say(
                f"what it cost is not known: {', '.join(unpriced)} without input_price and output_price (0 is a price)"
            )
        if asked.not_usable:
            self.report.counts(
                "answers that could not be used and were asked for again:",
                {f"{role}: {reason}": n for (role, reason), n in asked.not_usable.items()},
            )
