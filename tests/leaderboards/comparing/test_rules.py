"""The rules of a gate: what a file or an option may say, and what is said of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from csc_tasks.errors import ConfigError
from csc_tasks.leaderboards.comparing.gate_run import GateOptions
from csc_tasks.leaderboards.comparing.rules import Rules, limits, load_rules


def rules(folder: Path, text: str) -> Rules:
    path = folder / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path)


def test_every_field_is_read_from_a_file(tmp_path: Path) -> None:
    text = """
        max_drop: {strategy_acc: 0.01, response/generated/bleu_2: 0}
        min: {strategy_acc: 0.35, no_answer: 0.02, judge_my_own: 3}
        min_coverage: 1
        min_turns: 1000
        alpha: 0.1
        sections: [response/reference]
        allow_partial: true
    """
    assert rules(tmp_path, text) == Rules(
        max_drop={"strategy_acc": 0.01, "response/generated/bleu_2": 0.0},
        min={"strategy_acc": 0.35, "no_answer": 0.02, "judge_my_own": 3.0},
        min_coverage=1.0,
        min_turns=1000,
        alpha=0.1,
        sections=("response/reference",),
        allow_partial=True,
    )


def test_min_is_read_under_its_old_name_too(tmp_path: Path) -> None:
    assert rules(tmp_path, "floor: {bleu_4: 0.1}") == rules(tmp_path, "min: {bleu_4: 0.1}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_drops: {bleu_2: 0.1}", "there is no rule 'max_drops'; there are allow, allow_partial, alpha, max_drop"),
        ("- bleu_2", "rules are a mapping, for instance `max_drop: {strategy_acc: 0.01}`"),
        ("", "rules are a mapping"),
        ("a: b: c", "not YAML (line 1)"),
        ("alpha: 0.1\nmin: {bleu_4: 0.1}\nalpha: 0.5", "line 3: the same key as in line 1"),
        ("min: " + "[" * 3000, "line 1: nested deeper than 32 levels"),
        ("max_drop: [bleu_2]", "max_drop is a mapping from metric to number"),
        ("max_drop: {bleu_2: much}", "max_drop: bleu_2: 'much' is not a number of at least 0"),
        ("max_drop: {bleu_2: -0.1}", "max_drop: bleu_2: -0.1 is not a number of at least 0"),
        ("max_drop: {bleu_2: .nan}", "max_drop: bleu_2: nan is not a number of at least 0"),
        ("max_drop: {bleu_9: 0.1}", "max_drop: there is no metric 'bleu_9'"),
        ("max_drop: {response/reference/bleu_9: 0.1}", "max_drop: there is no metric 'bleu_9'"),
        ("max_drop: {length_ratio: 0.1}", "length_ratio has no better and worse, or no interval; a min may be set"),
        ("max_drop: {distinct_2: 0.1}", "distinct_2 has no better and worse, or no interval"),
        ("max_drop: {2: 0.1}", "max_drop: 2: 2 is not"),
        ("max_drop: {strategy_acc: 1}", "strategy_acc is a share: 0.01 is one point, and 1 would be 100 points"),
        ("max_drop: {response/reference/bleu_4: 2}", "bleu_4 is a share: 0.01 is one point"),
        ("min: {strategy_acc: 35}", "strategy_acc is a share: 0.01 is one point, and 35 would be 3500 points"),
        ("min: {bleu_2: true}", "min: bleu_2: True is not a number"),
        ("min: {bleu_2: .inf}", "min: bleu_2: inf is not a number"),
        ("min: {bleu_9: 0.1}", "min: there is no metric 'bleu_9'"),
        ("min: {bleu_2: 0.1}\nfloor: {bleu_4: 0.1}", "floor is the old name of min: write all of them under min"),
        ("min_coverage: 98", "min_coverage: 98 is not between 0 and 1"),
        ("alpha: 0", "alpha: 0 is not between 0 and 0.5"),
        ("alpha: '0.05'", "alpha: '0.05' is not between 0 and 0.5"),
        ("min_turns: many", "min_turns: 'many' is not a whole number of at least 0"),
        ("min_turns: true", "min_turns: True is not a whole number"),
        ("min_turns: 1.5", "min_turns: 1.5 is not a whole number"),
        ("sections: response/reference", "sections: 'response/reference' is not a list such as [response/reference]"),
        ("allow_partial: 1", "allow_partial: 1 is not true or false"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_with_its_file_and_what_would_be_right(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        rules(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'gate.yaml'}: ")
    assert words in str(error.value)
    assert "pydantic" not in str(error.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"alpha: 0 is not .*; min_turns: -1 is not |min_turns: -1 .*; alpha: 0"
    ):
        rules(tmp_path, "alpha: 0\nmin_turns: -1")


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gate\.yaml: cannot be read"):
        load_rules(tmp_path / "gate.yaml")
    (tmp_path / "gate.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"gate\.yaml: not YAML"):
        load_rules(tmp_path / "gate.yaml")


def options(folder: Path, **more: object) -> GateOptions:
    return GateOptions((folder,), folder, **more)  # type: ignore[arg-type]


def test_options_add_to_the_file_and_count_before_it(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(
        "max_drop: {bleu_2: 0.1, bleu_4: 0.2}\nmin: {bleu_2: 0.3}\nmin_turns: 5\nmin_coverage: 0.5\nalpha: 0.1"
    )
    mine = options(
        tmp_path,
        rules=tmp_path / "gate.yaml",
        max_drop=("bleu_4=0.01", "rouge_l=0"),
        min=("rouge_l=0.4",),
        min_coverage=0.9,
        allow_partial=True,
    )
    assert mine.all_rules() == Rules(
        max_drop={"bleu_2": 0.1, "bleu_4": 0.01, "rouge_l": 0.0},
        min={"bleu_2": 0.3, "rouge_l": 0.4},
        min_coverage=0.9,
        min_turns=5,
        alpha=0.1,
        allow_partial=True,
    )
    assert options(tmp_path).all_rules() == Rules()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"max_drop": ("bleu_9=0.1",)}, "options: max_drop: there is no metric 'bleu_9'"),
        ({"max_drop": ("bleu_2=-1",)}, "options: max_drop: bleu_2: -1.0 is not a number of at least 0"),
        ({"min": ("rouge_l=inf",)}, "options: min: rouge_l: inf is not a number"),
        ({"min_coverage": 98.0}, "options: min_coverage: 98.0 is not between 0 and 1"),
        ({"min": ("rouge_l",)}, "--min rouge_l: write METRIC=NUMBER, for instance strategy_acc=0.01"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, more: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        options(tmp_path, **more).all_rules()
    assert words in str(error.value)


def test_a_limit_is_read_after_the_last_equals_sign() -> None:
    assert limits("--min", ["response/reference/bleu_4 = 0.5", "a=b=1"]) == {
        "response/reference/bleu_4": 0.5,
        "a=b": 1.0,
    }
