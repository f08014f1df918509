"""What an attempt on the judge says, by language: to forget its rules, to give a grade, to be spoken to.

A table of words, not a classifier: it counts what is obvious. A supporter who asks the customer for a grade of
the service (请您对本次服务打分, 满意请按1, 五星好评) makes no attempt, which the tests hold with every utterance that
ships; who asks for a grade of the reply does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["asks_customer", "attempts_in", "plainly"]

_TRADITIONAL = str.maketrans(
    "無視記過廢規則標準說明評審閱員滿這條個覆復對話術項維給請該與統數後內輸務體諒當認為獲應總專業節",
    "无视记过废规则标准说明评审阅员满这条个复复对话术项维给请该与统数后内输务体谅当认为获应总专业节",
)
_SPACED = re.compile(r"(?<=[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])[ \t]+(?=[\u3040-\u30ff\u4e00-\u9fff])")
_GAP = r"[^.!?。！？\n]"
_OF_DEVICES = r"(?:(?!短信|来电|电话|通知|页面|弹窗|邮件|手机)[^。！？\n])"
"""Customers are told to ignore a message's hints (忽略这条短信提示)."""


class _Language(NamedTuple):
    """Patterns of one language. ``script`` is a character that it cannot be written without; '' checks always.

    ``ignores`` with ``rules`` in one sentence, or with a grade soon after, instructs; ``gives`` with ``grade``
    asks for one, in ``swapped`` languages the verb last. ``judge`` is how one is spoken to.
    """

    script: str
    ignores: str
    rules: str
    gives: str
    grade: str
    judge: str
    swapped: bool = False
    gap: str = _GAP


_LATIN, _KANA, _HANGUL, _CYRILLIC = "[A-Za-z]{3}", "[\u3041-\u30ff]", "[\uac00-\ud7af]", "[\u0430-\u044f]{3}"


def _european(
    ignores: str, rules: str, gives: str, five: str, top: str, judge: str, script: str = _LATIN
) -> _Language:
    # A bare 5 is a grade where nothing is counted by it: at the end of what is said.
    grade = rf"\b(?:{top})\b|\b(?:5|10|{five})(?=\s{{0,3}}(?:[.,;!)\"'”’\n]|$))"
    return _Language(script, rf"\b(?:{ignores})\b", rf"\b(?:{rules})", rf"\b(?:{gives})\b", grade, judge)


