"""``customer.yaml``: what may stand in it, and what is said of what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from csc_tasks.errors import ChatError, CSConvError
from csc_tasks.roleplay.model_customer.config import CustomerConfig, load_customer
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.simulator import ModelSimulator

BASE = "model: m\nbase_url: http://127.0.0.1:1/v1\n"


def written(folder: Path, more: str = "") -> Path:
    path = folder / "customer.yaml"
    path.write_text(BASE + more, encoding="utf-8")
    return path


def test_two_lines_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSCONV_CACHE", str(tmp_path / "kept"))
    config = load_customer(written(tmp_path))
    assert (config.temperature, config.attempts, config.min_coverage) == (0.7, 3, 0.95)
    assert config.prompt == "customer-zh-1"
    assert config.cache_path == tmp_path / "kept" / "customer_cache.sqlite"


def test_the_director_may_be_another_model(tmp_path: Path) -> None:
    more = "max_tokens: 300\ndirector:\n  model: big\n  temperature: 0\n  max_completion_tokens: 900\n"
    config = load_customer(written(tmp_path, more))
    director, customer = (config.of(role) for role in CustomerRole)
    assert (director.model, director.temperature, director.max_tokens, director.limit) == (
        "big",
        0,
        None,
        900,
    )
    assert (customer.model, customer.temperature, customer.limit) == ("m", 0.7, 300)
    assert director.base_url == customer.base_url


WRONG = [
    ("prompt: customer-zh-9\n", "prompt: there are no prompts 'customer-zh-9'; there are customer-zh-1"),
    ("attempts: 0\n", "attempts: "),
    ("min_coverage: 95\n", "min_coverage: "),
    ("director: big\n", "director: must be fields in which the director differs"),
    ("director: {currency: EUR}\n", "director: 'currency' is no field of the director's"),
    ("director: {attempts: 3}\n", "director: 'attempts' is no field of the director's"),
    ("director: {temperature: 9}\n", "director: temperature: "),
    ("require_check: {order: maybe}\n", "require_check.order: "),
    ("require_check: {speed: 3}\n", "require_check.speed: "),
    ("budget: 3\n", "a budget needs input_price and output_price"),
    (
        "budget: 3\ninput_price: 1\noutput_price: 1\nmax_tokens: null\n",
        "a budget needs max_tokens or max_completion_tokens",
    ),
    ("api_key: sk-verysecretkey123\n", "api_key: no such field"),
    ("api_key_env: sk-verysecretkey123\n", "api_key_env: must be the name of an environment variable"),
    ("director: {api_key_env: sk-verysecretkey123}\n", "director: api_key_env: must be the name"),
    ("api_key_env: NO_SUCH_VARIABLE_HERE\n", "NO_SUCH_VARIABLE_HERE, which api_key_env names, is not set"),
    ("director: {sk-verysecretkey123: 1}\n", "is no field of the director's"),
]


@pytest.mark.parametrize(("more", "said"), WRONG, ids=[more[:30].strip() for more, _ in WRONG])
def test_what_is_wrong_is_said_by_file_and_field_without_what_could_be_a_key(
    more: str, said: str, tmp_path: Path
) -> None:
    path = written(tmp_path, more)
    with pytest.raises(CSConvError) as error:
        load_customer(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "verysecret" not in str(error.value)


def test_a_file_that_is_no_yaml_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "customer.yaml"
    path.write_text("model: [", encoding="utf-8")
    with pytest.raises(ChatError, match=r"customer\.yaml"):
        load_customer(path)


def test_what_the_simulator_is_says_what_decides_answers_and_no_secret(tmp_path: Path) -> None:
    def identity(**more: object) -> dict[str, object]:
        fields = {"model": "m", "base_url": "http://127.0.0.1:1/v1", "cache": tmp_path / "c", **more}
        return dict(ModelSimulator(CustomerConfig.model_validate(fields)).identity)

    own = identity(extra_body={"api_key": "hunter2hunter2", "top_k": 3})
    assert own["kind"] == "model"
    assert "hunter2" not in str(own)
    assert "top_k" in str(own)
    same = [identity(timeout=3.0), identity(concurrency=2), identity(min_coverage=0.5), identity()]
    assert all(each == same[0] for each in same)
    others = [
        {"model": "n"},
        {"temperature": 0.1},
        {"attempts": 2},
        {"director": {"model": "n"}},
        {"seed": 4},
    ]
    assert all(identity(**each) != same[0] for each in others)
