"""What a judge added to a run stands in one row with the run's own scores, those of a network among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.leaderboards.logs import answering, write_run


def test_the_table_shows_a_run_with_bertscore_after_it_was_judged(tiny_bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("bert_score", reason="needs csconv-eval[bertscore]")
    metadata = {"csconv_bertscore_model": str(tiny_bert), "csconv_bertscore_layer": 8}
    runs = tmp_path / "runs"
    write_run(runs, "org/a", answering(0.7), metadata=metadata, limit=16)
    config = tmp_path / "judge.yaml"
    with JudgeServer() as server:
        config.write_text(f"model: fake\nbase_url: {server.url}\n", encoding="utf-8")
        judged = csconv("judge", runs, "--config", config)
    assert judged.code == 0, judged.output
    done = csconv("table", runs, "--all")
    assert done.code == 0, done.err
    (row,) = [line for line in done.out.splitlines() if "org/a" in line and "│" in line]
    heading = next(line for line in done.out.splitlines() if "BERTScore" in line and "Judge coverage" in line)
    cells = dict(
        zip((c.strip() for c in heading.split("┃")), (c.strip() for c in row.split("│")), strict=True)
    )
    bertscore = [value for name, value in cells.items() if name.startswith("BERTScore")]
    assert bertscore
    assert all(value[0].isdigit() for value in bertscore)
    assert cells["Judge coverage ↑"].startswith("100.0")
