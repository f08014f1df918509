"""Where conversations come from: the hub, ModelScope, a file, or the mini set shipped with the package.

The evaluation data is chosen by ``--metadata csconv_data=…``, then the ``CSCONV_DATA`` environment
variable, then the task's own default; the training data (few-shot examples, floors) likewise by
``csconv_train`` and ``CSCONV_TRAIN``. There is never a silent fall-back from one source to another.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from csc_tasks.data import modelscope
from csc_tasks.data.conversations import Conversation, Defect
from csc_tasks.data.files import SUFFIXES, FileReport, Located, inspect_file, read_file
from csc_tasks.data.sampling import stratified
from csc_tasks.data.shipped import mini_file
from csc_tasks.data.splits import Split, Subset
from csc_tasks.errors import ConfigError, DataError, SourceError
from csc_tasks.storage import at_home

__all__ = [
    "HUB_REPO",
    "Corpus",
    "chosen_source",
    "evaluation_corpus",
    "fingerprint",
    "inspect",
    "is_csconv",
    "is_csconv_file",
    "is_here",
    "load",
    "path_of",
    "select",
    "shown_name",
    "training_corpus",
    "training_source",
]

logger = logging.getLogger(__name__)

HUB_REPO = "DianJin/DianJin-CSC-Data"
FULL_CONVERSATIONS, FULL_UTTERANCES, FULL_TURNS = 1855, 50587, 25810
"""Published size of CSConv: conversations, utterances and supporter turns."""
MINI_CONVERSATIONS = 32
"""Of the shipped file; a test counts them."""
LITE_SIZE = 128
LITE_SALT = "csconv_lite-1"
"""Changing the salt changes the sample, so it carries a version."""

_WORDS = ("hub", "modelscope", "mini")
"""The sources that are named by a word; all others are paths."""
_PUBLISHED = ("hub", "modelscope")
_FILES = {Split.EVALUATION: "data/CSConv.json", Split.TRAINING: "data/RoleCS.json"}
_PAGES = (
    f"https://huggingface.co/datasets/{HUB_REPO}",
    f"https://modelscope.cn/datasets/{modelscope.MODELSCOPE_REPO}",
)
_KNOWN_SHA256 = {
    # Of the copy on ModelScope. A file of the same content with another hash adds a line here.
    Split.EVALUATION: ("6f99edead55084986eb8bc7da31f6be0e7a0a8fa82cadb4c7209567fb215a8c9",),
}
_VARIABLES = {Split.EVALUATION: "CSCONV_DATA", Split.TRAINING: "CSCONV_TRAIN"}
_OPTIONS = {Split.EVALUATION: "csconv_data", Split.TRAINING: "csconv_train"}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Conversations with their provenance.

    ``name`` is ``hub``, ``modelscope``, ``mini`` or a file's name; ``sha256`` is that of the file's bytes;
    ``fingerprint`` that of the conversations' content, the same for a JSON file and its parquet copy.
    """

    name: str
    path: Path
    sha256: str
    conversations: tuple[Conversation, ...]

    @property
    def labelled(self) -> bool:
        """Whether the supporter's utterances have strategies."""
        return all(c.labelled for c in self.conversations)

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the ids of the conversations in order."""
        return fingerprint(c.id for c in self.conversations)


def fingerprint(ids: Iterable[str]) -> str:
    """16 hex digits over the ids of conversations in order, which are made of their content."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


def load(source: str, split: Split = Split.EVALUATION) -> Corpus:
    """Load the conversations that ``source`` names: ``hub``, ``modelscope``, ``mini`` or a path.

    Raises:
        SourceError: the hub cannot be reached, refuses, or lacks the file; the word is unknown.
        DataError: the file breaks the schema; the message names the place.
    """
    path = path_of(source, split)
    stat = path.stat() if path.is_file() else None
    corpus = _read(path, source, stat and (stat.st_mtime_ns, stat.st_size))
    if source in _PUBLISHED:
        _compare_with_published(corpus, split)
    return corpus


def inspect(source: str, split: Split = Split.EVALUATION) -> FileReport:
    """Everything that is wrong with what ``source`` names; a file that cannot be opened is a finding like any other.

    Raises:
        SourceError: the published file cannot be had.
    """
    if source in _WORDS:
        report = inspect_file(path_of(source, split))
        if source in _PUBLISHED and not report.fatal:
            _compare_with_published(Corpus(source, report.path, report.sha256, report.conversations), split)
        return report
    try:
        return inspect_file(Path(source))
    except DataError as error:
        return FileReport(Path(source), "", (), (Located("", Defect("", "unreadable", str(error))),))


