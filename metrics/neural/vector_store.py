"""Token vectors of texts on disk, for the next model that is scored against the same references.

A folder of safetensors files that are written under another name and renamed when they are whole, so
two processes cannot harm each other: at worst both keep the same text. What is read is checked; a file
that is cut off or altered is removed with a word and its texts are computed again. Whatever goes wrong
here costs time and never a score.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["VectorStore", "Vectors", "store_limit", "store_size"]

logger = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]

_FORMAT = "1"
_STALE = 24 * 3600
"""Seconds after which an unfinished file belongs to no living process."""


def store_limit() -> int:
    """Bytes that may be kept: ``CSCONV_CACHE_GB`` (default 8) times 10⁹; 0 keeps nothing."""
    text = os.environ.get("CSCONV_CACHE_GB", "8")
    try:
        return max(0, int(float(text) * 1e9))
    except (ValueError, OverflowError):
        logger.warning("CSCONV_CACHE_GB=%r is not a number; nothing is kept", text)
        return 0


def store_size(root: Path) -> int:
    """Bytes that are kept now."""
    return sum(size for _, size, _ in _files(root))


def _files(root: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of every file, those unused for longest first."""
    found = []
    for path in root.rglob("*.safetensors"):
        with contextlib.suppress(OSError):  # another process may just have removed it
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Place:
    file: Path
    start: int
    stop: int
    crc: int


class VectorStore:
    """Vectors (tokens, width) of texts under one encoder.

    Args:
        root: of the stores of all encoders; ``limit`` holds for all of it.
        encoder: what the vectors depend on, in any form; every encoder has a folder of its own.
        limit: bytes.
    """

    def __init__(self, root: Path, encoder: str, limit: int) -> None:
        self.root = root
        self.folder = root / f"{_FORMAT}-{hashlib.sha256(encoder.encode()).hexdigest()[:24]}"
        self.limit = limit
        self.found = self.added = 0
        self._places: dict[str, _Place] = {}
        self._known: set[Path] = set()
        self._writable = limit > 0

    def get(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of those of the texts that are kept."""
        if self.limit <= 0:
            return {}
        self._look()
        wanted: dict[Path, list[tuple[str, _Place]]] = {}
        for text in texts:
            place = self._places.get(_key(text))
            if place is not None:
                wanted.setdefault(place.file, []).append((text, place))
        out: dict[str, Vectors] = {}
        for file, entries in wanted.items():
            out.update(self._read(file, entries))
        self.found += len(out)
        return out

    def put(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep the vectors of these texts, as one file; remove what was unused for longest, to stay in the limit."""
        if not self._writable or not vectors:
            return
        from safetensors.numpy import save

        keys = [_key(text) for text in vectors]
        arrays = [np.ascontiguousarray(v, dtype=np.float32) for v in vectors.values()]
        index = {
            "keys": keys,
            "lengths": [len(a) for a in arrays],
            "crcs": [zlib.crc32(a.data) for a in arrays],
        }
        content = save({"vectors": np.concatenate(arrays)}, {"index": json.dumps(index)})
        if len(content) > self.limit:
            return
        name = hashlib.sha256("".join(keys).encode()).hexdigest()[:24]
        try:
            self._make_room(len(content))
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".partial", delete=False) as file:
                try:
                    file.write(content)
                    file.flush()
                    Path(file.name).replace(self.folder / f"{name}.safetensors")
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            self.added += len(keys)
        except OSError as error:
            self._writable = False
            logger.warning("embeddings of references are not kept for the next run: %s", error)

    def _make_room(self, needed: int) -> None:
        files = _files(self.root)
        total = sum(size for _, size, _ in files) + needed
        for _, size, path in files:
            if total <= self.limit:
                break
            path.unlink(missing_ok=True)
            total -= size
        for left in self.root.rglob("*.partial"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _STALE:
                    left.unlink()

    def _look(self) -> None:
        """Take in the files that came since the last look, of whichever process."""
        try:
            present = set(self.folder.glob("*.safetensors"))
        except OSError:
            return
        for file in present - self._known:
            self._known.add(file)
            try:
                index, rows = _index(file)
                stops = np.cumsum(index["lengths"]).tolist()
                if stops[-1] != rows:
                    raise ValueError(f"{stops[-1]} rows announced, {rows} there")
                entries = zip(index["keys"], index["lengths"], stops, index["crcs"], strict=True)
                for key, length, stop, crc in entries:
                    self._places[key] = _Place(file, stop - length, stop, crc)
            except FileNotFoundError:
                continue
            except _damage() as error:
                self._drop(file, error)

    def _read(self, file: Path, entries: list[tuple[str, _Place]]) -> dict[str, Vectors]:
        from safetensors import safe_open

        out: dict[str, Vectors] = {}
        try:
            with safe_open(file, framework="numpy") as content:
                rows = content.get_slice("vectors")
                for text, place in entries:
                    vectors = np.ascontiguousarray(rows[place.start : place.stop])
                    if zlib.crc32(vectors.data) != place.crc:
                        raise ValueError("checksum differs")
                    out[text] = vectors
            os.utime(file)
        except (FileNotFoundError, PermissionError):
            pass  # removed since by another process, or another user's file: compute again, or used as it is
        except _damage() as error:
            self._drop(file, error)
            return {}
        return out

    def _drop(self, file: Path, error: BaseException) -> None:
        logger.warning("%s is damaged (%s); removed, its texts are computed again", file, error)
        self._places = {key: place for key, place in self._places.items() if place.file != file}
        self._known.discard(file)  # a sound one may come under the same name
        with contextlib.suppress(OSError):
            file.unlink()


def _damage() -> tuple[type[Exception], ...]:
    from safetensors import SafetensorError

    return SafetensorError, ValueError, LookupError, TypeError, OSError


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _index(file: Path) -> tuple[dict[str, Any], int]:
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as content:
        index: dict[str, Any] = json.loads(content.metadata()["index"])
        return index, int(content.get_slice("vectors").get_shape()[0])
