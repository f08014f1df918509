"""Results side by side: what may stand together does, what may not does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from csc_tasks.errors import DataError
from csc_tasks.leaderboards.collect import collect
from csc_tasks.leaderboards.rendering.terminal import drop_tables, tables


def results_file(
    folder: Path,
    model: str,
    scores: dict[str, Any],
    line: str = "csconv:1|task:response|data:mini@a|version:0",
    **more: Any,
) -> Path:
    values = {f"{k},none": v for k, v in scores.items()}
    content = {
        "results": {"csconv_mini_response": {"alias": "x", "sample_len": 375, **values}},
        "configs": {"csconv_mini_response": {"metadata": {"csconv_signature": {"line": line}}}},
        "config": {"model": "hf", "model_args": {"pretrained": model}, "limit": None},
        "n-shot": {"csconv_mini_response": 0},
        "date": 1.0,
    } | more
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"results_{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def shown(folder: Path, make: Any = tables, **options: Any) -> list[str]:
    texts = []
    for table in make(collect([folder]), **options):
        console = Console(width=250, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        console.print(table)
        texts.append(console.export_text())
    return texts


def test_scores_are_shown_times_100_with_their_errors(tmp_path: Path) -> None:
    results_file(tmp_path, "a", {"strategy_acc": 0.4258, "strategy_acc_stderr": 0.0123, "length_ratio": 1.25})
    (text,) = shown(tmp_path)
    assert "42.6 ±1.2" in text
    assert "1.25" in text  # a ratio is not a percentage
    assert "375 turns" in text


def test_models_come_before_floors_and_the_best_first(tmp_path: Path) -> None:
    for model, score in (("csconv-retrieval", 0.9), ("weak", 0.1), ("strong", 0.5), ("broken", float("nan"))):
        results_file(tmp_path, model, {"strategy_acc": score})
    (text,) = shown(tmp_path)
    order = sorted(("retrieval (floor)", "weak", "strong", "broken"), key=text.index)
    assert order == ["strong", "weak", "broken", "retrieval (floor)"]
    assert "n/a" in text


def test_results_under_another_protocol_never_share_a_table(tmp_path: Path) -> None:
    results_file(tmp_path, "a", {"strategy_acc": 0.4})
    results_file(tmp_path, "b", {"strategy_acc": 0.5}, line="csconv:1|task:response|data:mini@b|version:0")
    results_file(tmp_path, "c", {"strategy_acc": 0.6}, line="csconv:1|task:response|data:mini@a|version:9")
    texts = shown(tmp_path)
    assert len(texts) == 2  # the package's version alone does not part them


def test_a_run_with_a_limit_is_marked(tmp_path: Path) -> None:
    results_file(
        tmp_path, "a", {"strategy_acc": 0.4}, config={"model_args": {"pretrained": "a"}, "limit": 10}
    )
    assert "PARTIAL" in shown(tmp_path)[0]


def test_the_latest_of_several_runs_counts(tmp_path: Path) -> None:
    results_file(tmp_path, "a", {"strategy_acc": 0.9}, date=2.0)
    results_file(tmp_path, "a", {"strategy_acc": 0.1}, date=1.0)
    (row,) = collect([tmp_path])
    assert row.scores["strategy_acc"] == 0.9


def test_another_tokenizer_has_a_column_of_its_own(tmp_path: Path) -> None:
    results_file(tmp_path, "a", {"bleu_4_jieba": 0.1, "strategy_acc": 0.5})
    assert "BLEU-4 (jieba)" in shown(tmp_path)[0]


def test_the_ascii_rouge_is_never_shown_as_rouge(tmp_path: Path) -> None:
    results_file(tmp_path, "a", {"rouge_l": 0.3, "rouge_l_ascii": 0.05})
    assert "ASCII" not in shown(tmp_path)[0]
    assert "R-L (ASCII only)" in shown(tmp_path, every=True)[0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"results": {}}'])
def test_a_file_that_holds_no_results_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results_x.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"results_x\.json: not an lm-eval results file"):
        collect([tmp_path])


def test_results_of_other_benchmarks_are_no_csconv_results(tmp_path: Path) -> None:
    (tmp_path / "results_1.json").write_text('{"results": {"arc": {}}, "configs": {"arc": {}}}')
    with pytest.raises(DataError, match="no csconv results"):
        collect([tmp_path])


def test_what_a_model_loses_on_its_own_history_is_shown_where_both_contexts_were_run(tmp_path: Path) -> None:
    line = "csconv:1|task:response|ctx:{}|data:mini@a|version:0"
    results_file(tmp_path, "both", {"strategy_acc": 0.40, "bleu_4": 0.05}, line.format("reference"))
    results_file(tmp_path, "both", {"strategy_acc": 0.31, "bleu_4": 0.055}, line.format("generated"))
    results_file(tmp_path, "one", {"strategy_acc": 0.9}, line.format("generated"))
    (text,) = shown(tmp_path, drop_tables)
    assert "-9.0" in text
    assert "+0.5" in text
    assert "generated minus reference context" in text
    assert "0.9" not in text


def test_contexts_under_different_protocols_are_never_subtracted(tmp_path: Path) -> None:
    results_file(tmp_path, "m", {"strategy_acc": 0.4}, "csconv:1|ctx:reference|prompt:zh-1|version:0")
    results_file(tmp_path, "m", {"strategy_acc": 0.3}, "csconv:1|ctx:generated|prompt:zh-2|version:0")
    assert shown(tmp_path, drop_tables) == []
