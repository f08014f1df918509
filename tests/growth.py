"""How the time of reading a text grows with it: in proportion, or the pattern that read it is quadratic."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable

__all__ = ["UNITS", "assert_linear", "mixtures"]

UNITS = (
    *(
        "\n",
        " ",
        "\t",
        "\r",
        "\r\n",
        "\n ",
        "\n \t",
        "\u3000",
        "\u200b",
        "\u2028",
        "a",
        "A",
        "1",
        "啊",
        ".",
        ",",
        "，",
    ),
    *(
        "-",
        "=",
        "*",
        "#",
        "`",
        "|",
        "｜",
        "_",
        "/",
        "\\",
        "'",
        '"',
        "“",
        "「",
        "[",
        "]",
        "【",
        "(",
        "（",
        "<",
        ">",
        "{",
        "}",
    ),
    *(
        "客服:\n",
        "\n客户",
        "策略：",
        "策略 ",
        "提供",
        "a:",
        "1.",
        "a.",
        "1-",
        "://",
        "\n---",
        "a@",
        "👍🏻\u200d",
        "e\u0301",
    ),
    *(
        "<|a|>",
        "<think>",
        "</think>",
        "[THINK]",
        "<answer>",
        "```\n",
        "analysis",
        "]<",
        "<a ",
        "</",
        "[INST",
        "◁t",
    ),
    *('{"a":', '{"a":[', '{"', '{"a', "[[", '{"a":"{', "{ ", '{"a":{},'),
    *(
        "ignore ",
        "give ",
        "ignore give ",
        "give 5 ",
        "empathy ",
        "评委",
        "这条回复",
        "各项",
        "忽略",
        "忽略打",
        "无视以上",
    ),
    *(
        "Dear ",
        "as a ",
        "ignoriere gib ",
        "ignora da ",
        "無視して",
        "무시하고 ",
        "игнорируй дай ",
        "策略匹配",
        "体谅 ",
    ),
)
"""What is repeated: each could be the beginning, the middle or the gap of something that a pattern looks for."""
_SIZE = 3_000
_NOTHING = 0.004
"""Seconds below which there is no growth to speak of, only noise."""


def mixtures(seed: int, count: int) -> list[str]:
    """Units that nobody thought of, made of those above, the same every time."""
    chance = random.Random(seed)
    return ["".join(chance.choices(UNITS, k=chance.randint(2, 4))) for _ in range(count)]


def assert_linear(read: Callable[[str], object], unit: str, before: str = "", after: str = "") -> None:
    """Fail if eight times the text takes much more than eight times as long; a quadratic reader takes 64 times.

    Processor time of this thread, the best of three: what else runs on the machine does not count.
    """
    long = _time(read, before + unit * (8 * _SIZE // len(unit)) + after)
    if long < _NOTHING:
        return
    short = _time(read, before + unit * (_SIZE // len(unit)) + after)
    assert long / max(short, _NOTHING / 8) < 24, (
        f"{unit!r}: {short:.4f} s, and {long:.4f} s for eight times as much"
    )


def _time(read: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(3):
        # A collection goes through all that the test session holds, and a longer text sets off more of them.
        gc.disable()
        try:
            began = time.thread_time()
            read(text)
            best = min(best, time.thread_time() - began)
        finally:
            gc.enable()
        if best < _NOTHING:
            break
    return best
