from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from csc_tasks.metrics.judge import JudgeError

pytest.importorskip("pydantic", reason="needs csconv-eval[judge]")

from csc_tasks.judging.config import JudgeConfig, load_config

CANARY = "sk-canary-4f1b9d27"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "judge.yaml"
    path.write_text(text)
    return path


def test_a_model_and_an_address_are_enough(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "model: qwen\nbase_url: http://localhost:8000/v1/\n"))
    assert config.base_url == "http://localhost:8000/v1"
    assert config.temperature == 0
    assert config.key() is None
    assert not config.priced


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: [", r"not YAML \(line"),
        ("- a\n", "must hold fields"),
        ("model: m\n", "base_url: Field required"),
        ("model: m\nbase_url: localhost\n", "base_url: must begin with http"),
        (f"model: m\nbase_url: https://u:{CANARY}@h/v1\n", "base_url: must have no user, password"),
        (f"model: m\nbase_url: https://h/v1?key={CANARY}\n", "base_url: must have no user, password"),
        (f"model: m\nbase_url: http://h\napi_key: {CANARY}\n", "api_key: no such field.*environment"),
        (
            f"model: m\nbase_url: http://h\napi_key_env: {CANARY}\n",
            "api_key_env: must be the name of an environment",
        ),
        (
            f"model: m\nbase_url: http://h\ntemperature: {CANARY}\n",
            "temperature: Input should be a valid number",
        ),
        (f'model: m\nbase_url: "http://h" {CANARY}\n', r"not YAML \(line 2\)"),
        ("model: m\nbase_url: http://h\ntemperature: -1\n", "temperature: .*greater than or equal to 0"),
        ("model: m\nbase_url: http://h\nconcurrency: 0\n", "concurrency"),
        (
            "model: m\nbase_url: http://h\nextra_body: {stream: true}\n",
            "extra_body: stream cannot be set here",
        ),
        (
            "model: m\nbase_url: http://h\nextra_body: {since: 2026-01-01}\n",
            "extra_body: must hold what JSON can say",
        ),
        ("model: m\nbase_url: http://h\nextra_body: {top_p: .nan}\n", "extra_body: must hold what JSON"),
        ("model: m\nbase_url: http://h\ntimeout: .inf\n", "timeout: Input should be a finite number"),
        ("model: m\nbase_url: http://h\nmodel_name: x\ntimeout: 0\n", "timeout.*model_name: no such field"),
    ],
)
def test_a_mistake_is_named_without_showing_what_was_written(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(JudgeError, match=message) as error:
        load_config(written(tmp_path, text))
    assert CANARY not in "".join(traceback.format_exception(error.value))


def test_a_cache_at_home_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(written(tmp_path, "model: m\nbase_url: http://h\ncache: ~/judge.sqlite\n"))
    assert config.cache == tmp_path / "judge.sqlite"


def test_the_key_comes_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = JudgeConfig(model="m", base_url="http://h", api_key_env="JUDGE_KEY")
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(
        JudgeError, match="environment variable JUDGE_KEY, which api_key_env names, is not set"
    ):
        config.key()
    monkeypatch.setenv("JUDGE_KEY", f" {CANARY}\n")
    assert config.key() == CANARY
    assert CANARY not in repr(config)
    monkeypatch.setenv("JUDGE_KEY", "钥匙")
    with pytest.raises(JudgeError, match="characters that no key has"):
        config.key()
    with pytest.raises(JudgeError, match="cannot be read"):
        load_config(tmp_path / "nowhere.yaml")
