"""Vectors kept on disk: two writers, damaged files, full disks and a limit cost time and never a score."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.paths import ROOT

pytest.importorskip("safetensors")

from csc_tasks.metrics.neural.vector_store import Vectors, VectorStore, store_limit, store_size

GIGABYTE = 10**9


def vectors(texts: list[str], seed: int = 0, width: int = 8) -> dict[str, Vectors]:
    rng = np.random.default_rng(seed)
    return {t: rng.random((len(t) + 2, width), dtype=np.float32) for t in texts}


def same(a: dict[str, Vectors], b: dict[str, Vectors]) -> bool:
    return a.keys() == b.keys() and all((a[k] == b[k]).all() for k in a)


def files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.safetensors"))


def test_what_was_put_is_found_to_the_last_bit_by_another_object(tmp_path: Path) -> None:
    some = vectors(["您好", "请稍等", "", "\ud800", "a" * 300])
    VectorStore(tmp_path, "encoder", GIGABYTE).put(some)
    store = VectorStore(tmp_path, "encoder", GIGABYTE)
    assert same(store.get([*some, "别的"]), some)
    assert store.found == 5
    assert VectorStore(tmp_path, "another encoder", GIGABYTE).get(some) == {}


def test_files_of_other_processes_are_found_while_running(tmp_path: Path) -> None:
    early = VectorStore(tmp_path, "e", GIGABYTE)
    assert early.get(["您好"]) == {}
    VectorStore(tmp_path, "e", GIGABYTE).put(vectors(["您好"]))
    assert len(early.get(["您好"])) == 1


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def altered(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(bytes(content))


def foreign(file: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"vectors": np.zeros((3, 8), np.float32)}, file)


@pytest.mark.parametrize("spoil", [cut_off, emptied, altered, foreign])
def test_a_damaged_file_is_removed_with_a_word_and_the_sound_ones_serve(
    tmp_path: Path, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = vectors(["好的"]), vectors(["您好", "再见"])
    writer = VectorStore(tmp_path, "e", GIGABYTE)
    writer.put(bad)
    (victim,) = files(tmp_path)
    writer.put(good)
    spoil(victim)  # type: ignore[operator]
    store = VectorStore(tmp_path, "e", GIGABYTE)
    found = store.get(["好的", "您好", "再见"])
    assert same(found, good)
    assert f"{victim} is damaged" in caplog.text
    assert not victim.exists()
    store.put(bad)
    assert same(store.get(["您好", "再见"]), bad)


def test_a_half_written_file_is_never_read_and_is_swept_away_when_it_is_old(tmp_path: Path) -> None:
    store = VectorStore(tmp_path, "e", GIGABYTE)
    store.put(vectors(["您好"]))
    fresh, stale = store.folder / "tmpa.partial", store.folder / "tmpb.partial"
    for file in (fresh, stale):
        file.write_bytes(files(tmp_path)[0].read_bytes()[:50])
    os.utime(stale, (time.time() - 2 * 86400,) * 2)
    assert len(VectorStore(tmp_path, "e", GIGABYTE).get(["您好"])) == 1
    store.put(vectors(["再见"]))
    assert fresh.exists()
    assert not stale.exists()


def test_the_limit_holds_over_all_encoders_and_what_was_unused_for_longest_goes_first(tmp_path: Path) -> None:
    texts = [chr(0x4E00 + i) * 50 for i in range(6)]
    one = len(next(iter(vectors([texts[0]]).values())).tobytes()) + 300
    limit = 3 * one
    for i, text in enumerate(texts[:3]):
        VectorStore(tmp_path, f"e{i}", limit).put(vectors([text]))
        os.utime(files(tmp_path / VectorStore(tmp_path, f"e{i}", limit).folder.name)[0], (i + 1, i + 1))
    assert VectorStore(tmp_path, "e0", limit).get([texts[0]])  # used now: the oldest no more
    VectorStore(tmp_path, "e3", limit).put(vectors([texts[3]]))
    assert store_size(tmp_path) <= limit
    kept = [bool(VectorStore(tmp_path, f"e{i}", limit).get([texts[i]])) for i in range(4)]
    assert kept == [True, False, True, True]
    VectorStore(tmp_path, "e", 100).put(
        vectors([texts[4]])
    )  # larger than the limit: nothing is thrown out for it
    assert store_size(tmp_path) > 100


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "never", "e", 0)
    store.put(vectors(["您好"]))
    assert store.get(["您好"]) == {}
    assert not (tmp_path / "never").exists()


def test_a_place_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = VectorStore(tmp_path / "file", "e", GIGABYTE)
    for text in ("您好", "再见"):
        store.put(vectors([text]))
        assert store.get([text]) == {}
    assert caplog.text.count("are not kept for the next run") == 1


WRITER = """
import sys
from pathlib import Path
from csc_tasks.metrics.neural.vector_store import VectorStore
from tests.metrics.neural.test_vector_store import vectors
store = VectorStore(Path(sys.argv[1]), "e", 10**9)
for k in range(40):
    texts = [f"{k}-{i}" for i in range(20)]
    store.put(vectors(texts, seed=k))
    found = store.get(texts)
    assert len(found) == 20
"""


def test_processes_that_write_and_read_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    store = VectorStore(tmp_path, "e", GIGABYTE)
    for k in range(40):
        expected = vectors([f"{k}-{i}" for i in range(20)], seed=k)
        assert same(store.get(expected), expected)
    assert len(files(tmp_path)) == 40  # the same texts have the same name
    assert not list(tmp_path.rglob("*.partial"))


def test_the_environment_chooses_the_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for text, limit in (("1.5", 1_500_000_000), ("0", 0), ("-3", 0), ("much", 0), ("inf", 0)):
        monkeypatch.setenv("CSCONV_CACHE_GB", text)
        assert store_limit() == limit
    assert "CSCONV_CACHE_GB='much' is not a number" in caplog.text
