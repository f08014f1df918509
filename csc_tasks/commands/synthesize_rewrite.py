"""``csconv synthesize rewrite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csc_tasks.commands.app import say
from csc_tasks.commands.synthesize import (
    Address,
    Against,
    AllowOverlap,
    Config,
    DryRun,
    License,
    Most,
    Out,
    Seed,
    Where,
    Workers,
    shown,
    synthesize,
)
from csc_tasks.data.formats import FIELDS
from csc_tasks.data.importing import read_pairs
from csc_tasks.errors import needs_extra
from csc_tasks.system.ray_cluster import EngineKind

if TYPE_CHECKING:
    from csc_tasks.synthesis.own_calls.reading import Survey


@synthesize.command()
def rewrite(
    calls: Annotated[
        Path,
        typer.Argument(metavar="CALLS", help="Transcripts: a .jsonl, .json, .parquet, .csv or .tsv file."),
    ],
    out: Out,
    config: Config = None,
    names: Annotated[
        str,
        typer.Option(
            "--map", metavar="FIELD=NAME,…", help=f"What a field is called in the file: {', '.join(FIELDS)}."
        ),
    ] = "",
    speakers: Annotated[
        str, typer.Option("--speaker", metavar="NAME=WHO,…", help="Who a speaker is: 客服, 客户, or drop.")
    ] = "",
    topic: Annotated[str, typer.Option("--topic", help="Of calls that name none; 其他 by default.")] = "",
    encoding: Annotated[str | None, typer.Option("--encoding", help="Of a .csv or .tsv file.")] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Make consecutive lines of one speaker one utterance.")
    ] = False,
    annotate_only: Annotated[
        bool, typer.Option("--annotate-only", help="Keep every text, and ask for the labels alone.")
    ] = False,
    no_redact: Annotated[
        bool,
        typer.Option(
            "--no-redact", help="Send and write personal data as it is. Ask whoever is responsible first."
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="The first N calls of the file only.")
    ] = None,
    seed: Seed = 0,
    budget: Most = None,
    dry_run: DryRun = False,
    against: Against = None,
    allow_overlap: AllowOverlap = False,
    license_id: License = "other",
    engine: Where = EngineKind.LOCAL,
    workers: Workers = None,
    address: Address = None,
) -> None:
    """Make conversations of real calls, as CSConv was made: filtered, rewritten with labels, checked.

    Phone and card numbers, names, addresses and the like are replaced by placeholders before anything is sent.
    """
    with needs_extra("csconv synthesize rewrite", "synthesis"):
        from csc_tasks.synthesis.config import load_synthesis
        from csc_tasks.synthesis.output.outputs import OutputRules
        from csc_tasks.synthesis.own_calls.reading import CallFile, survey_of
        from csc_tasks.synthesis.own_calls.rewrite import (
            ANNOTATE_PROMPTS,
            REWRITE_PROMPTS,
            Rewriting,
            roles_of,
        )
        from csc_tasks.synthesis.own_calls.typical_rewriting import typical_rewriting
        from csc_tasks.synthesis.prompts import load_prompts
        from csc_tasks.synthesis.session import RunOptions, run

    file = CallFile(
        calls,
        read_pairs("--map", names),
        read_pairs("--speaker", speakers, private=True),
        topic,
        encoding,
        merge,
        redacted=not no_redact,
    )
    version = ANNOTATE_PROMPTS if annotate_only else REWRITE_PROMPTS
    pipeline = Rewriting(file, load_prompts(version, roles_of(annotate_only)), seed, annotate_only)
    survey = survey_of(file, pipeline.rule_broken)
    _say_what_is_there(calls, survey, redacted=not no_redact)
    options = RunOptions(
        out,
        load_synthesis(config, pipeline.roles) if config else None,
        typical_rewriting,
        source="own calls",
        limit=limit,
        seed=seed,
        budget=budget,
        dry_run=dry_run,
        redacted=None if no_redact else dict(survey.replaced),
        rules=OutputRules(tuple(against or ()), allow_overlap, license=license_id),
        engine=engine,
        workers=workers,
        address=address,
    )
    with shown() as report:
        run(pipeline, options, report)


def _say_what_is_there(path: Path, survey: Survey, redacted: bool) -> None:
    """Say, before anything is asked, what was read, what is left out, and what was personal; nothing of any call."""
    say(f"{path}: {survey.calls:,} calls with {survey.utterances:,} utterances")
    for reason, count in survey.left_out.most_common():
        places = survey.places[reason]
        more = ", …" if count > len(places) else ""
        why = survey.messages[reason]
        cure = f" ({why})" if why not in ("", reason) else ""
        say(f"left out: {count:,} × {reason}{cure}: {', '.join(places)}{more}")
    if survey.unnamed:
        say(f"{survey.unnamed:,} calls have the topic 其他; --topic or --map source=NAME says another")
    if not redacted:
        say(
            "WARNING: --no-redact: names, phone and card numbers, addresses and whatever else the calls hold are "
            "SENT TO THE MODELS and written to the output AS THEY ARE"
        )
    elif survey.replaced:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in survey.replaced.most_common())
        say(f"personal data replaced: {kinds}")
    else:
        say("personal data replaced: none found")
