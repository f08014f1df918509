"""``csconv synthesize review`` and ``accept``: conversations read and corrected by people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from csc_tasks.commands.synthesize import synthesize
from csc_tasks.errors import ConfigError, DataError
from csc_tasks.printable import printable

__all__ = ["accept", "review"]

File = Annotated[Path, typer.Argument(metavar="FILE", help="A .json, .jsonl or .parquet file.")]
Force = Annotated[bool, typer.Option("--force", help="Write over existing files.")]


@synthesize.command()
def review(
    file: File,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="HTML", help="The page to write: one file, used offline.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="CSV", help="The same for a spreadsheet, one row an utterance."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, metavar="N", help="N of the conversations, by topic.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample and the parts.")] = 0,
    part: Annotated[
        str, typer.Option("--part", metavar="I/N", help="The I-th of N parts, for N reviewers.")
    ] = "1/1",
    overlap: Annotated[
        int,
        typer.Option("--overlap", min=0, metavar="N", help="N conversations in every part, for agreement."),
    ] = 0,
    force: Force = False,
) -> None:
    """Write a page, or a sheet, on which an expert reads, corrects, accepts and rejects conversations."""
    from csc_tasks.human.shares import Share, read_part
    from csc_tasks.storage import write_file
    from csc_tasks.synthesis.review.form import read_review_file, review_page, shown_conversations
    from csc_tasks.synthesis.review.sheet import write_sheet

    if out is None and sheet is None:
        raise ConfigError("say where the review is to go: --out page.html, or --sheet sheet.csv")
    for option, path, suffix in (("--out", out, ".html"), ("--sheet", sheet, ".csv")):
        if path is not None and path.suffix.lower() != suffix:
            raise ConfigError(f"{option} {path}: must end in {suffix}")
        if path is not None and path.exists() and not force:
            raise DataError(f"{path} exists; pass --force to write over it")
    mine, parts = read_part(part)
    share = Share(sample, seed, mine, parts, overlap)
    read = read_review_file(file)
    shown = shown_conversations(read, share)
    if not shown:
        raise DataError(
            f"{file}: nothing in part {part}; there are {len(read.conversations):,} conversations"
        )
    made = []
    if out is not None:
        made.append((out, review_page(read, share)))
    if sheet is not None:
        made.append((sheet, write_sheet(read, shown)))
    if read.repeated:
        typer.echo(f"{read.repeated:,} conversations stand in the file a second time, and are shown once")
    for path, data in made:
        try:
            write_file(path, data)
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror})") from None
        typer.echo(
            f"wrote {len(shown):,} of {len(read.conversations):,} conversations to {printable(str(path))} "
            f"({len(data) / 1e6:.1f} MB, fingerprint {read.fingerprint})"
        )


@synthesize.command()
def accept(
    file: File,
    decisions: Annotated[
        list[Path],
        typer.Argument(metavar="DECISIONS…", help="What the page exported (.json), or sheets (.csv)."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="NEW", help="A .json, .jsonl or .parquet file; review.json goes beside it."
        ),
    ],
    prefer: Annotated[
        list[str] | None,
        typer.Option("--prefer", metavar="NAME", help="Whose word holds where reviewers differ."),
    ] = None,
    keep_undecided: Annotated[
        bool,
        typer.Option("--keep-undecided", help="Keep what nobody decided, with the corrections made in it."),
    ] = False,
    force: Force = False,
) -> None:
    """Apply reviewers' decisions to the file that they were made on, and say how much was changed."""
    from csc_tasks.synthesis.review.acceptance_files import require_writable, write_accepted
    from csc_tasks.synthesis.review.accepting import read_reviews, settle
    from csc_tasks.synthesis.review.form import read_review_file
    from csc_tasks.synthesis.review.report import report_of

    read = read_review_file(file)
    require_writable(out, read, force)
    found = read_reviews(decisions, read)
    settled = settle(read, found, prefer or [], keep_undecided)
    report = report_of(read, found, settled)
    for line in report.lines():
        typer.echo(printable(line) if not line.startswith("  ") else f"  {printable(line)}")
    carried = write_accepted(out, read, settled, report)
    written = sum(n for fate, n in report.fates.items() if fate.kept)
    typer.echo(f"wrote {written:,} conversations to {printable(str(out))}, review.json beside it")
    if read.provenance:
        typer.echo(
            f"provenance.jsonl: {carried['carried']:,} lines carried over"
            + (f"; {carried['without']:,} conversations have none" if carried["without"] else "")
        )
