"""The parts of a signature: what was asked, of which data, with which examples, who judged, rated, played customer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from csc_tasks.data.sources import Corpus
from csc_tasks.data.splits import Subset

__all__ = [
    "Count",
    "CustomerSignature",
    "DataSignature",
    "FewShotSignature",
    "JudgeSignature",
    "PromptSignature",
    "RatersSignature",
    "SignaturePart",
    "Text",
]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


# pydantic's own would refuse half a surrogate pair, which JSON may bear and which costs nothing here.
Text = Annotated[str, PlainValidator(_text)]
"""A text as it stands in a file."""
Count = Annotated[int, Field(ge=0)]
"""How many of something."""


class SignaturePart(BaseModel):
    """A part of a signature; what a newer csconv adds to it stays in it."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PromptSignature(SignaturePart):
    """Which prompt texts were used; ``sha256`` is that of their file."""

    version: Text
    sha256: Text


class DataSignature(SignaturePart):
    """What was evaluated.

    ``fingerprint`` covers the content of the evaluated file whatever its format, ``sha256`` the bytes of
    the file that was read; ``conversations`` is how many of them the subset has.
    """

    name: Text
    subset: Text = Field(alias="scale")
    conversations: Count
    fingerprint: Text
    sha256: Text = ""

    @classmethod
    def of(cls, corpus: Corpus, subset: Subset, conversations: int) -> DataSignature:
        """What is evaluated of a corpus: a subset of so many conversations."""
        return cls(
            name=corpus.name,
            scale=subset.value,
            conversations=conversations,
            fingerprint=corpus.fingerprint,
            sha256=corpus.sha256,
        )


class FewShotSignature(SignaturePart):
    """Where the examples came from."""

    data: Text
    fingerprint: Text
    seed: int | None = None


class CustomerSignature(SignaturePart):
    """Who plays the customers of role-plays, and how: all of it must agree before two scores are comparable.

    ``kind`` is ``scripted`` or ``model``; ``version`` and ``sha256`` are those of the script or the prompts, ``rules``
    those of the words that role-plays are read by, ``system`` those of what the supporter is shown of a case;
    ``trials`` is how often each card is played. Beside these fields stands every parameter of a model that can change
    what it says. ``line`` is the short form.
    """

    kind: Text
    version: Text
    sha256: Text
    rules: Text
    system: Text
    trials: Count = 1
    line: Text

    @classmethod
    def of(
        cls, identity: Mapping[str, Any], rules: str, system: str, trials: int, name: str
    ) -> CustomerSignature:
        """The signature of a simulator.

        Args:
            identity: the simulator's own.
            rules: name and digest of the rules.
            system: name and digest of what the supporter is shown.
            trials: of each card.
            name: what of the identity people go by: a model's name, or a script's version.
        """
        content = {**identity, "rules": rules, "system": system}
        # Without the trials, which stand beside it: the same customer is known by the same digest.
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
        times = f", {trials} trials" if trials > 1 else ""
        return cls.model_validate(
            {**content, "trials": trials, "line": f"{identity['kind']}:{name}@{digest}{times}"}
        )


class JudgeSignature(SignaturePart):
    """What must agree for two judge scores to be comparable; ``line`` is its short form.

    Beside these fields stands every parameter of the judge that can change a verdict. ``guard`` says by which rules
    judged text was made harmless, 1 where it is absent; it is no part of the digest, because it changes what is shown
    only of texts that had something to take apart, and the key of each verdict has the text as shown.
    """

    rubric: Text = ""
    rubric_sha256: Text = ""
    with_reference: bool = False
    line: Text
    sha256: Text = ""
    guard: Count | None = None

    @classmethod
    def of(
        cls,
        rubric: str,
        rubric_sha256: str,
        with_reference: bool,
        parameters: Mapping[str, Any],
        guard: int | None = None,
    ) -> JudgeSignature:
        """The signature of a judge.

        Args:
            rubric: its name.
            rubric_sha256: of its content.
            with_reference: whether the gold reply is shown.
            parameters: what can change a verdict, ``model`` among it.
            guard: by which rules judged text is made harmless.
        """
        content = {
            "rubric": rubric,
            "rubric_sha256": rubric_sha256,
            "with_reference": with_reference,
            **parameters,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
        shown = "+ref" if with_reference else ""
        line = f"{rubric}{shown}:{parameters['model']}@{digest}"
        return cls.model_validate({**content, "line": line, "sha256": digest, "guard": guard})

    @model_serializer(mode="wrap")
    def _as_it_was(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A signature of before there were two guards goes on as it was written."""
        content: dict[str, Any] = serialize(self)
        if self.guard is None:
            del content["guard"]
        return content

    def to_json(self) -> dict[str, Any]:
        """As it stands in files."""
        return self.model_dump()


class RatersSignature(SignaturePart):
    """What must agree for two scores that people gave to be comparable; ``line`` is its short form.

    ``study`` is the fingerprint of the study, in which the questions, the sample and who was given what are fixed;
    ``raters`` is how many counted and ``excluded`` how many were left out.
    """

    rubric: Text
    rubric_sha256: Text
    study: Text
    raters: Count
    excluded: Count = 0
    line: Text
    sha256: Text

    @classmethod
    def of(
        cls, rubric: str, rubric_sha256: str, study: str, raters: int, excluded: int = 0
    ) -> RatersSignature:
        """The signature of those who rated in a study."""
        content: dict[str, Any] = {"rubric": rubric, "rubric_sha256": rubric_sha256, "study": study}
        content |= {"raters": raters, "excluded": excluded}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
        people = f"{raters} rater{'' if raters == 1 else 's'}"
        out = f", {excluded} excluded" if excluded else ""
        return cls.model_validate({**content, "line": f"{rubric}: {people}{out}@{digest}", "sha256": digest})
