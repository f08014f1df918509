"""``csconv synthesize profiles``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from csc_tasks.commands.app import console, print_path
from csc_tasks.commands.synthesize import Config, shown, synthesize


@synthesize.command()
def profiles(
    out: Annotated[Path, typer.Option("--out", metavar="JSONL", help="The file to write.")],
    count: Annotated[
        int, typer.Option("--n", min=1, max=100_000, metavar="N", help="How many customers.")
    ] = 2000,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="From which all is derived; the same gives the same customers."),
    ] = 0,
    config: Config = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="Stop before this much is spent (with --config).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Print the share of every value.")] = False,
) -> None:
    """Write customers for role-play: attributes that go together, and a text in the second person.

    Without --config the text is made of csconv's own wordings; with it a model writes it, and the answers are kept in
    JSONL.run, so that the same command goes on.
    """
    from csc_tasks.errors import ConfigError, needs_extra
    from csc_tasks.synthesis.playing.profile_files import require_new, write_profiles
    from csc_tasks.synthesis.playing.profiles import made_profiles

    if budget is not None and config is None:
        raise ConfigError("--budget: csconv's own wordings cost nothing; it goes with --config")
    require_new(out, force)
    made = made_profiles(count, seed)
    if config is not None:
        with needs_extra("csconv synthesize profiles --config", "synthesis"):
            from csc_tasks.synthesis.playing.profile_texts import TextOptions, written_by_model

        with shown() as report:
            options = TextOptions(out.with_name(f"{out.name}.run"), config, seed, budget)
            on_progress = report.bar("profiles", count, "")
            made, progress = written_by_model(made, options, on_progress)
            report.counts(
                "customers who keep csconv's own text, for a model gave none that can be used:",
                progress.reasons,
            )
    write_profiles(out, made)
    if summary:
        _print_shares([profile.attributes for profile in made])
    print_path(out)


def _print_shares(drawn: list[Mapping[str, str]]) -> None:
    from csc_tasks.synthesis.playing.profile_table import shares_of

    table = Table("attribute", "value", "customers", "share", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for name, counts in shares_of(drawn).items():
        for place, (value, number) in enumerate(counts.items()):
            table.add_row("" if place else name, value, f"{number:,}", f"{number / len(drawn):.1%}")
    console().print(table)