def path_of(source: str, split: Split) -> Path:
    """Where the file is that ``source`` names, fetched if need be; what is in it is not looked at.

    Raises:
        SourceError: it cannot be had, or the word is unknown.
    """
    if source == "mini":
        return mini_file(split)
    if source == "hub":
        return _download(split)
    if source == "modelscope":
        return modelscope.fetch(_FILES[split], _ways_out(split, "ModelScope", "MODELSCOPE_ENDPOINT"))
    if Path(source).suffix in SUFFIXES or os.sep in source or Path(source).exists():
        return at_home(source)
    raise SourceError(
        f"{_OPTIONS[split]}={source!r} is neither 'hub', 'modelscope', 'mini' nor a file ending in "
        f"{', '.join(SUFFIXES)}"
    )


@functools.lru_cache(maxsize=8)
def _read(path: Path, name: str, _stamp: object) -> Corpus:
    # Several tasks of one run read the same file; the stamp makes a changed file a new entry.
    report = read_file(path)
    return Corpus(shown_name(name, path), path, report.sha256, report.conversations)


def shown_name(source: str, path: Path) -> str:
    """What a source is called where a user's folders are nobody's business: its word, or the name of its file."""
    return source if source in _WORDS else path.name


def is_csconv(corpus: Corpus) -> bool:
    """Whether these are the conversations of CSConv, from whatever place: by hash, else by the published numbers."""
    return is_csconv_file(corpus.sha256, _size(corpus))


def is_csconv_file(sha256: str, size: tuple[int, int, int]) -> bool:
    """The same of a file that is not held, by its hash and its conversations, utterances and supporter turns."""
    published = FULL_CONVERSATIONS, FULL_UTTERANCES, FULL_TURNS
    return sha256 in _KNOWN_SHA256[Split.EVALUATION] or size == published


def _size(corpus: Corpus) -> tuple[int, int, int]:
    """Conversations, utterances and supporter turns."""
    return (
        len(corpus.conversations),
        sum(len(c.utterances) for c in corpus.conversations),
        sum(len(c.supporter_turns) for c in corpus.conversations),
    )


def _compare_with_published(corpus: Corpus, split: Split) -> None:
    """Say so where a downloaded file is not byte for byte one that is known."""
    known = _KNOWN_SHA256.get(split)
    if known is None or corpus.sha256 in known:
        return
    found = _size(corpus)
    published = FULL_CONVERSATIONS, FULL_UTTERANCES, FULL_TURNS
    if found == published:
        logger.info(
            "%s of %s has the published numbers of conversations, utterances and turns and another sha256 (%s) than "
            "the copies known to csconv; the scores carry its fingerprint (%s), which says what they may be compared "
            "with",
            _FILES[split],
            corpus.name,
            corpus.sha256,
            corpus.fingerprint,
        )
        return
    logger.warning(
        "THE %s OF %s IS NOT THE PUBLISHED FILE: %d conversations, %d utterances, %d supporter turns, published "
        "%d, %d, %d; sha256 %s. The scores carry another data signature (%s) and must not be compared with scores "
        "on the published file.",
        _FILES[split],
        corpus.name.upper(),
        *found,
        *published,
        corpus.sha256,
        corpus.fingerprint,
    )


def _ways_out(split: Split, site: str, variable: str) -> str:
    filename, option = _FILES[split], _OPTIONS[split]
    other = next(word for word in _PUBLISHED if word != site.lower().removeprefix("the "))
    return (
        f"Three ways out: (1) get network access to {site} or set {variable} to a mirror, or try --metadata "
        f"{option}={other}; (2) fetch {filename} by hand from {_PAGES[0]} or {_PAGES[1]} and pass --metadata "
        f"{option}=/path/to/{Path(filename).name} (or {_VARIABLES[split]}); "
        f"(3) evaluate the offline tasks, --tasks csconv_mini"
        + ("" if split is Split.EVALUATION else f", or pass --metadata {option}=mini")
    )


def _download(split: Split) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    filename = _FILES[split]
    what = f"{filename} of {HUB_REPO}"
    ways_out = _ways_out(split, "the hub", "HF_ENDPOINT")
    try:
        # The environment is read here and not left to huggingface_hub, which reads it once at import.
        return Path(
            hf_hub_download(
                HUB_REPO,
                filename,
                repo_type="dataset",
                endpoint=os.environ.get("HF_ENDPOINT"),
                cache_dir=os.environ.get("HF_HUB_CACHE"),
            )
        )
    except GatedRepoError as error:
        raise SourceError(
            f"the hub refuses {what}: access must be granted; log in with `hf auth login`"
        ) from error
    except LocalEntryNotFoundError as error:
        # Raised for every failure to reach the hub while no copy is in the cache, offline mode included.
        cause = error.__cause__ or error
        raise SourceError(
            f"cannot reach the hub for {what} ({_first_line(cause)}){modelscope.proxied(_hub())}. {ways_out}"
        ) from error
    except RepositoryNotFoundError as error:
        raise SourceError(
            f"the hub has no {HUB_REPO}, or refuses it (401/404): check HF_TOKEN and HF_ENDPOINT. {ways_out}"
        ) from error
    except EntryNotFoundError as error:
        raise SourceError(f"the hub has no {what} (404). {ways_out}") from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            raise SourceError(
                f"the hub refuses {what} ({status}): check HF_TOKEN and HF_ENDPOINT. {ways_out}"
            ) from error
        raise SourceError(f"the hub answered {status} for {what}. {ways_out}") from error
    except Exception as error:
        raise SourceError(f"downloading {what} failed ({_first_line(error)}). {ways_out}") from error


