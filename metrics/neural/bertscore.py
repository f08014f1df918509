"""BERTScore (Zhang et al. 2020): the tokens of reply and reference matched by the cosine of their vectors.

    recall = mean over reference tokens of the best cosine with a reply token; precision the other way
    round; F1 their harmonic mean

Vectors are those of a middle layer of an encoder. ``[CLS]`` and ``[SEP]`` may be matched and are not
counted, as in the bert-score package, from which the layer of each model, the baselines for rescaling
and the signature come, and whose values these are to 1e-5. No idf weights: with them a turn's score
would depend on the other references of the run.

Two things are ours: an empty reply or reference scores 0, also after rescaling, and how it is computed,
which makes a score independent of batch and order (:mod:`csc_tasks.metrics.neural.batches`).
"""

from __future__ import annotations

import logging
import math
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from csc_tasks.metrics.base import NETWORKS, Floats, MeanMetric, MetricInfo, ModelError, Needs, TurnMetric
from csc_tasks.metrics.neural.batches import Batches
from csc_tasks.metrics.neural.encoder import Encoder, first_line, load_encoder, on_device, pick_device, whole
from csc_tasks.metrics.neural.vector_store import Vectors, VectorStore, store_limit, store_size
from csc_tasks.metrics.turns import Turns

__all__ = ["DEFAULT_ENCODER", "PARTS", "BertScore", "BertScoreOptions", "BertScorer"]

logger = logging.getLogger(__name__)

DEFAULT_ENCODER = "bert-base-chinese"
"""bert-score's own choice for Chinese, with layer 8."""

PARTS = ("f1", "precision", "recall")

_SLICE = 60_000
"""Tokens whose vectors are in memory at once: 190 MB at a width of 768."""

_SAY_EVERY = 30.0
"""Seconds between two lines about the progress."""


@dataclass(frozen=True, slots=True)
class BertScoreOptions:
    """Which encoder, and how.

    ``model`` is a hub id or a folder, ``layer`` ``None`` for bert-score's own choice; ``rescale``
    subtracts bert-score's baseline for Chinese. ``batch`` (texts), ``device`` and ``vectors``, the folder
    where those of references are kept for the next model (``None``: nowhere), change no score.
    """

    model: str = DEFAULT_ENCODER
    layer: int | None = None
    rescale: bool = False
    batch: int = 64
    device: str = "auto"
    vectors: Path | None = None


