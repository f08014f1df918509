"""The commands of the README as a user runs them: real processes, the real harness, a real model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.data.shipped import tiny_model
from csc_tasks.data.sources import load
from csc_tasks.data.splits import Split
from tests.door import csconv, lm_eval, process


def hf_run(
    tmp_path: Path, *options: str, model: str = f"pretrained={tiny_model()}"
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Results and samples (by task) of a run of the tiny model."""
    where = ("--output_path", str(tmp_path / "out"), "--log_samples")
    done = lm_eval("--model", "hf", "--model_args", model, "--device", "cpu", *where, *options)
    assert done.code == 0, done.err[-3000:]
    (path,) = tmp_path.rglob("results_*.json")
    results = json.loads(path.read_text())
    samples = {
        task: [
            json.loads(line)
            for line in next(tmp_path.rglob(f"samples_{task}_2*.jsonl")).read_text().splitlines()
        ]
        for task in results["results"]
        if list(tmp_path.rglob(f"samples_{task}_2*.jsonl"))
    }
    return results, samples


def test_the_tiny_model_is_a_character_level_llama_under_two_megabytes() -> None:
    transformers = pytest.importorskip("transformers")

    assert sum(p.stat().st_size for p in tiny_model().iterdir()) < 2_000_000
    assert json.loads((tiny_model() / "config.json").read_text())["model_type"] == "llama"
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_model())
    for conversation in load("mini", Split.TRAINING).conversations:
        for utterance in conversation.utterances:
            ids = tokenizer.encode(utterance.text, add_special_tokens=False)
            assert len(ids) == len(utterance.text)
            assert tokenizer.decode(ids) == utterance.text


@pytest.mark.slow
def test_the_tiny_model_runs_every_task_through_the_hf_backend(tmp_path: Path) -> None:
    results, samples = hf_run(tmp_path, "--tasks", "csconv_mini_all", "--limit", "12", "--batch_size", "4")
    assert len(samples) == 6
    response = results["results"]["csconv_mini_response"]
    # It has learnt the form: most labels can be read and most replies have text.
    assert response["strategy_invalid,none"] <= 0.5
    assert 0 < response["rouge_l,none"] < 1
    assert response["strategy_acc_stderr,none"] == "N/A"  # twelve turns of one conversation: one cluster
    assert any(s["filtered_resps"][0].startswith('{"strategy": "') for s in samples["csconv_mini_response"])


@pytest.mark.slow
def test_a_chat_template_and_few_shot_examples_reach_the_hf_model(tmp_path: Path) -> None:
    _, samples = hf_run(
        tmp_path,
        *("--tasks", "csconv_mini_response", "--limit", "2", "--num_fewshot", "1"),
        *("--apply_chat_template", "--fewshot_as_multiturn", "true", "--system_instruction", "你是客服。"),
        *("--gen_kwargs", "max_gen_toks=32"),
    )
    prompt = samples["csconv_mini_response"][0]["arguments"]["gen_args_0"]["arg_0"]
    assert prompt.startswith("<|system|>你是客服。<|end|><|user|>你是一名中文客服。")
    assert prompt.count("<|assistant|>") == 2
    assert prompt.endswith("客服:<|end|><|assistant|>")
    assert samples["csconv_mini_response"][0]["arguments"]["gen_args_0"]["arg_1"]["max_gen_toks"] == 32


@pytest.mark.slow
def test_thinking_that_the_hf_backend_takes_out_leaves_a_reply_that_is_read(tmp_path: Path) -> None:
    # The tiny model does not think; its label ends like a thought would, and the backend takes it out.
    thinking = f"pretrained={tiny_model()},think_end_token=]"
    _, samples = hf_run(tmp_path, "--tasks", "csconv_mini_dialogue", "--limit", "1", model=thinking)
    (sample,) = samples["csconv_mini_dialogue"]
    assert not any("]" in reply[0] for reply in sample["resps"])
    labels = [json.loads(record)["strategy"] for record in sample["filtered_resps"]]
    assert labels == [None] * len(labels)
    last = list(sample["arguments"].values())[-1]
    assert "客服: [其它] " in last["arg_0"]


