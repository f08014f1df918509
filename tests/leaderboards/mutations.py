"""Ways to spoil a set of results: seeded, one at a time, each of them at a random place of a random file."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["FILES", "mutate"]

FILES = ("results_*.json", "samples_*.jsonl", "scores_*.jsonl", "verdicts_*.jsonl", "*baseline*.json")
"""What is spoilt: each of these kinds as often as the others."""
_DEEP = 200_000
HOSTILE_TEXTS = (
    *(
        "",
        " ",
        "[/v2]",
        "[bold]x[/bold]",
        "\x1b[31mred\x1b[0m",
        "a\u202eb",
        "a\nb",
        "\ud800",
        "\0",
        "<script>",
    ),
    *("|", "`", "=cmd()", "../../etc/passwd", "/etc/passwd", "..", "nan", "1e999", "x" * 300, "甲" * 3000),
)
HOSTILE_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 11, 10**6, 10**9, 10**13, 2**63, 10**400, -(10**13), 0.5, 1e308, -1e308),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        1_000_000.0,
        [],
        {},
        [[]],
        [None],
        {"": None},
        [1, 2],
        [[1] * 13] * 11,
    ),
)


def _value(chance: Random) -> Any:
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(HOSTILE_TEXTS)
    if kind < 0.30:
        nested: Any = chance.choice(HOSTILE_VALUES)
        for _ in range(chance.choice((3, 60, 400))):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        return nested
    if kind < 0.33:
        return [chance.choice(HOSTILE_VALUES)] * chance.choice((2, 1000, 30_000))
    if kind < 0.35:
        return {f"k{i}": i for i in range(chance.choice((5, 300)))}
    return chance.choice(HOSTILE_VALUES)


def _places(content: Any, found: list[tuple[Any, Any]], depth: int = 0) -> None:
    """Every (container, key) of a JSON value."""
    if depth > 12:
        return
    pairs = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in list(pairs):
        found.append((content, key))
        _places(value, found, depth + 1)


def _spoil(content: Any, chance: Random) -> str:
    """Change one place of a JSON value; what was done."""
    found: list[tuple[Any, Any]] = []
    _places(content, found)
    if not found:
        return "nothing"
    # The top of a file has few places and matters as much as what is deep in it.
    holder, key = chance.choice(found if chance.random() < 0.6 else found[: max(1, len(found) // 20)])
    kind = chance.random()
    if kind < 0.2:
        del holder[key]
        return f"without {key!r}"
    if kind < 0.3 and isinstance(holder, dict):
        name = chance.choice(HOSTILE_TEXTS)
        holder[name] = holder.pop(key)
        return f"{key!r} called {name!r:.40}"
    if kind < 0.4 and isinstance(holder, list):
        holder.insert(key, holder[key])
        return f"{key!r} twice"
    if kind < 0.5:
        holder[key], value = _retyped(holder[key]), None
        return f"{key!r} of another type"
    value = _value(chance)
    holder[key] = value
    return f"{key!r} = {value!r:.60}"


def _retyped(value: Any) -> Any:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return {str(i): item for i, item in enumerate(value)}
    return [value] if isinstance(value, str) else str(value)


def _text(content: Any) -> bytes:
    # Halves of surrogate pairs can only be written in ASCII.
    return json.dumps(content).encode()


def _fields(path: Path, chance: Random) -> str:
    """Spoil one to three values."""
    data = path.read_bytes()
    lines = data.splitlines(keepends=True) if path.suffix == ".jsonl" else [data]
    place = chance.randrange(len(lines))
    try:
        content = json.loads(lines[place])
    except (ValueError, RecursionError):  # spoilt before
        return _bytes(path, chance)
    nested = [("filtered_resps", 0)] if chance.random() < 0.2 and isinstance(content, dict) else []
    said = [_spoil(content, chance) for _ in range(chance.choice((1, 1, 1, 3)))]
    for key, index in nested:  # what a run made of a reply is JSON within JSON
        try:
            inner = json.loads(content[key][index])
            said.append(_spoil(inner, chance))
            content[key][index] = json.dumps(inner)
        except (KeyError, IndexError, TypeError, ValueError):
            pass
    text = _text(content)
    if chance.random() < 0.05:
        first, _, rest = text.partition(b"{")
        text = first + b'{"doc": {}, "results": {}, "doc": 1, ' + rest
        said.append("keys twice")
    lines[place] = text + (b"\n" if path.suffix == ".jsonl" else b"")
    path.write_bytes(b"".join(lines))
    return f"line {place + 1}: {', '.join(said)}"


def _bytes(path: Path, chance: Random) -> str:
    """Spoil bytes, lines or the whole content."""
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(data) + 1)
    ways: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "cut off": lambda: data[:at],
        "zeros": lambda: data[:at] + b"\0" * 50 + data[at:],
        "not UTF-8": lambda: data[:at] + b"\xff\xfe" + data[at:],
        "a byte order mark": lambda: b"\xef\xbb\xbf" + data,
        "a list": lambda: b"[]",
        "null": lambda: b"null",
        "a number": lambda: b"9" * chance.choice((1, 5000)),
        "deep": lambda: b"[" * _DEEP,
        "deep and closed": lambda: b"[" * _DEEP + b"]" * _DEEP,
        "deep objects": lambda: b'{"a":' * _DEEP,
        "a line twice": lambda: data + chance.choice(lines),
        "lines gone": lambda: b"".join(line for line in lines if chance.random() < 0.7),
        "lines mixed": lambda: b"".join(chance.sample(lines, len(lines))),
        "twice": lambda: data * 2,
        "random": lambda: chance.randbytes(2000),
        "one long line": lambda: data.replace(b"\n", b" "),
    }
    name = chance.choice(list(ways))
    path.write_bytes(ways[name]())
    return name


def _file(path: Path, chance: Random) -> str:
    """Put something else in the file's place, or the file under another name."""
    data = path.read_bytes()
    path.unlink()
    kind = chance.choice(
        ("gone", "folder", "fifo", "loop", "zero", "nowhere", "packed", "not packed", "long", "unreadable")
    )
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "nowhere":
        path.symlink_to(path.with_name("nowhere"))
    elif kind == "packed":
        packed = gzip.compress(data)
        path.with_name(path.name + ".gz").write_bytes(
            packed[: chance.choice((len(packed), 5, len(packed) // 2))]
        )
    elif kind == "not packed":
        path.with_name(path.name + chance.choice((".gz", ".zst"))).write_bytes(data)
    elif kind == "long":
        path.with_name(f"{path.stem[:20]}{'x' * 200}{path.suffix}").write_bytes(data)
    elif kind == "unreadable":
        path.write_bytes(data)
        path.chmod(0)
    return kind


def mutate(folder: Path, chance: Random) -> tuple[Path, str]:
    """Spoil one file below a folder; which, and how."""
    kinds = [[p for p in sorted(folder.rglob(kind)) if p.is_file() and p.stat().st_size] for kind in FILES]
    path = chance.choice(chance.choice([files for files in kinds if files]))
    way = chance.choices((_fields, _bytes, _file), (8, 3, 1))[0]
    return path, way(path, chance)
