"""Role-plays on a leaderboard: a table for each customer, scores by card, and what other customers make of a model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.leaderboards.board import BeatsFloor, Board, BoardTable, to_json
from csc_tasks.leaderboards.rendering.export import csv_bytes, flat_rows, model_index
from csc_tasks.leaderboards.rendering.language import Language, value
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.table_notes import spread_notes
from csc_tasks.roleplay.card_sets import CardSet
from tests.door import csconv
from tests.leaderboards.built import row_of
from tests.leaderboards.logs import change_line, edit, log_of, results_file
from tests.role_plays import COLUMN, ROLE_PLAY, OtherCustomers, card_set, supporter_lm, write_role_plays

SCRIPTED, OTHER, FAULTY, ONCE = "scripted:customer-zh-1", "model:org/customer", "model:org/broken", "once"


@pytest.fixture(scope="module")
def board(role_played: Path, kept: Path) -> Board:
    from csc_tasks.leaderboards.build import build_board

    return build_board([role_played], cache=kept)


def table_of(board: Board, customer: str, trials: int = 2) -> BoardTable:
    (table,) = (
        t
        for t in board.tables
        if t.facts["customer"].startswith(f"{customer}@")
        and t.facts["customer"].endswith("2 trials") is (trials == 2)
    )
    return table


def test_two_customers_and_two_numbers_of_trials_never_share_a_table(board: Board) -> None:
    assert len(board.tables) == 4
    assert {row.model for row in table_of(board, SCRIPTED).rows} == {"org/good", "org/half"}
    for table in board.tables:
        assert table.title.startswith(table.facts["customer"])
        trials, _, what = table.title.rpartition(", ")[0].partition(": CSConv role-play, ")
        assert trials.endswith((", 1 trial", ", 2 trials"))
        assert what == "cards, mini, 8 cards"
    assert "customer model:org/customer" in table_of(board, OTHER).apart


def test_a_role_play_counts_once_and_cards_are_what_intervals_are_over(board: Board) -> None:
    table = table_of(board, SCRIPTED)
    good, half = (row_of(table, model) for model in ("org/good", "org/half"))
    figures = good.figures["response/roleplay"]
    assert (figures.turns, figures.expected_turns, figures.conversations, figures.complete) == (
        16,
        16,
        8,
        True,
    )
    assert good.cells[COLUMN].value == 1.0
    cell = half.cells[COLUMN]
    assert cell.value is not None
    assert cell.low is not None
    assert cell.high is not None
    # Sixteen role-plays of eight cards: two trials of a card say what one says.
    assert 0 < cell.low < cell.value < cell.high < 1
    of_cards = half.cells["response/roleplay/pass_k"]
    assert of_cards.value == cell.value
    assert of_cards.low == pytest.approx(cell.low, abs=0.02)


def test_pass_k_is_called_by_its_k_and_stands_only_where_there_are_several_trials(board: Board) -> None:
    titles = {c.metric: c.title for c in table_of(board, SCRIPTED).columns}
    assert titles["pass_k"] == "pass^2"
    assert "pass_k" not in {c.metric for c in table_of(board, SCRIPTED, 1).columns}


def test_there_are_no_floors_no_depths_and_no_gold(board: Board) -> None:
    for table in board.tables:
        assert not table.gold
        for row in table.rows:
            assert {cell.beats_floor for cell in row.cells.values()} == {BeatsFloor.NOT_ASKED}
            for figures in row.figures.values():
                assert (figures.depth, figures.confusion, figures.transitions) == ({}, None, None)
    assert "floor" not in markdown(board).partition("## Reported")[0]


def test_how_many_customers_could_be_played_is_not_ranked(board: Board) -> None:
    (column,) = (c for c in table_of(board, SCRIPTED).columns if c.metric == "customer_coverage")
    assert (column.headline, column.ranked) == (True, False)


def test_withheld_scores_are_there_with_the_reason_told_once(board: Board, role_played: Path) -> None:
    row = row_of(table_of(board, FAULTY), "org/good")
    assert row.cells[COLUMN].value is None
    assert row.cells[COLUMN].why.startswith("9 of 16 role-plays could be played ")
    coverage = row.cells["response/roleplay/customer_coverage"]
    assert coverage.value is not None
    assert 0 < coverage.value < 0.95
    told = csconv("table", role_played / "faulty").out
    assert told.count("and 95% are needed (it spoke as the supporter: ") == 1
    assert "Role-play, Resolved; pass^2; Facts asked; Against the card; Invented; Mood at the end: –" in told


def write_floor(folder: Path, cards: CardSet) -> None:
    """Role-plays of a floor that promises nothing and resolves nothing."""
    results = write_role_plays(folder, "csconv-random", supporter_lm("rude"), cards)
    edit(results, lambda content: content["config"].update(model="csconv-baseline"))


def test_one_customer_has_one_digest_however_often_each_card_is_played(board: Board) -> None:
    once, twice = (table_of(board, SCRIPTED, trials).facts["customer"] for trials in (1, 2))
    assert twice == f"{once}, 2 trials"


def test_a_floor_that_has_all_role_plays_leaves_no_table_partial(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(4)
    write_role_plays(tmp_path / "a", "org/short", supporter_lm("good"), cards, limit=2)
    assert build(tmp_path).tables[0].partial == "no model has all role-plays of: Role-play"
    write_floor(tmp_path / "b", cards)
    (table,) = build(tmp_path).tables
    assert table.partial == ""
    assert row_of(table, "org/short").incomplete == "response/roleplay: 2 of all role-plays"


def test_what_is_no_better_than_a_perfect_floor_is_not_shown_as_the_best(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(16)
    write_role_plays(tmp_path / "a", "org/a", supporter_lm("good"), cards)
    write_floor(tmp_path / "b", cards)
    (table,) = build(tmp_path).tables
    cells = row_of(table, "org/a").cells
    broken = cells["response/roleplay/promises_broken"]
    assert (broken.value, broken.rank, broken.first) == (0.0, 1, False)
    assert cells[COLUMN].first


def test_a_model_with_two_customers_shows_both_scores_in_either_table(board: Board) -> None:
    for customer, other in ((SCRIPTED, OTHER), (OTHER, SCRIPTED)):
        table = table_of(board, customer)
        (spread,) = table.customers
        assert spread.row == row_of(table, "org/good").id
        assert next(iter(spread.scores)).startswith(customer)
        mine = row_of(table, "org/good").cells[COLUMN].value
        theirs = row_of(table_of(board, other), "org/good").cells[COLUMN].value
        assert spread.scores[table.facts["customer"]] == mine
        assert theirs != mine
        assert theirs in spread.scores.values()


def test_withheld_scores_and_the_same_customer_with_other_trials_are_no_other_customer(board: Board) -> None:
    assert table_of(board, FAULTY).customers == ()
    names = {name for table in board.tables for spread in table.customers for name in spread.scores}
    assert not any(name.startswith(FAULTY) for name in names)
    assert all(
        not name.startswith(SCRIPTED) for name in list(table_of(board, SCRIPTED).customers[0].scores)[1:]
    )


def test_other_cards_and_fewer_cards_are_no_other_customer(
    tmp_path: Path, role_played: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(7)
    lm = supporter_lm("good")
    write_role_plays(tmp_path / "x", "org/good", lm, cards, 2, OtherCustomers("org/third"))
    write_role_plays(tmp_path / "x", "org/good", lm, card_set(8), 2, OtherCustomers("org/fourth"), limit=7)
    board = build(role_played, tmp_path / "x")
    for customer in ("org/third", "org/fourth"):
        (table,) = (t for t in board.tables if customer in t.title)
        assert table.customers == ()


def test_prompts_in_other_words_are_held_together_by_customer(
    tmp_path: Path, build: Callable[..., Board]
) -> None:
    cards = card_set(4)
    for version in ("zh-2", "zh-2b"):
        for customers in (None, OtherCustomers(patience=4)):
            folder = tmp_path / version / str(customers is None)
            lm = supporter_lm("good" if customers is None else "polite")
            write_role_plays(folder, "org/a", lm, cards, 1, customers, prompt=version)
    tables = build(tmp_path).tables
    assert len(tables) == 4
    told = [spread.scores for table in tables for spread in table.wordings if spread.column == COLUMN]
    assert sorted(told, key=str) == [{"zh-2": 0.0, "zh-2b": 0.0}, {"zh-2": 1.0, "zh-2b": 1.0}]


def test_terminal_markdown_json_and_page_tell_of_other_customers_in_the_same_words(
    board: Board, role_played: Path
) -> None:
    ((_, spec),) = spread_notes(table_of(board, OTHER), str)
    words = value(spec, Language.EN)
    assert words.startswith("Resolved with other customers: 100.0 (scripted:customer-zh-1@")
    assert "; here " in words
    assert f"org/good: {words}" in csconv("table", role_played).out
    assert words in markdown(board).replace("`", "")
    spreads = [s for t in json.loads(to_json(board, texts=False))["tables"] for s in t["customers"]]
    assert {len(s["scores"]) for s in spreads} == {2, 3}


def test_scripted_customers_are_said_to_be_a_smoke_test_and_others_not(
    board: Board, role_played: Path
) -> None:
    assert table_of(board, SCRIPTED).caution.startswith("Customers are scripted")
    assert table_of(board, OTHER).caution == ""
    assert "Smoke test: Customers are scripted" in csconv("table", role_played / "once").out
    assert "Smoke test" not in csconv("table", role_played / "other").out


def test_an_export_names_the_customer(board: Board) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_bytes(flat_rows(board)).decode())))
    assert {row["customer"] for row in rows} == {table.facts["customer"] for table in board.tables}
    half = [row for row in rows if row["model"] == "org/half" and row["metric"] == "resolved"]
    assert [(row["context"], row["turns"]) for row in half] == [("roleplay", "16")]
    card = model_index(board, "org/half")
    assert "name: CSConv role-play" in card
    assert "customer: scripted:customer-zh-1@" in card


def test_a_run_that_was_cut_short_is_told_in_role_plays(tmp_path: Path, build: Callable[..., Board]) -> None:
    cards = card_set(4)
    lm = supporter_lm("good")
    write_role_plays(tmp_path / "a", "org/whole", lm, cards, 2)
    write_role_plays(tmp_path / "b", "org/short", lm, cards, 2, limit=2)
    (table,) = build(tmp_path).tables
    assert row_of(table, "org/short").incomplete == "response/roleplay: 4 of all role-plays"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sample: sample["filtered_resps"].clear(),
        lambda sample: sample["filtered_resps"].pop(),
        lambda sample: sample.update(filtered_resps=["{}"] * len(sample["filtered_resps"])),
        lambda sample: sample.update(resolved=[7, 7]),
        lambda sample: sample.update(resolved=[1.0]),
        lambda sample: sample["doc"].update(trials=10**9),
        lambda sample: sample["doc"].update(conversation=5),
        lambda sample: sample.update(arguments={}),
    ],
)
def test_a_damaged_log_costs_its_row_intervals_and_never_the_table(
    spoil: Callable[[dict[str, object]], object], role_played: Path, tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(role_played / "scripted", tmp_path / "runs"))
    results = next((folder / "org__half").glob("results_*.json"))
    change_line(log_of(results, ROLE_PLAY), 3, spoil)
    done = csconv("table", folder)
    assert done.code == 0
    assert "org/good" in done.out
    assert "org/half" in done.out
    assert "listed without intervals" in done.err


def test_a_customers_name_reaches_no_terminal_unescaped(role_played: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(role_played / "other", tmp_path / "runs"))

    def change(content: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]]) -> None:
        signature = content["configs"][ROLE_PLAY]["metadata"]["csconv_signature"]
        signature["customer"]["line"] = "\x1b[31m</script><b>[red]x"

    edit(results_file(folder), change)
    done = csconv("table", folder)
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "</script><b>[red]x" in done.out