_LANGUAGES = (
    _Language(
        "",
        r"(?<!不)(?<!不要)(?<!请勿)(?<!不能)(?:忽略|无视|忘记|忘掉|跳过)|不要?理会|作废",
        r"指令|指示|要求|规则|标准|说明|提示词|(?<!系统)提示",
        r"给|打|评|判|得|应|值|拿",
        r"满分|最高分|高分|[5５五]\s*分(?![之钟店行期机公享])",
        r"(?:评委|评审|裁判|评判者|评分(?:者|员|人员|模型|助手)|打分(?:者|员|人员|模型)|阅卷|考官)|(?:尊敬的|亲爱的|致|各位)(?:评分|打分)人",
        gap=_OF_DEVICES,
    ),
    _european(
        "ignore|disregard|forget|override",
        r"instructions?\b|prompts?\b|rules?\b|rubric\b|criteria\b|guidelines?\b",
        "give|assign|award|rate|score|grade|output",
        "five|ten",
        r"(?:full|maximum|max|highest|top|perfect)\b[^.!?\n]{0,12}\b(?:scores?|marks?|grades?|ratings?|points?)"
        r"|(?:5|five|10|ten)(?: out of| ?/ ?(?:5|10)| in (?:every|all|each)| points?)",
        r"\b(?:dear|hey|hi|hello|attention|note (?:to|for)|to) (?:the )?(?:judge|grader|evaluator|rater)\b"
        r"|\b(?:judge|grader|evaluator)s?\s*[:,]|\b(?:as|you are) (?:a|an|the) \w{0,12} ?(?:judge|grader|evaluator)\b",
    ),
    _european(
        r"ignorier(?:e|en|t)?|vergiss|vergessen sie|missachte(?:n|t)?|übergeh(?:e|en|t)",
        r"anweisung|vorgabe|regel|kriteri|richtlini|anleitung|instruktion|bewertungs",
        r"gib|geben|gebt|vergib|vergeben|bewerte(?:n|t)?|benote(?:n|t)?|verdient",
        "fünf|zehn",
        r"(?:volle|maximale|höchste|beste)[rns]? (?:punkt\w{0,6}|bewertung|note|wertung)"
        r"|(?:5|fünf) (?:punkte|von 5|von fünf)|5 ?/ ?5|überall (?:5|eine 5)",
        r"\b(?:liebe[rs]?|geehrte[rs]?|hinweis (?:an|für) (?:den|die)|an (?:den|die)) "
        r"(?:gutachter|bewerter|juror|jury|prüfer|schiedsrichter|richter)(?:in)?\b",
    ),
    _european(
        r"ignore[rz]?|oublie[rz]?|ne tiens pas compte|ne tenez pas compte|néglige[rz]?|fais abstraction",
        r"instruction|consigne|règle|critère|barème|directive|ce qui précède",
        r"donne[rz]?|attribue[rz]?|mets|mettez|note[rz]?|accorde[rz]?|mérite",
        "cinq|dix",
        r"(?:la )?(?:note|score) maximale?|(?:la )?(?:meilleure|plus haute) note|(?:5|cinq) (?:sur (?:5|cinq)|points?)"
        r"|5 ?/ ?5|maximum de points",
        r"\b(?:ch(?:er|ère)s?|bonjour|à l'attention d[eu]|note (?:à|au|pour)) (?:l[ea'] ?)?"
        r"(?:juge|évaluat(?:eur|rice)|correct(?:eur|rice)|examinat(?:eur|rice))\b",
    ),
    _european(
        r"ignor(?:a|e|ad|ar|en)|olvid(?:a|e|ad|ar|en)|descart(?:a|e|en)|ha(?:z|ga) caso omiso",
        r"instrucci|indicaci|regla|criterio|rúbrica|directri|lo anterior|todo lo",
        r"d[aeé]|dad|dale|dar|den|otorg(?:a|ue|ar)|pon|ponga|ponle|asign(?:a|e)|calif(?:ica|ique)|puntú[ae]|merece",
        "cinco|diez",
        r"(?:la )?(?:máxima|mejor) (?:puntuación|nota|calificación)|(?:puntuación|nota|calificación) máxima"
        r"|(?:5|cinco) (?:puntos|de 5|sobre 5|de cinco)|5 ?/ ?5",
        r"\b(?:estimad[oa]|querid[oa]|hola|atención|nota (?:para|al?)) (?:el |la )?"
        r"(?:juez|jueza|evaluadora?|calificadora?|examinadora?|jurado)\b",
    ),
    _european(
        r"ignor(?:a|ate|are|i)|dimentic(?:a|ate|are|hi)|trascur(?:a|ate|are|i)|non considerare",
        r"istruzion|indicazion|regol|criteri|direttiv|quanto sopra|tutto ciò",
        r"da(?:i|re|te|gli)|dia|assegn(?:a|ate|are|i)|attribuisc[ai]|mett(?:i|ete|a)|valut(?:a|ate|i)|merita",
        "cinque|dieci",
        r"(?:il )?(?:punteggio|voto) (?:massimo|pieno|più alto)|(?:il )?massimo dei voti"
        r"|(?:5|cinque) (?:punti|su 5|su cinque)|5 ?/ ?5",
        r"\b(?:car[oa]|gentile|egregio|ciao|attenzione|nota per) (?:il |la |l')?"
        r"(?:giudice|valutat(?:ore|rice)|esaminat(?:ore|rice))\b",
    ),
    _european(
        r"ignor(?:e|a|ar|em)|desconsider(?:e|a|ar|em)|esqueç(?:a|am)|não considere",
        r"instruç|orientaç|regra|critério|rubrica|diretriz|o acima|o que est[áa] acima",
        r"d[êáa]|dar|deem|atribu(?:a|i)|coloque|conced[ae]|avali[ae]|pontue|merece",
        "cinco|dez",
        r"(?:a )?(?:nota|pontuação) (?:máxima|5|cinco|10|dez)|(?:5|cinco) (?:pontos|de 5|em 5|de cinco)|5 ?/ ?5",
        r"\b(?:car[oa]|prezad[oa]|olá|atenção|nota (?:para|ao?)) (?:o |a )?"
        r"(?:juiz|juíza|avaliadora?|examinadora?)\b",
    ),
    _european(
        r"(?:про)?игнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания",
        r"инструкци|указани|правил|критери|рубрик|всё выше|все предыдущ",
        r"постав(?:ь|ьте)|оцени(?:те)?|дай(?:те)?|присвой(?:те)?|заслуживает",
        "пять|десять",
        r"(?:максимальн|высш|наивысш)\w{2,4} (?:балл|оценк)\w{0,2}|(?:5|пять) (?:балл\w{0,2}|из 5|из пяти)|5 ?/ ?5",
        r"\b(?:уважаем\w{2}|дорог\w{2}|внимание,?) (?:судья|эксперт|оценщик|экзаменатор|жюри)\b",
        _CYRILLIC,
    ),
    _Language(
        _KANA,
        r"無視|无视|忘れ|従わな|破棄",
        r"指示|命令|ルール|規則|规则|基準|基准|プロンプト|採点|上記|以上の",
        r"付け|つけ|与え|与え|くださ|下さ|して|せよ|評価|评価|评价|採点",
        r"満点|满点|最高点|最高評価|最高评価|[5５五]\s*点",
        r"(?:採点|評価|评価|審査|审査)(?:者|官|員|员|担当|モデル)|审判|審判",
        swapped=True,
    ),
    _Language(
        _HANGUL,
        r"무시|잊어|잊으|따르지",
        r"지시|명령|규칙|기준|프롬프트|위의|앞의|이전|채점",
        r"주세|주십|줘|부여|달라|매겨|평가",
        r"만점|최고\s?점|최고\s?점수|[5５]\s*점|다섯\s?점",
        r"(?:심사|채점|평가)(?:위원|자|관|원)|심판",
        swapped=True,
    ),
)

