"""``--metadata csconv_prompt=…``: which wording is sent, and that every task works with each."""

from __future__ import annotations

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.protocol.prompt import DEFAULT_PROMPT, load_prompt, prompt_versions
from csc_tasks.protocol.task_kind import TaskKind
from tests.running import FunctionLM, evaluate, gold, scores

TASKS = {
    "csconv_mini_strategy": TaskKind.STRATEGY,
    "csconv_mini_strategy_mc": TaskKind.STRATEGY_MC,
    "csconv_mini_response": TaskKind.RESPONSE,
    "csconv_mini_response_oracle": TaskKind.RESPONSE_ORACLE,
    "csconv_mini_dialogue": TaskKind.RESPONSE,
}


@pytest.mark.parametrize("version", prompt_versions())
@pytest.mark.parametrize("chat", [False, True])
def test_every_task_asks_with_the_prompt_that_is_named_and_says_so(version: str, chat: bool) -> None:
    lm = FunctionLM(gold)
    options = {"limit": 2, "num_fewshot": 1, "apply_chat_template": chat, "fewshot_as_multiturn": chat}
    # Few-shot, and a chat template whose examples are earlier turns; zero-shot is what all other tests run.
    tasks = [task for task in TASKS if not (chat and task.endswith("_mc"))]
    results = evaluate(lm, tasks, {"csconv_prompt": version}, **options)
    texts = load_prompt(version)
    for task in tasks:
        got = scores(results, task)
        assert got.get("strategy_acc", got.get("rouge_l")) == 1.0
        sent = {r.args[0] for r in lm.requests if r.task_name == task}
        assert sent
        assert all(texts.head(TASKS[task]) in prompt for prompt in sent)
        signature = results["configs"][task]["metadata"]["csconv_signature"]
        assert signature["prompt"] == {"version": version, "sha256": texts.sha256}
        assert f"|prompt:{version}|" in signature["line"]


def test_the_default_is_the_benchmarks_own() -> None:
    lm = FunctionLM(gold)
    evaluate(lm, ["csconv_mini_response"], limit=1)
    assert DEFAULT_PROMPT == "zh-2"
    assert lm.requests[0].args[0].startswith(load_prompt("zh-2").head(TaskKind.RESPONSE))


@pytest.mark.parametrize("given", ["zh-9", "../zh-1", "zh-1.toml", "", 2, None])
def test_an_unknown_prompt_is_an_error_that_names_those_that_there_are(given: object) -> None:
    offered = "is none of en-1, zh-1, zh-2, zh-2b, zh-2c"
    with pytest.raises(ConfigError, match=f"csconv_prompt=.*{offered}"):
        evaluate(FunctionLM(gold), ["csconv_mini_response"], {"csconv_prompt": given}, limit=1)
