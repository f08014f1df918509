"""What gives a chat its structure, as tables: control tokens of model families, and characters that nobody sees.

A server's tokenizer reads a control token also within a message's text, and a judge reads characters that people do
not see. A family that is missing here is one more entry; ``tests/fixtures/special_tokens.json`` has the special tokens
that were published, each of which must be found.
"""

from __future__ import annotations

import re

__all__ = ["CONTROL", "HIDDEN", "LINE_ENDS", "MARKED", "REPLACED", "UNUSUAL"]

_BARS = r"|｜¦│∣❘ǀ"
"""The bar of ``<|im_start|>``, DeepSeek's and Hunyuan's full-width one, and what is taken for either."""

_BY_SHAPE = (
    rf"(?<=[<＜])(?=[{_BARS}])",  # <|im_start|>, <｜Assistant｜>, Gemma 4's <|turn>
    rf"(?<=[{_BARS}])(?=[>＞])",  # their ends, and Gemma 4's <turn|>
    r"(?<=<)(?=\[[A-Za-z▁])",  # Seed-Coder's <[begin▁of▁sentence]>
    r"(?<=\[)(?=[|｜][A-Za-z])|(?<=[A-Za-z][|｜])(?=\])",  # EXAONE's [|assistant|]
    r"(?<=◁)(?=/?[A-Za-z_])",  # Kimi's ◁think▷
    r"(?<=\])(?=~!?[a-z][\[\]]|![a-z]~\[|<\])|(?<=\[)(?=[a-z]~\[|>\[)",  # MiniMax's ]~b] ]~!b[ [e~[ ]!p~[ ]<]image[>[
    r"(?<=｜)(?=DSML｜)",  # DeepSeek's calls
)
"""Where a token is taken apart: behind a character that it begins or ends with."""

_SQUARE = (
    # Mistral: mistral_common.tokens.tokenizers.base.SpecialTokens, and the Llama 2 template
    "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|CALL_ID|THINK|MODEL_SETTINGS|PREFIX"
    "|MIDDLE|SUFFIX|IMG|IMG_BREAK|IMG_END|AUDIO|BEGIN_AUDIO|TRANSCRIBE|STREAMING_PAD|STREAMING_WORD|NEXT_AUDIO_TEXT"
    r"|REPEAT_AUDIO_TEXT|control_\d{1,4}"
    r"|gMASK|sMASK|unused\d{1,3}|UNUSED_TOKEN_\d{1,4}|@BOS@|multimodal"  # GLM, PanGu, InternLM, Gemma
)
_AMBIGUOUS_SQUARE = "MASK|CLS|SEP|PAD|UNK|BOS|EOS|EOT"
"""GLM's, Kimi's and BERT's; a redacted text has ``[MASK]`` too, so that these alone raise no flag."""

_REST = r"(?:\s[^<>\n]{0,200})?/?>"
_HTML = (
    rf"(?:br|p|b|i|u|em|strong|span|div|a|ul|ol|li|hr|h[1-6]|font|sub|sup|table|thead|tbody|tr|td|th){_REST}"
)
"""Markup of plain web pages, which no chat template uses: it stays. ``<s>`` and ``<img>`` are tokens."""
_TAG_NAMES = (
    # who speaks, and where a text begins and ends
    r"s|sys|bos|eos|pad|unk|sep|cls|mask|sop|eop|eod|eot|eoh|eoa|eom|bom|nl|[a-z]{2,4}_token|mask:\d"
    r"|(?:start|end|begin|beginning)_?of_?\w{1,40}|im_\w{1,20}|turn|system\w{0,20}|user|human|assistant|model|developer"
    r"|role|message|instructions?|prompt"
    # thinking and answers
    r"|(?:\w{1,12}[:_])?(?:think|thought|reason|analysis|reflection|scratchpad)[\w:]{0,20}|inner_thoughts"
    r"|chain_of_thought|answer|final\w{0,12}|response|reply|output|solution|judge|verdict|score|rubric"
    # calls and other media
    r"|(?:\w{1,12}:)?(?:tool|function|parameter|invoke|arg)[\w=:]{0,40}|dsml:\w{0,30}|minimax:\w{1,30}|seed:\w{1,30}"
    r"|\w{1,30}:opensource|longcat_\w{1,30}|(?:image|img)\w{0,20}|video|audio|speech|b?box|ref|quad|point|reponame|filename|fim_\w{1,12}|\w{1,12}_image"
    # reserved places of a vocabulary
    r"|(?:reserved|unused|special|extra_id|extra|madeupword)_?\w{0,16}|0x[0-9a-f]{2}|C_[A-Z]"
)

