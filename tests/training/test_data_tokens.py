"""`csconv train-data --tokenizer`: lengths as the model will see them, and nothing is cut without a word."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from csc_tasks.data.shipped import tiny_model
from tests.door import csconv
from tests.training.data import ADVISE, card_of, file_of, lines_of, many, said, train_data

pytest.importorskip("transformers", reason="needs csconv-eval[hf]")


def lengths_of(out: Path) -> list[int]:
    """By the tokenizer itself, one example after the other."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model())
    chats = [r.get("messages") or r["prompt"] + r["completion"] for r in lines_of(out)]
    return [len(tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)) for chat in chats]


@pytest.mark.parametrize("form", ["prompt-completion", "messages"])
def test_the_safe_length_is_the_longest_examples_and_the_histogram_holds_each_once(
    tmp_path: Path, form: str
) -> None:
    more = ("--tokenizer", tiny_model(), "--format", form)
    done = train_data("mini", "--out", tmp_path, "--limit", "3", "--validation", "0", *more)
    lengths = lengths_of(tmp_path)
    tokens = card_of(tmp_path)["tokens"]
    assert tokens["max_length"] == tokens["quantiles"]["1"] == max(lengths)
    assert tokens["total"] == sum(lengths)
    assert tokens["tokenizer"] == "tiny_model"
    step = tokens["step"]
    histogram = {int(edge): n for edge, n in tokens["histogram"].items()}
    assert histogram == {e: sum(e - step < n <= e for n in lengths) for e in histogram}
    assert sum(histogram.values()) == len(lengths)
    assert f"the longest example has {max(lengths):,}: the smallest max_length that cuts none" in done.err
    assert f"**max_length {max(lengths)}**" in (tmp_path / "README.md").read_text()


def test_what_would_be_cut_is_listed_and_nothing_written_unless_it_is_to_be_dropped(tmp_path: Path) -> None:
    short, long = many(4), said((ADVISE, "请稍等。" * 90), (None, "好。"))
    source = file_of(tmp_path / "own.json", [*short, long])
    call = (source, "--tokenizer", tiny_model(), "--validation", "0", "--max-length")
    train_data(*call, "9999", "--out", tmp_path / "all")
    lengths = lengths_of(tmp_path / "all")
    limit = str(sorted(lengths)[-2])
    done = csconv("train-data", *call, limit, "--out", tmp_path / "out")
    assert done.code == 1
    assert f"1 examples are longer than --max-length {int(limit):,}" in done.err
    assert f"{long.id}/0 ({max(lengths):,})" in done.err
    assert f"--max-length {max(lengths)}, or leave them out with --drop-longer" in done.err
    assert not list((tmp_path / "out").glob("*"))
    done = train_data(*call, limit, "--drop-longer", "--out", tmp_path / "out")
    assert f"left out: 1 × longer than {int(limit):,} tokens" in done.err
    assert sorted(lengths_of(tmp_path / "out")) == sorted(lengths)[:-1]
    assert card_of(tmp_path / "out")["tokens"]["dropped"] == 1
    nothing = csconv("train-data", *call, "10", "--drop-longer", "--out", tmp_path / "none")
    assert "no example is left to train on" in nothing.err


def test_answers_that_do_not_come_back_from_the_tokens_are_counted_and_named(tmp_path: Path) -> None:
    strange = said((None, "喂？"), (ADVISE, "请发🜲到🜲。"))  # the tokenizer knows neither
    source = file_of(tmp_path / "own.json", [*many(3), strange])
    done = train_data(source, "--tokenizer", tiny_model(), "--out", tmp_path / "out", "--validation", "0")
    tokens = card_of(tmp_path / "out")["tokens"]
    assert f"{strange.id}/0" in tokens["not_round_trip_ids"]
    assert f"{tokens['not_round_trip']} answers come back" in done.err


def changed_model(folder: Path, template: str | None) -> Path:
    """The tiny model's tokenizer with another chat template, or none."""
    shutil.copytree(tiny_model(), folder)
    (folder / "chat_template.jinja").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    return folder


def test_answers_that_the_template_changes_are_counted(tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m['content'] | replace('您', '你') }}{% endfor %}"
    model = changed_model(tmp_path / "model", template)
    train_data("mini", "--limit", "3", "--tokenizer", model, "--out", tmp_path / "out", "--validation", "0")
    asked = sum("您" in r["completion"][0]["content"] for r in lines_of(tmp_path / "out"))
    assert card_of(tmp_path / "out")["tokens"]["not_round_trip"] == asked > 0


def test_a_tokenizer_that_does_not_serve_is_one_message(tmp_path: Path) -> None:
    refusing = "{{ raise_exception('System role not supported') if messages[0]['role'] == 'system' }}"
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.json").write_text("{}")
    cases = [
        (changed_model(tmp_path / "bare", None), (), "it has no chat template"),
        (
            changed_model(tmp_path / "strict", refusing),
            ("--system-instruction", "x"),
            "System role not supported",
        ),
        (changed_model(tmp_path / "broken", "{% if %}"), (), "chat template refuses an example"),
        (tmp_path / "empty", (), "no tokenizer there"),
        (tmp_path / "file.json", (), "a file; name the folder"),
        (Path("nobody/nothing"), (), "no tokenizer there"),
    ]
    for model, more, told in cases:
        done = csconv(
            "train-data", "mini", "--out", tmp_path / "out", "--tokenizer", model, *more, HF_HUB_OFFLINE="1"
        )
        assert done.code == 1, model
        assert told in done.err, (model, done.err)
        assert not list((tmp_path / "out").glob("*"))
