"""The dataset card: Markdown with the head that the Hugging Face hub reads. Whatever others wrote is made harmless."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from csc_tasks._version import __version__
from csc_tasks.data.conversations import Speaker
from csc_tasks.data.statistics import QUANTILES
from csc_tasks.printable import code, inline, printable
from csc_tasks.synthesis.output.outputs import OutputReport, RunFacts
from csc_tasks.synthesis.output.quality import MEANS, QualityFigures, ShareBeside

__all__ = ["MADE_WITH", "card"]

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))
_MADE = {
    "roleplay": "Language models played both sides of made-up calls: a customer with a profile and a goal, and an "
    "agent who is told neither. **All texts are machine-made.**",
    "rewrite": "Language models rewrote transcripts of calls and gave the agent's utterances their strategies. **All "
    "texts are machine-made**, from real ones.",
    "annotate": "The texts are those of transcripts of calls; language models gave the agent's utterances their "
    "strategies. **The labels are machine-made.**",
    "merge": "Several runs, put together. **What a run made is machine-made**; what each of them is stands below.",
}
_SCRIPTED = (
    "> **Templates wrote these texts, no model did.** They are there for trying the pipeline; not for training and not "
    "for evaluation."
)
MADE_WITH = "Made with `csconv synthesize`"
"""Stands in every card, and says that it is one."""
_MOST = 40
"""Rows of a table whose length others decide."""


def card(
    facts: RunFacts,
    figures: QualityFigures,
    report: OutputReport,
    license_name: str,
    reviewed: Sequence[str] = (),
) -> str:
    """The whole card.

    Args:
        facts: how the conversations came about.
        figures: what they are like.
        report: what became of the cases.
        license_name: a name that the hub knows, or ``other``.
        reviewed: what people did to the conversations, a sentence each; empty where nobody has read them. The files are
            then those of the report.
    """
    blocks = [
        *_introduction(facts, report, bool(reviewed)),
        *_gaps(facts, report, bool(reviewed)),
        *(["## Review by people\n\n" + "\n".join(f"- {line}." for line in reviewed)] if reviewed else []),
        *_figures(figures),
        *_provenance(facts),
        *_left_out(report),
        _licence(facts, license_name),
    ]
    return _head(facts, report, license_name) + "\n" + "\n\n".join(blocks) + "\n"


def _head(facts: RunFacts, report: OutputReport, license_name: str) -> str:
    name = printable(license_name, 40) or "other"
    size = next((label for most, label in _SIZES if report.conversations < most), "1M<n<10M")
    head: dict[str, Any] = {
        "pretty_name": f"Customer-support conversations ({printable(facts.kind, 40)})",
        "language": ["zh"],
        "license": name,
        **({"license_name": _terms(facts)} if name == "other" else {}),
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found" if facts.kind == "annotate" else "machine-generated"],
        "multilinguality": ["monolingual"],
        "task_categories": ["text-generation", "text-classification"],
        "tags": [
            "customer-support",
            "dialogue",
            "synthetic",
            "csconv",
            *(["scripted"] if _scripted(facts) else []),
        ],
        "size_categories": [size],
    }
    if report.conversations:
        path = next((name for name in report.files if name != "conversations.json"), "conversations.parquet")
        files = [{"split": _split(facts), "path": path}]
        head["configs"] = [{"config_name": "default", "data_files": files}]
    return f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n"


def _scripted(facts: RunFacts) -> bool:
    return facts.scripted or any(map(_scripted, facts.merged.values()))


def _terms(facts: RunFacts) -> str:
    return "not-named" if facts.scripted else "terms-of-the-models-used"


def _licence(facts: RunFacts, license_name: str) -> str:
    named = (
        "No licence was named when the set was made."
        if license_name == "other"
        else f"{code(license_name, 40)}, as its makers say."
    )
    terms = (
        "No model wrote anything here; the templates are csconv's, under the MIT licence."
        if facts.scripted
        else "What the models' providers allow to be done with their models' outputs, training other models among it, "
        "is for whoever uses or publishes this set to find out."
    )
    return f"## Licence\n\n{named} {terms}"


def _introduction(facts: RunFacts, report: OutputReport, reviewed: bool) -> Iterator[str]:
    yield f"# {report.conversations:,} Chinese customer-support conversations"
    if _scripted(facts):
        yield _SCRIPTED if facts.scripted else _SCRIPTED.replace("these texts", "some of these texts")
    if not facts.scripted:
        yield _MADE.get(facts.kind, "**Made by a machine.**")
    if not report.conversations:
        yield "**No conversation was kept, so there is no data file.** Why stands under “What was left out”."
        return
    held = (
        f"{code(report.files[0])} has the conversations, `provenance.jsonl` says of each how it came about, "
        "`review.json` what reviewers decided and changed (it names them)"
        if reviewed
        else "`conversations.json` and `conversations.parquet` have the same conversations; `provenance.jsonl` says of "
        "each how it came about, `dropped.jsonl` what was left out and why"
    )
    yield (
        "Each agent's utterance has one of the twelve strategies of the Customer Support Conversation framework "
        f"(arXiv 2508.04423), in the schema of CSConv. {held}; `info.json` has these figures for programs. {MADE_WITH} "
        f"{__version__}."
    )


def _gaps(facts: RunFacts, report: OutputReport, reviewed: bool) -> Iterator[str]:
    """What was not checked, before anything else."""
    said = [f"**Overlap was NOT checked** with {inline(reason, 300)}" for reason in report.unchecked]
    if report.overlapping:
        said.append(
            f"{report.overlapping:,} conversations **overlap with evaluation data** and were kept on request: do not "
            "train on them what is to be evaluated on it"
        )
    if report.unfinished:
        said.append(
            f"{report.unfinished:,} cases of the run are not over: this is a part of what was planned"
        )
    if report.balance is not None and not report.balanced:
        said.append(
            f"The shares of strategies did not come within {report.balance:g} of CSConv's, as was asked"
        )
    kinds = {each.kind for each in (facts, *facts.merged.values())}
    if kinds & {"roleplay", "rewrite"}:
        judge = "rules" if facts.scripted else "a model"
        said.append(f"That a text does what its label says was judged by {judge}")
    if "annotate" in kinds:
        said.append("That a label fits its text was judged by the model that gave it")
    if reviewed:
        said.append("What was corrected was not compared with evaluation data again")
    else:
        said.append("No person has read these conversations, unless whoever publishes them says so")
    yield "## What was NOT checked\n\n" + "\n".join(f"- {line}." for line in said)
    compared = ", ".join(
        f"{inline(c.name)} ({c.conversations:,}, {code(c.fingerprint)})" for c in report.compared
    )
    yield f"Overlap was checked with {compared}: conversations and fingerprint of each in brackets."


def _figures(figures: QualityFigures) -> Iterator[str]:
    found = figures.statistics
    if not found.conversations:
        return
    means = found.utterances / found.conversations, found.turns / found.conversations
    yield (
        f"## Figures\n\n{found.conversations:,} conversations, {found.utterances:,} utterances, {found.turns:,} of "
        f"them the agent's. A conversation has {means[0]:.1f} utterances on average (CSConv: {MEANS['utterances']}), "
        f"{means[1]:.1f} of them the agent's (CSConv: {MEANS['supporter_turns']})."
    )
    yield _table(("Strategies", "Share", "CSConv"), map(_beside, figures.known))
    yield _table(("Strategy", "Share", "CSConv"), map(_beside, figures.strategies))
    stages = [(s.en if s else "none (其它)", _percent(n, found.turns)) for s, n in found.stages.items()]
    yield _table(("Stage", "Share"), stages)
    spreads = {
        "agent's turns a conversation": found.turns_per_conversation,
        "characters an agent's utterance": found.supporter_length,
        "characters a customer's utterance": found.customer_length,
    }
    heads = ("", *(f"{q:.0%}" for q in QUANTILES), "mean")
    yield _table(
        heads, ([n, *(f"{v:.0f}" for v in row[:-1]), f"{row[-1]:.1f}"] for n, row in spreads.items())
    )
    yield _table(("Topic", "Conversations"), _counts(found.topics))
    yield _table(
        ("Variety", "distinct-1", "distinct-2"),
        ([_WHO[s], _fraction(one), _fraction(two)] for s, (one, two) in figures.distinct.items()),
    )
    back = figures.stage_order
    yield (
        f"{_percent(figures.closed, found.conversations)} of the conversations end with the agent's 感谢与告别. Of "
        f"{back.pairs:,} neighbouring pairs of the agent's strategies that have a stage "
        f"{_percent(back.back, back.pairs)} go back to an earlier one. The longest run of one strategy in one "
        f"conversation is {figures.longest_run[0]:.2f} on average, {figures.longest_run[1]} at most."
    )
    yield _table(("Ended by", "Conversations"), _counts(figures.endings))
    yield _table(
        ("Construction rule of CSConv", "Conversations that break it"),
        ([rule, f"{n:,}"] for rule, n in figures.broken.items()),
    )
    for speaker, phrases in figures.phrases.items():
        if phrases:
            rows = ([code(p.phrase), f"{p.share:.1%}"] for p in phrases)
            yield _table((f"How {_WHO[speaker]}'s sentences begin", "Conversations with it"), rows)


_WHO = {Speaker.SUPPORTER: "the agent", Speaker.CUSTOMER: "the customer"}


def _provenance(facts: RunFacts) -> Iterator[str]:
    yield "## How they were made"
    if facts.merged:
        differing = _differing([_settings(run) for run in facts.merged.values()])
        if differing:
            yield f"The runs differ in {', '.join(map(code, differing[:_MOST]))}."
    for name, run in facts.merged.items():
        yield f"### Run {inline(name)}"
        yield from _of_run(run)
    if not facts.merged:
        yield from _of_run(facts)


def _of_run(facts: RunFacts) -> Iterator[str]:
    rows = [
        ("Kind", facts.kind),
        ("Prompts", facts.prompts),
        ("Seed", "" if facts.seed is None else str(facts.seed)),
        ("Source", facts.source),
    ]
    cost = (
        ", ".join(f"{amount:,.2f} {inline(unit, 20)}" for unit, amount in facts.cost.items()) or "not known"
    )
    cells = [[name, inline(text, 200)] for name, text in rows if text]
    yield _table(("", ""), [*cells, ["Cost", "nothing: scripts answered" if facts.scripted else cost]], 2)
    if facts.requests:
        yield _table(
            ("Role", "Models that answered", "Answers", "Prompt tokens", "Answer tokens"),
            (
                [
                    inline(role),
                    ", ".join(map(code, list(facts.models.get(role, ()))[:_MOST])) or "–",
                    *(
                        f"{c.get(role, 0):,}"
                        for c in (facts.requests, facts.prompt_tokens, facts.answer_tokens)
                    ),
                ]
                for role in facts.requests
            ),
            words=2,
        )
    rejected = [
        [inline(r), inline(why, 200), f"{n:,}"]
        for r, all_ in facts.not_usable.items()
        for why, n in all_.items()
    ]
    if rejected:
        yield "Answers that could not be used and were asked for again:"
        yield _table(("Role", "Why", "Answers"), rejected[:_MOST], words=2)
    if facts.redacted is not None:
        yield "Personal data was replaced by placeholders before anything was sent:"
        yield _table(("Kind", "Places"), _counts(facts.redacted))
    elif facts.kind in ("rewrite", "annotate"):
        yield "**Personal data was not looked for.**"
    flat = list(_flat(facts.signature))
    if flat:
        yield "What must be the same for the run to go on:"
        yield _table(("", ""), ([code(name, 120), code(value, 200)] for name, value in flat[:_MOST]), words=2)


def _left_out(report: OutputReport) -> Iterator[str]:
    yield f"## What was left out\n\n{report.ended:,} cases are over, {report.conversations:,} gave a conversation."
    rows = [
        [what, inline(reason, 200), f"{n:,}"]
        for what, counts in (
            ("dropped in the making", report.dropped),
            ("left out afterwards", report.refused),
        )
        for reason, n in counts.items()
    ]
    if rows:
        yield _table(("", "Reason", "Cases"), rows, words=2)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The values of nested objects, by dotted names."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, json.dumps(value, ensure_ascii=False, default=str)


def _settings(facts: RunFacts) -> dict[str, Any]:
    return {"kind": facts.kind, "prompts": facts.prompts, "seed": facts.seed, **facts.signature}


def _differing(signatures: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of values that are not the same in all."""
    flat = [dict(_flat(signature)) for signature in signatures]
    names = dict.fromkeys(name for each in flat for name in each)
    return [name for name in names if len({each.get(name) for each in flat}) > 1]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table of cells that are harmless already; the first columns have words, the others numbers."""
    lines = [heads, ["---"] * words + ["---:"] * (len(heads) - words), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _counts(counts: Mapping[str, int]) -> Iterator[list[str]]:
    """A row for each, of a long list the first ones and how many there are besides."""
    for what, n in list(counts.items())[:_MOST]:
        yield [inline(what) or "–", f"{n:,}"]
    if len(counts) > _MOST:
        yield [f"{len(counts) - _MOST:,} more", f"{sum(list(counts.values())[_MOST:]):,}"]


def _beside(share: ShareBeside) -> list[str]:
    return [
        share.name,
        _share(share.share),
        "not known here" if share.csconv is None else _share(share.csconv),
    ]


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _fraction(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _percent(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "–"


def _split(facts: RunFacts) -> str:
    """What the conversations are for: one's own calls to evaluate on, played ones to train on."""
    kinds = {each.kind for each in facts.merged.values()} or {facts.kind}
    return "test" if kinds <= {"rewrite", "annotate"} else "train"
