"""What a leaderboard says, as plain values: the one thing that every renderer reads.

Nothing here knows where the numbers come from, and nothing here is formatted. All scores are in the
metric's own unit (fractions 0-1, judge grades 1-5); ``None`` stands for what is not known, never 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from csc_tasks.leaderboards.browsed import BrowsedCase, BrowsedRemark, BrowsedRolePlay
from csc_tasks.leaderboards.pairwise import PairwiseTable
from csc_tasks.leaderboards.provenance import Provenance
from csc_tasks.leaderboards.tuned import TunedPair
from csc_tasks.protocol.task_kind import Context, units_of
from csc_tasks.sentences import Sentence

__all__ = [
    "FORMAT",
    "BeatsFloor",
    "Board",
    "BoardTable",
    "BrowsedConversation",
    "BrowsedReply",
    "BrowsedTurn",
    "Cell",
    "Column",
    "CustomerSpread",
    "DataName",
    "DepthPoint",
    "Gold",
    "InputProblem",
    "Row",
    "Section",
    "SectionFigures",
    "WordingSpread",
    "finite",
    "to_json",
]

FORMAT = 1
"""Of ``leaderboard.json``; raised when a reader of the old form could misread the new one."""


@dataclass(frozen=True, slots=True)
class Section:
    """One task in one context: a group of columns. ``id`` is for instance ``response/generated``."""

    id: str
    title: str
    task: str
    context: str

    @property
    def is_role_play(self) -> bool:
        """Whether what is scored are whole conversations with a simulated customer."""
        return self.context == Context.ROLE_PLAY

    @property
    def counted(self) -> str:
        """What is counted as the turns of a cell: turns, or role-plays."""
        return units_of(self.id).turns


@dataclass(frozen=True, slots=True)
class Column:
    """One metric in one section, in the order of the table.

    ``id`` is unique in a table; ``signature`` is what had to agree for two values to stand in this
    column; ``better`` is +1, -1 or 0 (a description); ``percent`` says that people read it times 100;
    ``headline`` that a short table shows it; ``ranked`` that rows have ranks in it.
    """

    id: str
    section: str
    metric: str
    title: str
    summary: str
    signature: str
    better: int
    percent: bool
    headline: bool
    ranked: bool


class BeatsFloor(StrEnum):
    """Whether a score is significantly better than the best floor of its column.

    ``UNKNOWN`` where there is a floor and the two cannot be paired. Nothing is asked of a floor itself, of a
    description, of a value that is not there, where no floor has the score, and where it is the best that can be and
    the floor's too.
    """

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"
    NOT_ASKED = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A score with its 95 % interval and its place.

    ``low``/``high`` are ``None`` where there are no samples to resample, or a metric has no interval.
    ``rank`` is 1 + the number of models that are significantly better, so that ties share it;
    ``rank_low``–``rank_high`` are the places that the data do not exclude. A score of fewer turns than
    the table asks for has no rank. ``why`` says in words why a value, an interval or a rank is absent.
    Of a model that was run with several seeds ``value`` is the mean of ``seeds`` scores and ``spread`` their
    standard deviation; the interval, as everywhere, is about conversations. ``best_floor`` is the row id of the
    floor that ``beats_floor`` speaks of, or that is as good as can be, and the score no better than it; ``floor_why``
    says in words why it is not known.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    turns: int = 0
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    why: str = ""
    seeds: int = 1
    spread: float | None = None
    beats_floor: BeatsFloor = BeatsFloor.NOT_ASKED
    best_floor: str = ""
    floor_why: str = ""

    @property
    def first(self) -> bool:
        """Whether it is shown as one of the best: no model is better, and it is above the floors, if there are any."""
        above = self.beats_floor is BeatsFloor.YES or not self.best_floor
        return self.rank == 1 and above


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """A metric over the turns of one position. ``position`` is 1-based; the last one takes all later turns."""

    position: int
    value: float | None
    low: float | None
    high: float | None
    turns: int


@dataclass(frozen=True, slots=True)
class SectionFigures:
    """What a row says about one section beyond its cells.

    ``confusion`` is (12, 13), rows gold, columns predicted, the last one for labels that could not be
    read; ``transitions`` is (7, 7), from stage to stage, in counts: the start (row 0 only) and stages
    1-5 and 其它; the unreadable are left out; ``depth`` has a list a metric. ``signature`` is the run's,
    in one line; ``sources`` are files, relative to the folders given. ``seconds`` is the time of the whole
    lm-eval run and ``cost`` what a judge cost, in the currency of its config. ``signs`` is what was wrong with how
    many replies, in words, the worst first; of the first seed where there are several.
    """

    signature: str
    sources: tuple[str, ...]
    turns: int
    expected_turns: int | None
    conversations: int
    complete: bool
    confusion: tuple[tuple[int, ...], ...] | None = None
    transitions: tuple[tuple[int, ...], ...] | None = None
    depth: dict[str, tuple[DepthPoint, ...]] = field(default_factory=dict)
    seconds: float | None = None
    cost: float | None = None
    signs: tuple[str, ...] = ()
    made: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True, slots=True)
class Row:
    """A model: ``cells`` by column id, ``figures`` by section id. ``id`` is unique in a board.

    ``settings`` is all else that can change an answer, by name, and ``words`` the fewest of it that tell the
    row from others of its table with the same ``model``; ``adapter`` is what was put on top of the model.
    ``seeds`` is how many runs that differ in their seed alone the row is the mean of, at most. ``training_run``
    names what a checkpoint is of, as all checkpoints of that training in the table have it and no others.
    ``hub`` is the model's id on the hub, '' where it may be a folder.
    ``floor`` marks a weightless model, which is shown beneath and never ranked; ``incomplete`` says in words
    which turns are missing, and such a row is not ranked either.
    """

    id: str
    model: str
    revision: str
    step: int | None
    shots: int
    floor: bool
    date: float
    cells: dict[str, Cell]
    figures: dict[str, SectionFigures]
    incomplete: str = ""
    notes: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    adapter: str = ""
    seeds: int = 1
    hub: str = ""
    training_run: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """The annotation that a section's models are held against: ``transitions`` as in :class:`SectionFigures`."""

    transitions: tuple[tuple[int, ...], ...]
    strategies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataName:
    """What was evaluated: ``hub``, ``modelscope``, ``mini`` or a file's name, and the first digits of its fingerprint.

    ``subset`` of so many ``conversations`` is what was taken of it; ``unit`` is what those are, one of them.
    """

    name: str = ""
    fingerprint: str = ""
    subset: str = ""
    conversations: int = 0
    unit: str = "conversation"

    @property
    def extent(self) -> str:
        """How much of the data: ``lite, 128 conversations``; a subset called like its data is not told twice."""
        n, cards = self.conversations, self.unit == "card"
        if cards:
            counted = Sentence("data.cards", "{n} {n:card|cards}", n=n)
        else:
            counted = Sentence("data.conversations", "{n} {n:conversation|conversations}", n=n)
        if self.subset == self.name:
            return counted
        return Sentence("data.subset", "{subset}, {counted}", subset=self.subset, counted=counted)


