"""Running token rows through a network so that a result never depends on what else is in the run.

Two rules make the results of a machine the same to the last bit, whatever the batch size, the order
and the number of cores. A batch holds rows of one length only, so nothing is padded or masked. And on
a CPU a batch is computed by one thread, with as many batches at once as there are cores: a matrix
product that is itself split over threads adds up differently for different numbers of rows. It is
also the faster way, above all where other processes want the cores.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Batches"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Batches:
    """Cuts rows into batches, runs them, and cuts smaller where memory runs out.

    Args:
        name: of the metric, for messages.
        size: rows a batch at most.
    """

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._tokens: int | None = None  # the most tokens a batch may have, once memory has run out
        self._lock = threading.Lock()

    def run(
        self, rows: Sequence[Sequence[int]], forward: Callable[[list[int]], Sequence[T]], on_cpu: bool
    ) -> list[T]:
        """One result a row, in the order of the rows.

        Args:
            rows: n sequences of token ids.
            forward: takes indices of rows of one length and gives a result for each.
            on_cpu: whether to compute batches side by side, a thread each.
        """
        results: dict[int, T] = {}

        def work(indices: list[int]) -> None:
            results.update(zip(indices, self._guarded(indices, rows, forward), strict=True))

        groups = list(self._groups(rows))
        if on_cpu:
            _side_by_side(work, groups)
        else:
            for indices in groups:
                work(indices)
        return [results[i] for i in range(len(rows))]

    def _groups(self, rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            by_length[len(row)].append(index)
        # The longest first: memory that does not suffice shows at once, and no thread ends with a long tail.
        for _, indices in sorted(by_length.items(), reverse=True):
            for start in range(0, len(indices), self.size):
                yield indices[start : start + self.size]

    def _guarded(
        self,
        indices: list[int],
        rows: Sequence[Sequence[int]],
        forward: Callable[[list[int]], Sequence[T]],
    ) -> list[T]:
        length = len(rows[indices[0]])
        limit = self._tokens
        if limit is not None and len(indices) > 1 and len(indices) * length > limit:
            return self._halved(indices, rows, forward)
        try:
            return list(forward(indices))
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error) or len(indices) == 1:
                raise
        # Outside the handler, which would keep the failed batch's tensors alive.
        _release()
        with self._lock:
            tokens = len(indices) * length // 2
            if self._tokens is None or tokens < self._tokens:
                self._tokens = tokens
                logger.warning(
                    "%s: out of memory with %d texts of %d tokens; going on with half as many",
                    self.name,
                    len(indices),
                    length,
                )
        return self._halved(indices, rows, forward)

    def _halved(
        self,
        indices: list[int],
        rows: Sequence[Sequence[int]],
        forward: Callable[[list[int]], Sequence[T]],
    ) -> list[T]:
        middle = len(indices) // 2
        first = self._guarded(indices[:middle], rows, forward)
        return first + self._guarded(indices[middle:], rows, forward)


def _side_by_side(work: Callable[[list[int]], None], groups: Sequence[list[int]]) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for future in [pool.submit(work, indices) for indices in groups]:
                try:
                    future.result()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
    finally:
        torch.set_num_threads(threads)


def _out_of_memory(error: BaseException) -> bool:
    import torch

    # The CPU's allocator has no error class of its own.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
