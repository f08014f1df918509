"""The judge inside a run: ``--metadata csconv_judge=judge.yaml``.

Asked before generation for a verdict, called after it with all replies of the process. From then on
nothing raises: a judge that is gone costs the judge's columns and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from csc_tasks.errors import CSConvError
from csc_tasks.judging.check import require_verdict
from csc_tasks.judging.config import JudgeConfig, load_judge
from csc_tasks.judging.engine import Engine
from csc_tasks.judging.keeper import open_cache
from csc_tasks.judging.probe import require_probe
from csc_tasks.judging.progress import JudgeProgress
from csc_tasks.judging.questions import Questions, judge_signature
from csc_tasks.judging.samples import AnsweredTurn, samples_of_turns
from csc_tasks.metrics.judge import Rubric, Sample, Status, Verdict
from csc_tasks.metrics.judge.rubric import Unit, rubric_for_unit
from csc_tasks.metrics.judge.scores import judge_metrics
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.protocol.scoring import TurnRecord
from csc_tasks.protocol.task_kind import Context, TaskKind
from csc_tasks.protocol.turns import TurnDoc
from csc_tasks.storage import cache_folder

__all__ = ["JudgeInRun"]

logger = logging.getLogger(__name__)

_SKIPPED = Verdict(Status.SKIPPED, reason="the judge's run ended before")


def default_cache() -> Path:
    """Where verdicts of runs are kept, which do not know their results folder."""
    return cache_folder() / "judge_cache.sqlite"


class JudgeInRun:
    """The judge of one task of a run.

    Args:
        path: its configuration.
        kind: what the task asks.
        context: says which rubric.
        prompt_version: of the task's prompts.

    Raises:
        ChatError: the configuration is wrong.
        ConfigError: the client is not installed.
    """

    def __init__(self, path: Path, kind: TaskKind, context: Context, prompt_version: str) -> None:
        self.config: JudgeConfig = load_judge(path)
        unit = Unit.TURN if context is Context.REFERENCE else Unit.DIALOGUE
        self.rubric: Rubric = rubric_for_unit(unit)
        self.signature = judge_signature(self.config, self.rubric, with_reference=False)
        self.metrics = judge_metrics(self.rubric, self.config.min_coverage, self.signature.line)
        self._kind = kind
        self._prompt_version = prompt_version
        self._cache_path = self.config.cache or default_cache()
        self._path = path

    def prepare(self) -> None:
        """Put one question to the judge, and the probe if it is required.

        Raises:
            ConfigError: the judge gives no verdict, or it does worse in the probe than required.
            ChatError: its verdicts cannot be kept.
        """
        require_verdict(self.config, self._path)
        if self.config.require_probe is not None:
            cache = open_cache(self._cache_path)
            try:
                require_probe(self.config, cache, self._path)
            finally:
                cache.close()

    def add_items(
        self,
        task: str,
        docs: Sequence[TurnDoc],
        records: Sequence[TurnRecord],
        history: Callable[[int], Sequence[str]],
    ) -> None:
        """Judge n turns and add the judge's items to their records; of a dialogue to its first turn's.

        ``history`` gives the lines before the turn of an index.
        """
        verdicts: dict[tuple[str, int | None], Verdict] = {}
        try:
            turns = [
                AnsweredTurn(doc, record.reply, doc["customers"], history(index))
                for index, (doc, record) in enumerate(zip(docs, records, strict=True))
            ]
            texts = load_prompt(self._prompt_version)
            samples = list(samples_of_turns(self.rubric, self._kind, turns, texts))
            self._run(task, samples, verdicts)
        except CSConvError as error:
            logger.error("%s: the judge stopped: %s", task, error)
        except Exception:
            logger.exception("%s: judging failed; the judge's columns are NaN", task)
        for doc, record in zip(docs, records, strict=True):
            whole = self.rubric.unit is Unit.DIALOGUE
            if whole and doc["turn"]:
                continue
            verdict = verdicts.get((doc["conversation"], None if whole else doc["turn"]), _SKIPPED)
            record.items.update({m.info.name: m.item(verdict) for m in self.metrics})

    def _run(
        self, task: str, samples: Sequence[Sample], verdicts: dict[tuple[str, int | None], Verdict]
    ) -> None:
        journal_path = self._cache_path.with_name(f"verdicts_{task}_{self.signature.sha256}.jsonl")
        cache = open_cache(self._cache_path)

        def on_verdict(sample: Sample, verdict: Verdict) -> None:
            verdicts[sample.conversation, sample.turn] = replace(verdict, raw="")

        try:
            with tqdm(total=len(samples), desc=f"{task}: judging", unit="verdict") as bar:

                def on_progress(progress: JudgeProgress) -> None:
                    bar.update(progress.done - bar.n)
                    if progress.failures:
                        bar.set_postfix(without_verdict=progress.failures, refresh=False)

                engine = Engine(Questions(self.rubric, self.config), cache, journal_path)
                progress = engine.run(samples, on_verdict, on_progress)
        finally:
            cache.close()
        if progress.trouble:
            logger.error("%s: the judge stopped: %s", task, progress.trouble)
        for reason, count in progress.reasons.most_common(3):
            logger.warning("%s: %d turns without a verdict: %s", task, count, reason)
        logger.info("%s: verdicts are in %s", task, journal_path)
