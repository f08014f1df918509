"""The domains of CSConv: what a conversation's ``source`` says it is about. The one place that lists them."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ROLE_PLAYED", "Domain"]


class Domain(StrEnum):
    """One of the eight domains, by its name in the published files."""

    PRODUCTS = "产品咨询"
    MARKETING = "营销与推广活动"
    ACCOUNTS = "账户和交易管理"
    FINANCE = "财务咨询与规划"
    SECURITY = "风险管理与安全"
    COMPLAINTS = "投诉与纠纷解决"
    TECHNICAL = "技术支持与在线服务"
    OTHER = "其他"


ROLE_PLAYED = tuple(domain for domain in Domain if domain is not Domain.OTHER)
"""The seven topics that RoleCS was made of."""
