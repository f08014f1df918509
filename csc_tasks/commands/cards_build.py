"""``csconv cards build``."""

from __future__ import annotations

from typing import Annotated

import typer

from csc_tasks.commands.app import say
from csc_tasks.commands.cards import cards
from csc_tasks.commands.synthesize import Config, DryRun, Most, Out, Seed, shown
from csc_tasks.errors import needs_extra


@cards.command()
def build(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="Conversations: mini, hub, modelscope, or a file of them."),
    ],
    out: Out,
    config: Config = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="The first N conversations only.")
    ] = None,
    drafts: Annotated[
        int,
        typer.Option("--drafts", min=1, max=9, help="Times that a card is written, each told its faults."),
    ] = 4,
    seed: Seed = 0,
    budget: Most = None,
    dry_run: DryRun = False,
    prompts: Annotated[
        str, typer.Option("--prompts", metavar="VERSION", help="What the writer is told.")
    ] = "cards-zh-1",
) -> None:
    """Write case cards out of annotated conversations with a model; each is checked at once, and its faults sent back.

    Every answer is kept before the next is asked for: the same command goes on where a run was stopped. What comes is
    unreviewed. Exit code 3: the budget is used up; 4: none of the first twenty conversations came to a card.
    """
    with needs_extra("csconv cards build", "synthesis"):
        from csc_tasks.data.sources import load
        from csc_tasks.synthesis.cards.output import cards_product
        from csc_tasks.synthesis.cards.typical import typical_card
        from csc_tasks.synthesis.cards.writer import CardWriting
        from csc_tasks.synthesis.config import load_synthesis
        from csc_tasks.synthesis.prompts import load_prompts
        from csc_tasks.synthesis.session import RunOptions, run
        from csc_tasks.synthesis.steps import Role

    roles = (Role.CARD_WRITER,)
    configuration = load_synthesis(config, roles) if config else None
    corpus = load(source)
    pipeline = CardWriting(corpus, load_prompts(prompts, roles), seed, drafts)
    if pipeline.replaced:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in pipeline.replaced.items())
        say(f"personal data replaced in what is sent: {kinds}")
    options = RunOptions(
        out,
        configuration,
        typical_card,
        source=corpus.name,
        limit=limit,
        seed=seed,
        budget=budget,
        dry_run=dry_run,
        redacted=dict(pipeline.replaced),
        product=cards_product(corpus),
    )
    with shown() as report:
        run(pipeline, options, report)
