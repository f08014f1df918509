"""People's names in Chinese: before a title, after 我叫 or 姓名, as the answer to a question, and wherever they come again.

A name that nothing points to cannot be told from other words without a model, and is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from csc_tasks.synthesis.personal.kinds import PersonalData as Kind
from csc_tasks.synthesis.personal.kinds import Span

__all__ = ["find_names", "names_pattern"]

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金贾韦夏付方邹熊白孟秦邱侯江"
    "尹薛闫阎雷龙史黎贺陶段郝龚邵钱覃武戴莫孔汤康易乔赖文洪樊兰殷施翟安颜倪严牛温芦季俞章鲁葛伍申尤毕聂柴焦向柳邢岳齐梅庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌"
    "费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强丛滕房边饶荣丘穆冉鄢欧褚娄窦岑慕戚苟巫晏卓池冷车虞郦邬瞿仇栾鞠佟郎古米麦"
    "蔺杭敖储邝蒲辜湛沙胥宫闻党谈惠衣冀练宗巩揭楚邰祖訾昝雍濮扈厉郜臧骆匡蒙缪廉尚農农明全水花常连习应粟原修荀粱隆計计初楼喻晁"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇呂盧鐘譚陸賈韋鄒閻龍賀龔錢湯喬賴顏嚴魯聶齊莊費紀單寧榮車"
)
_ODD = set("于向时和位全应计初明水花常连习原修解强成单查包安关管左米衣车古党宗农路游席阳楼池冷练谈惠闻沙宫项景薄付方金文石白高马任易季章申祝毕盛")
"""Surnames that are more often another word: they need a stronger sign."""
_COMPOUND = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|东方|东郭|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|轩辕|夏侯|端木|百里|南宫|独孤|西门|呼延|闻人|澹台|"
    "公冶|淳于|太史|申屠|单于|钟离|鲜于|万俟|赫连|拓跋|完颜|纳兰|第五|叶赫"
)
_COMMON = "".join(each for each in dict.fromkeys(_SURNAMES) if each not in _ODD)
_ANY = "".join(dict.fromkeys(_SURNAMES))
_NO_GIVEN = "的了是在我你他她它您们吗呢吧啊呀哦嗯呃喂什怎哪谁这那就也都不没"
_NO_SECOND = _NO_GIVEN + "和有很到说要去会着看与及为被把让给向对从个么还但而或因所以可能过来再想问查办用打电话号码手机银卡钱住今现先女刚身证联收"
_G1 = rf"(?:(?![{_NO_GIVEN}]|先生|女士|小姐|太太|老师|经理|师傅|医生|主任)[\u4e00-\u9fff])"
_G2 = rf"(?:(?![{_NO_SECOND}]|老师|经理|师傅|医生|主任)[\u4e00-\u9fff])"
_FULL = rf"(?:(?:{_COMPOUND}){_G1}{_G2}?|[{_ANY}]{_G1}{_G2}?)"
_SURE = rf"(?:(?:{_COMPOUND}){_G1}{_G2}?|[{_COMMON}]{_G1}{_G2}?)"
_LATIN = r"[A-Z][A-Za-z'-]{1,20}(?:\s[A-Z][A-Za-z'-]{0,20}){1,3}"
_END = r"(?=$|[^\u4e00-\u9fffA-Za-z0-9]|[啊呀呢吧吗嗯哦哈])"

_TITLES = (
    "先生|女士|小姐姐?|太太|夫人|经理|經理|总监|老师|老師|师傅|師傅|主任|阿姨|叔叔|伯伯|大爷|大妈|大娘|大姐|大哥|大嫂|同学|医生|大夫|律师|警官|老板|老板娘|"
    "局长|处长|科长|厂长|店长|校长|院长|行长|队长|组长|部长|所长|站长|专员|主管|教授|工程师|同志|奶奶|爷爷|姑娘|小哥|护士|秘书|会计|书记|镇长|村长|董事长|董(?=[,。!?\\s]|$)"
)
_TITLED = re.compile(
    rf"(?P<name>(?:{_COMPOUND})(?:{_G1}{_G1}?)?|[{_ANY}](?:{_G1}{_G1}?)??)(?={_TITLES})"
    rf"|(?<!谢)(?P<short>[{_COMMON}金高白马任石])(?=(?:哥|姐|总|工|董|嫂|叔|姨|爷|婶)(?:$|[^\u4e00-\u9fff]|[您你好那吗啊呢在说]))"
)
_LEFTMOST = re.compile(rf"(?P<name>(?:{_COMPOUND}){_G1}{{1,2}}|[{_ANY}]{_G1}{{1,2}})(?={_TITLES})")
_NICK = re.compile(r"(?<![\u4e00-\u9fff大最])[小老](?P<name>[王李张刘陈杨赵吴周徐孙朱胡郭林罗郑梁谢宋许韩冯邓曹彭曾董潘袁蔡蒋杜魏吕丁沈姜范谭廖])(?![\u4e00-\u9fff])|(?:我是|客服|叫我|联系|让)[小老](?P<other>[王李张刘陈杨赵吴周徐孙朱胡郭林罗郑梁谢宋许韩冯邓曹彭曾董潘袁蔡蒋杜魏吕丁沈姜范谭廖])")
_SURNAME = re.compile(rf"(?:[我他她]|免贵|免貴|[客家单]?姓氏?是?)(?:姓)(?P<name>{_COMPOUND}|[{_ANY}])|(?<![\u4e00-\u9fff])姓(?P<other>{_COMPOUND}|[{_ANY}])(?![名氏])")
_SPELLED = re.compile("弓长张|木子李|耳东陈|双木林|口天吴|立早章|古月胡|言午许|草头黄|三横王|双人徐|走肖赵|木易杨|文刀刘|关耳郑|干勾于|人可何|美女姜|三点水的?江")
_SPELLING = re.compile(r"(?<![\u4e00-\u9fff])(?P<word>[\u4e00-\u9fff]{0,2}(?P<one>[\u4e00-\u9fff])[\u4e00-\u9fff]{0,2}的(?P=one))(?![\u4e00-\u9fff])")
_LABELS = (
    "收件人|收货人|收貨人|寄件人|联系人|持卡人|投保人|被保险人|被保人|受益人|开户人|开户名|机主|户主|申请人|经办人|法人|法定代表人|患者|客户姓名|客户名|姓名|"
    "姓名是|户名|戶名|名字|全名|真名|本名|名叫|尊姓大名"
)
_LABELLED = re.compile(
    rf"(?:{_LABELS})(?:呢|啊|就)?(?:(?P<sure>[是为叫:\s]{{1,4}}(?:我)?(?:叫)?)|[,]?)"
    rf"(?P<name>(?(sure)(?:{_FULL}|{_LATIN}|{_G1}{{2,4}}{_END})|{_SURE}))"
)
_SAID = re.compile(rf"(?:我叫|叫做|名叫|我名字叫|我的名字叫|我全名叫|我本名|(?i:my name is|i am|i'm)\s)[是:\s,呃嗯]{{0,3}}(?P<name>{_FULL}|{_LATIN})")
_WEAK = re.compile(
    rf"(?:我是|我就是|我这边是|这里是|这边是|本人|叫|就是|是|找|给|替|帮|跟|同事|我[爱老][人公婆]|我(?:爸|妈|儿子|女儿|弟弟?|妹妹?|哥哥?|姐姐?)(?:爸|妈)?)(?P<name>{_SURE}){_END}"
)
_FOREIGN = re.compile(r"[\u4e00-\u9fff]{1,8}(?:[·•・‧][\u4e00-\u9fff]{1,8}){1,3}")
_MISTER = re.compile(r"(?:Mrs?|Ms|Miss|Dr)\.?\s(?P<name>[A-Z][A-Za-z'-]{1,20}(?:\s[A-Z][A-Za-z'-]{1,20})?)")
_ANSWER = re.compile(
    rf"^(?:[,.。、!\s]|我|免贵|嗯|呃|啊|哦|喔|对|那个|姓|叫|名字|是|就|本人|您好|你好|您|喂){{0,12}}(?P<name>{_FULL}|{_LATIN}|[{_ANY}])"
    r"(?=$|[^\u4e00-\u9fffA-Za-z0-9]|[啊呀呢吧嗯哦哈]$)"
)
_NOT = frozenset(
    "高级 金牌 任何 任课 项目 区域 方案 方便 方法 方面 方式 安全 安装 安静 单位 单独 全部 全体 全国 常用 常客 明天 明白 明年 明细 水费 水电 花费 花呗 时候 时间 "
    "成功 成都 成为 路上 路由器 路由 车主 车险 车牌 车子 车辆 金额 金卡 金融 金管家 高中 高铁 高速 高兴 白天 白条 白金 马上 马路 任务 易购 石头 文件 文化 管家 "
    "管理 关于 关键 关闭 关系 包括 包装 包裹 包月 查询 查看 连接 连续 应该 应急 习惯 原来 原因 修改 解决 解除 解冻 强制 强烈 祝您 毕竟 毕业 盛大 申请 申诉 季度 "
    "温馨 温州 江苏 江西 广东 云南 贵州 安徽 宁夏 宁波 苏州 徐州 郑州 杭州 柳州 常州 石家庄 武汉 沈阳 黄金 黄色 黄河 蓝色 林业 钱包 钱数 余额 余下 于是 卫生 "
    "卫生间 向上 相关 贺卡 康复 施工 章程 段时间 游戏 游客 童装 牛奶 祖国 古代 党员 农业 农民 农村 谈话 边上 边缘 房子 房东 房贷 房产 房屋 毛病 项链 项 计划 初中 初次 "
    "楼上 楼下 楼道 池塘 冷静 练习 荣誉 康乐 龙头 龙卡 宋体 唐山 曲线 席位 阳光 阳台 景区 薄弱 司机 桂林 贾宝玉 谢谢 谢谢您 谢谢你 何时 何况 何必 万一 许多 许久 "
    "曾经 肖像 程序 程度 田地 叶子 丁点 任意 范围 汪洋 金额大 方经 向您 向你 和您 莫名 莫非 孔子 白名单 成交 成本 成年 成员 和谐 严重 严格 兰州 盛行 左右 左边 "
    "左侧 全额 全款 全新 全程 全家 全都 原件 原价 原装 连锁 常见 常规 常住 花钱 花样 明确 明显 强调 单身 单据 单元 查单 查账 查收 包邮 包年 安排 安心 安卓 关机 关注 "
    "管用 管道 米粉 车位 车库 车站 路费 路口 路线 文档 文字 文员 金币 金条 金属 石油 白领 白跑 高峰 高管 高温 高额 高度 马桶 任性 易碎 易拉宝 季节 章节 祝福 祝愿 "
    "盛情 温度 温水 计费 计算 初期 练手 经理 项目部 费用 费率 纪念 纪录 史上 卜算 和平 钟头 钟表 时段 时效 施行 宁可 武器 汤料 严肃 牛仔 葛根 顾客 顾问 康师傅 海尔 "
    "于此 于今 应当 应付 付款 付费 付钱 付清 付账 付出 余款 余地 江湖 江边 戴着 戴上 池子 游泳 龙虾 麦片 米饭 米面 司法 聂 柏林 车上 车里 车险部 林场 林地 易信".split()
)
_MANAGER = frozenset("客户 大堂 理财 业务 部门 值班 运营 产品 分行 支行 前台 专属 资深 财务 销售 售后 人事 项目 区域 高级 金牌 单位 车间 连锁 安全 安保 明星".split())


def names_pattern(names: Set[str]) -> re.Pattern[str] | None:
    """What finds full names that are known again; ``None`` where none is."""
    known = sorted((name for name in names if len(name) >= 2), key=lambda name: (-len(name), name))[:64]
    return re.compile("|".join(map(re.escape, known))) if known else None


def find_names(text: str, asked: bool, known: re.Pattern[str] | None) -> Iterator[Span]:
    """The names in a text; some may overlap.

    Args:
        text: as the finders read it.
        asked: whether the other speaker has just asked for the name.
        known: what finds the names that were said elsewhere in the call.
    """
    if known is not None:
        yield from (Span(*found.span(), Kind.NAME) for found in known.finditer(text))
    for pattern in (_LABELLED, _SAID, _MISTER):
        yield from _named(pattern, text)
    yield from (Span(*found.span(), Kind.NAME) for found in _FOREIGN.finditer(text))
    yield from (Span(*found.span(), Kind.NAME) for found in _SPELLED.finditer(text))
    yield from _titled(text)
    for pattern in (_NICK, _SURNAME, _WEAK):
        yield from _named(pattern, text)
    if asked or "姓" in text or "名字" in text or "叫" in text:
        yield from (Span(*found.span("word"), Kind.NAME) for found in _SPELLING.finditer(text))
    if asked:
        yield from _named(_ANSWER, text)


def _named(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        group = "name" if found["name"] else "other"
        if found[group] not in _NOT and found[group][:2] not in _NOT:
            yield Span(*found.span(group), Kind.NAME)


def _titled(text: str) -> Iterator[Span]:
    """Names before a title: the longest that begins with a surname, unless a surname stands behind another word."""
    end = 0
    for found in re.finditer(_TITLES, text):
        start = _start_of_name(text, end, found.start())
        if start is not None:
            yield Span(start, found.start(), Kind.NAME)
        end = found.end()
    for found in _TITLED.finditer(text):
        if found["short"]:
            yield Span(*found.span("short"), Kind.NAME)


_TITLED_NAME = re.compile(rf"(?:{_COMPOUND})(?:{_G1}{{1,2}})?|[{_ANY}](?:{_G1}{{1,2}})?")


def _start_of_name(text: str, after: int, at: int) -> int | None:
    for length in (4, 3, 2, 1):
        start = at - length
        name = text[start:at] if start >= after else ""
        if not name or _TITLED_NAME.fullmatch(name) is None or (length == 4 and not re.match(_COMPOUND, name)):
            continue
        if name in _NOT or name in _MANAGER or text[max(after, at - 2) : at] in _MANAGER or name[:2] in _NOT:
            continue
        if name == "祝" or name == "谢" == text[start - 1 : start]:
            continue
        if length in (2, 3) and name[0] in _ODD and name[1] in _COMMON and text[start + 1 : at] not in _NOT:
            continue  # 向王先生: the first is a word
        if length == 1 and name in _ODD:
            before = text[max(0, start - 1) : start]
            if re.match(r"[\u4e00-\u9fff]", before) and before not in "是的找给跟叫请问您好了位":
                continue
        return start
    return None
