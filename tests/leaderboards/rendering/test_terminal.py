"""The leaderboard on a terminal: what stands where, that nothing is ever cut, and that names are only names."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.board import Board, BoardTable, Cell, Row
from csc_tasks.leaderboards.rendering.terminal import tables
from tests.leaderboards import boards
from tests.leaderboards.terminal import Shown, shown_tables

REFERENCE, GENERATED = "Response, reference context", "Response, generated context"
LOSS = f"{GENERATED} minus reference context"


def printed(
    board: Board, every: bool = False, sort: str | None = None, width: int | None = None, colour: bool = False
) -> str:
    """What `csconv table` prints, on a terminal of this width or into a pipe."""
    out = io.StringIO()
    colours = {"force_terminal": True, "color_system": "standard"} if colour else {}
    console = Console(file=out, width=width or 100_000, highlight=False, **colours)  # type: ignore[arg-type]
    for part in tables(board, every, sort, width):
        console.print(part, crop=False)
    return out.getvalue()


def shown(board: Board, title: str = REFERENCE, **options: object) -> Shown:
    """The first table of this title."""
    return next(x for x in shown_tables(printed(board, **options)) if x.title == title)  # type: ignore[arg-type]


def changed(change: Callable[[BoardTable], BoardTable]) -> Board:
    """The synthetic board with another first table."""
    board = boards.board()
    return replace(board, tables=(change(board.tables[0]), *board.tables[1:]))


def with_row(change: Callable[[Row], Row], id: str = "qwen") -> Board:
    return changed(lambda t: replace(t, rows=tuple(change(r) if r.id == id else r for r in t.rows)))


# --- what it says ---


def test_a_table_has_a_column_for_each_headline_metric_with_the_way_that_is_better() -> None:
    assert shown(boards.board()).headings == [
        *("#", "model", "Strategy accuracy ↑", "BLEU-4 ↑", "ROUGE-L ↑", "Helpfulness ↑", "turns"),
    ]
    assert shown(boards.board(), every=True).headings[5:] == [
        *("BERTScore ↑", "Length ratio", "Helpfulness ↑", "Accuracy ↑", "Resolved ↑", "turns"),
    ]


def test_models_come_by_score_then_incomplete_ones_then_floors_each_apart() -> None:
    groups = shown(boards.board()).groups
    assert [[row[1].split(" @")[0] for row in rows] for rows in groups[1:]] == [
        ["deepseek-ai/DeepSeek-V3"],
        ["retrieval"],
    ]
    scores = [float(row[2].split()[0]) for row in groups[0]]
    assert scores == sorted(scores, reverse=True)
    assert [row[0] for row in groups[0]] == ["1", "1", "3", "3", "4", "5"]
    assert [row[0] for rows in groups[1:] for row in rows] == ["–", "–"]
    assert groups[1][0][-1] == "375 (incomplete)"
    assert groups[2][0][1] == "retrieval @main (floor)"


def test_shares_are_in_percent_and_grades_as_they_are() -> None:
    row = shown(boards.board()).row("Qwen/Qwen2.5-72B-Instruct @main")
    assert row["Strategy accuracy ↑"] == "65.2 [62.2, 68.2]"
    assert row["Helpfulness ↑"] == "2.92 [2.77, 3.07]"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(None, why="the judge refused"), "–"),
        (Cell(0.5, why="not resampled"), "50.0"),
        (Cell(-0.021, -0.05, 0.004), "−2.1 [−5.0, 0.4]"),
    ],
)
def test_what_is_not_known_is_never_shown_as_a_number(cell: Cell, text: str) -> None:
    column = "response/reference/bleu_4"
    board = with_row(lambda row: replace(row, cells={**row.cells, column: cell}))
    assert shown(board).row("Qwen/Qwen2.5-72B-Instruct @main")["BLEU-4 ↑"] == text
    reasons = [line for line in printed(board).splitlines() if "refused" in line]
    assert reasons == (
        [f"{REFERENCE}, BLEU-4: – for Qwen/Qwen2.5-72B-Instruct @main (the judge refused)"]
        if cell.value is None
        else []
    )


def test_beneath_stands_how_scores_are_computed_and_what_is_missing() -> None:
    lines = printed(boards.board()).splitlines()
    assert "ROUGE-L: rouge_l|tok:zh|version:0.4.0" in lines
    missing = "300 of 375 turns; the last 5 conversations are missing"
    assert f"deepseek-ai/DeepSeek-V3 @main: {missing}" in lines
    assert f"{boards.LONG} @main: the chat template was read from the model's folder" in lines
    assert "Not comparable with the first table: The prompt is en-2 instead of zh-1." in lines
    assert "Partial: No model has all turns: 100 of 375 were run (--limit 100)." in lines


def test_two_networks_scores_have_a_column_each_and_are_named_in_full() -> None:
    def twice(table: BoardTable) -> BoardTable:
        own = next(c for c in table.columns if c.id == "response/reference/bertscore")
        one, two = (
            replace(
                own, id=f"{own.id}#{x}", title=f"BERTScore ({x})", signature=f"{x}@1, layer 8", headline=True
            )
            for x in ("bert-base-chinese", "macbert")
        )
        columns = tuple(x for c in table.columns for x in ((one, two) if c is own else (c,)))
        cells = {one.id: Cell(0.5, 0.4, 0.6), two.id: Cell(0.7, 0.6, 0.8)}
        rows = tuple(replace(r, cells={**r.cells, **cells}) for r in table.rows)
        return replace(table, columns=columns, rows=rows)

    board = changed(twice)
    row = shown(board).row("Qwen/Qwen2.5-72B-Instruct @main")
    assert row["BERTScore (bert-base-chinese) ↑"] == "50.0 [40.0, 60.0]"
    assert row["BERTScore (macbert) ↑"] == "70.0 [60.0, 80.0]"
    assert "BERTScore (macbert): macbert@1, layer 8" in printed(board)


# --- sorting ---


def test_rows_are_sorted_and_ranked_by_the_metric_that_is_asked_for() -> None:
    table = shown(boards.board(), sort="judge_helpfulness")
    scores = [float(row[5].split()[0].rstrip("†")) for row in table.groups[0]]
    assert scores == sorted(scores, reverse=True)
    (qwen,) = (r for r in boards.table().rows if r.id == "qwen")
    rank = qwen.cells["response/reference/judge_helpfulness"].rank
    assert table.row("Qwen/Qwen2.5-72B-Instruct @main")["#"] == str(rank)


def test_a_metric_to_sort_by_is_shown_whatever_it_is() -> None:
    table = shown(boards.board(), sort="length_ratio")
    assert "Length ratio" in table.headings
    scores = [float(row[table.headings.index("Length ratio")].split()[0]) for row in table.groups[0]]
    assert scores == sorted(scores, reverse=True)
    # A description has no ranks, and no section is left out that lacks it.
    assert {row[0] for row in table.groups[0]} == {"–"}


def test_a_metric_that_there_is_not_is_an_error_that_lists_those_that_there_are() -> None:
    names = ", ".join(metric for metric, *_ in boards.METRICS)
    with pytest.raises(ConfigError, match=f"--sort: no metric 'bleu_9'; there are {names}$"):
        tables(boards.board(), sort="bleu_9")


# --- what generated context costs ---


def test_what_generated_context_costs_is_the_difference_of_the_two_scores() -> None:
    (row,) = (r for r in boards.table().rows if r.id == "tuned-2")
    ends = [row.cells[f"response/{context}/bleu_4"].value for context in ("generated", "reference")]
    assert None not in ends
    change = 100 * (ends[0] - ends[1])  # type: ignore[operator]
    table = shown(boards.board(), LOSS)
    assert change < 0
    assert table.row("ours/tuned @step2000 step 2,000")["BLEU-4 ↑"] == f"−{abs(change):.1f}"
    assert table.groups[-1][0][0] == "retrieval @main (floor)"
    assert "Length ratio" not in table.headings  # of a description neither end is a loss


def test_only_scores_of_the_same_way_and_turns_are_subtracted() -> None:
    column = "response/generated/bleu_4"

    def fewer(row: Row) -> Row:
        return replace(row, cells={**row.cells, column: replace(row.cells[column], turns=300)})

    assert shown(with_row(fewer), LOSS).row("Qwen/Qwen2.5-72B-Instruct @main")["BLEU-4 ↑"] == "–"
    other = changed(
        lambda t: replace(
            t, columns=tuple(replace(c, signature="another") if c.id == column else c for c in t.columns)
        )
    )
    assert "BLEU-4 ↑" not in shown(other, LOSS).headings
    assert "ROUGE-L ↑" in shown(other, LOSS).headings


def test_a_model_of_one_context_alone_has_no_difference() -> None:
    def one(row: Row) -> Row:
        return replace(row, cells={k: c for k, c in row.cells.items() if "generated" not in k})

    names = [row[0] for rows in shown(with_row(one), LOSS).groups for row in rows]
    assert "Qwen/Qwen2.5-72B-Instruct @main" not in names
    assert len(names) == len(boards.table().rows) - 1
    alone = changed(lambda t: replace(t, sections=t.sections[:1]))
    assert LOSS not in printed(alone)


# --- nothing is cut ---


@pytest.mark.parametrize("width", [20, 34, 40, 52, 79, 80, 100, 120, 160, 200, 400])
def test_on_a_terminal_of_any_width_every_number_and_name_is_whole(width: int) -> None:
    board = replace(boards.board(), tables=boards.board().tables[:1])
    text = printed(board, every=True, width=width)
    wide, narrow = shown_tables(printed(board, every=True)), shown_tables(text)
    assert "…" not in text
    for one in wide:
        parts = [t for t in narrow if t.title == one.title]
        assert parts
        for i, row in enumerate(row for rows in one.groups for row in rows):
            found: dict[str, str] = {}
            for part in parts:
                cells = [row for rows in part.groups for row in rows][i]
                # A folded heading or name lacks the spaces at which it was folded.
                found |= {h.replace(" ", ""): c for h, c in zip(part.headings, cells, strict=True)}
            expected = {h.replace(" ", ""): c for h, c in zip(one.headings, row, strict=True)}
            assert found.pop("model").replace(" ", "") == expected.pop("model").replace(" ", "")
            assert found == expected
    if width >= 40:
        assert max(map(cell_len, text.splitlines())) <= width


def test_a_name_is_folded_before_columns_are_parted_and_never_before_it_must_be() -> None:
    board = replace(boards.board(), tables=(boards.other_table(),))
    whole = "meta-llama/Llama-3.1-8B-Instruct"
    assert whole in printed(board, width=120)
    assert whole not in printed(board, width=100)
    assert "(1 of" not in printed(board, width=100)
    assert "(1 of 2)" in printed(board, width=90)


# --- names from outside ---


@pytest.mark.parametrize(
    ("model", "seen"),
    [
        ("my-model[v2]", "my-model[v2]"),
        ("[/v2]", "[/v2]"),
        ("[bold red]x[/]", "[bold red]x[/]"),
        (":smile:", ":smile:"),
        ("a\x1b[31mb", "a [31mb"),
        ("a\x1b]8;;http://x\x1b\\b", "a ]8;;http://x \\b"),
        ("a\u202eb\rc\nd\x07", "a b c d"),
        ("机构/客服模型", "机构/客服模型"),
        ("│ 1 │ x", "│ 1 │ x"),
        ("x" * 300, "x" * 300),
    ],
)
@pytest.mark.parametrize("colour", [False, True])
def test_a_name_is_seen_as_it_is_and_does_nothing(model: str, seen: str, colour: bool) -> None:
    board = with_row(lambda row: replace(row, model=model, revision="", notes=(model,), shots=2))
    text = printed(board, colour=colour)
    assert f"{seen} 2-shot" in text
    assert f"{seen} 2-shot: {seen}\n" in text
    if not colour:
        assert not {"\x1b", "\r", "\x07", "\u202e"} & set(text)


def test_no_other_text_of_a_results_file_is_markup_either() -> None:
    evil = "[/x]\x1b[2J[link=http://x]y"

    def spoil(table: BoardTable) -> BoardTable:
        columns = tuple(replace(c, title=f"{evil}{i}", signature=evil) for i, c in enumerate(table.columns))
        sections = tuple(replace(s, title=evil) for s in table.sections)
        facts = dict.fromkeys(table.facts, evil)
        return replace(
            table, title=evil, columns=columns, sections=sections, facts=facts, apart=evil, partial=evil
        )

    text = printed(changed(spoil))
    assert "\x1b" not in text
    assert "[/x] [2J[link=http://x]y" in text
    with pytest.raises(ConfigError) as error:
        tables(
            changed(lambda t: replace(t, columns=tuple(replace(c, metric=evil) for c in t.columns))), sort="x"
        )
    assert "\x1b" not in str(error.value)
