"""What a judge is shown: the conversation before a turn, out of whatever prompt it was logged in."""

from __future__ import annotations

import json
from pathlib import Path

from csc_tasks.data.conversations import Speaker
from csc_tasks.data.sources import load
from csc_tasks.judging.config import JudgeConfig
from csc_tasks.judging.samples import choose_sample, samples_of_log
from csc_tasks.judging.saved_run import JudgedLog, rubric_for
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.protocol.prompt import load_prompt
from csc_tasks.results.sample_log import find_logs
from tests.judge_server import JudgeServer
from tests.judging.runs import TURNS, log_of

TEXTS = load_prompt()


def test_what_is_judged_of_a_dialogue_is_the_gold_customer_and_the_models_own_turns(saved: Path) -> None:
    (log,) = find_logs([log_of(saved, task="dialogue")])
    logged = [json.loads(line) for line in log.path.read_text().splitlines()]
    shown = list(samples_of_log(log, load_rubric("dialogue-zh-1")))
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
    turns = list(samples_of_log(log, load_rubric("turn-zh-1")))
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
    larger = JudgedLog(log, load_rubric("turn-zh-1"), config, sample_size=TURNS - 50).chosen
    assert len(larger & chosen[0]) > TURNS - 115


@pytest.mark.parametrize("size", [30, 60, 100, 200])
def test_a_small_sample_has_every_strategy_and_the_mean_of_all(size: int) -> None:
    """Of a value that depends on the strategy, as every score does; over 60 samples of other digests."""
    turns = [(c, i) for c in load("mini").conversations for i in c.supporter_turns]
    strategies = {(c.id, i): c.utterances[i].strategy.zh for c, i in turns}  # type: ignore[union-attr]
    rank = {name: place for place, (name, _) in enumerate(Counter(strategies.values()).most_common())}
    value = {place: rank[name] / 11 for place, name in strategies.items()}
    means = []
    for other in range(60):
        units = [((f"{other}{c.id}", i), f"{c.topic}/{strategies[c.id, i]}") for c, i in turns]
        chosen = choose_sample(units, size)
        assert len(chosen) == size
        names = [(conversation.removeprefix(str(other)), i) for conversation, i in chosen]
        assert len({strategies[place] for place in names}) == 12  # type: ignore[index]
        means.append(fmean(value[place] for place in names))  # type: ignore[index]
    assert fmean(means) == pytest.approx(fmean(value.values()), abs=0.015)
