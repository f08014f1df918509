"""Making a study: the key, and of each rater what is shown to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from csc_tasks._version import __version__
from csc_tasks.data.sampling import digest
from csc_tasks.errors import ConfigError
from csc_tasks.human.kinds import Languages, RatingKind
from csc_tasks.human.sheet.assigning import deal, in_order, with_checks
from csc_tasks.human.sheet.checks import attention_items, repeat_of
from csc_tasks.human.sheet.items import Salt, ShownItem, Work, work_of
from csc_tasks.human.sheet.options import SheetOptions, read_overlap
from csc_tasks.human.sheet.runs import RatedPlace, RatedTask, find_task
from csc_tasks.human.study import Language, RatedRun, Rater, StudyKey, StudyRubric, rater_name
from csc_tasks.metrics.judge.wording import RubricWording, english_wording, own_wording
from csc_tasks.protocol.prompt import Prompt, load_prompt

__all__ = ["LARGEST", "MadeStudy", "make_study"]

LARGEST = 2_000
"""Items of a rater, which would take some thirty hours."""
_EVERY = 20
"""Items to one that is shown a second time, and to one that says what to answer."""
_LEAST = 2


@dataclass(frozen=True, slots=True)
class MadeStudy:
    """A study before it is written.

    Attributes:
        key: all of it.
        shown: of each rater the items in order.
        wordings: the questions by language.
        prompt: that the runs were asked with, which tells the lines of a conversation apart.
        noun: what the sample is of, in the plural.
        scripted: whether whole conversations are rated in which the customer's words were written beforehand.
        common: how many of these the runs have in common.
    """

    key: StudyKey
    shown: list[list[ShownItem]]
    wordings: dict[Language, RubricWording]
    prompt: Prompt
    noun: str
    scripted: bool
    common: int


def make_study(options: SheetOptions) -> MadeStudy:
    """Draw the sample, take out what needs no person, and deal the rest to the raters.

    Raises:
        ConfigError: the runs cannot be rated side by side, or fewer than the sample has are there.
        DataError: a log cannot be read.
        JudgeError: a rubric cannot be read.
    """
    task = find_task(options.results, options.kind, options.rubric, options.task)
    wordings = _wordings(task, options)
    overlap = read_overlap(options.overlap, options.sample, options.raters)
    each = _each(options, overlap)
    places = task.sample(options.sample, options.seed)
    digests = [log.sha256() for log in task.logs.values()]
    salt: Salt = (options.seed, *digests)
    texts = task.texts(places)
    work = work_of(options.kind, task.rubric, places, texts, salt)
    if not any(work.places.values()):
        equal = "equal or " if options.kind is RatingKind.PAIR else ""
        raise ConfigError(f"nothing to {options.kind.value}: all replies of the sample are {equal}empty")
    prompt = load_prompt(task.log.signature.prompt.version)
    given = _given(work, places, overlap, each, options.raters, salt)
    checks = _Checks.of(options, min(map(len, given)))
    attention = attention_items(
        checks.attention,
        [shown for found in work.places.values() for shown in found],
        StudyRubric.of(task.rubric),
        prompt,
        tuple(wordings),
        salt,
    )
    shown = [
        _of_rater(items, checks.repeats, attention, options.kind, (*salt, number))
        for number, items in enumerate(given)
    ]
    everything = {one.item.id: one.item for of_rater in shown for one in of_rater}
    key = StudyKey(
        version=__version__,
        fingerprint="0" * 16,
        kind=options.kind,
        task=task.log.task,
        section=task.log.signature.section,
        protocol=str(task.log.signature.protocol),
        rubric=StudyRubric.of(task.rubric),
        sample=options.sample,
        overlap=overlap,
        each=each,
        seed=options.seed,
        languages=list(wordings),
        runs=_runs(task, digests),
        items=sorted(everything.values(), key=lambda item: item.id),
        decided=work.decided,
        raters=[
            Rater(name=rater_name(number), items=[one.item.id for one in of_rater])
            for number, of_rater in enumerate(shown, start=1)
        ],
    ).signed()
    return MadeStudy(key, shown, wordings, prompt, task.noun, task.scripted, len(task.common))


def _runs(task: RatedTask, digests: Sequence[str]) -> list[RatedRun]:
    return [
        RatedRun(
            model=name, log=str(log.path.resolve()), log_sha256=sha, results=str(log.results.path.resolve())
        )
        for (name, log), sha in zip(task.logs.items(), digests, strict=True)
    ]


def _wordings(task: RatedTask, options: SheetOptions) -> dict[Language, RubricWording]:
    """The questions in the languages that are asked for, the first of which a page opens in."""
    wanted = options.languages
    own: dict[Language, RubricWording] = {"zh": own_wording(task.rubric)}
    if wanted is Languages.ZH:
        return own
    name = options.rubric if options.rubric and options.rubric.count("/") else task.rubric.name
    english = english_wording(task.rubric, name)
    if english is None:
        if wanted is None:
            return own
        raise ConfigError(
            f"--lang {wanted.value}: rubric {task.rubric.name} is not worded in English; write its en.toml, or say "
            "--lang zh"
        )
    return {"en": english} if wanted is Languages.EN else {**own, "en": english}


def _each(options: SheetOptions, overlap: int) -> int:
    each = options.each if options.each is not None else options.raters
    if each > options.raters:
        raise ConfigError(f"--each {each}: there are {options.raters} raters")
    return each if overlap else 1


def _given(
    work: Work, places: Sequence[RatedPlace], overlap: int, each: int, raters: int, salt: Salt
) -> list[list[ShownItem]]:
    """The items of each rater, in no order yet."""
    order = sorted(places, key=lambda p: digest((*salt, "shared", p.conversation, p.turn)))
    # A place whose replies are all decided is nobody's work, and no overlap.
    with_work = [place for place in order if work.places[place]]
    loads = {place: len(work.places[place]) for place in with_work}
    dealt = deal(loads, with_work[:overlap], raters, each, salt)
    given = [[shown for place in mine for shown in work.places[place]] for mine in dealt]
    if not all(given):
        raise ConfigError(
            f"--raters {raters}: there are items for {sum(map(bool, given))} of them; raise --sample or --overlap"
        )
    if (most := max(map(len, given))) > LARGEST:
        raise ConfigError(
            f"{most:,} items for one rater, and nobody rates more than {LARGEST:,}: lower --sample or raise --raters"
        )
    return given


@dataclass(frozen=True, slots=True)
class _Checks:
    """How many of each kind a rater has."""

    repeats: int
    attention: int

    @classmethod
    def of(cls, options: SheetOptions, least: int) -> _Checks:
        usual = max(_LEAST, round(least / _EVERY))
        # Of a handful of items nobody has forgotten the first when the last one comes.
        repeats = (usual if least >= 10 else 0) if options.repeats is None else options.repeats
        if repeats > least // 2:
            raise ConfigError(
                f"--repeats {repeats}: a rater has {least} items, and half of them can come again"
            )
        attention = usual if options.attention is None else options.attention
        if attention > least:
            raise ConfigError(f"--attention {attention}: a rater has {least} items")
        return cls(repeats, min(attention, least))


def _of_rater(
    items: Sequence[ShownItem],
    repeats: int,
    attention: Sequence[ShownItem],
    kind: RatingKind,
    salt: Salt,
) -> list[ShownItem]:
    ordered = in_order(items, salt)
    # Repeated is what comes early, and again when it is forgotten.
    early = sorted(ordered[: -(-len(ordered) // 2)], key=lambda each: digest((*salt, "again", each.item.id)))
    again = [repeat_of(each, kind) for each in early[:repeats]]
    return with_checks(ordered, again, attention, salt)
