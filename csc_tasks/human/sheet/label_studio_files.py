"""The same items for Label Studio: the configuration of a project, and a file of tasks for each rater."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from csc_tasks.human.label_studio import EXPORTED_NO, EXPORTED_TIE, EXPORTED_YES, TIE_CONTROL
from csc_tasks.human.sheet.making import MadeStudy
from csc_tasks.human.study import COMMENT, RatedDimension, rater_name
from csc_tasks.metrics.judge.rubric import GRADES, Kind, Unit

__all__ = ["project_config", "rater_tasks"]

_TIE = {"zh": "平", "en": "Neither"}
_TRUTH = {"zh": ("是", "否"), "en": ("Yes", "No")}
_COMMENT = {"zh": "备注", "en": "Comment"}


def project_config(study: MadeStudy) -> bytes:
    """The labelling configuration: paste it into *Labeling Setup*, *Custom template*."""
    root = Element("View")
    shown = study.key.rubric.shown
    pair = study.key.rubric.unit is Unit.PAIR
    beside = None
    for field in shown:
        inside = root
        if pair and field in ("first", "second"):
            # The two replies stand beside each other.
            beside = SubElement(root, "View", style="display:flex;gap:1em") if beside is None else beside
            inside = SubElement(beside, "View", style="flex:1")
        SubElement(
            inside, "Header", value=_joined([w.blocks[field] for w in study.wordings.values()]), size="5"
        )
        SubElement(inside, "Text", name=field, value=f"${field}")
    about = shown[-1]
    for dimension in study.key.rubric.dimensions:
        _question(root, study, dimension, about, pair)
    SubElement(root, "Header", value=_of(_COMMENT, study), size="5")
    SubElement(root, "TextArea", name=COMMENT, toName=about, rows="2", maxSubmissions="1", editable="true")
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8")
    return text + b"\n"


def rater_tasks(study: MadeStudy, number: int) -> list[dict[str, Any]]:
    """The tasks of a rater (from 0), in order, as JSON values: *Import* takes the file."""
    return [
        {
            "data": {
                "study": study.key.fingerprint,
                "rater": rater_name(number + 1),
                "item": shown.item.id,
                **{field: shown.fields[field] for field in study.key.rubric.shown},
            }
        }
        for shown in study.shown[number]
    ]


def _question(root: Element, study: MadeStudy, dimension: RatedDimension, about: str, pair: bool) -> None:
    words = [wording.questions[dimension.name] for wording in study.wordings.values()]
    SubElement(root, "Header", value=_joined([w.title for w in words]), size="4")
    SubElement(root, "Header", value=_joined([w.question for w in words]), size="6")
    if pair and dimension.kind is Kind.CHOICE:
        SubElement(root, "Pairwise", name=dimension.name, toName="first,second")
        tie = SubElement(
            root, "Choices", name=TIE_CONTROL, toName="first", choice="multiple", showInline="true"
        )
        SubElement(tie, "Choice", value=_of(_TIE, study), alias=EXPORTED_TIE)
        return
    if dimension.kind is Kind.SCALE:
        for grade in map(str, GRADES):
            meaning = _joined([w.anchors[grade] for w in words])
            SubElement(root, "Header", value=f"{grade}: {meaning}", size="6")
        SubElement(
            root, "Rating", name=dimension.name, toName=about, maxRating=str(len(GRADES)), required="true"
        )
        return
    choices = SubElement(
        root,
        "Choices",
        name=dimension.name,
        toName=about,
        choice="single",
        showInline="true",
        required="true",
    )
    if dimension.kind is Kind.YES_NO:
        for index, alias in enumerate((EXPORTED_YES, EXPORTED_NO)):
            text = _joined([_TRUTH[language][index] for language in study.wordings])
            SubElement(choices, "Choice", value=text, alias=alias)
    else:
        for option in dimension.options:
            SubElement(choices, "Choice", value=option)


def _of(texts: dict[str, str], study: MadeStudy) -> str:
    return _joined([texts[language] for language in study.wordings])


def _joined(texts: list[str]) -> str:
    """The languages of the study, one after the other."""
    return " / ".join(dict.fromkeys(texts))
