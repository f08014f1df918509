"""What a judge is shown: the conversation before a turn, out of whatever prompt it was logged in."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest

from csc_tasks.data.conversations import Speaker
from csc_tasks.data.sources import load
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.samples import choose_sample, samples_of_log
from csc_tasks.judging.saved_run import JudgedLog, rubric_for
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.results.find_logs import find_logs
from tests.judge_server import JudgeServer
from tests.judging.runs import TURNS, log_of

TEXTS = load_prompt()


def test_what_is_judged_of_a_dialogue_is_the_gold_customer_and_the_models_own_turns(saved: Path) -> None:
    (log,) = find_logs([log_of(saved, task="dialogue")])
    logged = [json.loads(line) for line in log.path.read_text().splitlines()]
    shown = list(samples_of_log(log, load_rubric("dialogue-zh-2")))
    gold = {c.id: c for c in load("mini").conversations}
    assert [s.conversation for s in shown] == [s["doc"]["conversation"] for s in logged]
    for sample, line in zip(shown, logged, strict=True):
        lines = sample.fields["dialogue"].splitlines()
        until = gold[sample.conversation].supporter_turns[-1]
        heard = [
            f"客户: {u.text}"
            for u in gold[sample.conversation].utterances[:until]
            if u.speaker is Speaker.CUSTOMER
        ]
        assert [line for line in lines if line.startswith("客户:")] == heard
        own = [f"客服: {replies[0]}" for replies in line["resps"]]
        assert [line for line in lines if line.startswith("客服:")] == own
    turns = list(samples_of_log(log, load_rubric("turn-zh-2")))
    assert len(turns) == TURNS
    assert turns[1].fields["history"].splitlines()[0] == f"客服: {logged[0]['resps'][0][0]}"


def test_a_sample_is_stratified_and_the_same_for_every_model(saved: Path, server: JudgeServer) -> None:
    config = JudgeConfig(model="m", base_url=server.url)
    chosen, topics = [], []
    for model in ("random", "shuffle"):
        (log,) = find_logs([log_of(saved, model)])
        rubric = rubric_for(log, None)
        assert rubric is not None
        judged = JudgedLog(log, rubric, config, sample_size=TURNS - 100)
        chosen.append(judged.chosen)
        topics.append({s.conversation for s in judged.samples()})
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == TURNS - 100
    topic = {c.id: c.topic for c in load("mini").conversations}
    counts = [sum(topic[c] == t for c, _ in chosen[0]) for t in set(topic.values())]
    assert max(counts) - min(counts) <= 6  # eight topics, four conversations each
    (log,) = find_logs([log_of(saved)])
    larger = JudgedLog(log, load_rubric("turn-zh-2"), config, sample_size=TURNS - 50).chosen
    assert len(larger & chosen[0]) > TURNS - 115


@pytest.mark.parametrize("size", [6, 30, 60, 100, 200])
def test_a_small_sample_has_every_strategy_and_the_mean_of_all(size: int) -> None:
    """Of a value that depends on the strategy, as every score does; over 200 samples of other digests."""
    often = (60, 55, 50, 45, 40, 40, 35, 30, 20, 14, 10, 8)
    turns = [(strategy, k) for strategy, count in enumerate(often) for k in range(count)]
    mean = fmean(strategy for strategy, _ in turns)
    means = []
    for other in range(200):
        units = [((f"{other} {s}", k), f"topic {k % 8}/{s}") for s, k in turns]
        found = [int(name.split()[1]) for name, _ in choose_sample(units, size)]
        assert len(found) == size
        assert size < 60 or len(set(found)) == 12
        means.append(fmean(found))
    assert fmean(means) == pytest.approx(
        mean, abs=0.25
    )  # by topics and strategies 30 have 2.3, and the mean is 3.9


def test_another_seed_draws_others_by_the_same_shares() -> None:
    units = [((f"c{k}", k), f"topic {k % 8}/{k % 4}") for k in range(400)]
    drawn = [choose_sample(units, 100, seed) for seed in (0, 1, 2)]
    assert drawn[0] == choose_sample(units, 100)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 10 <= len(drawn[one] & drawn[other]) <= 45, "a quarter of a quarter is 25"
    for found in drawn:
        assert [
            sum(turn % 4 == strategy for _, turn in found if turn is not None) for strategy in range(4)
        ] == [25] * 4
