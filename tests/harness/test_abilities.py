"""What a model cannot do is found before it is asked: the run stops, or goes on without those tasks and says so."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from csc_tasks.errors import HarnessError
from tests.door import csconv
from tests.leaderboards.logs import write_run
from tests.running import FunctionLM, evaluate, gold

MC, RESPONSE, DIALOGUE = (f"csconv_mini_{kind}" for kind in ("strategy_mc", "response", "dialogue"))
SKIP = {"csconv_skip_unsupported": "true"}


class OnlyText(FunctionLM):
    """A model without log-likelihoods, as ``refuse`` says so."""

    def __init__(self, refuse: Callable[[list[Instance]], Any]) -> None:
        super().__init__(gold)
        self.refuse = refuse

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        return list(self.refuse(requests))


class OnlyLikelihoods(FunctionLM):
    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        raise NotImplementedError("no text of this one")


class NoTokens(TemplateLM):  # type: ignore[misc]
    """A model class of somebody who took lm-eval's template and left out what it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Instance] = []

    @property
    def eot_token_id(self) -> int:
        return 0

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        return list(string.encode())

    def _loglikelihood_tokens(self, requests: list[Any], **_: Any) -> list[tuple[float, bool]]:
        raise NotImplementedError("no logits")

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.requests += requests
        return [gold(request) for request in requests]


def not_implemented(requests: list[Instance]) -> Any:
    raise NotImplementedError("chat gives none")


def of_some_models_only(requests: list[Instance]) -> Any:
    raise AssertionError("only babbage-002 has them")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: OnlyText(not_implemented), "chat gives none"),
        (lambda: OnlyText(of_some_models_only), "only babbage-002 has them"),
        (NoTokens, "no logits"),
    ],
)
def test_a_model_without_likelihoods_is_asked_nothing_and_the_cure_is_named(
    model: Callable[[], Any], reason: str
) -> None:
    lm = model()
    with pytest.raises(HarnessError) as stop:
        evaluate(lm, [RESPONSE, MC], limit=2)
    message = str(stop.value)
    assert f"{MC} needs log-likelihoods, which {type(lm).__name__} does not give ({reason})" in message
    assert f"--tasks {RESPONSE}" in message
    assert "--metadata csconv_skip_unsupported=true" in message
    assert lm.requests == []


@pytest.mark.slow
def test_a_model_that_thinks_has_no_likelihoods_in_lm_evals_own_classes() -> None:
    pytest.importorskip("transformers", reason="needs csconv-eval[hf]")
    from csc_tasks.data.shipped import tiny_model

    arguments = f"pretrained={tiny_model()},device=cpu,enable_thinking=True,think_end_token=</think>"
    with pytest.raises(HarnessError, match=f"enable_thinking=True is not compatible .* {MC}"):
        evaluate("hf", [RESPONSE, MC], model_args=arguments, limit=1)


def test_with_the_option_all_other_tasks_run_and_log_and_results_say_what_does_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lm = OnlyText(not_implemented)
    with caplog.at_level(logging.WARNING):
        results = evaluate(lm, ["csconv_mini_all"], dict(SKIP), limit=2)
    others = {
        f"csconv_mini_{kind}" for kind in ("strategy", "response", "response_oracle", "dialogue", "roleplay")
    }
    assert set(results["results"]) == others
    assert set(results["csconv_left_out"]) == {MC}
    assert "chat gives none" in results["csconv_left_out"][MC]
    assert [r.message.split(":")[0] for r in caplog.records if MC in r.message] == [
        f"{MC} is left out",
        f"{MC} was left out",
    ]


def test_a_model_that_writes_no_text_leaves_out_dialogues_too() -> None:
    lm = OnlyLikelihoods(gold)
    with pytest.raises(
        HarnessError, match="needs generated text, which OnlyLikelihoods does not give"
    ) as stop:
        evaluate(lm, [DIALOGUE, RESPONSE, MC], limit=2)
    assert f"--tasks {MC}" in str(stop.value)
    results = evaluate(lm, [DIALOGUE, RESPONSE, MC], dict(SKIP), limit=2)
    assert set(results["results"]) == {MC}
    assert set(results["csconv_left_out"]) == {DIALOGUE, RESPONSE}


def test_a_group_of_which_nothing_is_left_is_left_out_too() -> None:
    results = evaluate(OnlyLikelihoods(gold), ["csconv_mini", MC], dict(SKIP), limit=2)
    assert set(results["results"]) == {MC}
    with pytest.raises(HarnessError, match="No task is left"):
        evaluate(OnlyLikelihoods(gold), ["csconv_mini"], dict(SKIP), limit=2)


class Careful(FunctionLM):
    """Looks at what it is given before it begins, as many classes of users do."""

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        assert isinstance(requests, list), "requests must be a list"
        if not requests:
            raise ValueError("nothing to do")
        return super().generate_until(requests)


def test_a_class_that_looks_at_what_it_is_given_is_not_taken_for_one_that_refuses() -> None:
    assert len(evaluate(Careful(gold), [RESPONSE], limit=2)["samples"][RESPONSE]) == 2


def test_a_model_that_can_do_everything_is_not_tried_with_real_requests() -> None:
    lm = FunctionLM(gold)
    results = evaluate(lm, [RESPONSE, MC], limit=2)
    assert len(lm.requests) == 2 + 2 * 12
    assert "csconv_left_out" not in results


