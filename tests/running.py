"""Running real tasks through the real harness, with models that answer by a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from csc_tasks.harness.registration import configs_folder


class FunctionLM(LM):  # type: ignore[misc]
    """A model of the harness that answers with a function of the request."""

    def __init__(self, reply: Callable[[Instance], Any]) -> None:
        super().__init__()
        self.reply = reply
        self.requests: list[Instance] = []

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        self.requests.extend(requests)
        return [self.reply(r) for r in requests]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        self.requests.extend(requests)
        return [self.reply(r) for r in requests]

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError

    @property
    def tokenizer_name(self) -> str:
        return "function"

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        text = "".join(f"<|{m['role']}|>{m['content']}<|end|>" for m in chat_history)
        return text + ("<|assistant|>" if add_generation_prompt else "")


def gold(request: Instance) -> Any:
    """The gold answer, whatever the task asks for."""
    doc = request.doc
    if request.request_type == "loglikelihood":
        from csc_tasks.protocol.turns import gold_strategy

        right = request.args[1].strip() == gold_strategy(doc).letter
        return (0.0 if right else -1.0), right
    return f"[{doc['strategy']}] {doc['reference']}"


@cache
def manager(**metadata: Any) -> TaskManager:
    return TaskManager(include_path=str(configs_folder()), include_defaults=False, metadata=dict(metadata))


def evaluate(
    lm: LM | str, tasks: list[str], metadata: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    results = simple_evaluate(
        lm,
        tasks=tasks,
        task_manager=manager(**(metadata or {})),
        log_samples=True,
        bootstrap_iters=100,
        **options,
    )
    return results or {}  # None on every rank but the first


def scores(results: dict[str, Any], task: str) -> dict[str, Any]:
    """Scores and errors of a task by metric, lm-eval's filter name taken off."""
    return {k.removesuffix(",none"): v for k, v in results["results"][task].items() if "," in k}