@pytest.mark.slow
def test_a_chat_template_without_a_system_role_still_gets_the_prompt(tmp_path: Path) -> None:
    strict = tmp_path / "strict"
    shutil.copytree(tiny_model(), strict)
    template = (tiny_model() / "chat_template.jinja").read_text()
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    (strict / "chat_template.jinja").write_text(refusal + template)
    _, samples = hf_run(
        tmp_path,
        *("--tasks", "csconv_mini_dialogue", "--limit", "1", "--gen_kwargs", "max_gen_toks=32"),
        *("--apply_chat_template", "--system_instruction", "你是客服。"),
        model=f"pretrained={strict}",
    )
    (sample,) = samples["csconv_mini_dialogue"]
    prompts = [arguments["arg_0"] for arguments in sample["arguments"].values()]
    assert all(
        p.startswith("<|user|>你是一名中文客服。") and p.endswith("客服:<|end|><|assistant|>")
        for p in prompts
    )
    assert len(prompts) == sample["doc"]["turns"]


@pytest.mark.slow
def test_the_window_of_a_real_backend_cuts_the_oldest_turns_and_not_the_instructions(tmp_path: Path) -> None:
    results, samples = hf_run(
        tmp_path,
        *("--tasks", "csconv_mini_dialogue", "--limit", "1", "--gen_kwargs", "max_gen_toks=48"),
        model=f"pretrained={tiny_model()},max_length=1400",
    )
    (sample,) = samples["csconv_mini_dialogue"]
    prompts = [arguments["arg_0"] for arguments in sample["arguments"].values()]
    assert all(len(p) <= 1400 - 48 and p.startswith("你是一名中文客服。") for p in prompts)
    assert 0 < results["results"]["csconv_mini_dialogue"]["truncated,none"] < 1


@pytest.mark.slow
def test_quickstart_can_do_with_a_single_turn_and_with_a_console_that_has_no_arrows(tmp_path: Path) -> None:
    console = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = process("quickstart", "--limit", "1", "--output_path", "out", cwd=tmp_path, **console)
    assert done.code == 0, done.err
    assert "1 model and 4 floors in 2 tables" in done.err
    assert "shuffle needs two turns" in done.err


@pytest.mark.parametrize("limit", ["0", "-3", "0.5"])
def test_quickstart_refuses_a_limit_that_is_none(tmp_path: Path, limit: str) -> None:
    done = csconv("quickstart", "--limit", limit, cwd=tmp_path)
    assert done.code == 2
    assert "--limit" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_quickstart_builds_a_page_with_the_model_above_its_floors(tmp_path: Path) -> None:
    done = process("quickstart", "--limit", "3", "--output_path", "out", cwd=tmp_path)
    assert done.code == 0, done.err
    page = tmp_path / done.out.strip()
    assert page == tmp_path / "out/leaderboard/index.html"
    assert "1 model and 5 floors in 2 tables" in done.err
    text = page.read_text(encoding="utf-8")
    for words in ("tiny_model", "no model has all turns", "csconv-shuffle", "csconv-majority"):
        assert words in text
    assert "20 Chinese customer-support conversations" in (tmp_path / "out/synthesized/README.md").read_text(
        "utf-8"
    )
    markdown = (page.parent / "leaderboard.md").read_text(encoding="utf-8")
    assert markdown.index("`tiny_model`") < markdown.index("`retrieval` (floor)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--tasks", "csconv_response", "--metadata", "csconv_data=/nowhere.json"],
            "/nowhere.json: no such file",
        ),
        (["--tasks", "csconv_mini", "--metadata", "csconv_tokens=zh"], "csconv_tokens: no such option"),
        (["--tasks", "csconv_mini", "--num_fewshot", "25"], "has only 24 conversations"),
    ],
)
def test_a_mistake_in_an_lm_eval_command_is_one_message(options: list[str], message: str) -> None:
    done = lm_eval("--model", "dummy", *options)
    assert done.code == 1
    assert done.err.strip().splitlines()[-1].startswith("csconv: ")
    assert message in done.err
    assert "Traceback" not in done.err
