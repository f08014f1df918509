"""``csconv train-data``: files of training examples, and a card of what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from csc_tasks.commands.app import app, print_path, say
from csc_tasks.protocol.prompt import DEFAULT_PROMPT
from csc_tasks.storage import at_home
from csc_tasks.training.data_format import DataFormat, ExampleUnit

if TYPE_CHECKING:
    from csc_tasks.training.survey import OnProgress


@app.command("train-data", rich_help_panel="Enhance")
def train_data(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…",
            help="hub, modelscope or mini (their training halves), or a .json, .jsonl or .parquet file; for "
            "preferences the results folders that were judged.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that is written.")],
    form: Annotated[
        DataFormat, typer.Option("--format", help="Who reads the files.", case_sensitive=False)
    ] = DataFormat.PROMPT_COMPLETION,
    unit: Annotated[
        ExampleUnit | None,
        typer.Option(
            "--unit",
            help="One example a turn or a conversation; by default a turn for prompt-completion and preference.",
        ),
    ] = None,
    tasks: Annotated[
        str,
        typer.Option(
            "--tasks",
            metavar="NAMES",
            help="What is asked of a turn: response, strategy, response_oracle, strategy_mc; several with commas, "
            "each perhaps of a share of the turns (strategy=0.5).",
        ),
    ] = "response",
    prompt: Annotated[str, typer.Option("--prompt", help="The version of the prompt.")] = DEFAULT_PROMPT,
    system_instruction: Annotated[
        str | None,
        typer.Option("--system-instruction", help="A system message, as lm_eval's --system_instruction."),
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share of the conversations that is kept out of training.")
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the split and of other choices.")] = 0,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="N conversations, of each topic its share."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="SOURCE",
            help="No overlap with this evaluation data either: hub, modelscope or a file; several times for several.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Refuse a source in which a conversation overlaps; else it is left out."
        ),
    ] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer", metavar="PATH", help="The model's folder: counts tokens, names a safe length."
        ),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(
            "--max-length", min=1, metavar="N", help="Tokens of an example; a longer one is an error."
        ),
    ] = None,
    drop_longer: Annotated[
        bool, typer.Option("--drop-longer", help="Leave out what is longer than --max-length, and count it.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the files that are there.")] = False,
    judge: Annotated[
        Path | None,
        typer.Option(
            "--judge", metavar="YAML", help="Preferences: the configuration that judged. Nothing is asked."
        ),
    ] = None,
    rubric: Annotated[
        str | None, typer.Option("--rubric", help="Preferences: the rubric that was judged under.")
    ] = None,
    with_reference: Annotated[
        bool, typer.Option("--with-reference", help="Preferences: the judge was shown the gold reply.")
    ] = False,
) -> None:
    """Make training data of labelled conversations, or of a judge's verdicts on two models.

    Writes train.jsonl, validation.jsonl, data.json and README.md. What overlaps with evaluation data is left out and
    named; CSConv and csconv_mini are refused.
    """
    from csc_tasks.training.data_options import TrainDataOptions
    from csc_tasks.training.data_readme import summary
    from csc_tasks.training.write import write_training_data

    options = TrainDataOptions(
        sources=tuple(sources),
        out=at_home(out),
        format=form,
        unit=unit,
        tasks=tasks,
        prompt=prompt,
        system_instruction=system_instruction,
        validation=validation,
        seed=seed,
        limit=limit,
        against=tuple(against or ()),
        strict=strict,
        tokenizer=tokenizer,
        max_length=max_length,
        drop_longer=drop_longer,
        overwrite=overwrite,
        judge=judge,
        rubric=rubric,
        with_reference=with_reference,
    )
    with _bar() as on_progress:
        card = write_training_data(options, on_progress)
    for line in summary(card):
        say(line)
    print_path(options.out)


@contextmanager
def _bar() -> Iterator[OnProgress]:
    from csc_tasks.system.terminal_bar import TerminalBar

    with TerminalBar(Console(stderr=True)) as bar:
        tasks = {}

        def on_progress(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, state="")
            bar.update(tasks[what], completed=done)

        yield on_progress
