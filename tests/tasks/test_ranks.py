"""Several processes: the results are exactly those of one, with padding and with an idle rank."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from tests.paths import ROOT
from tests.running import FunctionLM, evaluate

pytestmark = pytest.mark.slow
COUNTS = (1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def on_two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of 1 to 5 conversations and what two gloo ranks made of each."""
    pytest.importorskip("torch")
    from tests.encoders import tiny_bert

    folder = tmp_path_factory.mktemp("ranks")
    tiny_bert(folder / "encoder")
    # Of unequal length, so that the ranks need padding even where they get equally many.
    conversations = sorted(load("mini").conversations, key=lambda c: (len(c.utterances) % 5, c.id))
    for count in COUNTS:
        write_conversations(folder / f"{count}.json", conversations[:count])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += [str(ROOT / "tests" / "ranks.py"), str(folder), *(f"{n}.json" for n in COUNTS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def turns(samples: list[dict[str, Any]]) -> dict[tuple[str, Any], Any]:
    """Replies and prompts by conversation and turn, padding left out."""
    return {
        (s["doc"]["conversation"], s["doc"].get("turn")): (
            s["resps"],
            [a[0] for a in s["arguments"]],
            s["target"],
        )
        for s in samples
        if not s["doc"].get("padding")
    }


@pytest.mark.parametrize("count", COUNTS)
def test_two_ranks_give_exactly_the_results_of_one_process(on_two_ranks: Path, count: int) -> None:
    from tests.ranks import encoder, reply

    ranks = json.loads((on_two_ranks / f"{count}.json.ranks").read_text())
    lm = FunctionLM(reply)
    data = {"csconv_data": str(on_two_ranks / f"{count}.json"), **encoder(on_two_ranks)}
    one = json.loads(json.dumps(evaluate(lm, ["csconv_response", "csconv_dialogue"], data), default=str))
    for task in ("csconv_response", "csconv_dialogue"):
        expected, got = one["results"][task], ranks["results"][task]
        # lm-eval counts documents in sample_len, and the padding of an idle rank is one.
        del expected["sample_len"], got["sample_len"]
        assert json.dumps(got, sort_keys=True) == json.dumps(expected, sort_keys=True)
        assert turns(ranks["samples"][task]) == turns(one["samples"][task])
    # Reference turns are dealt in turn and padded by at most one request; padding of dialogues costs none.
    assert len(lm.requests) <= sum(ranks["requests"]) <= len(lm.requests) + 1


def test_two_ranks_play_exactly_the_role_plays_of_one_process(on_two_ranks: Path) -> None:
    from tests.ranks import ROLE_PLAY, reply

    ranks = json.loads((on_two_ranks / "role_play.ranks").read_text())
    lm = FunctionLM(reply)
    one = json.loads(json.dumps(evaluate(lm, [ROLE_PLAY], {"csconv_trials": 2}), default=str))
    expected, got = one["results"][ROLE_PLAY], ranks["results"][ROLE_PLAY]
    del expected["sample_len"], got["sample_len"]
    assert json.dumps(got, sort_keys=True) == json.dumps(expected, sort_keys=True)
    key = "filtered_resps"
    played = {
        s["doc"]["conversation"]: s[key] for s in ranks["samples"][ROLE_PLAY] if not s["doc"]["padding"]
    }
    assert played == {s["doc"]["conversation"]: s[key] for s in one["samples"][ROLE_PLAY]}
    assert sum(ranks["requests"]) == len(lm.requests)


def test_an_idle_rank_asks_the_model_nothing_in_generated_context(on_two_ranks: Path) -> None:
    ranks = json.loads((on_two_ranks / "1.json.ranks").read_text())
    samples = ranks["samples"]["csconv_dialogue"]
    assert [s["doc"]["padding"] for s in samples] == [False, True]
    assert samples[1]["resps"] == [[""]]