@dataclass(frozen=True, slots=True)
class WordingSpread:
    """The scores of a row in a column and, in other tables, of the same model under other wordings of the prompt.

    ``scores`` has them by the prompt's version, the table's own first; all are of the same turns.
    """

    row: str
    column: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class CustomerSpread:
    """The score of a row in a column of role-plays and, in other tables, that of the same model with other customers.

    ``scores`` has them by who plays the customers, the table's own first; all are of the same cards.
    """

    row: str
    column: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class BoardTable:
    """One comparability class. Only rows of one table may be compared.

    ``facts`` are the things that agree (name → value, for instance ``prompt`` → ``zh-2``); ``apart`` says
    in words how it differs from the first table; ``partial`` that no model has all turns; ``order`` is the
    column id that rows come sorted by, best first, then incomplete ones, then floors; ``data`` names the data
    for programs; ``wordings`` says how far scores lie apart under other wordings of the prompt, ``customers`` with
    other simulated customers; ``pairs`` are models beside the base that they were tuned from; ``caution`` is
    what else must be known before its scores are believed.
    """

    id: str
    title: str
    facts: dict[str, str]
    apart: str
    partial: str
    order: str
    sections: tuple[Section, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gold: dict[str, Gold]
    data: DataName = DataName()
    wordings: tuple[WordingSpread, ...] = ()
    customers: tuple[CustomerSpread, ...] = ()
    caution: str = ""
    pairs: tuple[TunedPair, ...] = ()

    def contexts(self) -> Iterator[tuple[Section, Section]]:
        """The sections of each task that has both, with the gold history and with the model's own."""
        for reference in self.sections:
            for generated in self.sections:
                contexts = reference.context, generated.context
                if reference.task == generated.task and contexts == ("reference", "generated"):
                    yield reference, generated


@dataclass(frozen=True, slots=True)
class BrowsedTurn:
    """One turn of a conversation: what the customer said before (may be ''), and the gold reply."""

    customer: str
    strategy: int
    reference: str


@dataclass(frozen=True, slots=True)
class BrowsedConversation:
    """A conversation for the sample browser."""

    id: str
    topic: str
    turns: tuple[BrowsedTurn, ...]


@dataclass(frozen=True, slots=True)
class BrowsedReply:
    """A model's turn: ``strategy`` is 0-11, -1 if unreadable, and ``None`` where none was asked for;
    ``scores`` are per-turn metrics by name."""

    strategy: int | None
    text: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class InputProblem:
    """Something among the input that could not be used, or was used with a reservation."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Board:
    """All of it.

    ``reported`` is the paper's table as published (never ranked against measured rows).
    ``conversations`` are those of the sample browser and ``replies`` the models' turns in them:
    row id → section id → conversation id → one reply a turn (``None`` where it is missing). ``cases`` are those of
    its role-plays by the id of their table, and ``role_plays`` has row id → section id → case id → the role-play.
    ``remarks`` are what judges and people said of those replies: row id → section id → conversation or case id.
    ``ignored`` counts the results of other tasks; ``pairwise`` has what judges said of two models' replies.
    """

    built: str
    package: str
    resamples: int
    seed: int
    level: float
    tables: tuple[BoardTable, ...]
    reported: dict[str, Any]
    problems: tuple[InputProblem, ...] = ()
    ignored: int = 0
    conversations: tuple[BrowsedConversation, ...] = ()
    replies: dict[str, dict[str, dict[str, tuple[BrowsedReply | None, ...]]]] = field(default_factory=dict)
    cases: dict[str, tuple[BrowsedCase, ...]] = field(default_factory=dict)
    role_plays: dict[str, dict[str, dict[str, BrowsedRolePlay]]] = field(default_factory=dict)
    pairwise: tuple[PairwiseTable, ...] = ()
    remarks: dict[str, dict[str, dict[str, tuple[BrowsedRemark, ...]]]] = field(default_factory=dict)

    def without_texts(self) -> Board:
        """The same without what the sample browser shows."""
        return replace(self, conversations=(), replies={}, cases={}, role_plays={}, remarks={})


def to_json(board: Board, texts: bool = True) -> str:
    """The board as JSON text with ``"format"``; NaN and infinities as ``null``, in one line.

    Args:
        board: what to write.
        texts: include the conversations, replies and role-plays of the sample browser.
    """
    if not texts:
        board = board.without_texts()
    content = {"format": FORMAT, **asdict(board)}
    if not texts:
        for name in ("conversations", "replies", "cases", "role_plays", "remarks"):
            del content[name]
    return json.dumps(finite(content), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def finite(value: Any) -> Any:
    """The same value with ``None`` for every NaN and infinity in it, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
