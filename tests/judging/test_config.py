from __future__ import annotations

from pathlib import Path

import pytest

from csc_tasks.chat.config import EndpointConfig
from csc_tasks.errors import ChatError
from csc_tasks.judging.config import JudgeConfig, load_config, load_judge


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "judge.yaml"
    path.write_text(f"model: m\nbase_url: http://h\n{text}")
    return path


def test_a_judge_is_an_endpoint_whose_verdicts_must_be_worth_something(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "min_coverage: 0.5\nrequire_probe: 0.8\nconcurrency: 3\n"))
    assert (config.min_coverage, config.require_probe, config.concurrency) == (0.5, 0.8, 3)
    assert config.parameters == EndpointConfig(model="m", base_url="http://h").parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_coverage: 98\n", "judge.yaml: min_coverage: .*less than or equal to 1"),
        ("require_probe: -1\n", "require_probe: .*greater than or equal to 0"),
        ("min_cover: 1\n", "min_cover: no such field; there are model, .*min_coverage, require_probe, cache"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ChatError, match=message):
        load_config(written(tmp_path, text))


def test_a_cache_at_home_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(written(tmp_path, "cache: ~/judge.sqlite\n"))
    assert config.cache == tmp_path / "judge.sqlite"


def test_a_key_that_is_not_set_is_known_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    path = written(tmp_path, "api_key_env: JUDGE_KEY\n")
    assert isinstance(load_config(path), JudgeConfig)
    with pytest.raises(ChatError, match="variable JUDGE_KEY, which api_key_env names, is not set"):
        load_judge(path)
