"""What to do where two results, or results and a baseline, are of two protocols."""

from __future__ import annotations

from csc_tasks.protocol.prompt import load_prompt, prompt_name, prompt_versions
from csc_tasks.protocol.signature import BENCHMARK_VERSION, Protocol

__all__ = ["run_again", "way_out"]

_ANEW = "`csconv gate RESULTS --baseline FILE --update-baseline`"


def run_again(first: Protocol, second: Protocol) -> str:
    """What to do so that two results of different benchmark versions can be compared, to be put behind what differs;
    '' for no advice."""
    earlier, later = sorted((first.version, second.version))
    if not earlier or earlier == later:
        return ""
    if later > BENCHMARK_VERSION:
        return _newer(later)
    return (
        ". Scores are not carried from one benchmark to another: evaluate the model of the earlier one again with "
        "this csconv (docs/migration.md)"
    )


def way_out(results: Protocol, baseline: Protocol) -> str:
    """What to do so that the two can be held against each other, to be put behind what differs; '' for no advice."""
    if results.benchmark != baseline.benchmark:
        mine, theirs = results.version, baseline.version
        if not mine or not theirs:
            return ""
        if max(mine, theirs) > BENCHMARK_VERSION:
            return _newer(max(mine, theirs))
        if theirs < mine:
            return (
                f". Scores of benchmark {theirs} cannot be carried over: evaluate the model that the baseline is of "
                f"again with this csconv, and write the baseline anew from those results: {_ANEW} (docs/migration.md)"
            )
        return (
            f". The results are of benchmark {mine}, and no scoring carries them over: evaluate the model again with "
            "this csconv (docs/migration.md)"
        )
    if results.prompt != baseline.prompt:
        version = next((v for v in prompt_versions() if _named(v) == baseline.prompt), "")
        if version:
            return (
                f". Ask as the baseline was asked, with --metadata csconv_prompt={version}, or write the baseline "
                f"anew from results of its model with this prompt: {_ANEW}"
            )
        return (
            f". This csconv does not have the baseline's prompt: write the baseline anew from results of its model "
            f"with a prompt that it has: {_ANEW}"
        )
    if results.customer != baseline.customer and results.data == baseline.data:
        return (
            ". Have the customers played as the baseline's were (--metadata csconv_customer=…,csconv_trials=…), or "
            f"write the baseline anew from results of its model with these customers: {_ANEW}"
        )
    return ""


def _newer(version: int) -> str:
    return f". Benchmark {version} needs a newer csconv"


def _named(version: str) -> str:
    return prompt_name(version, load_prompt(version).sha256)
