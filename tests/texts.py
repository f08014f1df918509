"""Texts that metrics and parsers must survive, and strategies (hypothesis) that make more of them."""

from __future__ import annotations

from hypothesis import strategies as st

REAL = [
    "您好，这里是客户服务中心，请问有什么可以帮到您？",
    "您先别着急，我帮您查一下这笔订单现在到哪一步了。",
    "我看到退款昨天15:30已经发起，一般3-5个工作日到账，请您留意银行短信。",
    "明白了，您是想把套餐从58元的换成98元的，下个月1号生效，对吧？",
    "方便报一下您的手机号后四位吗？我核对一下是不是本人办理。",
    "好的，给您登记好了，师傅明天上午9点到11点之间上门，到之前会给您打电话。",
]

MIXED = [
    "请打开App的“设置”页，点“Wi-Fi”，再输入SSID：Home-5G_2.4GHz。",
    "您的iPhone 15 Pro Max（256GB）支持7×24h、24/7的AppleCare+吗?",
    "VIP会员price是¥1,299.00，比原价$199.5便宜3.14%，见https://example.com/a?b=c&d=e#f",
    "ＡＢＣ１２３，。！全角Latin与half-width混排",
    "100-200元,约3.5折;8:00-18:00、400-800-1234",
]

ADVERSARIAL = [
    "",
    " ",
    "\u3000",
    "。。。！！？？",
    "…—“”‘’·",
    "👨‍👩‍👧‍👦🎉🇨🇳 好的👌🏻",
    "😀" * 50,
    "\ud83d\ude00",  # two halves of an emoji, each a lone surrogate in Python
    "好\ud800的\udfff",
    "𠮷野家𪚥",  # beyond the basic plane
    "ｶﾀｶﾅ 한국어 Ωμέγα é e\u0301",
    "第一行\n第二行\r\n第三行\t制表",
    "字" * 10_000,
    "abc " * 2_500,
    "您好" + "，您好" * 3_333,
    "\u200b零宽\u200d字符\ufeff",
    "a.b,c-d 1.5,2 3-4 .5 5. ,x x, -1 1- [y] {z} ~!@#$%^&*()_+`'\"\\|/<>?",
    "\x00\x01控制",
]

ALL = [*REAL, *MIXED, *ADVERSARIAL]

# Any code point, lone surrogates included, with Chinese and ASCII punctuation made likely.
any_text = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs"]),
        st.sampled_from("的一是不了您好我们请问，。！？、“”（）[]【】<>/\n\r\t .,-0123456789abcXYZ\u3000"),
    ),
    max_size=80,
)
"""Any string Python can hold."""
