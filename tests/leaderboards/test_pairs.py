"""Base and tuned models as pairs: which rows they are, what the tuning changed, and the same wherever it is shown."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from csc_tasks.leaderboards.board import Board, BoardTable, to_json
from csc_tasks.leaderboards.build import reported_results
from csc_tasks.leaderboards.rendering.dumbbells import dumbbell_chart
from csc_tasks.leaderboards.rendering.language import Language
from csc_tasks.leaderboards.rendering.markdown import markdown
from csc_tasks.leaderboards.rendering.page import render_page
from csc_tasks.leaderboards.rendering.pairs import pair_lines, pair_markdown
from csc_tasks.leaderboards.tuned import TunedPair
from csc_tasks.metrics.comparison import holm
from tests.door import csconv
from tests.leaderboards import logs
from tests.leaderboards.built import ACCURACY, only_table, row_of
from tests.leaderboards.tuned_runs import variant


@pytest.fixture
def table(tuned: Path, build: Callable[..., Board]) -> BoardTable:
    return only_table(build(tuned / "base", tuned / "tuned"))


def pair_of(board: Board, model: str) -> TunedPair:
    table = only_table(board)
    (pair,) = (pair for pair in table.pairs if pair.tuned == row_of(table, model).id)
    return pair


def test_a_pair_has_the_scores_of_its_rows_in_both_contexts_reference_first(table: BoardTable) -> None:
    (pair,) = table.pairs
    base, tuned = row_of(table, "org/base"), row_of(table, "org/tuned")
    assert (pair.base, pair.tuned, pair.name, pair.told_by) == (base.id, tuned.id, "org/base", "csconv_base")
    for score in pair.scores:
        cells = base.cells[score.column], tuned.cells[score.column]
        assert (score.base, score.tuned) == (cells[0].value, cells[1].value)
        assert score.difference == pytest.approx((score.tuned or 0) - (score.base or 0))
    sections = [score.column.rpartition("/")[0] for score in pair.scores]
    assert sections == sorted(sections, key=["response/reference", "response/generated"].index)
    assert len(set(sections)) == 2


def test_p_values_are_those_of_a_clustered_paired_test_corrected_by_holm(
    tuned: Path, table: BoardTable
) -> None:
    """Of the accuracy by a bootstrap of the test's own; 2 % is what 20,000 and 1,000 resamples may differ by."""
    hits: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for sign, side in ((1, "tuned"), (-1, "base")):
        for sample in logs.samples_of(logs.results_file(tuned / side)):
            right = json.loads(sample["filtered_resps"][0])["strategy"] == sample["doc"]["strategy"]
            hits[sample["doc"]["conversation"]][0] += sign * right
            hits[sample["doc"]["conversation"]][1] += 0.5
    sums = np.array(list(hits.values()))
    count = len(sums)
    drawn = np.random.default_rng(5).multinomial(count, np.full(count, 1 / count), size=20_000) @ sums
    stderr = np.std(drawn[:, 0] / drawn[:, 1], ddof=1) * math.sqrt(count / (count - 1))
    (pair,) = table.pairs
    scores = {score.column: score for score in pair.scores}
    own = scores[ACCURACY]
    assert own.difference == pytest.approx(sums[:, 0].sum() / sums[:, 1].sum())
    assert own.difference is not None
    assert own.low is not None
    assert own.high is not None
    # The interval has the level that Holm's factor asks for, so its width tells the factor.
    width = (own.high - own.low) / 2 / stderr
    alone = 2 * t.sf(own.difference / stderr, count - 1)
    level = 2 * t.sf(width, count - 1)
    assert own.p == pytest.approx(alone * 0.05 / level, rel=0.5)
    assert width > t.ppf(0.975, count - 1)
    assert own.real is (own.p is not None and own.p < 0.05) is True


