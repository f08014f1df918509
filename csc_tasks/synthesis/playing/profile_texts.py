"""Customers' texts by a model: a question each, with the engine's journal, retries and budget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from csc_tasks.chat.budget import Budget
from csc_tasks.chat.exclusive import one_at_a_time
from csc_tasks.chat.spending import require_prices
from csc_tasks.errors import ConfigError
from csc_tasks.roleplay.asking.answers import Unusable, object_of, text_of
from csc_tasks.roleplay.asking.prompts import Framed, object_schema
from csc_tasks.synthesis.config import load_synthesis
from csc_tasks.synthesis.engine import Run, SynthesisEngine
from csc_tasks.synthesis.head import head_of_run
from csc_tasks.synthesis.information import Item
from csc_tasks.synthesis.journal import ended_in, head_of, index_of
from csc_tasks.synthesis.playing.profiles import Profile, attributes_shown, profile_of
from csc_tasks.synthesis.progress import Halt, Halted, OnSynthesis, SynthesisProgress
from csc_tasks.synthesis.prompts import RolePrompts, load_prompts
from csc_tasks.synthesis.steps import Case, CaseOutcome, Machine, Role, Step
from csc_tasks.synthesis.voices import EndpointVoices

__all__ = ["ProfileTexts", "TextOptions", "written_by_model"]

WRITTEN = "a customer's text"
"""Why these cases end without a conversation."""
SHORTEST, LONGEST = 60, 1_500
PROMPTS = "roleplay-zh-1"


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How texts are asked for: the folder of the journal, who is asked, the run's seed, what may be spent."""

    folder: Path
    config: Path
    seed: int = 0
    budget: float | None = None


class ProfileTexts:
    """Profiles as a pipeline of one question each."""

    kind = "profiles"
    roles = (Role.PROFILER,)

    def __init__(self, profiles: Sequence[Profile], prompts: RolePrompts) -> None:
        self._profiles, self._prompts = profiles, prompts

    @property
    def signature(self) -> Mapping[str, Any]:
        """What must be the same for a run to go on; more customers may be asked for."""
        return {"prompts": f"{self._prompts.version} ({self._prompts.sha256[:8]})"}

    def cases(self) -> Iterator[Case]:
        """A case for each customer of whom there are attributes."""
        for number, profile in enumerate(self._profiles):
            if profile.attributes:
                yield Case(profile.id, number, {"attributes": attributes_shown(profile)})

    def machine(self, case: Case) -> Machine:
        """The question, and a text that has every number."""
        shown = str(case.content["attributes"])
        numbers = set(re.findall(r"\d{1,20}", shown))

        def read(answer: str) -> str:
            text = text_of(object_of(answer, ("text",))["text"], "text", LONGEST)
            if len(text) < SHORTEST:
                raise Unusable(f"text is shorter than {SHORTEST} characters")
            if "你" not in text:
                raise Unusable("text is not in the second person")
            if not numbers <= set(re.findall(r"\d{1,20}", text)):
                raise Unusable("a number is missing")
            return text

        schema = object_schema(Role.PROFILER, {"text": {"type": "string", "minLength": 1}})
        messages = self._prompts.messages(Role.PROFILER, {Item.ATTRIBUTES: Framed.of(shown)})
        text = yield Step(Role.PROFILER, messages, schema, read, {Item.ATTRIBUTES: shown})
        return CaseOutcome(None, WRITTEN, {"text": text})


def written_by_model(
    profiles: Sequence[Profile], options: TextOptions, on_progress: OnSynthesis
) -> tuple[tuple[Profile, ...], SynthesisProgress]:
    """The same customers with texts of a model; one of whom none could be had keeps the text that there is.

    Args:
        profiles: with attributes.
        options: how they are asked for; the same folder goes on.
        on_progress: hears how far it is.

    Raises:
        ConfigError: the folder's texts are by another model or prompt.
        ChatError: nothing can be asked.
        Halted: some are missing; the same call goes on.
    """
    pipeline = ProfileTexts(profiles, load_prompts(PROMPTS, ProfileTexts.roles))
    config = load_synthesis(options.config, pipeline.roles)
    if options.budget is not None:
        require_prices(config.of(Role.PROFILER), "synthesis.yaml")
    head = head_of_run(pipeline, config, options.seed)
    begun = head_of(options.folder)
    if begun is not None and dict(begun) != head:
        raise ConfigError(
            f"{options.folder}: begun with another model, prompt or seed; go on as it began, or name another --out"
        )
    options.folder.mkdir(parents=True, exist_ok=True)
    run = Run(options.folder, head, options.seed, config.concurrency, config.attempts)
    voices = EndpointVoices(config, pipeline.roles, Budget(options.budget))
    engine = SynthesisEngine(pipeline, voices, run, lambda progress: on_progress(_counted(progress)))
    waiting = (
        f"another csconv is writing to {options.folder}; waiting for it, what it asks is not asked again"
    )
    with one_at_a_time(options.folder / ".lock", waiting):
        over = index_of(options.folder).cases
        engine.progress.dropped = sum(case.id in over for case in pipeline.cases())
        engine.progress.reasons[WRITTEN] = engine.progress.dropped
        progress = engine.run(list(pipeline.cases()), over)
    if progress.stopped is not None or progress.waiting:
        raise Halted(progress.stopped or Halt.BROKEN, progress.trouble)
    texts = {e.case: str(e.provenance["text"]) for e in ended_in(options.folder) if e.dropped == WRITTEN}
    written = tuple(profile_of(texts.get(p.id, p.text), p.attributes) for p in profiles)
    return written, _counted(progress)


def _counted(progress: SynthesisProgress) -> SynthesisProgress:
    """A text is what was to be made, though no conversation."""
    texts = progress.reasons[WRITTEN]
    return replace(progress, kept=texts, dropped=progress.dropped - texts)