_TAG_BEGINS = rf"(?<=<)(?=/?(?!(?i:{_HTML}))[A-Za-z_]|[0-9]{{1,4}}[A-Za-z_]\w{{0,20}}>)"
_KNOWN_TAG = rf"(?<=<)(?=/?dsml:|/?(?i:{_TAG_NAMES}){_REST})"


def _finder(*places: str) -> re.Pattern[str]:
    # A class of characters at its beginning lets a pattern run through ordinary text at full speed.
    return re.compile(rf"[<＜{_BARS}\[\]◁](?:{'|'.join((*_BY_SHAPE, *places))})")


CONTROL = _finder(rf"(?<=\[)(?=/?(?:{_SQUARE}|{_AMBIGUOUS_SQUARE})\])", _TAG_BEGINS)
"""Everything that is taken apart: any tag that is no HTML, for a family may have one that is not known here."""
MARKED = _finder(rf"(?<=\[)(?=/?(?:{_SQUARE})\])", _KNOWN_TAG)
"""What of it is no accident: ``x<y``, ``<VIP>`` and ``[MASK]`` may be a supporter's own words."""

LINE_ENDS = re.compile(r"\r\n?|[\x85\u2028\u2029]")
"""What ends a line beside ``\\n``."""
REPLACED = re.compile(r"[\x85\u2028\u2029]")
"""Those of them that nobody types."""

_UNSEEN = (
    *((0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F)),  # control characters but tab and line feed
    # Unicode's Default_Ignorable_Code_Point: soft hyphen, joiners, Arabic letter mark, Hangul fillers, Khmer and
    # Mongolian invisibles, zero width, directions, variation selectors, byte order mark, tags
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F)),
    *((0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    (0xE0000, 0xE0FFF),
    (0x2800, 0x2800),  # an empty pattern of Braille
)
_CLASS = "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in _UNSEEN)
_PICTURE = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_ONE = rf"{_PICTURE}(?:\ufe0f|\ufe0e)?[\U0001f3fb-\U0001f3ff]?"
# England, Scotland and Wales: the flags that are written in tags.
_FLAGS = "|".join("".join(chr(0xE0000 + ord(c)) for c in name) for name in ("gbeng", "gbsct", "gbwls"))
_KEPT = (
    r"[0-9#*]\ufe0f?\u20e3"  # a key
    rf"|\U0001f3f4(?:{_FLAGS})\U000e007f"
    rf"|{_ONE}(?:\u200d{_ONE}){{0,7}}"  # an emoji, a family of them
)
"""Where such characters are part of an emoji, which stays whole."""
HIDDEN = re.compile(rf"(?P<kept>{_KEPT})|(?P<glyph>(?<=[\u3400-\u9fff])[\U000e0100-\U000e01ef])|[{_CLASS}]")
"""Characters that are taken out, unless ``kept``; a variant of a Chinese character's ``glyph`` is no attempt."""
UNUSUAL = frozenset(
    chr(code) for low, high in (*_UNSEEN, (0x2028, 0x2029), (0xD800, 0xDFFF)) for code in range(low, high + 1)
)
"""What a text has in it if it is not shown to the last character as it is, its control tokens aside."""
