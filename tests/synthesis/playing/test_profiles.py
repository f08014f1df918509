"""Customers by seed: nobody absurd, nobody twice, nothing of their attributes lost in the text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import pytest

from csc_tasks.synthesis.playing.profile_table import PROFILES, load_table, shares_of, table_of
from csc_tasks.synthesis.playing.profiles import Profile, made_profiles

TABLE = load_table()
MADE = made_profiles(2000)
FILE = (resources.files("csc_tasks.synthesis") / "data" / f"{PROFILES}.toml").read_text(encoding="utf-8")


def test_the_same_seed_makes_the_same_customers_and_fewer_are_the_first_of_more() -> None:
    assert made_profiles(100) == MADE[:100]
    assert MADE[0].id == "3913bde6d1634d9c"
    assert not {p.id for p in made_profiles(100, seed=1)} & {p.id for p in MADE}


def test_no_two_customers_are_nearly_the_same() -> None:
    assert len({p.id for p in MADE}) == len({p.text for p in MADE}) == len(MADE)
    apart = {tuple(p.attributes[name] for name in TABLE.told_apart_by) for p in MADE}
    assert len(apart) == len(MADE)


def test_every_value_of_every_attribute_is_drawn_and_said() -> None:
    for name, counts in shares_of([p.attributes for p in MADE]).items():
        assert min(counts.values()) > 0, (name, counts)
        assert sum(counts.values()) == len(MADE)
    for profile in MADE:
        for name, value in profile.attributes.items():
            assert TABLE.says(name, value) in profile.text
        assert 200 < len(profile.text) < 400
        assert not re.search(r"[{}。]。|，，|；；", profile.text)


def age(profile: Profile) -> int:
    return int(profile.attributes["年龄"].removesuffix("岁"))


def has(**values: str) -> Callable[[Profile], bool]:
    return lambda p: all(re.search(pattern, p.attributes[name]) for name, pattern in values.items())


def at_age(low: int, high: int, **values: str) -> Callable[[Profile], bool]:
    return lambda p: low <= age(p) <= high and has(**values)(p)


ABSURD: Mapping[str, Callable[[Profile], bool]] = {
    "an 18-year-old pensioner": at_age(0, 49, 职业="退休"),
    "a student of forty": at_age(31, 99, 职业="大学生|研究生|职校学生"),
    "a student with decades of work": has(职业="大学生|研究生|职校学生", 资历="干了|大半辈子|干过"),
    "a child who has worked for decades": at_age(0, 42, 资历="二十多年|大半辈子"),
    "a programmer who cannot use a phone": has(职业="程序员|车间技师", 用手机的本事="只会"),
    "an online seller who cannot use a phone": has(
        职业="网店店主|带货主播|外卖骑手|网约车司机", 用手机的本事="只会"
    ),
    "a chat in an app from who can only call": has(用手机的本事="只会接打电话", 渠道="软件|公众号|网页"),
    "a screenshot from who can only call": has(用手机的本事="只会接打电话", 了解程度="凭据|查过"),
    "a young man who is hard of hearing": at_age(0, 61, 身体的不便="耳背"),
    "a grandparent of thirty": at_age(0, 54, 家庭="三代同堂|儿女在外|丧偶"),
    "a parent of a schoolchild at twenty": at_age(0, 34, 家庭="孩子上学|两个孩子"),
    "a baby at seventy": at_age(46, 99, 家庭="孩子还小"),
    "a father at home called a mother": has(职业="全职妈妈", 性别="男"),
    "a mother at home without children": lambda p: has(职业="全职妈妈")(p) and not has(家庭="孩子|单亲")(p),
    "a wage without a job": has(职业="退休|学生|失业|求职|全职妈妈", 收入="工资"),
    "a pension for who works": lambda p: has(收入="退休金")(p) and not has(职业="退休")(p),
    "a pensioner who lives on a harvest": has(职业="退休", 收入="收成|生意|提成"),
    "a driver of eighty": at_age(63, 99, 职业="司机|骑手|快递|工人$(?<!退休工人)"),
    "a north-eastern accent in Guangdong": has(口音="东北话", 地区="广东|深圳|广西"),
    "Cantonese in Heilongjiang": has(口音="粤式", 地区="黑龙江|吉林|辽宁"),
    "a farm in the middle of Shanghai": has(职业="种粮|养殖户|果农", 地区="上海|北京|深圳"),
    "an accountant who cannot count": has(职业="会计|银行柜员", 用钱的习惯="不管账"),
    "a lawyer who knows no rules": has(职业="律师", 了解程度="全不知道|听人说的"),
    "a first call that was passed on": has(先前的联系="头一回", 心情="失望"),
    "an errand for a child of nobody": has(为谁办事="孩子", 家庭="独居|合租|宿舍|新婚"),
    "an errand for a spouse of nobody": has(为谁办事="爱人", 家庭="独居|合租|宿舍|单亲|丧偶"),
    "a break from no work": has(此刻的处境="午休|上班偷空", 职业="退休|学生|农民|全职妈妈|失业"),
    "a dormitory for a pensioner": at_age(50, 99, 家庭="住宿舍"),
    "the slang of the young at sixty": at_age(41, 99, 说话的习惯="网络用语"),
    "a desk telephone by the roadside": has(渠道="座机", 此刻的处境="停在路边|在路上"),
    "typing while driving": has(渠道="软件|公众号|网页", 此刻的处境="停在路边"),
    "a patient man in a rage": has(耐心="很有耐心", 心情="生气"),
}


@pytest.mark.parametrize("absurd", ABSURD.values(), ids=ABSURD)
def test_nobody_is_absurd(absurd: Callable[[Profile], bool]) -> None:
    assert [p.attributes for p in MADE if absurd(p)] == []


def test_no_rule_of_the_table_is_broken_by_anybody() -> None:
    for rule in TABLE.absurd:
        assert not any(
            all(low <= age(p) <= high for low, high in rule.ranges.values())
            and all(p.attributes[name] in names for name, names in rule.sets.items())
            for p in MADE
        ), rule.why


def table(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    content = tomllib.loads(FILE)
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["absurd"][0].update(职业=["宇航员"]), "没有到退休的年纪: 职业 has no 宇航员"),
        (lambda c: c["absurd"][0].pop("职业"), "needs two conditions"),
        (
            lambda c: c["passage"][0]["wordings"].append("你{年龄}。"),
            "not each of 年龄、性别、职业、资历 once",
        ),
        (lambda c: c["passage"].pop(), "not in just one passage"),
        (lambda c: c["attribute"][1]["values"].append({"is": "男"}), "性别: a value is there twice"),
        (lambda c: c["attribute"][1].pop("values"), "性别: needs values or spans"),
    ],
)
def test_a_table_that_does_not_hold_together_is_refused(
    change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        table_of(table(change))
