"""Answers that outlive a failure: what is kept where, and what a foreign or damaged cache does."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from sqlitedict import SqliteDict

from csc_tasks.errors import DataError, HarnessError
from csc_tasks.generation.asking import losing_nothing
from csc_tasks.generation.response_cache import KeptAnswers
from tests.paths import ROOT
from tests.running import FunctionLM, evaluate, gold, scores

BOTH = ["csconv_mini_response", "csconv_mini_dialogue"]
LIMIT = {"csconv_mini_response": 12, "csconv_mini_dialogue": 1, "csconv_mini_strategy_mc": 4}


class FailingLM(FunctionLM):
    """Fails when it has answered so many requests."""

    def __init__(self, after: int) -> None:
        super().__init__(gold)
        self.after = after

    def _answer(self, method: str, requests: list[Instance]) -> list[Any]:
        answers = []
        for request in requests:
            if len(self.requests) == self.after:
                raise RuntimeError("gone")
            self.requests.append(request)
            answers.append(self.reply(request))
            self.cache_hook.add_partial(method, request.args, answers[-1])
        return answers

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        return self._answer("generate_until", requests)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        return self._answer("loglikelihood", requests)


@pytest.mark.parametrize("task", LIMIT)
def test_rescued_answers_are_json_that_the_next_run_goes_on_from(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HarnessError, match=r"gone\)\. Its answers are kept.*--use_cache csconv_rescue_"):
        evaluate(FailingLM(5), [task], limit=LIMIT[task])
    (path,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    with sqlite3.connect(path) as file:
        rows = file.execute("SELECT key, answer FROM csconv_answers").fetchall()
    assert len(rows) >= 4  # some questions are the same
    assert all(answer[0] in '"[' for _, answer in rows)
    lm = FailingLM(9999)
    results = evaluate(lm, [task], limit=LIMIT[task], use_cache=str(path).removesuffix("_rank0.db"))
    full = FailingLM(9999)
    assert scores(results, task) == scores(evaluate(full, [task], limit=LIMIT[task]), task)
    assert len(lm.requests) <= len(full.requests) - 4


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("task", BOTH)
def test_a_cache_of_somebody_else_runs_no_code(task: str, tmp_path: Path) -> None:
    evaluate(FunctionLM(gold), [task], limit=1, use_cache=str(tmp_path / "kept"))
    with SqliteDict(str(tmp_path / "kept_rank0.db")) as file:
        for key in list(file):
            file[key] = Evil(tmp_path / "made")
        file.commit()
    with pytest.raises(DataError, match=r"lm-eval did not write.*use none but your own"):
        evaluate(FunctionLM(gold), [task], limit=1, use_cache=str(tmp_path / "kept"))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("task", BOTH)
def test_a_damaged_cache_is_said_to_be_one(task: str, tmp_path: Path) -> None:
    evaluate(FunctionLM(gold), [task], limit=40, use_cache=str(tmp_path / "kept"))
    path = tmp_path / "kept_rank0.db"
    content = bytearray(path.read_bytes())
    content[8192:] = b"A" * len(content[8192:])
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"kept_rank0\.db: (the cache is )?damaged"):
        evaluate(FunctionLM(gold), [task], limit=40, use_cache=str(tmp_path / "kept"))


def _require_every_answer(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A run whose cache cannot be written scores every answer, says why, and leaves them in a file of its own."""
    results = evaluate(FunctionLM(gold), [BOTH[0]], limit=8, use_cache=str(folder / "kept"))
    assert scores(results, BOTH[0])["rouge_l"] == 1.0
    assert "disk is full" in caplog.text
    (path,) = folder.glob("csconv_rescue_*_rank0.db")
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM csconv_answers").fetchone()[0] >= 6


def test_what_the_cache_does_not_take_any_more_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    writes = []
    write = SqliteDict.__setitem__

    def full(self: Any, key: str, value: Any) -> None:
        writes.append(key)
        if len(writes) > 3:
            raise sqlite3.OperationalError("database or disk is full")
        write(self, key, value)

    monkeypatch.setattr(SqliteDict, "__setitem__", full)
    _require_every_answer(tmp_path, caplog)


def test_a_cache_whose_last_write_fails_costs_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)

    writing: list[str] = []
    write, commit = SqliteDict.__setitem__, SqliteDict.commit

    def written(self: Any, key: str, value: Any) -> None:
        writing.append(key)
        write(self, key, value)
        writing.pop()

    def full(self: Any, blocking: bool = True) -> None:
        if not writing:  # the one at the end
            raise sqlite3.OperationalError("database or disk is full")
        commit(self, blocking)

    monkeypatch.setattr(SqliteDict, "__setitem__", written)
    monkeypatch.setattr(SqliteDict, "commit", full)
    _require_every_answer(tmp_path, caplog)


