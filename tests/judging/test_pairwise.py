"""`csconv judge --pairwise`: which of two models' replies a judge prefers."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="needs csconv-eval[judge]")

from tests.door import csconv
from tests.judge_server import JudgeServer, Reply
from tests.judging.runs import configured, log_of


def test_pairs_are_asked_in_both_orders_and_come_to_a_win_rate(saved: Path, server: JudgeServer) -> None:
    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        # A judge of length: the longer reply wins, and the first where they are equally long.
        first, second = re.findall(
            r"【回复.】\n<<<\w+ 开始>>>\n(.*?)\n<<<", request["messages"][1]["content"], re.S
        )
        winner = "甲" if len(first) >= len(second) else "乙"
        return Reply(json.dumps({"reason": "长", "winner": winner}, ensure_ascii=False))

    server.behave = behave
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", "60")
    assert done.code == 0, done.err
    content = json.loads(Path(done.out.splitlines()[-1]).read_text())
    (pairing,) = content["pairings"]
    assert (pairing["first"], pairing["second"]) == ("csconv-random", "csconv-shuffle")
    assert pairing["pairs"] == pairing["wins"] + pairing["ties"] + pairing["losses"] == 60
    assert pairing["low"] < pairing["win_rate"] < pairing["high"]
    assert pairing["length"] > 0.8
    assert pairing["missing"] == 0
    assert sum(server.asked.values()) <= 120
    equally_long = pairing["flips"] * 60
    assert equally_long == pytest.approx(pairing["ties"])
    asked = sum(server.asked.values())
    assert csconv(*call, "--sample", "60").out == done.out
    assert sum(server.asked.values()) == asked
    dry = csconv(*call, "--dry-run")
    (row,) = re.findall(r"csconv-random against csconv-shuffle *│(.*)│", dry.out)
    rubric, pairs, known, requests, *_ = (cell.strip() for cell in row.split("│"))
    assert rubric == "pairwise-zh-2"
    assert int(known) == asked == int(pairs) - int(requests)


def test_a_win_rate_of_too_few_pairs_is_withheld(saved: Path, server: JudgeServer) -> None:
    def behave(text: str, before: int, request: dict[str, Any]) -> Reply | None:
        return Reply("不好说") if sum(text.encode()) % 4 == 0 else None

    server.behave = behave
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", "40")
    assert done.code == 4, done.err
    assert re.search(r"win rate withheld: coverage 0\.\d+ is below min_coverage 0\.98", done.err)
    (pairing,) = json.loads(Path(done.out.splitlines()[-1]).read_text())["pairings"]
    assert "no scores of csconv-random against csconv-shuffle: too few verdicts" in done.err
    assert pairing["win_rate"] != pairing["win_rate"]  # NaN
    assert pairing["pairs"] + pairing["missing"] == 40
    assert pairing["coverage"] == pytest.approx(pairing["pairs"] / 40)
    loose = csconv(*(*call[:-1], configured(server, saved.parent, min_coverage=0.1), "--sample", "40"))
    assert loose.code == 0, loose.err
    assert "withheld" not in loose.out + loose.err


def test_models_are_compared_over_the_turns_that_all_of_them_have(saved: Path, server: JudgeServer) -> None:
    log = log_of(saved, "shuffle")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[: len(lines) // 2]))
    config = configured(server, saved.parent)
    call = ("judge", "--pairwise", saved / "csconv-random", saved / "csconv-shuffle", "--config", config)
    done = csconv(*call, "--sample", "40")
    assert done.code == 0, done.err
    (pairing,) = json.loads(Path(done.out.splitlines()[-1]).read_text())["pairings"]
    assert pairing["pairs"] == 40


def test_three_models_are_rated(saved: Path, server: JudgeServer) -> None:
    third = Path(shutil.copytree(saved / "csconv-shuffle", saved / "polite"))
    log = next(third.glob("samples_csconv_mini_response_*"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line.update(resps=[[line["resps"][0][0] + "谢谢您！"]], filtered_resps=[])  # read anew, then
    log.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    def behave(text: str, _: int, request: dict[str, Any]) -> Reply:
        first, second = re.findall(
            r"【回复.】\n<<<\w+ 开始>>>\n(.*?)\n<<<", request["messages"][1]["content"], re.S
        )
        marks = [reply.endswith("谢谢您！") for reply in (first, second)]
        winner = "平" if marks[0] == marks[1] else "甲乙"[marks[1]]
        return Reply(json.dumps({"reason": "礼貌", "winner": winner}, ensure_ascii=False))

    server.behave = behave
    config = configured(server, saved.parent)
    folders = [saved / "csconv-random", saved / "csconv-shuffle", third]
    done = csconv("judge", "--pairwise", *folders, "--config", config, "--sample", "30")
    assert done.code == 0, done.err
    ratings = json.loads(Path(done.out.splitlines()[-1]).read_text())["ratings"]
    assert ratings["models"][0] == "polite"
    assert ratings["low"][0] > ratings["high"][1]
    assert "Bradley-Terry" in done.out


def test_mistakes_in_a_comparison_are_one_message(saved: Path, server: JudgeServer) -> None:
    config = configured(server, saved.parent)
    one, other = saved / "csconv-random", saved / "csconv-shuffle"
    cases: list[tuple[list[Any], str]] = [
        ([one], "needs two or more results folders"),
        ([one, one], "the same folder is given twice"),
        ([one, log_of(saved, "shuffle", "dialogue")], "no task in common that can be compared"),
        ([one, other, "--rubric", "turn-zh-2"], "does not compare two replies"),
        ([saved, other], "more than one run of csconv_mini_response"),
    ]
    for arguments, message in cases:
        done = csconv("judge", "--pairwise", *arguments, "--config", config)
        assert done.code == 1
        assert message in done.err, done.err
    assert not server.asked
