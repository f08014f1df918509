"""What is shown to learn about the raters: items a second time, and items that say themselves what to answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from csc_tasks.data.sampling import digest
from csc_tasks.human.kinds import RatingKind
from csc_tasks.human.sheet.items import WINNER, Salt, ShownItem, item_id
from csc_tasks.human.sheet.talk import with_last_reply
from csc_tasks.human.study import ItemRole, Language, RatedDimension, RatedValue, StudyRubric
from csc_tasks.metrics.judge.pairs import FIRST, SECOND, TIE
from csc_tasks.metrics.judge.rubric import GRADES, Kind, Unit
from csc_tasks.protocol.prompt import Prompt

__all__ = ["attention_items", "repeat_of"]

_CHECK = (
    "（检查题：这不是客服的话，是想确认您读到了这里。请{asked}。）",
    "(Check: this is not a reply. It is here to see that you read this far. Please {asked}.)",
)
_GRADE = ("给 1 到 5 分的每一项都打 {grade} 分", "give {grade} wherever 1 to 5 are asked")
_TRUTH = {
    True: ("是非题都选“是”", "answer yes to every yes-or-no question"),
    False: ("是非题都选“否”", "answer no to every yes-or-no question"),
}
_OPTION = {
    FIRST: ("选“甲更好”", "choose “A is better”"),
    SECOND: ("选“乙更好”", "choose “B is better”"),
    TIE: ("选“平”", "choose “Neither”"),
}
_JOINED = ("，", ", and ")


def repeat_of(shown: ShownItem, kind: RatingKind) -> ShownItem:
    """The same item once more, a pair in the other order, under an id of its own."""
    item = shown.item.model_copy(
        update={
            "id": item_id("repeat", shown.item.id),
            "role": ItemRole.REPEAT,
            "repeats": shown.item.id,
            "runs": shown.item.runs[::-1],
        }
    )
    if kind is RatingKind.RATE:
        return ShownItem(item, shown.fields)
    turned = {**shown.fields, "first": shown.fields["second"], "second": shown.fields["first"]}
    return ShownItem(item, turned)


def attention_items(
    count: int,
    among: Sequence[ShownItem],
    rubric: StudyRubric,
    prompt: Prompt,
    languages: Sequence[Language],
    salt: Salt,
) -> list[ShownItem]:
    """Items with a real conversation and, in the place of a reply, what is to be answered.

    What they ask for differs from one to the next, so that nobody passes them all by always giving the same.

    Args:
        count: how many.
        among: items whose conversations they are put into.
        rubric: the questions.
        prompt: of the runs, which tells the lines of a conversation apart.
        languages: in which they ask.
        salt: of the study.
    """
    order = sorted(among, key=lambda each: digest((*salt, "attention", each.item.id)))
    made: list[ShownItem] = []
    for number in range(count):
        model = order[number % len(order)]
        right = _right(rubric, number + int(digest(salt)[:6], 16))
        if not right:
            break  # a rubric of one's own that has neither grades nor yes and no
        text = _asked(right, languages)
        item = model.item.model_copy(
            update={
                "id": item_id(*salt, "attention", number),
                "role": ItemRole.ATTENTION,
                "runs": [],
                "right": right,
            }
        )
        made.append(replace(model, item=item, fields=_with(model.fields, text, rubric.unit, prompt, number)))
    return made


def _right(rubric: StudyRubric, number: int) -> dict[str, RatedValue]:
    return dict(_values(rubric.dimensions, number))


def _values(dimensions: Sequence[RatedDimension], number: int) -> Iterator[tuple[str, RatedValue]]:
    # 3 is what those choose who have no opinion.
    grades = [grade for grade in GRADES if grade != 3]
    for dimension in dimensions:
        if dimension.kind is Kind.SCALE:
            yield dimension.name, grades[(number * 3) % len(grades)]
        elif dimension.kind is Kind.YES_NO:
            yield dimension.name, number % 2 == 0
        elif dimension.name == WINNER:
            yield dimension.name, (FIRST, SECOND, TIE)[number % 3]


def _asked(right: Mapping[str, RatedValue], languages: Sequence[Language]) -> str:
    # By kind, too: to Python a yes and a one are the same.
    asked = [_wish(value) for _, value in dict.fromkeys((type(v), v) for v in right.values())]
    return "\n".join(
        _CHECK[index].format(asked=_JOINED[index].join(wish[index] for wish in asked))
        for index, language in enumerate(("zh", "en"))
        if language in languages
    )


def _wish(value: RatedValue) -> tuple[str, str]:
    if isinstance(value, bool):
        return _TRUTH[value]
    if isinstance(value, str):
        return _OPTION[value]
    return _GRADE[0].format(grade=value), _GRADE[1].format(grade=value)


def _with(fields: Mapping[str, str], text: str, unit: Unit, prompt: Prompt, number: int) -> dict[str, str]:
    if unit is Unit.PAIR:
        return {**fields, ("first", "second")[number % 2]: text}
    if unit is Unit.DIALOGUE:
        return {**fields, "dialogue": with_last_reply(fields["dialogue"], text, prompt)}
    return {**fields, "reply": text}
