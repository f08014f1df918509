"""``csconv cards review`` and ``csconv cards accept``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.cards import cards
from csc_tasks.errors import ConfigError, DataError, needs_extra
from csc_tasks.printable import printable
from csc_tasks.storage import write_file

File = Annotated[
    Path, typer.Argument(metavar="FILE|FOLDER", help="Cards, or the folder of csconv cards build.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]


def _require_new(out: Path, suffix: str, force: bool) -> None:
    if out.suffix.lower() != suffix:
        raise ConfigError(f"--out {printable(str(out))}: name a {suffix} file")
    if out.is_dir() or (out.exists() and not force):
        raise ConfigError(
            f"--out {printable(str(out))}: is there; name another file, or overwrite it with --force"
        )


@cards.command()
def review(
    file: File,
    out: Annotated[Path, typer.Option("--out", metavar="CSV", help="The sheet to write.")],
    force: Force = False,
) -> None:
    """Write a sheet for experts: a row a field, with room for a new text, a verdict and a comment.

    Give each expert a copy, named after them. verdict, once a card: accept (通过), reject (退回), or reject: REASON.
    """
    with needs_extra("csconv cards review", "synthesis"):
        from csc_tasks.synthesis.cards.sheet import cards_under_review, write_card_sheet

    _require_new(out, ".csv", force)
    under_review = cards_under_review(file)
    data = write_card_sheet(under_review, under_review.cards)
    try:
        write_file(out, data)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None
    typer.echo(
        f"wrote {len(under_review.cards):,} cards to {printable(str(out))} (fingerprint {under_review.fingerprint})"
    )


@cards.command()
def accept(
    file: File,
    decisions: Annotated[
        list[Path], typer.Argument(metavar="SHEET…", help="Sheets that were filled in, one a reviewer.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="JSON", help="The accepted cards; NAME.README.md goes beside it.")
    ],
    force: Force = False,
) -> None:
    """Apply reviewers' verdicts and corrections to the cards that they were made on, and say who accepted how many.

    Left out is what is undecided, what reviewers differ on, and what a correction made unplayable (exit code 1).
    """
    with needs_extra("csconv cards accept", "synthesis"):
        from csc_tasks.synthesis.cards.accepting import accepted_cards, readme_beside, write_accepted_cards
        from csc_tasks.synthesis.cards.sheet import cards_under_review

    _require_new(out, ".json", force)
    accepted = accepted_cards(cards_under_review(file), decisions)
    for line in accepted.lines():
        typer.echo(line)
    write_accepted_cards(out, accepted)
    typer.echo(
        f"wrote {len(accepted.cards):,} cards to {printable(str(out))}, {readme_beside(out).name} beside it"
    )
    if accepted.faulty:
        raise typer.Exit(1)