def test_what_other_requests_were_answered_is_told_of_where_our_own_error_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)

    class Stopping(FunctionLM):
        def generate_dialogue(self, requests: list[Instance]) -> list[Any]:
            len(requests)  # when it is only tried whether there is such a method, it ends here
            with KeptAnswers(self) as kept, losing_nothing(kept):
                raise DataError("no more")

    with pytest.raises(DataError, match="no more"):
        evaluate(Stopping(gold), BOTH, limit=3)
    assert "--use_cache csconv_rescue_" in caplog.text
    assert len(list(tmp_path.glob("csconv_rescue_*_rank0.db"))) == 1


def test_an_old_rescue_file_in_lm_evals_own_form_is_still_read(tmp_path: Path) -> None:
    lm = FunctionLM(gold)
    evaluate(lm, [BOTH[0]], limit=5, use_cache=str(tmp_path / "kept"))
    with SqliteDict(str(tmp_path / "kept_rank0.db")) as file:
        assert {type(value) for value in file.values()} == {str}
    again = FunctionLM(gold)
    evaluate(again, [BOTH[0]], limit=5, use_cache=str(tmp_path / "kept"))
    assert again.requests == []


def test_what_an_endpoint_answered_is_a_plain_text_for_whoever_reads_the_cache() -> None:
    from csc_tasks.protocol.answers import ServedAnswer

    kept = pickle.loads(pickle.dumps(ServedAnswer("好", model="m")))
    assert type(kept) is str
    assert kept == "好"


@pytest.mark.slow
def test_answers_are_rescued_without_a_working_folder_and_without_a_home(tmp_path: Path) -> None:
    script = """
import os, tempfile
os.chdir(tempfile.mkdtemp())
from tests.generation.test_response_cache import FailingLM
from tests.running import evaluate
class Vanishing(FailingLM):
    def generate_until(self, requests, disable_tqdm=False):
        assert len(requests) == 9  # not when it is only tried whether there is such a method
        os.rmdir(os.getcwd())
        return super().generate_until(requests)
evaluate(Vanishing(5), ["csconv_mini_response"], limit=9)
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME")}
    environment |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment
    )
    assert f"--use_cache {tmp_path}/csconv_rescue_" in done.stderr, done.stderr[-2000:]
    assert list(tmp_path.glob("csconv_rescue_*_rank0.db"))


SCRIPT = """
import os, signal, sys, time
from tests.generation.test_response_cache import FailingLM
from tests.running import evaluate
from csc_tasks.tasks.base import CSConvTask
how = sys.argv[1]
def end(self, *_):
    if how == "error":
        raise OSError("no space left on device")
    os.kill(os.getpid(), getattr(signal, how))
    time.sleep(30)
if how == "dialogue":
    evaluate(FailingLM(12), ["csconv_mini_response", "csconv_mini_dialogue"], limit=9)
else:
    CSConvTask._summarise = end  # it comes after generation
    evaluate(FailingLM(9999), ["csconv_mini_response"], limit=9)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code"), [("error", 1), ("SIGINT", -2), ("SIGTERM", -15), ("SIGHUP", -1), ("dialogue", 1)]
)
def test_what_was_answered_is_kept_whatever_happens_after_generation(
    tmp_path: Path, how: str, code: int
) -> None:
    """An error or signal while scores are computed, or in the requests of another task."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == code, done.stderr[-2000:]
    assert "--use_cache csconv_rescue_" in done.stderr
    (path,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM csconv_answers").fetchone()[0] >= 9
    lm = FailingLM(9999)
    evaluate(lm, [BOTH[0]], limit=9, use_cache=str(path).removesuffix("_rank0.db"))
    assert lm.requests == []


def test_a_run_that_went_well_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate(FailingLM(9999), [BOTH[0]], limit=3)
    assert list(tmp_path.iterdir()) == []


def test_answers_of_an_earlier_run_are_not_taken_for_those_of_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a training loop: the same process evaluates one checkpoint after the other."""
    monkeypatch.chdir(tmp_path)
    evaluate(FailingLM(9999), [BOTH[0]], limit=9)
    with pytest.raises(HarnessError):
        evaluate(FailingLM(3), [BOTH[0]], limit=9)
    (path,) = tmp_path.glob("csconv_rescue_*_rank0.db")
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM csconv_answers").fetchone()[0] <= 3