def is_here(source: str, split: Split = Split.EVALUATION) -> bool:
    """Whether a source needs no download; nobody is asked."""
    if source == "modelscope":
        return modelscope.cached_file(_FILES[split]).is_file()
    return source != "hub" or _in_hub_cache(split)


def _in_hub_cache(split: Split) -> bool:
    """Whether the hub's file is in the local cache; the hub is not asked."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        HUB_REPO, _FILES[split], cache_dir=os.environ.get("HF_HUB_CACHE"), repo_type="dataset"
    )
    return isinstance(found, str)


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _choose(option: str | None, split: Split, default: str) -> str:
    if option is not None and not isinstance(option, str):
        raise ConfigError(f"{_OPTIONS[split]} must be 'hub', 'modelscope', 'mini' or a path, not {option!r}")
    return option or os.environ.get(_VARIABLES[split]) or default


def chosen_source(option: str | None = None) -> str:
    """The source of the full and lite tasks: the option, then ``CSCONV_DATA``, then the hub."""
    return _choose(option, Split.EVALUATION, "hub")


def evaluation_corpus(subset: Subset, option: str | None = None) -> Corpus:
    """The corpus a task of this subset evaluates on, before :func:`select`.

    ``csconv_mini`` is by definition the shipped file: an option or variable meant for the other
    subsets does not change what its name stands for.
    """
    if subset is Subset.MINI:
        if option not in (None, "mini"):
            logger.info(
                "the csconv_mini tasks always use the shipped file; csconv_data=%s is for the others", option
            )
        return load("mini")
    return load(chosen_source(option))


def training_source(subset: Subset, option: str | None = None, evaluation: Corpus | None = None) -> str:
    """Where training conversations come from, for few-shot examples and floors alike: what :func:`load` takes.

    The option; for ``csconv_mini`` the shipped training file without it. Else ``CSCONV_TRAIN``; without either
    RoleCS of the site that the evaluated data is from; for data from a file, a ``RoleCS.json`` beside it.

    Raises:
        SourceError: data from a file, and no training file is named or lies beside it.
    """
    if option is None and subset is Subset.MINI:
        return "mini"
    if chosen := _choose(option, Split.TRAINING, ""):
        return chosen
    if evaluation is None:
        return "hub"
    if evaluation.name in _WORDS:
        return evaluation.name
    beside = evaluation.path.with_name("RoleCS.json")
    if not beside.exists():
        raise SourceError(
            f"few-shot examples and the floors random, majority and retrieval need training conversations, and no "
            f"RoleCS.json lies beside {evaluation.path}: put one there, pass --metadata csconv_train=PATH "
            "(or hub, modelscope, mini), or set CSCONV_TRAIN; csconv floor takes --train as well"
        )
    return str(beside)


def training_corpus(subset: Subset, option: str | None = None, evaluation: Corpus | None = None) -> Corpus:
    """The training conversations of :func:`training_source`.

    Raises:
        SourceError: they cannot be had, or none are named.
        DataError: the file breaks the schema.
    """
    return load(training_source(subset, option, evaluation), Split.TRAINING)


def select(conversations: tuple[Conversation, ...], subset: Subset) -> tuple[Conversation, ...]:
    """The conversations of a subset, in file order.

    ``lite`` is 128 conversations, allotted to the topics by largest remainder and chosen within a
    topic by a salted hash of the id: the same file always gives the same sample, and adding or
    reordering conversations moves few of the others.
    """
    if subset is not Subset.LITE or len(conversations) <= LITE_SIZE:
        if subset is Subset.LITE and len(conversations) < LITE_SIZE:
            logger.warning(
                "csconv_lite wants %d conversations; the data has %d", LITE_SIZE, len(conversations)
            )
        return conversations

    def rank(identity: str) -> str:
        return hashlib.sha256(f"{LITE_SALT}{identity}".encode()).hexdigest()

    units = ((c.id, c.topic) for c in conversations)
    chosen = stratified(units, LITE_SIZE, rank, tie=str)
    return tuple(c for c in conversations if c.id in chosen)
