"""``csconv cards``: case cards for role-play, checked and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.app import app, print_json, say
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.roleplay.scripted_supporters import SupporterKind

__all__ = ["cards"]

cards = typer.Typer(
    no_args_is_help=True,
    help="Case cards for role-play: check, show, build from conversations, review.",
)
app.add_typer(cards, name="cards", rich_help_panel="Data")

_SHIPPED = "shipped"


@cards.command()
def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Cards: TOML with [[card]], or JSON with a list card.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the faults as JSON.")] = False,
) -> None:
    """List every fault of every card, one a line: of its fields, and of what keeps it from being played.

    Exit code 1 if there is any.
    """
    from csc_tasks.roleplay.card_report import report_on_cards

    try:
        report = report_on_cards(file)
    except DataError as error:
        if not as_json:
            raise
        print_json(json.dumps({"file": str(file), "sound": False, "error": str(error)}, ensure_ascii=False))
        raise typer.Exit(1) from None
    if as_json:
        print_json(json.dumps(report.record(), ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(report.lines()))
    if report.unsound:
        raise typer.Exit(1)


@cards.command()
def show(
    source: Annotated[str, typer.Argument(metavar="FILE|shipped", help="A file of cards, or csconv's own.")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Which of them; else a list of all.")
    ] = None,
    playing: Annotated[
        SupporterKind | None,
        typer.Option("--play", help="Print a role-play of a scripted supporter with the scripted customer."),
    ] = None,
    trial: Annotated[int, typer.Option("--trial", min=0, help="Other wordings and values, with --play.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Likewise.")] = 0,
) -> None:
    """Print cards as people read them; with --play, how a call would go."""
    from csc_tasks.printable import printable
    from csc_tasks.roleplay.card_report import examine_file
    from csc_tasks.roleplay.card_sets import shipped_card_set
    from csc_tasks.roleplay.card_text import line_of_card, lines_of_card, played_lines

    if source == _SHIPPED:
        found = shipped_card_set().cards
    else:
        examined = examine_file(Path(source))
        found = examined.cards
        for each in examined.unsound:
            say(f"{each.name}: {each.faults[0]}; csconv cards validate lists everything")
        if not found:
            raise DataError(f"{source}: none of its cards can be read")
    known = {card.id: card for card in found}
    for name in ids or ():
        if name not in known:
            shown = ", ".join(list(known)[:5]) + (", …" if len(known) > 5 else "")
            raise ConfigError(f"{source}: no card {printable(name, 60)!r}; there are {shown}")
    chosen = [known[name] for name in ids] if ids else list(found)
    lines: list[str] = []
    for card in chosen:
        if playing is not None:
            lines += [f"{card.id}:", *played_lines(card, playing, trial, seed), ""]
        elif ids or len(chosen) == 1:
            lines += [*lines_of_card(card), ""]
        else:
            lines.append(line_of_card(card))
    typer.echo("\n".join(lines).rstrip("\n"))