class BertScorer:
    """Scores pairs under one encoder; the three metrics share it, and it loads once a process."""

    def __init__(self, options: BertScoreOptions) -> None:
        self.options = options
        self._encoder: Encoder | None = None
        self._device = "cpu"
        self._layer = 0
        self._baseline: Floats | None = None
        self._last: tuple[weakref.ref[Turns], Floats | Exception] | None = None

    @staticmethod
    @lru_cache(maxsize=4)
    def of(options: BertScoreOptions) -> BertScorer:
        """The scorer of these options."""
        return BertScorer(options)

    def __deepcopy__(self, memo: dict[int, Any]) -> BertScorer:
        # lm-eval copies the aggregations, hence the metrics, when it writes the configuration down.
        return self

    def load(self) -> Encoder:
        """The encoder, loaded at the first call.

        Raises:
            ModelError: something is missing; nothing was scored.
        """
        if self._encoder is not None:
            return self._encoder
        try:
            from bert_score.utils import model2layers
        except ImportError as error:
            raise ModelError(f"bert-score is not installed ({error})") from None
        options = self.options
        if options.batch < 1:
            raise ModelError(f"a batch of {options.batch} texts")
        self._device = pick_device(options.device)
        base = _base_name(options.model)
        layer = options.layer if options.layer is not None else model2layers.get(options.model)
        layer = layer if layer is not None else model2layers.get(base)
        if layer is None:
            layers = _layers(options.model)
            raise ModelError(
                f"bert-score knows no layer for {options.model}: choose one of 1 to {layers}"
                " (what is best is a matter of the model; two thirds of the way up is usual)"
            )
        if options.rescale:
            self._baseline = _baseline(base, layer)
        self._layer = layer
        self._encoder = load_encoder(options.model, layer)
        return self._encoder

    @property
    def details(self) -> dict[str, Any]:
        """What the scores depend on, for a signature; with bert-score's own hash once loaded."""
        options = self.options
        loaded: dict[str, Any] = {}
        if self._encoder is not None:
            from bert_score.utils import get_hash

            base = _base_name(options.model)
            loaded = {
                "fingerprint": self._encoder.fingerprint,
                "layer": self._layer,
                "bert_score_hash": get_hash(base, self._layer, False, options.rescale, False, False),
            }
        return {"model": _base_name(options.model), "idf": False, "rescaled": options.rescale, **loaded}

    @property
    def signature(self) -> str:
        """:attr:`details` that must agree for two scores to be comparable, in one line."""
        found = self.details
        if self._encoder is None:
            return f"bert-score, {found['model']}"
        scale = "rescaled" if found["rescaled"] else "raw"
        return (
            f"bert-score {version('bert-score')}, {found['model']}@{found['fingerprint']}, layer {found['layer']},"
            f" no idf, {scale}"
        )

    def __call__(self, turns: Turns) -> Floats:
        """Precision, recall and F1 of each turn, (n, 3); computed once for the three metrics."""
        if self._last is None or self._last[0]() is not turns:
            outcome: Floats | Exception
            try:
                assert turns.hypotheses is not None
                assert turns.references is not None
                outcome = self.score(turns.hypotheses, turns.references)
            except Exception as error:  # noqa: BLE001  # kept for the other two metrics, then raised
                outcome = error
            self._last = weakref.ref(turns), outcome
        if isinstance(self._last[1], Exception):
            raise self._last[1]
        return self._last[1]

    def score(self, hypotheses: Sequence[str], references: Sequence[str]) -> Floats:
        """Precision, recall and F1 of n pairs of texts, (n, 3).

        Raises:
            ModelError: the encoder cannot be loaded or gives no numbers.
        """
        encoder = self.load()
        pairs = [(whole(h).strip(), whole(r).strip()) for h, r in zip(hypotheses, references, strict=True)]
        texts = sorted({text for pair in pairs for text in pair})
        rows, long = encoder.token_ids(texts)
        ids = dict(zip(texts, rows, strict=True))
        if long:
            logger.warning("bertscore: %d texts cut to the encoder's %d tokens", long, encoder.max_tokens)
        weights = {t: np.array([i not in encoder.unweighted for i in row]) for t, row in ids.items()}
        # What has no token of its own has no score but the rule's: it is not embedded at all.
        scores = dict.fromkeys(set(pairs), (0.0, 0.0, 0.0))
        full = [pair for pair in scores if all(pair) and weights[pair[0]].any() and weights[pair[1]].any()]
        # Pairs of the same reply stand side by side, so that it is embedded once in almost every case.
        full.sort(key=lambda pair: (len(ids[pair[0]]), *pair))
        folder = self.options.vectors
        store = None if folder is None else VectorStore(folder, self._store_key(encoder), store_limit())
        batches = Batches("bertscore", self.options.batch)
        done, pace = 0, _Pace(len(full))
        with on_device(encoder.model, self._device):
            for chosen in _slices(full, ids):
                vectors = self._vectors(encoder, chosen, ids, store, batches)
                for h, r in chosen:
                    scores[h, r] = self._pair(vectors[h], vectors[r], weights[h], weights[r])
                done += len(chosen)
                pace.say(done)
        if store is not None and (store.found or store.added):
            logger.info(
                "bertscore: vectors of %d references were kept, %d added; %s holds %.1f GB of at most %.1f",
                store.found,
                store.added,
                store.root,
                store_size(store.root) / 1e9,
                store.limit / 1e9,
            )
        return np.array([scores[pair] for pair in pairs], dtype=np.float64).reshape(len(pairs), 3)

    def _store_key(self, encoder: Encoder) -> str:
        import torch
        import transformers

        # What can change a vector in its last bits is part of it: a score never depends on what was kept.
        kind = torch.device(self._device).type
        return f"{encoder.fingerprint}|{self._layer}|{torch.__version__}|{transformers.__version__}|{kind}"

    def _vectors(
        self,
        encoder: Encoder,
        pairs: Sequence[tuple[str, str]],
        ids: dict[str, list[int]],
        store: VectorStore | None,
        batches: Batches,
    ) -> dict[str, Vectors]:
        references = list(dict.fromkeys(r for _, r in pairs))
        vectors = {} if store is None else store.get(references)
        needed = [t for t in dict.fromkeys(t for pair in pairs for t in pair) if t not in vectors]
        made = encoder.embed([ids[t] for t in needed], batches, self._device)
        fresh = dict(zip(needed, made, strict=True))
        if store is not None:
            store.put({r: fresh[r] for r in references if r in fresh})
        return vectors | fresh

    def _pair(
        self, hypothesis: Vectors, reference: Vectors, weight_h: npt.NDArray[Any], weight_r: npt.NDArray[Any]
    ) -> tuple[float, float, float]:
        similarity = hypothesis @ reference.T
        precision = float(similarity.max(axis=1)[weight_h].mean(dtype=np.float64))
        recall = float(similarity.max(axis=0)[weight_r].mean(dtype=np.float64))
        total = precision + recall
        values = (precision, recall, 2 * precision * recall / total if total else 0.0)
        if self._baseline is not None:
            p, r, f = ((v - b) / (1 - b) for v, b in zip(values, self._baseline.tolist(), strict=True))
            return p, r, f
        return values