# In Chinese a grade is asked for where it is the reply's: 您对本次对话 and a service are the customer's to grade.
_REPLY = "回复|回答|答复|话术"
_OF_REPLY = (
    rf"(?<!您对)(?<!您给)(?<!您为)(?:本|此|该|这)(?:(?:条|句|段|个|次)?(?:{_REPLY})|(?:条|句|段|个|次)?(?:对话|话))"
    rf"|(?<!您)(?:给|为|对)(?:我的|上面的|以上的?)?(?:{_REPLY})|(?:各|每)(?:个|一)?(?:项|维度)|全部维度|所有维度"
)
_SERVICE = re.compile(
    r"服务|满意|短信|挂机|按键|请按|好评|五星|客户经理|客服|坐席|体验|态度|评价页面?|问卷|来电|通话|您的(?=[\u4e00-\u9fff]{0,2}(?:评分|打分|评价|得分|总分))"
    r"|\b(?:our|my|the|your|this) (?:[a-z]{1,12} )?(?:services?|support|experience|visit|call|stay)\b|\bstars\b|survey"
    r"|\b(?:unseren?|meinen?|den) (?:service|kundendienst)|(?:notre|le|nos) services?\b|nuestro servicio"
    r"|nostro servizio|nosso (?:serviço|atendimento)|обслуживани|нашего сервиса|サービス|接客|서비스|상담",
    re.IGNORECASE,
)
"""What a customer is asked to grade."""
_NAMES_REPLY = re.compile(
    rf"{_REPLY}|\b(?:reply|replies|response|answer)|antwort|réponse|respuesta|risposta|resposta|ответ|返信|応答|답변|응답",
    re.IGNORECASE,
)
_AROUND = 40
"""Characters before and after a word for a grade in which it says what is graded."""
_SENTENCE_ENDS = re.compile(r"[。！？!?\n]|[.;](?=\s|$)")


class _Compiled(NamedTuple):
    script: re.Pattern[str] | None
    patterns: dict[str, re.Pattern[str]]


def _compiled(words: _Language) -> _Compiled:
    first, last = (words.rules, words.ignores) if words.swapped else (words.ignores, words.rules)
    ask = (
        rf"(?:{words.grade}){_GAP}{{0,20}}(?:{words.gives})"
        if words.swapped
        else rf"(?:{words.gives}){_GAP}{{0,40}}(?:{words.grade})"
    )
    asks = rf"(?:{_OF_REPLY}){_GAP}{{0,12}}(?:{words.grade})" if not words.script else ask
    sources = {
        "instructs": rf"(?:{first}){words.gap}{{0,30}}(?:{last})|(?:{words.ignores})[^\n]{{0,40}}(?:{ask})",
        "addresses_judge": words.judge,
        "asks_for_score": rf"{asks}|(?:{words.ignores})[^\n]{{0,40}}(?:{ask})",
    }
    script = re.compile(words.script, re.IGNORECASE) if words.script else None
    return _Compiled(script, {name: re.compile(source, re.IGNORECASE) for name, source in sources.items()})


_COMPILED = tuple(map(_compiled, _LANGUAGES))


def plainly(text: str) -> str:
    """A text as an attempt is looked for in it: simplified characters, and none that are set apart by spaces."""
    return _SPACED.sub("", text.translate(_TRADITIONAL))


def attempts_in(text: str) -> set[str]:
    """Which of ``instructs``, ``addresses_judge``, ``asks_for_score`` are in a text, :func:`plainly` written."""
    found: set[str] = set()
    for language in _COMPILED:
        if language.script is not None and language.script.search(text) is None:
            continue
        found.update(name for name, pattern in language.patterns.items() if _is_there(name, pattern, text))
    return found


def _is_there(name: str, pattern: re.Pattern[str], text: str) -> bool:
    if name != "asks_for_score":
        return pattern.search(text) is not None
    return any(not asks_customer(match, text) for match in pattern.finditer(text))


def asks_customer(match: re.Match[str], text: str) -> bool:
    """Whether what looks like a demand for a grade is one of the service, which is the customer's to give.

    It is where its sentence names the service and the demand does not name the reply.

    Args:
        match: of the demand in the text.
        text: :func:`plainly` written.
    """
    before = text[max(match.start() - _AROUND, 0) : match.start()]
    after = text[match.end() : match.end() + _AROUND]
    before = _SENTENCE_ENDS.split(before)[-1]
    after = _SENTENCE_ENDS.split(after, maxsplit=1)[0]
    sentence = before + match[0] + after
    return _SERVICE.search(sentence) is not None and _NAMES_REPLY.search(sentence) is None
