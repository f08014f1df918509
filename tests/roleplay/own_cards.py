"""Cards of one's own for tests: a sound one, changed at will, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["card", "drafted", "written"]


def drafted() -> dict[str, Any]:
    """The parts of a sound card that a model would write."""
    return {
        "who": "你是一位中学老师，上周在网上买了一台投影仪，拿到教室里一试，画面发黄。",
        "scenario": "一家电器商城的售后热线，顾客来电反映所购商品的问题。",
        "goal": "顾客想把画面发黄的投影仪换成新的，问清楚怎么寄回、几天能收到就满意了。",
        "satisfied": "知道可以换货，知道怎么寄回。",
        "opening": ["你好，我买的投影仪画面不对劲，想问问怎么办。"],
        "mood": {
            "at_first": "有些烦躁",
            "start": 3,
            "upset": ["下周就要上公开课了，我真是发愁。"],
            "eased_by": "认真听，给出办法",
            "worsened_by": "说她不会用",
            "worsened_words": ["不会用"],
            "comfort": ["刚买的东西就出毛病，换谁都会着急。"],
            "calmer": ["嗯，那你帮我看看吧。"],
        },
        "facts": [
            {
                "name": "订单时间",
                "asked_by": ["什么时候买", "哪天买", "购买时间"],
                "asks": ["请问您是哪天买的呢？"],
                "says": ["上个礼拜二下的单。"],
                "optional": False,
            },
            {
                "name": "毛病的样子",
                "asked_by": ["怎么不对劲", "什么颜色", "什么现象"],
                "asks": ["请问画面具体是什么现象？"],
                "says": ["整个屏幕泛黄，白墙上看着像旧报纸。"],
                "optional": False,
            },
        ],
        "lookups": [
            {"name": "售后规定", "finds": "商品签收十五日内出现故障，可以免费换新，邮费由商城承担。"},
            {"name": "寄回地址", "finds": "换货件寄往城东仓库售后组，随附购物小票。"},
        ],
        "steps": [
            {
                "does": "信息传达",
                "says": ["按规定您这台可以免费换新，邮费由我们承担。"],
                "reply": ["那太好了，我怎么寄呢？"],
                "done_by": [["换新", "换货"]],
                "optional": False,
            },
            {
                "does": "提供建议",
                "says": ["您把机器连同小票寄到城东仓库售后组就可以了。"],
                "reply": ["好的，我今天就去寄。"],
                "done_by": [["城东仓库"], ["小票"]],
                "optional": False,
            },
        ],
        "demand": {
            "says": ["你们耽误了我上课，再额外赔我一台吧。"],
            "because": "规定只有换货，没有另外赔一台机器的做法。",
            "does": "信息传达",
            "refusal": ["实在抱歉，额外再赔一台我们没办法做到，只能为您换新。"],
            "accepts": ["好吧，能换也行。"],
            "about": ["额外赔", "再赔", "赔一台"],
            "granted_by": ["赔您一台", "额外赔给您"],
        },
        "gives_up": ["算了，问了半天也没个说法，我去找别家修。"],
        "closing": ["行，那就这样，谢谢你。"],
        "never": ["双倍赔偿"],
        "patience": 4,
    }


def card(change: Callable[[dict[str, Any]], object] = lambda _: None, **more: Any) -> dict[str, Any]:
    """A sound card as it stands in a file, changed."""
    made = {
        "id": "yellow-projector",
        "topic": "技术支持与在线服务",
        "company": "[公司名称]售后热线",
        **drafted(),
    }
    made |= more
    change(made)
    return made


def written(path: Path, *cards: Mapping[str, Any]) -> Path:
    """A file of cards."""
    path.write_text(json.dumps({"version": "own", "card": list(cards)}, ensure_ascii=False), encoding="utf-8")
    return path
