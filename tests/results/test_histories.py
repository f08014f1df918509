"""A log says what was said before each turn; a log of before it did says the same by its prompts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.judging.samples import samples_of_log
from csc_tasks.leaderboards.reading.runs import find_runs
from csc_tasks.leaderboards.reading.sums import statistics_of
from csc_tasks.metrics.judge import load_rubric
from csc_tasks.metrics.judge.rubric import DIALOGUE_RUBRIC, TURN_RUBRIC
from csc_tasks.protocol.task_kind import Context
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.histories import Histories
from csc_tasks.results.rescore import choose, rescore
from csc_tasks.results.sample_log import SampleLog
from tests.generation.test_dialogue import NarrowLM, conversation
from tests.leaderboards.logs import write_run
from tests.running import FunctionLM

TASKS = ("csconv_response", "csconv_dialogue", "csconv_response_oracle")
CONVERSATIONS = [
    conversation(
        ("礼貌问候", "您好"), ("", "查快递"), ("确认身份", "报下姓名"), ("", "[姓名]"), ("信息传达", "在路上")
    ),
    # The customer speaks twice in a row, says what looks like a prompt, and breaks lines; the supporter speaks twice.
    conversation(
        *(
            ("", "喂"),
            ("", "客服: [礼貌问候] 对话：\n客户: 在吗"),
            ("礼貌问候", "请讲\n您说"),
            ("信息传达", "我在听"),
        ),
        *(("", " 退款\r\n "), ("感谢与告别", "再见"), ("", "好")),
    ),
]
REPLIES = [
    *(
        "[情感管理] 抱歉",
        "喂？",
        "<think>嗯</think>[提供建议] 先等等",
        "",
        None,
        "<think>没完",
        "[提供建议] 一行\n客户: 不",
    ),
    *("[信息传达] 客户: 客服: 您好", "[姓名]先生，您好", "【策略6】\n回复：好"),
]


def reply(request: Instance) -> Any:
    return REPLIES[sum(request.args[0].encode()) % len(REPLIES)]


def written(folder: Path, lm: FunctionLM, **options: Any) -> Path:
    write_conversations(folder / "data.json", [*CONVERSATIONS, *load("mini").conversations[:6]])
    data = {"csconv_data": str(folder / "data.json"), "csconv_bertscore_model": "off"}
    return write_run(folder / "run", "org/m", lm, TASKS, metadata=data, **options).parent


def stripped(folder: Path) -> None:
    """Make a run's logs those of before they had the customer's turns."""
    for path in folder.glob("samples_*.jsonl"):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for line in lines:
            del line["doc"]["customers"]
            records = [json.loads(record) for record in line["filtered_resps"]]
            line["filtered_resps"] = [
                json.dumps({k: r[k] for k in ("strategy", "text", "problem")}) for r in records
            ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def histories(log: SampleLog) -> dict[tuple[str, int], list[str]]:
    said = Histories(log)
    return {
        (doc["conversation"], doc["turn"]): said.lines(chunk, i)
        for chunk in log.chunks()
        for i, doc in enumerate(chunk.docs)
    }


def read(folder: Path) -> dict[Any, Any]:
    """Everything that is made of a run's logs later."""
    found: dict[Any, Any] = {}
    for log in find_logs([folder]):
        rubrics = [TURN_RUBRIC] + [DIALOGUE_RUBRIC] * (log.context is Context.GENERATED)
        for rubric in rubrics:
            found[log.task, rubric] = list(samples_of_log(log, load_rubric(rubric)))
        found[log.task, "histories"] = histories(log)
        outcome = rescore(log, choose(log, (), "zh"), "zh")
        found[log.task, "scores"] = json.loads(outcome.results.read_text())["results"]
        outcome.results.unlink()
    for run in find_runs([folder]).runs:
        found[run.task, "sums"] = {k: v.tolist() for k, v in statistics_of(run).sums.items()}
    return found


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # NaN is itself here


CHAT = {
    "apply_chat_template": True,
    "num_fewshot": 1,
    "fewshot_as_multiturn": False,
    "system_instruction": "你很有耐心。",
}


@pytest.mark.parametrize(
    ("lm", "options"),
    [
        (FunctionLM, {}),
        (FunctionLM, {"limit": 3}),
        (
            FunctionLM,
            {"samples": {task: [0, 2, 5] for task in TASKS}},
        ),  # in reference context turns are missing
        (FunctionLM, CHAT),
        (NarrowLM, {"gen_kwargs": "max_gen_toks=50"}),
    ],
    ids=["whole", "limit", "samples", "chat", "window"],
)
def test_a_log_without_the_customers_turns_gives_the_same_samples_histories_and_scores(
    tmp_path: Path, lm: Callable[[Any], FunctionLM], options: dict[str, Any]
) -> None:
    if "num_fewshot" in options:
        write_conversations(tmp_path / "RoleCS.json", load("mini").conversations[8:12])
    folder = written(tmp_path, lm(reply), **options)
    new = read(folder)
    stripped(folder)
    old = read(folder)
    assert new.keys() == old.keys()
    for key in new:
        assert same(new[key], old[key]), key


def test_histories_are_the_lines_of_the_prompts_that_were_sent(tmp_path: Path) -> None:
    lm = NarrowLM(reply)
    folder = written(tmp_path, lm, gen_kwargs="max_gen_toks=50")
    cut = 0
    for log in find_logs([folder]):
        said = Histories(log)
        for chunk in log.chunks():
            for i, prompt in enumerate(chunk.prompts):
                shown = prompt.rpartition("对话：\n")[2] if "[礼貌问候] 对话" not in prompt else None
                lines = said.lines(chunk, i)
                if shown is not None:
                    assert shown.split("\n")[:-1] == lines
                cut += chunk.left_out[i] > 0
    assert cut > 5


def test_a_log_in_another_order_as_several_processes_write_it_has_the_same_histories(tmp_path: Path) -> None:
    folder = written(tmp_path, FunctionLM(reply))
    (log,) = (found for found in find_logs([folder]) if found.task == "csconv_response")
    before = histories(log)
    lines = [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["arguments"]["gen_args_0"]["arg_0"] = ""  # nothing can be had from a prompt
    random.Random(0).shuffle(lines)
    log.path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert histories(log) == before


def test_a_turn_whose_history_nothing_tells_is_an_error(tmp_path: Path) -> None:
    folder = written(tmp_path, FunctionLM(reply))
    (log,) = (found for found in find_logs([folder]) if found.task == "csconv_response")
    lines = log.path.read_text(encoding="utf-8").splitlines(keepends=True)
    log.path.write_text(lines[1].replace("对话：", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="without a conversation"):
        histories(log)


def test_a_reply_is_what_the_run_read_and_the_answer_only_where_the_log_lacks_it(tmp_path: Path) -> None:
    folder = written(tmp_path, FunctionLM(lambda _: "[提供建议] 先等等"), limit=2)
    (log,) = (found for found in find_logs([folder]) if found.task == "csconv_response")
    lines = [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines()]
    lines[0]["resps"] = [["[其它] 别的"]]
    lines[1]["resps"], lines[1]["filtered_resps"] = [["[其它] 别的"]], ["[其它] 别的"]
    lines[0]["filtered_resps"] = [lines[0]["filtered_resps"][0].replace("先等等", "先等等\\ud83d")]
    log.path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (chunk,) = log.chunks()
    assert [r.text for r in chunk.replies] == [
        "先等等?",
        "别的",
    ]  # half a character can be read and never written
