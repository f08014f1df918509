"""The simulator ``model``: customers played by a model at an OpenAI-compatible endpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from csc_tasks.errors import ConfigError, CSConvError
from csc_tasks.framework import Strategy
from csc_tasks.roleplay.card_sets import shipped_card_set
from csc_tasks.roleplay.checking.record import require_check
from csc_tasks.roleplay.customer_words import customer_words_digest
from csc_tasks.roleplay.in_play import CaseInPlay
from csc_tasks.roleplay.model_customer.config import CustomerConfig, load_customer
from csc_tasks.roleplay.model_customer.customer import PROCEDURE, ModelCustomer
from csc_tasks.roleplay.model_customer.information import CustomerRole
from csc_tasks.roleplay.model_customer.line import CustomerLine
from csc_tasks.roleplay.model_customer.prompts import load_customer_prompts
from csc_tasks.roleplay.rules import rules_digest
from csc_tasks.roleplay.transcript import CustomerFault, CustomerTurn, SupporterTurn

__all__ = ["MODEL", "ModelSimulator"]

logger = logging.getLogger(__name__)

MODEL = "model"
"""The kind of these simulators."""
_CURES = {
    CustomerFault.EMPTY: "it answers nothing: try more max_tokens, or a model that does not only think",
    CustomerFault.UNREADABLE: "its answers are no JSON objects of the form that is asked for: try json_schema: on "
    "if the server knows schemas, a larger model, or more max_tokens if answers are cut off",
    CustomerFault.REFUSED: "it does not play a customer: try another model",
    CustomerFault.SWAPPED_ROLE: "it speaks as the supporter: try a larger model",
    CustomerFault.INVENTED_FACT: "it makes up what its card does not have: try a larger model, or a lower temperature",
}


class ModelSimulator:
    """Customers played by a model.

    Args:
        config: which, and how it is asked.
        source: the configuration's file, for messages.
    """

    def __init__(self, config: CustomerConfig, source: Path | None = None) -> None:
        self.config = config
        self.prompts = load_customer_prompts(config.prompt)
        self.line = CustomerLine(config)
        self._source = source or Path("customer.yaml")

    @classmethod
    def from_file(cls, path: Path) -> ModelSimulator:
        """The simulator of a ``customer.yaml``.

        Raises:
            ChatError, ConfigError: it is wrong, a key is not set, or the client is not installed.
        """
        return cls(load_customer(path), path)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Prompts, rules and both models with what they are asked with; secrets are hidden."""
        return {
            "kind": MODEL,
            "version": self.prompts.version,
            "sha256": self.prompts.sha256,
            "reading": f"{rules_digest()}.{customer_words_digest()}.{PROCEDURE}",
            "model": self.config.model,
            "attempts": self.config.attempts,
            **{str(role): dict(self.config.parameters_of(role)) for role in CustomerRole},
        }

    @property
    def connections(self) -> int:
        """How many customers may be asked at once."""
        return self.config.concurrency

    @property
    def min_coverage(self) -> float:
        """As the configuration says."""
        return self.config.min_coverage

    def prepare(self) -> None:
        """Hold the customer to the check that its configuration requires, and try it out.

        Raises:
            ConfigError: it falls short, or cannot be had; the message says why, and what to do.
        """
        try:
            require_check(self.config, self.identity, self._source)
            self.try_out()
        except CSConvError:
            self.close()
            raise

    def try_out(self) -> None:
        """One question to each role, which a later run takes from the cache.

        Raises:
            ConfigError: no answer comes that can be used; the message says why, and what to do.
        """
        logger.info(
            "%s: two questions find out whether %s can play customers", self._source, self.config.model
        )
        case = CaseInPlay(shipped_card_set().cards[0], "trial")
        customer = self.customer(case)
        turns = [
            SupporterTurn("您好，请问您遇到了什么事？", Strategy.GREETING),
            SupporterTurn(case.write(case.needed[0].asks, "trial"), Strategy.PROBLEM_REFINEMENT),
        ]
        heard = [customer.answer(turn) for turn in turns][-1]
        if heard.fault is not None:
            raise ConfigError(
                f"{self._source}: {self.config.model} cannot play customers: {self._why(heard)}"
            )

    def _why(self, heard: CustomerTurn) -> str:
        assert heard.fault is not None
        if heard.fault is CustomerFault.OWN_ERROR:
            return self.line.trouble or self.line.last_failure
        return f"{_CURES[heard.fault]} ({heard.fault}, asked {self.config.attempts} times)"

    def customer(self, case: CaseInPlay) -> ModelCustomer:
        """The customer of a case. Its key decides all that a seed could."""
        return ModelCustomer(case, self.prompts, self.config.attempts, self.line)

    def close(self) -> None:
        """End the loop and the cache."""
        self.line.close()
