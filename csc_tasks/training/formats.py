"""Examples as the records of the tools that train, one JSON line each, and what a tool wants beside them.

TRL: https://huggingface.co/docs/trl/dataset_formats. LLaMA-Factory: ``data/README.md`` of its repository, ShareGPT
form: human and gpt take turns, human first. ms-swift: "Custom dataset" of its documentation, standard form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csc_tasks.chat.messages import Message
from csc_tasks.training.data_card import TRAIN, VALIDATION
from csc_tasks.training.data_format import DataFormat, ExampleUnit
from csc_tasks.training.examples import Example, chat_of

__all__ = ["UNITS", "dataset_info", "example_record"]

UNITS: Mapping[DataFormat, tuple[ExampleUnit, ...]] = {
    DataFormat.PROMPT_COMPLETION: (ExampleUnit.TURN,),
    DataFormat.MESSAGES: (ExampleUnit.CONVERSATION, ExampleUnit.TURN),
    DataFormat.LLAMAFACTORY: (ExampleUnit.CONVERSATION, ExampleUnit.TURN),
    DataFormat.SWIFT: (ExampleUnit.CONVERSATION, ExampleUnit.TURN),
    DataFormat.PREFERENCE: (ExampleUnit.TURN,),
}
"""What an example of each format can be made of, the default first."""


def example_record(example: Example, form: DataFormat) -> dict[str, Any]:
    """An example in a format.

    TRL and LLaMA-Factory pass over ``id`` and ``task``. ms-swift takes a record for one of its forms by its keys, so
    it gets no others.
    """
    messages = chat_of(example.messages)
    about = {"id": example.id, "task": example.task}
    if form is DataFormat.PROMPT_COMPLETION:
        return {"prompt": messages[:-1], "completion": messages[-1:], **about}
    if form is DataFormat.MESSAGES:
        return {"messages": messages, **about}
    if form is DataFormat.SWIFT:
        return {"messages": messages}
    if form is DataFormat.LLAMAFACTORY:
        spoken = [
            {"from": "gpt" if m.role == "assistant" else "human", "value": m.content}
            for m in example.messages
            if m.role != "system"
        ]
        return {"conversations": spoken, **_system_column(example.messages), **about}
    assert example.rejected is not None
    rejected = chat_of([Message("assistant", example.rejected)])
    return {"prompt": messages[:-1], "chosen": messages[-1:], "rejected": rejected, **about}


def _system_column(messages: tuple[Message, ...]) -> dict[str, str]:
    return {"system": messages[0].content} if messages[0].role == "system" else {}


def dataset_info(name: str, system: bool, validation: bool) -> dict[str, Any]:
    """LLaMA-Factory's description of the files, for ``dataset_dir``.

    Args:
        name: of the data set; ``dataset: NAME_train`` and ``eval_dataset: NAME_validation`` name its files.
        system: whether the records have a system message.
        validation: whether there is a file of validation.
    """
    columns = {"messages": "conversations", **({"system": "system"} if system else {})}
    files = {"train": TRAIN, **({"validation": VALIDATION} if validation else {})}
    return {
        f"{name}_{part}": {"file_name": file, "formatting": "sharegpt", "columns": columns}
        for part, file in files.items()
    }
