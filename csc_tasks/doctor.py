"""``csconv doctor``: checks what lm-eval hides, one line a check."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from csc_tasks.data.sources import chosen_source, evaluation_corpus, is_here, load
from csc_tasks.data.splits import Split, Subset
from csc_tasks.errors import CSConvError, needs_extra
from csc_tasks.harness.lm_eval import check_version, version
from csc_tasks.harness.registration import configs_folder, is_registered, reads_entry_points, task_names
from csc_tasks.install import install_hint

__all__ = ["Check", "diagnose"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. ``ok`` is ``None`` for what is worth knowing but breaks nothing."""

    name: str
    ok: bool | None
    detail: str


def _harness() -> str:
    check_version()
    return f"lm-eval {version()}"


def _configs() -> str:
    """Parse every YAML as lm-eval would, functions resolved: it skips a broken one without a word."""
    from lm_eval.tasks._yaml_loader import load_yaml

    paths = sorted(configs_folder().glob("*.yaml"))
    for path in paths:
        try:
            load_yaml(path, resolve_func=True)
        except (yaml.YAMLError, ImportError, AttributeError, ValueError, OSError) as error:
            raise CSConvError(f"{path}: {error}") from error
    return f"{len(paths)} files, {len(task_names())} tasks and groups in {configs_folder()}"


def _mini() -> str:
    evaluation, training = load("mini"), load("mini", Split.TRAINING)
    return f"{len(evaluation.conversations)} + {len(training.conversations)} conversations, {evaluation.fingerprint}"


def _tiny_model() -> str:
    from csc_tasks.data.shipped import tiny_model

    path = tiny_model()
    missing = [n for n in ("config.json", "model.safetensors", "tokenizer.json") if not (path / n).is_file()]
    if missing:
        raise CSConvError(f"{path} lacks {', '.join(missing)}; install csconv anew")
    return str(path)


def _registered() -> str:
    if reads_entry_points():
        return "not needed: this lm-eval reads the entry point"
    if is_registered():
        return "yes"
    raise CSConvError('no: run `csconv register`, or pass --include_path "$(csconv path)" to lm_eval')


def _data(option: str | None) -> str:
    # Without being told to, a diagnosis downloads nothing and waits for no dead network.
    if option is None and not is_here(source := chosen_source()):
        site = "the hub" if source == "hub" else "ModelScope"
        raise CSConvError(
            f"not in {site}'s local cache; `csconv doctor --data {source}` fetches and checks it"
        )
    corpus = evaluation_corpus(Subset.FULL, option)
    return f"{corpus.name}: {len(corpus.conversations)} conversations, sha256 {corpus.sha256[:16]}, {corpus.path}"


def _bertscore() -> str:
    """Load the default encoder, if it is here: a diagnosis downloads nothing."""
    from csc_tasks.metrics import BertScoreOptions, ModelError
    from csc_tasks.metrics.neural.bertscore import BertScorer
    from csc_tasks.metrics.neural.vector_store import store_limit, store_size
    from csc_tasks.protocol.metadata import kept_vectors
    from csc_tasks.protocol.networks import default_encoder_is_here

    options = BertScoreOptions()
    if not default_encoder_is_here():
        raise CSConvError(
            f"{options.model} or the package bert-score is not here: the full and lite tasks want it or"
            " --metadata csconv_bertscore_model=… (another encoder, or off)"
        )
    scorer = BertScorer.of(options)
    try:
        scorer.load()
    except ModelError as error:
        raise CSConvError(str(error)) from None
    kept, limit = kept_vectors(), store_limit()
    if not kept.is_dir():
        return f"{scorer.signature}; no vectors are kept (csconv_bertscore_vectors)"
    size = f"{store_size(kept) / 1e9:.1f} of at most {limit / 1e9:.1f} GB"
    return f"{scorer.signature}; {size} of vectors in {kept}"


def _judge(path: Path) -> str:
    """Get one verdict from the judge, as a run does before it generates anything."""
    with needs_extra("the judge", "judge"):
        from csc_tasks.judging.live_run import JudgeInRun
    from csc_tasks.protocol.prompt import load_prompt
    from csc_tasks.protocol.task_kind import Context, TaskKind

    judge = JudgeInRun(path, TaskKind.RESPONSE, Context.REFERENCE, load_prompt().version)
    judge.prepare()
    return f"{judge.config.model} answers at {judge.config.base_url}, with a verdict"


def _cache(path: Path) -> str:
    """Take out of a response cache what is no answer, and say how much that was."""
    from csc_tasks.generation.cache_file import cache_files, remove_empty_answers

    found = [remove_empty_answers(file) for file in cache_files(path)]
    foreign = [state for state in found if state.foreign]
    if foreign:
        raise CSConvError(
            f"{foreign[0].path}: {foreign[0].foreign} values that lm-eval did not write; a cache can run code when it "
            "is read: use none but your own"
        )
    answers, empty = sum(state.answers for state in found), sum(state.empty for state in found)
    removed = f"{empty:,} of them empty and now removed: the next run asks for them again"
    return f"{answers:,} answers, {removed if empty else 'none of them empty'}"


def _imports(module: str, what: str) -> Callable[[], str]:
    def check() -> str:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise CSConvError(f"{what} ({error})") from None
        return "installed"

    return check


def diagnose(
    data: str | None = None, judge: Path | None = None, cache: Path | None = None
) -> Iterator[Check]:
    """Run the checks in order.

    Args:
        data: ``csconv_data`` to check as well. Without it the full data set is only reported on: a
            machine without the hub still runs the mini tasks.
        judge: configuration of a judge that must give a verdict.
        cache: of lm-eval's ``--use_cache``, whose empty answers are to be removed.
    """
    required: list[tuple[str, Callable[[], str]]] = [
        ("harness", _harness),
        ("task files", _configs),
        ("mini data", _mini),
        ("tiny model", _tiny_model),
    ]
    optional: list[tuple[str, Callable[[], str]]] = [
        ("registered", _registered),
        (
            "torch and transformers",
            _imports("transformers", f"only needed for --model hf: {install_hint('hf')}"),
        ),
        ("bertscore", _bertscore),
        (
            "jieba tokenizer",
            _imports("rjieba", f"only needed for csconv_tokenizer=jieba: {install_hint('jieba')}"),
        ),
    ]
    if judge is not None:
        required.append(("judge", lambda: _judge(judge)))
    if cache is not None:
        required.append(("cache", lambda: _cache(cache)))
    (required if data else optional).append(("full data", lambda: _data(data)))
    for checks, needed in ((required, True), (optional, False)):
        for name, check in checks:
            try:
                yield Check(name, True, check())
            except CSConvError as error:
                yield Check(name, False if needed else None, str(error))
