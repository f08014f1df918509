"""What is wrong with a draft of a card, as the model that wrote it is told: numbered lines in Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csc_tasks.roleplay.card_faults import CardFault, FaultKind

__all__ = ["faults_in_chinese", "reason_of"]

MOST = 12
"""Faults that a model is told at once; more of them confuse it, and many go away with the first ones."""
_KINDS: Mapping[FaultKind, str] = {
    FaultKind.SCHEMA: "写得不合要求（{}）",
    FaultKind.VALUE_MISSING: "句子里用了没有定义的花括号“{}”，请改成普通的字",
    FaultKind.VALUE_IDLE: "定义了没有用到的“{}”",
    FaultKind.VALUE_BRACKETS: "“{}”里不能有括号和竖线",
    FaultKind.MANY_WORDINGS: "问句的说法太多（超过{}种）",
    FaultKind.QUESTION: "这句问话里没有这件事自己的 asked_by 词，或者混进了别的事的词：“{}”。改问句，或者改词",
    FaultKind.THREE_IN_A_ROW: "连着三步用了同一种策略（去掉可以不做的步骤以后也算），请换一种或合并",
    FaultKind.FACT_TWICE: "有两件事的名称都是“{}”，请改掉一个",
    FaultKind.NO_FACT: "没有一件事是必须问的，至少一件的 optional 要写 false",
    FaultKind.NO_STEP: "没有一步既必须做、又写了 done_by 词，程序无从知道事情办成了",
    FaultKind.NO_GIVING_UP: "缺少顾客不想再等时说的话",
    FaultKind.NO_LOOKUP: "缺少客服能查到的内容，至少写一条",
    FaultKind.NO_ABOUT: "缺少说到这个要求的词",
    FaultKind.STEP_NOT_FOUND: "这句话里没有凑齐 done_by 每一组的词，或者词前面有否定的字：“{}”。改句子，或者改词",
    FaultKind.STEP_FORBIDDEN: "说了 never 里不许说的词：“{}”",
    FaultKind.STEP_GRANTS: "这句话里有 granted_by 的词，等于答应了过分要求：“{}”",
    FaultKind.NO_REFUSAL: "这句话看不出是拒绝：“{}”。要用上“不能、没办法、无法”一类的字样，并且避开 granted_by 的词",
    FaultKind.LOOKUP_ASKS: "客服照着念会被当成在问“{}”。finds 里不要有 asked_by 的词和疑问的字样",
    FaultKind.LOOKUP_GOAL: "把顾客的 goal 说出来了：“{}”",
    FaultKind.LOOKUP_SHOWN: "private 里的“{}”没有原样出现在 finds 里",
    FaultKind.OPENING_TELLS: "一开口就说出了“{}”的内容，这要等客服来问",
    FaultKind.OPENING_FIGURES: "一开口就说出了“{}”里的数字，这要等客服来问",
    FaultKind.SCENARIO_GOAL: "把顾客的 goal 说出来了，客服不该知道",
    FaultKind.UNRESOLVED: "照卡上写的全部做到，也还是办不成（{}），请检查 asked_by 和 done_by",
    FaultKind.TOO_EASY: "不用真办事就能办成（{}），请把 done_by 写得具体些",
}
_TYPES: Mapping[str, str] = {
    "missing": "缺少这个字段",
    "extra_forbidden": "没有这样的字段",
    "string_type": "应当是一句话",
    "tuple_type": "应当是列表",
    "too_short": "至少要有一项",
    "too_long": "项数太多",
    "bool_type": "应当是 true 或 false",
    "bool_parsing": "应当是 true 或 false",
    "int_type": "应当是整数",
    "int_parsing": "应当是整数",
    "model_type": "应当是一个对象",
    "model_attributes_type": "应当是一个对象",
    "greater_than_equal": "数太小",
    "less_than_equal": "数太大",
}
"""Of pydantic's names of what is wrong with a form."""
_REASON = 100


def faults_in_chinese(faults: Sequence[CardFault]) -> str:
    """A numbered line a fault: ``第1处：facts 第2项的 asks：缺少这个字段``."""
    lines = [f"第{n}处：{_told(fault)}" for n, fault in enumerate(faults[:MOST], 1)]
    if left := len(faults) - MOST:
        lines += [f"另外还有{left}处，先改上面这些。"] if left > 0 else []
    return "\n".join(lines)


def _told(fault: CardFault) -> str:
    if fault.kind is FaultKind.SCHEMA and fault.type in _TYPES:
        told = _TYPES[fault.type]
    else:
        told = _KINDS[fault.kind].replace("{}", f"{fault.shown:.120}")
    field = _place(fault.field)
    return f"{field}：{told}" if field else told


def _place(field: str) -> str:
    """``facts.1.asks.0`` as ``facts 第2项的 asks 第1项``, ``steps 2`` as ``steps 第2项``."""
    words: list[str] = []
    for part in field.split("."):
        if part.isdecimal():
            words.append(f"第{int(part) + 1}项")
        elif words and words[-1].startswith("第"):
            words[-1] += f"的 {part}"
        else:
            words.append(part)
    head, _, number = " ".join(words).rpartition(" ")
    return f"{head} 第{number}项" if head and number.isdecimal() else " ".join(words)


def reason_of(fault: CardFault) -> str:
    """One of few short kinds for what keeps a draft from being a card; nothing of the draft is in it."""
    field = fault.field.partition(" ")[0].partition(".")[0]
    told = fault.shown if fault.kind is FaultKind.SCHEMA else fault.kind.value
    if fault.kind is FaultKind.SCHEMA and fault.type in ("value_error", "enum"):
        told = "not written as a card wants it"
    told = told.partition("{}")[0].partition(":")[0].strip(" (;,:")[:_REASON]
    return f"{field}: {told}" if field else told
