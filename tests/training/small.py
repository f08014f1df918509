"""A model of some thousand weights with a chat template, and folders of training data, for trainings of seconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from csc_tasks.storage import file_sha256
from csc_tasks.training.data_card import (
    CARD,
    TRAIN,
    VALIDATION,
    DataCard,
    DataSource,
    OverlapReport,
    PartCounts,
    PromptUsed,
)
from csc_tasks.training.data_format import DataFormat, ExampleUnit
from tests.training.templates import CHATML, tokenizer_with

Row = Mapping[str, Any]

ANSWERS = (
    "[问候] 您好，请问有什么可以帮您？",
    "[情感管理] 非常抱歉。",
    "[提供建议] 请您重启应用。",
    "[感谢告别] 再见。",
)


def model_folder(folder: Path, template: str | None = CHATML, seed: int = 0, window: int = 2048) -> Path:
    """A Llama of one layer, random, with a byte tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer_with(template)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=window,
            tie_word_embeddings=True,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def turns(count: int = 12) -> list[Row]:
    """Examples of single turns, each of another length."""
    return [
        {
            "prompt": [{"role": "user", "content": f"客户: 我的第{n}单{'还' * (n % 5)}没到\n客服:"}],
            "completion": [{"role": "assistant", "content": ANSWERS[n % len(ANSWERS)]}],
        }
        for n in range(count)
    ]


def conversations(count: int = 4) -> list[Row]:
    """Examples of whole conversations."""
    return [
        {
            "messages": [
                {"role": role, "content": text}
                for answer in ANSWERS[: 2 + n % 3]
                for role, text in (("user", f"第{n}单"), ("assistant", answer))
            ]
        }
        for n in range(count)
    ]


def preferences(count: int = 8) -> list[Row]:
    """Pairs of answers, of which the first is the better one."""
    return [
        {
            "prompt": row["prompt"],
            "chosen": row["completion"],
            "rejected": [{"role": "assistant", "content": "不知道"}],
        }
        for row in turns(count)
    ]


def data_folder(
    folder: Path,
    rows: Iterable[Row],
    form: DataFormat = DataFormat.PROMPT_COMPLETION,
    validation: Iterable[Row] = (),
) -> Path:
    """A folder as ``csconv train-data`` writes it, of these examples."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, examples in ((TRAIN, list(rows)), (VALIDATION, list(validation))):
        path = folder / name
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in examples)
        path.write_text(text, encoding="utf-8")
        count = len(examples)
        parts.append(PartCounts(conversations=count, answers=count, examples=count, sha256=file_sha256(path)))
    card = DataCard(
        card=1,
        csconv="0",
        format=form,
        unit=ExampleUnit.TURN,
        tasks=("response",),
        prompt=PromptUsed(version="zh-2", sha256="0" * 16),
        system_instruction=None,
        source=DataSource(name="own.json", sha256="0" * 64, fingerprint="0" * 16),
        seed=0,
        validation_share=0.0,
        train=parts[0],
        validation=parts[1] if parts[1].examples else None,
        strategies={},
        stages={},
        topics={},
        left_out={},
        overlap=OverlapReport(compared=(), unchecked=(), dropped=()),
        tokens=None,
    )
    (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    return folder


def config_file(path: Path, **fields: Any) -> Path:
    """A configuration of a short training on one thread's worth of examples."""
    common = {"tuning": "full", "learning_rate": 0.01, "tokens_per_batch": 500, "tokens_at_once": 300}
    path.write_text(yaml.safe_dump({**common, **fields}, allow_unicode=True), encoding="utf-8")
    return path
