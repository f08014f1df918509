"""``csconv compare``: two models on the same turns."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import Allow, Lang, app, console, language_of, print_json, say
from csc_tasks.printable import printable


class CompareForm(Enum):
    """How the comparison is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@app.command(rich_help_panel="Read")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder or results file of one model.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The same of the other.")],
    model_a: Annotated[str | None, typer.Option("--model-a", help="The model, where A has several.")] = None,
    model_b: Annotated[str | None, typer.Option("--model-b", help="The model, where B has several.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="METRIC",
            help="A score of single turns: which turns changed most [bertscore or rouge_l_norm]. Implies --full.",
        ),
    ] = None,
    allow: Allow = None,
    full: Annotated[
        bool, typer.Option("--full", help="After the summary strategies, stages, topics and single turns.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="The same with every metric.")] = False,
    lang: Lang = "en",
    form: Annotated[CompareForm, typer.Option("--format", help="How it is written.")] = CompareForm.TEXT,
) -> None:
    """Show what differs between two models: paired by turn, clustered by conversation, corrected for many tests.

    First a summary on one screen: of each headline score the difference A - B, its 95 % interval and p-value, the
    reference context before the generated one. With --full also in how many turns A is better, the strategies, stages
    and topics that moved, and the twenty turns that changed most.
    """
    from csc_tasks.leaderboards.comparing.compare import compare as compared
    from csc_tasks.leaderboards.comparing.loading import load_model_results
    from csc_tasks.leaderboards.reading.asked import askings
    from csc_tasks.leaderboards.rendering import compare_report
    from csc_tasks.leaderboards.rendering.language import said

    language, allowed = language_of(lang), askings(allow or ())
    one, two = load_model_results([first], model_a), load_model_results([second], model_b)
    comparison = compared(one, two, by, allowed)
    if form is CompareForm.JSON:
        print_json(compare_report.to_json(comparison))
    elif form is CompareForm.MARKDOWN:
        print_json(compare_report.markdown(comparison, every, full or by is not None, language))
    else:
        out = console()
        for part in compare_report.tables(comparison, every, full or by is not None, language):
            out.print(part)
    for note in comparison.notes:
        say(f"note: {printable(said(note, language))}")