class BertScore(TurnMetric, MeanMetric):
    """One of BERTScore's three values, averaged over turns."""

    scale = NETWORKS

    def __init__(self, part: str, options: BertScoreOptions) -> None:
        self.part = part
        self.scorer = BertScorer.of(options)
        word = {"f1": "F1", "precision": "precision", "recall": "recall"}[part]
        summary = {
            "f1": "harmonic mean of BERTScore's precision and recall",
            "precision": "how well the reply's tokens are matched by the reference's, as cosines",
            "recall": "how well the reference's tokens are matched by the reply's, as cosines",
        }[part]
        self.info = MetricInfo(
            "bertscore" if part == "f1" else f"bertscore_{part}",
            f"BERTScore {word}",
            Needs.TEXT,
            1,
            summary,
            headline=part == "f1",
            model=True,
            variant="rescaled" if options.rescale else "",
        )

    @property
    def implementation(self) -> str:
        """bert-score's version, model, layer and scale."""
        return self.scorer.signature

    @property
    def details(self) -> dict[str, Any]:
        """The same as a JSON object, with the hash that bert-score prints."""
        return self.scorer.details

    def prepare(self) -> None:
        """Load the encoder."""
        self.scorer.load()

    def items(self, turns: Turns) -> list[Any]:
        """The value of each turn to seven digits, which is what float32 carries."""
        column = ("precision", "recall", "f1").index(self.part)
        return [round(value, 7) for value in self.scorer(turns)[:, column].tolist()]


class _Pace:
    """A line about the progress every half minute, for a log; a short job says nothing."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.started = self.said = time.monotonic()

    def say(self, done: int) -> None:
        now = time.monotonic()
        if now - self.said < _SAY_EVERY or not done:
            return
        self.said = now
        rate = done / (now - self.started)
        left = math.ceil((self.total - done) / rate / 60)
        logger.info("bertscore: %d of %d pairs, %.0f a second, %d min left", done, self.total, rate, left)


def _slices(
    pairs: Sequence[tuple[str, str]], ids: dict[str, list[int]]
) -> Iterator[Sequence[tuple[str, str]]]:
    start = tokens = 0
    for index, (h, r) in enumerate(pairs):
        tokens += len(ids[h]) + len(ids[r])
        if tokens >= _SLICE:
            yield pairs[start : index + 1]
            start, tokens = index + 1, 0
    if start < len(pairs):
        yield pairs[start:]


def _base_name(model: str) -> str:
    """The last part of a hub id or path: what bert-score's tables know a model by."""
    return Path(model).name or model


def _layers(model: str) -> str:
    from transformers import AutoConfig

    try:
        return str(AutoConfig.from_pretrained(str(Path(model).expanduser())).num_hidden_layers)
    except Exception as error:
        raise ModelError(f"{model} cannot be loaded: {first_line(error)}") from error


def _baseline(base: str, layer: int) -> Floats:
    import bert_score

    folder = Path(bert_score.__file__).parent / "rescale_baseline" / "zh"
    path = folder / f"{base}.tsv"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.tsv")))
        raise ModelError(f"bert-score has no Chinese baseline to rescale {base} with, only for {known}")
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        number, *values = line.split(",")
        if int(number) == layer:
            return np.array([float(v) for v in values])
    raise ModelError(f"{path} has no baseline for layer {layer}")
