"""Thirty made-up calls full of made-up personal data: what is personal stands between ‹ and ›.

The customer answers the supporter, line by line; each call has three turns at least, so that no filter leaves it out.
"""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

__all__ = ["CALLS", "RawCall", "as_table", "secrets_of"]


class RawCall(NamedTuple):
    """A call: its texts, the supporter's first, and what in them is personal."""

    texts: tuple[str, ...]
    secrets: tuple[str, ...]


_MARKED = """
您好，请问有什么可以帮您？|我想查一下话费，手机号‹13800138000›|请问机主姓名是？|‹张伟›，就是我本人|
好的‹张伟›先生，本月话费59.9元|好的谢谢
您好，请报一下您的手机号|‹138›|嗯，您说|‹0013›|好的|‹8000›|收到，‹138 0013 8000›对吗|对，余额还有200元吗|
有的，余额200元|谢谢，再见
您好，这里是客服中心，请讲|手机是‹幺三九一二三四五六七八›，一直收不到短信|好的，‹幺三九›开头的这个号码，我查一下|
对的，麻烦快一点|已经恢复了|谢谢你
您好，请问贵姓|免贵姓‹欧阳›|‹欧阳›女士您好，请报身份证号码|‹11010519491231002X›|好的，已经核实|麻烦帮我挂失
您好，请讲|我身份证是‹320102 19900307 1234›，看看能不能办|请问您怎么称呼|我叫‹李晓明›|好的，‹李晓明›先生，可以办的|
那就办一下
您好，请提供卡号|‹6222 0200 1234 5678 901›|好的，您的卡已经激活|我的邮箱是‹li.xm@example.com›，对账单发这里|记下了|
好的谢谢
您好，请问寄到哪里|‹北京市朝阳区建国路88号3号楼502室›|收件人是？|‹王芳›，电话‹010-62345678›|好的，3天内送到|麻烦了啊
您好，请讲|车牌‹京A12345›，违章怎么交|请问车主姓名|车主‹赵六›|好的，一共200元|怎么付款呢
您好，加一下我们客服微信可以吗|我的微信号是‹zhaoliu_88›|好的，QQ也可以|QQ号‹12345678›|已经发送申请|我看到了
您好，请讲订单号|订单号是‹202411050012345›|好的，稍等|快递单号‹SF1234567890123›|已经在路上了|好的谢谢
您好，办理签证请提供护照|护照号‹E12345678›|出生日期呢|‹1990年5月3日›出生|好的，7个工作日|好的知道了
您好，为了验证请说验证码|验证码是‹482913›|通过了，新密码呢|密码是‹abc12345›|请不要告诉别人密码|哦哦好的
您好，请讲|身份证‹１１０１０５１９４９１２３１００２Ｘ›，手机‹１３７００００１１１１›|收到|我要改套餐，每月59元的|
已经改好了|谢谢啊
您好，请问打哪个电话|打我座机‹0571 8765 4321›|好的，还有别的吗|或者‹+86 139-1234-5678›|都记下了|好的再见
您好，报一下身份证后四位|‹幺二三四›|好的，手机尾号呢|‹8000›|核实通过|我想查账单
您好，请讲|我是‹司马相如›，想退保|请报保单号|保单号‹P2024000123›|好的，退保金额12,345.67元|什么时候到账
您好，您的住址是|‹浙江省杭州市西湖区文三路478号华星大厦1203›|好的，联系人呢|联系人‹孙丽›，‹138呃 0013 8000›|
好的，师傅明天到|几点到呢
您好，请讲|网页‹https://pay.example.com/x?token=8f3a&phone=13800138000›打不开|请问账号是|账号‹zhangsan123›|
已经重置了|好的我试试
您好，您哪位|我是‹买买提·艾力›|请问证件号|‹650102198001011234›|好的，已登记|谢谢你们
您好，我姓‹郦›，工号2174|我要找‹王经理›|他不在，请留电话|‹一三八、零零一三、八零零零›|好的，他会回电|行，我等着
您好，请问收货地址|‹上海市徐汇区漕溪北路八十八号2号楼3单元›|哪位收货|‹周杰›，‹13611112222›|好的，明天送|谢谢啦
您好，请讲|卡号‹六二二二零二一二三四五六七八九零一二三›|持卡人是|持卡人‹吴敏›|已经挂失|什么时候补卡
您好，对公户请报账号|账号‹110 2345 6789 0123›|户名|户名‹郑小红›|好的，余额5000元|好，知道了
您好，请讲|我儿子叫‹冯小宝›，身份证‹110105201501012345›|好的，监护人呢|监护人‹陈静›女士|好的，已绑定|那就好
您好，请报手机|‹1380›|后面呢|‹0138000›|‹1380 0138 000›，对吗|对的，就是这个
您好，IP是多少|‹192.168.1.100›|MAC呢|在路由器上，名字‹高建国›|好的，重启一下|还是不行啊
您好，请讲|我叫‹张三›想查一下积分，卡是‹6228480402564890018›|好的，您有1200积分|能换什么|50元话费|换一下吧
您好，请问发票抬头|公司的，税号‹91330106MA27XXXX1Y›，我是‹许晴›。|收到，寄哪里|寄到‹望京西园三区302楼5单元1002›|
好的，3天到|好的谢谢
您好，请讲|我的400电话‹400-820-8820›停了|请问负责人|负责人‹沈总›，‹13512345678›|好的，欠费300元|我马上交
您好，请问您生日|生日‹八五年三月十二号›|姓氏怎么写|‹弓长张›|好的，优惠券已发|谢谢你啊
"""


def _call(line: str) -> RawCall:
    secrets = tuple(re.sub("(?:先生|女士|经理|总)$", "", each) for each in re.findall("‹([^›]*)›", line))
    return RawCall(tuple(re.sub("[‹›]", "", line).split("|")), secrets)


CALLS = tuple(map(_call, _MARKED.strip().replace("|\n", "|").splitlines()))


def secrets_of(calls: tuple[RawCall, ...] = CALLS) -> frozenset[str]:
    """Everything personal, as it was said, that cannot stand anywhere by chance, as three digits or a surname can."""
    secrets = {secret for call in calls for secret in call.secrets if len(secret) > 1}
    return frozenset(secret for secret in secrets if not (secret.isdecimal() and len(secret) < 4))


def as_table(calls: tuple[RawCall, ...] = CALLS, encoding: str = "utf-8") -> bytes:
    """The calls as a spreadsheet exports them: the id of each is a phone number, as in many call centres."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["通话", "说话方", "内容"])
    for i, call in enumerate(calls):
        for j, text in enumerate(call.texts):
            writer.writerow([f"1390000{i:04}", "坐席" if j % 2 == 0 else "来电人", text])
    return out.getvalue().encode(encoding)
