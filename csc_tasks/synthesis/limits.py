"""How long a role-played conversation may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["UPSTREAM", "Limits"]


class Limits(BaseModel):
    """Upstream's limits, where ``synthesis.yaml`` says no others.

    ``utterances`` is the most there may be (10 to 200); ``turns`` the supporter's turn from which on a goodbye can be
    chosen (3 to 50; with 6 a conversation has CSConv's ten utterances, unless the customer is finished before);
    ``in_a_row`` how often a strategy may follow itself, the first included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    utterances: Annotated[int, Field(ge=10, le=200)] = 50
    turns: Annotated[int, Field(ge=3, le=50)] = 3
    in_a_row: Annotated[int, Field(ge=1, le=10)] = 2


UPSTREAM = Limits()
