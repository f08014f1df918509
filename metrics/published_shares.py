"""The shares of strategies in CSConv, as far as they were published: numbers only, like :mod:`.stages`."""

from __future__ import annotations

__all__ = ["PUBLISHED_SHARES"]

PUBLISHED_SHARES: tuple[tuple[tuple[int, ...], float], ...] = (
    ((6,), 0.149),  # 信息传达
    ((4,), 0.119),  # 情感管理
    ((5,), 0.100),  # 提供建议
    ((11,), 0.022),  # 其它
    ((0, 1, 10), 0.230),  # 礼貌问候, 确认身份, 感谢与告别
)
"""Strategies by index, and the share (0 to 1) of the supporter's utterances that have one of them.

What arXiv 2508.04423 tells; of the other five strategies only that theirs sum to 0.380.
"""
