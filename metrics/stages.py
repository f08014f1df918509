"""Which of the five stages each of the twelve strategies belongs to: the one place that says so.

Numbers only, and nothing imported: the framework, which has the names, is made from it.
"""

from __future__ import annotations

__all__ = ["NO_STAGE", "STAGES", "STAGE_OF", "STRATEGIES"]

STRATEGIES = 12

_CONNECTING, _IDENTIFYING, _EXPLORING, _RESOLVING, _MAINTAINING = range(5)
NO_STAGE = 5
"""Of the strategy 其它, which belongs to none."""
STAGES = 6
"""The five, and that of 其它."""

STAGE_OF = (
    _CONNECTING,  # 1 礼貌问候
    _CONNECTING,  # 2 确认身份
    _IDENTIFYING,  # 3 重述或转述
    _EXPLORING,  # 4 细化问题
    _IDENTIFYING,  # 5 情感管理
    _EXPLORING,  # 6 提供建议
    _RESOLVING,  # 7 信息传达
    _RESOLVING,  # 8 解决实施
    _MAINTAINING,  # 9 反馈请求
    _MAINTAINING,  # 10 关系延续
    _MAINTAINING,  # 11 感谢与告别
    NO_STAGE,  # 12 其它
)
"""The stage, from 0 on, of each strategy in the order of their numbers: the recommended one."""
