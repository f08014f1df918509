"""``csconv enhance-report``: what tuning did to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import Allow, Lang, app, console, language_of, print_json
from csc_tasks.commands.compare import CompareForm

_NO_GAIN = 3
"""What ``--require-gain`` ends with where there is none."""


@app.command(name="enhance-report", rich_help_panel="Read")
def enhance_report(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Folder or results file of the base model.")],
    tuned: Annotated[Path, typer.Argument(metavar="TUNED", help="The same of the tuned one.")],
    model_a: Annotated[
        str | None, typer.Option("--model-a", help="The model, where BASE has several.")
    ] = None,
    model_b: Annotated[
        str | None, typer.Option("--model-b", help="The model, where TUNED has several.")
    ] = None,
    allow: Allow = None,
    require_gain: Annotated[
        bool,
        typer.Option(
            "--require-gain",
            help="End with 3 unless the verdict is a gain, at no cost in what people decide by.",
        ),
    ] = False,
    lang: Lang = "en",
    form: Annotated[CompareForm, typer.Option("--format", help="How it is written.")] = CompareForm.TEXT,
) -> None:
    """Say what tuning did: gains, where they are, what got worse, and whether they hold in generated context.

    Paired by turn, clustered by conversation, corrected for many tests; what is not told from chance is called that,
    with the change that would have been seen. Ends with 0 when there is a report (with --require-gain: a gain),
    1 on an error, 2 on wrong use, 3 where --require-gain finds no gain.
    """
    from rich.text import Text

    from csc_tasks.leaderboards.comparing.enhanced import Gain, enhanced
    from csc_tasks.leaderboards.comparing.loading import load_model_results
    from csc_tasks.leaderboards.reading.asked import askings
    from csc_tasks.leaderboards.rendering import enhance_report as rendering

    language, allowed = language_of(lang), askings(allow or ())
    report = enhanced(load_model_results([base], model_a), load_model_results([tuned], model_b), allowed)
    if form is CompareForm.JSON:
        print_json(rendering.to_json(report))
    elif form is CompareForm.MARKDOWN:
        print_json(rendering.markdown(report, language))
    else:
        console().print(Text("\n".join(rendering.lines(report, language))))
    if require_gain and report.gain is not Gain.GAIN:
        raise typer.Exit(_NO_GAIN)