@pytest.mark.slow
def test_all_scores_of_all_pairs_of_a_table_are_one_family(
    tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    """Another pair that differs by nothing costs the first one power, and no test is free."""
    one = pair_of(build(tuned / "base", tuned / "tuned"), "org/tuned")
    twin = {"name": "org/base", "told_by": "csconv_base"}
    variant(tuned / "base", tmp_path / "twin", "org/twin", base=twin)
    two = pair_of(build(tuned / "base", tuned / "tuned", tmp_path), "org/tuned")
    firsts, seconds = ({s.column: s for s in pair.scores} for pair in (one, two))
    assert firsts.keys() == seconds.keys()
    for column, first in firsts.items():
        assert (first.p or 0) <= (seconds[column].p or 0)
    # Halves the level of the first step: the smallest p-value of n tests is now one of 2n.
    least = min(firsts.values(), key=lambda s: s.p if s.p else 1)
    both = holm([0.001] * len(firsts) + [1.0] * len(firsts))[0] / holm([0.001] * len(firsts))[0]
    assert seconds[least.column].p == pytest.approx(both * (least.p or 0), rel=1e-6)


def test_an_adapter_stands_beside_the_model_that_it_was_put_on(
    tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    variant(tuned / "base", tmp_path / "plain", "org/model")
    variant(tuned / "tuned", tmp_path / "lora", "org/model", args={"peft": "/adapters/one"})
    table = only_table(build(tmp_path))
    (pair,) = table.pairs
    adapters = {row.id: row.adapter for row in table.rows}
    assert (adapters[pair.tuned], adapters[pair.base], pair.told_by) == ("/adapters/one", "", "model_args")
    assert all(score.difference is not None for score in pair.scores)


@pytest.mark.parametrize(
    ("name", "rows", "found"),
    [
        ("/data/models/org/base", ["org/base"], "org/base"),
        ("models/base", ["/home/me/models/base"], "base"),
        ("base", ["/home/me/models/base"], "base"),
        ("org/base", ["/home/me/models/base"], ""),  # another owner's may be another model: no guess
        ("base", ["/one/base", "/two/base"], ""),
        ("org/base", ["org/base", "/mirror/org/base"], "org/base"),  # its very name counts first
        ("org/base@v2", ["org/base"], ""),
        ("org/tuned", [], ""),  # nothing is tuned from itself
    ],
)
def test_a_base_is_found_by_its_name_path_or_hub_id_and_never_guessed(
    name: str, rows: list[str], found: str, tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    for i, row in enumerate(rows):
        variant(tuned / "short", tmp_path / f"base{i}", row)
    variant(tuned / "short", tmp_path / "tuned", "org/tuned", base={"name": name, "told_by": "csconv_base"})
    board = build(tmp_path)
    pair = pair_of(board, "org/tuned")
    models = {row.id: row.model for row in only_table(board).rows}
    assert models.get(pair.base, "") == found
    assert bool(pair.why) is (not found)
    if len(rows) == 2 and not found:
        assert "several rows can be its base" in pair.why


def test_saying_the_base_changes_no_score_no_row_and_no_table(
    tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    variant(tuned / "short", tmp_path / "a", "org/tuned")
    variant(tuned / "short", tmp_path / "b", "org/tuned", base={"name": "org/base", "told_by": "csconv_base"})
    alone, said = (only_table(build(tmp_path / side)).rows[0] for side in "ab")
    assert (alone.id, alone.settings, alone.cells) == (said.id, said.settings, said.cells)


def test_a_base_that_was_asked_otherwise_is_no_base(
    tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    said = {"name": "org/base", "told_by": "csconv_base"}
    variant(tuned / "short", tmp_path / "tuned", "org/tuned", base=said)
    base = variant(tuned / "short", tmp_path / "base", "org/base")
    logs.edit(base, lambda content: content.update(system_instruction_sha="4d5e6f" + 58 * "0"))
    pair = pair_of(build(tmp_path), "org/tuned")
    assert not pair.base
    assert "was asked otherwise" in pair.why


@pytest.mark.slow
def test_an_adapter_of_another_base_is_told_wherever_the_pair_is(
    tuned: Path, tmp_path: Path, build: Callable[..., Board]
) -> None:
    variant(tuned / "short", tmp_path / "base", "org/base")
    said = {"name": "org/base", "told_by": "model_args", "trained_on": "org/<b>quite-another"}
    variant(tuned / "short", tmp_path / "tuned", "org/tuned", base=said)
    board = build(tmp_path)
    assert "org/<b>quite-another" in pair_of(board, "org/tuned").caution
    page = render_page(board.without_texts())
    assert "org/&lt;b&gt;quite-another" in page
    assert "<b>quite-another" not in page
    assert "quite-another" in markdown(board)
    assert "quite-another" in csconv("table", tmp_path).out


@pytest.mark.slow
def test_terminal_markdown_page_and_json_have_the_same_numbers(
    tuned: Path, build: Callable[..., Board]
) -> None:
    board = build(tuned / "base", tuned / "tuned")
    table = only_table(board)
    own = next(s for s in table.pairs[0].scores if s.column == ACCURACY)
    shown = f"+{100 * (own.difference or 0):.1f}"
    document, page = markdown(board), render_page(board.without_texts())
    printed = csconv("table", tuned / "base", tuned / "tuned").out
    for text in (document, page, printed):
        assert shown in text
        assert f"[+{100 * (own.low or 0):.1f}, +{100 * (own.high or 0):.1f}]" in text
    assert "| `org/tuned` ← `org/base` | Response, reference context | Strategy acc. |" in document
    assert json.loads(to_json(board))["tables"][0]["pairs"][0]["scores"][0]["column"] == own.column


def test_pairs_can_be_read_in_chinese(table: BoardTable) -> None:
    names = [row.model for row in table.rows]
    for lines in (
        pair_lines(table, lambda row: row.model, str, Language.ZH),
        pair_markdown(table, lambda row: row.model, Language.ZH),
    ):
        text = "\n".join(lines)
        for name in (*names, "Holm", "BLEU", "ROUGE", "F1", "L", "p"):
            text = text.replace(name, "")
        assert not re.search(r"[A-Za-z]{2,}", text)


def spec_values(spec: Any) -> list[dict[str, Any]]:
    return list(spec["data"]["values"])


def test_the_picture_tells_measured_pairs_from_the_papers(table: BoardTable) -> None:
    """Four reported pairs a context: with reference and generated the paper's eight."""
    column = next(c for c in table.columns if c.id == ACCURACY)
    spec = dumbbell_chart(table, column, reported_results())
    values = spec_values(spec)
    measured = [v for v in values if not v["reported"]]
    assert len(measured) == 1
    assert len(values) == 5
    own = next(s for s in table.pairs[0].scores if s.column == ACCURACY)
    assert measured[0]["low"] == pytest.approx(100 * ((own.base or 0) + (own.low or 0)), abs=0.01)
    assert measured[0]["base_value"] < measured[0]["low"] < measured[0]["value"] < measured[0]["high"]
    told = next(v for v in values if v["row"] == "reported:3")
    assert (told["base_value"], told["value"]) == (37.22, 43.29)
    assert all("low" not in v for v in values if v["reported"])
    unreported = next(c for c in table.columns if c.metric == "strategy_f1_macro")
    assert len(spec_values(dumbbell_chart(table, unreported, reported_results()))) == 1
    alone = next(c for c in table.columns if c.metric == "length_ratio_norm")
    assert dumbbell_chart(table, alone, reported_results()) is None
