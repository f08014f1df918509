"""A user's YAML: read without tags that run code, and bounded, with every fault by file and line.

YAML has more ways to go wrong than a configuration has use for: an anchor that unfolds to gigabytes, brackets that
exhaust the stack, and a key that stands twice, of which the first is dropped without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode

from csc_tasks.errors import CSConvError

__all__ = ["read_yaml"]

MAX_BYTES = 2**20
MAX_DEPTH = 32
"""Objects and lists within each other."""
MAX_VALUES = 20_000
"""Values, every alias counted as what it stands for."""


def read_yaml(path: Path, error: type[CSConvError]) -> Any:
    """What stands in a YAML file. No message has any of it: a key may have been written into the wrong place.

    Args:
        path: of the file.
        error: raised where it is not as it should be.

    Raises:
        CSConvError: of the kind ``error``; with file, line and what is wrong there.
    """
    try:
        if not path.is_file() and path.exists():
            raise error(f"{path}: cannot be read (not a file)")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror})") from None
    if len(data) > MAX_BYTES:
        raise error(f"{path}: larger than {MAX_BYTES // 2**20} MB, which no configuration is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise error(f"{path}: not YAML (line {line}: not UTF-8)") from None
    try:
        return _Careful(text).get_single_data()
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise error(f"{path}: not YAML (line {line}: a control character)") from None
    except yaml.MarkedYAMLError as problem:
        # The text around it, which PyYAML quotes, stays out.
        mark = problem.problem_mark or problem.context_mark
        where = f"line {mark.line + 1}" if mark is not None else "somewhere"
        if isinstance(problem, _Fault):
            raise error(f"{path}: {where}: {problem.problem}") from None
        raise error(f"{path}: not YAML ({where})") from None
    except (ValueError, OverflowError, TypeError, RecursionError):  # the 45th of a month, for one
        raise error(f"{path}: not YAML (a value that looks like a number or a date, and is none)") from None


class _Fault(yaml.MarkedYAMLError):
    """What YAML allows and a configuration does not."""

    def __init__(self, problem: str, mark: Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Careful(yaml.SafeLoader):
    """Reads plain values, counted as they are composed, so that nothing is unfolded that is too large."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._deep = 0
        self._count = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """A node, with what it and all below it come to."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        alias = self.check_event(yaml.AliasEvent)
        before, self._deep = self._count, self._deep + 1
        if self._deep > MAX_DEPTH:
            raise _Fault(f"nested deeper than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._deep -= 1
        if alias:
            if id(node) not in self._sizes:
                raise _Fault("an alias that stands within what it stands for", mark)
            self._count += self._sizes[id(node)]
        else:
            self._count += 1
            self._sizes[id(node)] = self._count - before
        if self._count > MAX_VALUES:
            raise _Fault(f"more than {MAX_VALUES:,} values, aliases unfolded", mark)
        return node

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        """A mapping each of whose keys stands there once."""
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                continue
            if (name := (key.tag, key.value)) in lines:
                first = f"the same key as in line {lines[name]}, and only one of them can hold"
                raise _Fault(first, key.start_mark)
            lines[name] = key.start_mark.line + 1
        return node
