"""Four supporters of whom it is known how good they are: what any customer must tell apart.

They read the card, which no model under test does. They are for checks of customers and of cards, and score nowhere.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from enum import StrEnum

from csc_tasks.framework import Strategy
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.progress import CaseProgress
from csc_tasks.roleplay.transcript import CustomerTurn, End, SupporterTurn

__all__ = ["ScriptedSupporter", "SupporterKind"]

S = Strategy


class SupporterKind(StrEnum):
    """The four, the best first; :data:`READER` is a fifth that must gain nothing."""

    GOOD = "good"
    POLITE = "polite"
    """Friendly, and of no use."""
    RUDE = "rude"
    PROMISER = "promiser"
    """Promises everything, and asks nothing."""
    READER = "reader"
    """Reads aloud what the system shows, and nothing else."""


_POLITE = (
    (S.EMOTIONAL_MANAGEMENT, "非常理解您现在的心情，让您费心了，实在抱歉。"),
    (S.EMOTIONAL_MANAGEMENT, "您的反馈对我们来说非常重要，我完全明白您的感受。"),
    (S.OTHERS, "您放心，我们一向把每一位客户放在心上，会用心对待您的每一句话。"),
    (S.EMOTIONAL_MANAGEMENT, "真的很抱歉给您带来这样的体验，我和您一样着急。"),
    (S.OTHERS, "感谢您的耐心，我们会继续努力提升服务。"),
)
_RUDE = (
    (S.OTHERS, "这种事你自己看说明就行了，问我干什么。"),
    (S.OTHERS, "跟你说了你也听不懂，别烦。"),
    (S.OTHERS, "急什么急，你自己的问题自己想办法。"),
)
_PROMISES = (
    (S.RESOLUTION_IMPLEMENTATION, "没问题，您说的我们都可以办，马上给您办好。"),
    (S.RESOLUTION_IMPLEMENTATION, "可以可以，全都答应您，我保证一定让您满意。"),
    (S.RESOLUTION_IMPLEMENTATION, "好的没问题，包在我身上，已经给您安排好了。"),
)
_GREETING = (S.GREETING, "您好，这里是客户服务中心，请问您遇到了什么事？")


class ScriptedSupporter:
    """A supporter who knows the card; :meth:`say` is called for each turn with what the customer said before it."""

    def __init__(self, kind: SupporterKind, case: CaseInPlay) -> None:
        self.kind = kind
        self._case = case
        self._turns = {
            SupporterKind.GOOD: self._good,
            SupporterKind.POLITE: lambda: self._one_after_another(_POLITE),
            SupporterKind.RUDE: lambda: self._one_after_another(_RUDE),
            SupporterKind.PROMISER: self._promises,
            SupporterKind.READER: self._reads,
        }[kind]()
        self._heard: CustomerTurn | None = None
        self._progress = CaseProgress(case)

    def say(self, heard: CustomerTurn | None) -> SupporterTurn:
        """The next utterance; ``heard`` is ``None`` before the first."""
        follows = self.kind is SupporterKind.GOOD  # the others say the same whatever they hear
        if heard is not None and follows:
            self._progress.customer(heard)
        self._heard = heard
        strategy, text = next(self._turns)
        turn = SupporterTurn(text, strategy)
        if follows:
            self._progress.supporter(turn)
        return turn

    @property
    def _over(self) -> bool:
        return self._heard is not None and self._heard.end is not End.NONE

    def _write(self, sentences: object, slot: str) -> str:
        return self._case.write(sentences, f"supporter {slot}")  # type: ignore[arg-type]

    def _one_after_another(self, said: tuple[tuple[Strategy, str], ...]) -> Iterator[tuple[Strategy, str]]:
        yield _GREETING
        count = 0
        while True:
            yield said[count % len(said)]
            count += 1

    def _promises(self) -> Iterator[tuple[Strategy, str]]:
        yield _GREETING
        demand, count = self._case.card.demand, 0
        while True:
            strategy, text = _PROMISES[count % len(_PROMISES)]
            count += 1
            if demand and demand.about:
                text = f"{self._case.fill(demand.about[0])}可以的。{text}"
            yield strategy, text

    def _reads(self) -> Iterator[tuple[Strategy, str]]:
        yield _GREETING
        while True:
            for line in self._case.system_information or ("系统里没有内容。",):
                yield S.INFORMATION_DELIVERY, line

    def _good(self) -> Iterator[tuple[Strategy, str]]:
        case, card = self._case, self._case.card
        yield _GREETING
        if card.mood.upset:
            yield S.EMOTIONAL_MANAGEMENT, self._write(card.mood.comfort, "comfort")
        if case.has_private:
            yield (
                S.IDENTITY_VERIFICATION,
                "为了保护您的信息，请先告诉我您的姓名和登记的手机号，我来核对身份。",
            )
        refused = False
        for fact in case.needed:
            refused = yield from self._refusing(refused)
            yield S.PROBLEM_REFINEMENT, self._write(fact.asks, f"asks {fact.name}")
        for n, step in enumerate(card.steps):
            if step.optional:
                continue
            refused = yield from self._refusing(refused)
            yield step.does, self._write(step.says, f"step {n}")
        refused = yield from self._refusing(refused)
        while not self._over:
            refused = yield from self._refusing(refused)
            yield S.FEEDBACK_REQUEST, "请问这样处理您还满意吗？还有别的需要我帮忙的吗？"
        while True:
            yield S.APPRECIATION_AND_CLOSURE, "感谢您的来电，祝您生活愉快，再见。"

    def _refusing(self, refused: bool) -> Generator[tuple[Strategy, str], None, bool]:
        """Answer a demand as soon as it is made."""
        demand = self._case.card.demand
        if demand is not None and not refused and self._progress.demanded:
            yield demand.does, self._write(demand.refusal, "refuses")
            return True
        return refused
