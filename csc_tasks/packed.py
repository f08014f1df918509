"""Numpy's ``.npz`` as it may come from anywhere: of bounded size, without objects."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

__all__ = ["MAX_UNPACKED", "read_arrays"]

MAX_UNPACKED = 512 * 2**20
"""Bytes of all arrays together: a thousand replicates of thirty metrics have 0.3 MB, a large baseline some more."""


def read_arrays(data: bytes) -> dict[str, Any]:
    """The arrays of a file by name.

    Raises:
        ValueError: it is no such file, is damaged, or would unpack to more than :data:`MAX_UNPACKED` bytes.
    """
    import numpy as np

    try:
        with ZipFile(BytesIO(data)) as file:
            if sum(member.file_size for member in file.infolist()) > MAX_UNPACKED:
                raise ValueError(f"unpacks to more than {MAX_UNPACKED // 2**20} MB")
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (
        *(
            ArithmeticError,
            AttributeError,
            BadZipFile,
            EOFError,
            LookupError,
            MemoryError,
            NotImplementedError,
        ),
        *(OSError, RuntimeError, SyntaxError, TypeError, ZlibError),
    ) as error:
        raise ValueError(f"damaged ({type(error).__name__}: {error})") from None
