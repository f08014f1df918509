"""The card of training data for people: what it is, what is in it, what was checked, how a trainer reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from csc_tasks.printable import code, inline, printable
from csc_tasks.training.data_card import DATASET_INFO, TRAIN, VALIDATION, DataCard, TokenReport
from csc_tasks.training.data_format import DataFormat
from csc_tasks.training.survey import overlap_in_words

__all__ = ["readme", "summary"]

_LISTED = 50
"""Conversations that are listed one by one; data.json has all."""

_READ_BY = {
    DataFormat.PROMPT_COMPLETION: "TRL's SFTTrainer: prompt and completion as chat messages, one example a turn. "
    "`csconv train` reads the folder as it is.",
    DataFormat.MESSAGES: "TRL's SFTTrainer with `assistant_only_loss: true`. `csconv train` reads the folder as it is.",
    DataFormat.LLAMAFACTORY: f"LLaMA-Factory: `dataset_dir` is this folder, `dataset: csconv_train`, and "
    f"`eval_dataset: csconv_validation` where there is a {VALIDATION}. Its ShareGPT form wants a human first, and "
    f"a supporter opens most conversations: the instruction is the first human message. {DATASET_INFO} describes "
    "the files.",
    DataFormat.SWIFT: f"ms-swift: `--dataset {TRAIN}`, and `--val_dataset {VALIDATION}` where there is one.",
    DataFormat.PREFERENCE: "TRL's DPOTrainer: prompt, chosen and rejected as chat messages. `csconv train` reads the "
    "folder as it is.",
}
_CUTTING = {
    DataFormat.PROMPT_COMPLETION: "`max_length` of TRL (1,024 by default, which cuts)",
    DataFormat.MESSAGES: "`max_length` of TRL (1,024 by default, which cuts)",
    DataFormat.PREFERENCE: "`max_length` of TRL (1,024 by default, which cuts)",
    DataFormat.LLAMAFACTORY: "`cutoff_len` of LLaMA-Factory (2,048 by default, which cuts)",
    DataFormat.SWIFT: "`max_length` of ms-swift (longer examples are left out)",
}


def summary(card: DataCard) -> Iterator[str]:
    """What was written and what must be known of it, a line each, fit for a terminal."""
    for name, part in ((TRAIN, card.train), (VALIDATION, card.validation)):
        if part is not None:
            yield (
                f"{name}: {part.examples:,} examples, {part.answers:,} answers, "
                f"{part.conversations:,} conversations"
            )
    for reason, count in card.left_out.items():
        yield f"left out: {count:,} × {reason}"
    for found in card.overlap.dropped[:_LISTED]:
        yield f"  {found.place} repeats {printable(found.source)} {found.repeats}: {overlap_in_words(found)}"
    if len(card.overlap.dropped) > _LISTED:
        yield f"  … and {len(card.overlap.dropped) - _LISTED:,} more, which data.json names"
    for missing in card.overlap.unchecked:
        yield f"not checked: {missing}"
    if card.tokens is not None:
        yield from _of_tokens(card.tokens)


def _of_tokens(tokens: TokenReport) -> Iterator[str]:
    yield (
        f"tokens of {printable(tokens.tokenizer)}: {tokens.total:,} in {TRAIN}; the longest example has "
        f"{tokens.max_length:,}: the smallest max_length that cuts none"
    )
    if tokens.dropped:
        yield f"left out: {tokens.dropped:,} × longer than {tokens.limit:,} tokens"
    if tokens.not_round_trip:
        yield (
            f"{tokens.not_round_trip:,} answers come back from tokenizer or chat template as another text, among them "
            f"{', '.join(tokens.not_round_trip_ids[:3])}: the model will learn that text"
        )


def readme(card: DataCard) -> str:
    """The card in Markdown; its head tells the Hugging Face hub and ``datasets`` which file is which."""
    return (
        "\n".join([*_head(card), *_what(card), *_counts(card), *_contamination(card), *_tokens(card)]) + "\n"
    )


def _head(card: DataCard) -> Iterator[str]:
    yield from ("---", "configs:", "- config_name: default", "  data_files:")
    for split, name, part in (("train", TRAIN, card.train), ("validation", VALIDATION, card.validation)):
        if part is not None:
            yield from (f"  - split: {split}", f"    path: {name}")
    yield from ("---", "", "# Training data for customer support", "")


def _what(card: DataCard) -> Iterator[str]:
    source = card.source
    yield f"Written by csconv {card.csconv}. One example a {card.unit}. Read by {_READ_BY[card.format]}"
    yield ""
    rows = {
        "format": code(card.format),
        "source": inline(source.name) + "".join(f", {inline(run)}" for run in source.runs),
        "sha256 of the source": code(source.sha256),
        "fingerprint of the conversations": code(source.fingerprint),
        "prompt": code(f"{card.prompt.version} ({card.prompt.sha256[:8]})"),
        "tasks": ", ".join(map(code, card.tasks)),
        "system message": code(card.system_instruction) if card.system_instruction else "none",
        "seed, share of validation": f"{card.seed}, {card.validation_share:g}",
    }
    yield from _table(("", ""), rows)


def _counts(card: DataCard) -> Iterator[str]:
    yield from (
        "## What is in it",
        "",
        "| file | examples | answers | conversations |",
        "|---|---:|---:|---:|",
    )
    for name, part in ((TRAIN, card.train), (VALIDATION, card.validation)):
        if part is not None:
            yield f"| {name} | {part.examples:,} | {part.answers:,} | {part.conversations:,} |"
    yield ""
    yield from _shares(("strategy", "answers"), card.strategies)
    yield from _shares(("topic", "conversations"), card.topics)
    if card.left_out:
        yield from _table(("left out", ""), {inline(k): f"{v:,}" for k, v in card.left_out.items()})


def _shares(title: tuple[str, str], counts: Mapping[str, int]) -> Iterator[str]:
    total = sum(counts.values())
    rows = {inline(name) or "none": f"{n:,} ({n / total:.1%})" for name, n in counts.items()} if total else {}
    yield from _table(title, rows)


def _table(title: tuple[str, str], rows: Mapping[str, str]) -> Iterator[str]:
    yield from (f"| {title[0]} | {title[1]} |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in rows.items())
    yield ""


def _contamination(card: DataCard) -> Iterator[str]:
    yield from ("## Overlap with evaluation data", "")
    for source in card.overlap.compared:
        yield (
            f"- compared with {inline(source.name)}: {source.conversations:,} conversations, fingerprint "
            f"{code(source.fingerprint)}"
        )
    yield from (f"- not checked: {inline(missing, 300)}" for missing in card.overlap.unchecked)
    dropped = card.overlap.dropped
    yield f"- left out for it: {len(dropped):,} conversations"
    for found in dropped[:_LISTED]:
        yield f"  - {inline(found.place)} repeats {inline(found.source)} `{found.repeats}`: {overlap_in_words(found)}"
    if len(dropped) > _LISTED:
        yield f"  - … and {len(dropped) - _LISTED:,} more in data.json"
    yield ""


def _tokens(card: DataCard) -> Iterator[str]:
    yield from ("## Tokens", "")
    tokens = card.tokens
    if tokens is None:
        yield f"Not counted: no tokenizer was named. Look at the lengths before you train: {_CUTTING[card.format]}."
        return
    yield f"By the tokenizer {code(tokens.tokenizer)} and its chat template, whole examples:"
    yield ""
    yield f"- **max_length {tokens.max_length}** is the smallest that cuts none; set {_CUTTING[card.format]} to it"
    yield f"- {tokens.total:,} tokens in {TRAIN}"
    if tokens.limit is not None:
        yield f"- left out: {tokens.dropped:,} examples of more than {tokens.limit:,}"
    yield f"- answers that tokenizer or template change: {tokens.not_round_trip:,}"
    yield ""
    low = {edge: edge - tokens.step + 1 for edge in tokens.histogram}
    rows = {f"{low[edge]:,} to {edge:,}": f"{n:,}" for edge, n in tokens.histogram.items()}
    yield from _table(("tokens", "examples"), rows)