@pytest.mark.slow
def test_table_page_and_compare_say_which_task_was_left_out(tmp_path: Path) -> None:
    write_run(
        tmp_path / "a", "org/a", OnlyText(not_implemented), [RESPONSE, MC], metadata=dict(SKIP), limit=8
    )
    write_run(tmp_path / "b", "org/b", gold, [RESPONSE], limit=8)
    told = f"{MC} was left out of the run"
    assert told in csconv("table", tmp_path).err
    assert csconv("leaderboard", tmp_path, "--out", tmp_path / "page").code == 0
    assert told in (tmp_path / "page" / "leaderboard.md").read_text(encoding="utf-8")
    assert told in csconv("compare", tmp_path / "a", tmp_path / "b").output


class Server:
    """An endpoint for chat and completions that counts; ``echo`` says what it makes of a prompt's likelihoods."""

    def __init__(self, http: HTTPServer, echo: str = "heeded") -> None:
        self.asked: list[dict[str, Any]] = []
        self.echo = echo
        self.url = http.url_for("/v1")
        for path in ("/v1/chat/completions", "/v1/completions"):
            http.expect_request(path).respond_with_handler(self._handle)

    def _handle(self, request: Request) -> Response:
        body = json.loads(request.data)
        self.asked.append(body)
        choice: dict[str, Any] = {"index": 0, "message": {"content": "[其它] 好的"}, "text": "[其它] 好的"}
        if body.get("echo"):
            if self.echo == "refused":
                return Response('{"error": "echo is not supported"}', 400)
            if self.echo == "down":
                return Response("busy", 503)
            # A token a byte, and the one that is asked for; without echo the latter alone.
            size = len(body["prompt"][0] if isinstance(body["prompt"], list) else body["prompt"]) + 1
            size = size if self.echo == "heeded" else 1
            choice["logprobs"] = {"token_logprobs": [-0.5] * size, "top_logprobs": [{"x": -0.5}] * size}
        return Response(json.dumps({"choices": [choice]}), content_type="application/json")


@pytest.fixture
def http() -> Iterator[HTTPServer]:
    pytest.importorskip("aiohttp", reason="needs lm-eval[api]")
    with HTTPServer(threaded=True) as server:
        yield server


def of_chat(server: Server, tasks: list[str], metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    url = f"{server.url}/chat/completions"
    arguments = f"model=m,base_url={url},num_concurrent=4,tokenized_requests=False,max_retries=1"
    return evaluate(
        "local-chat-completions",
        tasks,
        metadata,
        model_args=arguments,
        apply_chat_template=True,
        limit=2,
    )


def test_a_chat_endpoint_pays_for_nothing_before_the_stop(http: HTTPServer) -> None:
    server = Server(http)
    with pytest.raises(HarnessError, match=f"{MC} needs log-likelihoods, which LocalChatCompletion"):
        of_chat(server, ["csconv_mini_all"])
    assert server.asked == []
    results = of_chat(server, ["csconv_mini_all"], dict(SKIP))
    assert len(results["results"]) == 5
    assert set(results["csconv_left_out"]) == {MC}


def of_completions(
    server: Server, tokenizer: Path | None, metadata: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    how = f"tokenizer={tokenizer},tokenizer_backend=huggingface" if tokenizer else "tokenizer_backend=None"
    arguments = f"model=m,base_url={server.url}/completions,{how},tokenized_requests={tokenizer is not None}"
    return evaluate(
        "local-completions",
        [RESPONSE, MC],
        metadata,
        model_args=f"{arguments},max_retries=1",
        limit=2,
        **options,
    )


@pytest.fixture(scope="module")
def tokenizer() -> Path:
    pytest.importorskip("transformers", reason="needs a tokenizer")
    from csc_tasks.data.shipped import tiny_model

    return tiny_model()


def test_completions_without_a_tokenizer_are_asked_nothing(http: HTTPServer) -> None:
    server = Server(http)
    with pytest.raises(HarnessError, match="Tokenizer is required for loglikelihood"):
        of_completions(server, None)
    assert server.asked == []


@pytest.mark.parametrize(
    ("echo", "words"),
    [
        ("refused", "400"),
        ("ignored", "the server does not heed `echo`"),
    ],
)
def test_a_server_that_gives_no_likelihoods_of_prompts_is_found_by_two_short_requests(
    http: HTTPServer, tokenizer: Path, echo: str, words: str
) -> None:
    server = Server(http, echo)
    with pytest.raises(HarnessError, match=words):
        of_completions(server, tokenizer)
    assert 1 <= len(server.asked) <= 2
    assert all(body["max_tokens"] == 1 for body in server.asked)
    results = of_completions(server, tokenizer, dict(SKIP))
    assert set(results["results"]) == {RESPONSE}
    assert set(results["csconv_left_out"]) == {MC}


def test_a_server_that_is_busy_stops_the_run_and_leaves_nothing_out(
    http: HTTPServer, tokenizer: Path
) -> None:
    with pytest.raises(HarnessError, match="did not answer the request that tries"):
        of_completions(Server(http, "down"), tokenizer, dict(SKIP))


def test_a_server_that_gives_them_runs_everything_and_a_cache_keeps_the_trial(
    http: HTTPServer, tokenizer: Path, tmp_path: Path
) -> None:
    server = Server(http)
    results = of_completions(server, tokenizer, use_cache=str(tmp_path / "kept"))
    assert set(results["results"]) == {RESPONSE, MC}
    asked = len(server.asked)
    assert asked == 2 + 2 * 12
    of_completions(server, tokenizer, use_cache=str(tmp_path / "kept"))
    assert len(server.asked) == asked
