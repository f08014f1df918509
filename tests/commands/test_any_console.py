"""Consoles as people have them: narrow ones cut no number, and those of another encoding end no command."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from tests.door import csconv
from tests.judge_server import JudgeServer
from tests.judging.runs import configured

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NUMBER = re.compile(r"(?<![\w.])[−+]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def models(short: Path, once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two models and a floor, a baseline file, and a judge that answers nobody."""

    def make(folder: Path) -> None:
        shutil.copytree(short, folder, dirs_exist_ok=True)
        write = ("--baseline", folder / "baseline.json", "--update-baseline", "--allow-partial")
        assert csconv("gate", folder / "a", *write).code == 0
        settings = {"model": "fake", "base_url": "http://127.0.0.1:9/v1", "input_price": 1, "output_price": 2}
        (folder / "judge.yaml").write_text("".join(f"{k}: {json.dumps(v)}\n" for k, v in settings.items()))

    return once("any-console", make)


CALLS = {
    "table": ("table", "."),
    "table, every metric": ("table", ".", "--all"),
    "compare": ("compare", "a", "b"),
    "compare, every metric": ("compare", "a", "b", "--all"),
    "gate": ("gate", "b", "--baseline", "baseline.json", "--allow-partial"),
    "power": ("gate", "power", *(f"--n-conversations={n}" for n in (32, 128, 1855, 123456))),
    "power of two models": ("gate", "power", "--baseline", "a", "--against", "b"),
    "info": ("data", "info", "mini"),
    "estimate": ("judge", "a", "b", "--config", "judge.yaml", "--rubric", "turn-zh-2", "--dry-run"),
}


def numbers(out: str) -> Counter[str]:
    """The numbers of a table's lines, however the rest of them is laid out."""
    lines = STYLE.sub("", out).splitlines()
    rows = [line for line in lines if "│" in line] or [line for line in lines if "%" in line]
    return Counter(NUMBER.findall("\n".join(rows)))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("width", [40, 80])
def test_no_number_is_cut_however_narrow_the_terminal_is(
    models: Path, monkeypatch: pytest.MonkeyPatch, call: str, width: int
) -> None:
    monkeypatch.chdir(models)
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm"}
    wide = csconv(*CALLS[call], COLUMNS="1000", **terminal)
    narrow = csconv(*CALLS[call], COLUMNS=str(width), **terminal)
    assert wide.code == narrow.code
    found = numbers(wide.out)
    assert found, wide.output
    # Replies may have such a mark of their own.
    assert narrow.out.count("…") == wide.out.count("…")
    # A layout in several tables repeats ranks, and whole names are folded; no number of one table may be missing.
    missing = {n for n in found if n not in numbers(narrow.out)}
    assert missing == set(), narrow.out


@pytest.mark.parametrize("width", [40, 1000])
def test_a_judges_tables_are_whole_too(models: Path, tmp_path: Path, width: int) -> None:
    runs = Path(shutil.copytree(models, tmp_path / "runs"))
    server = JudgeServer()
    try:
        config = configured(server, tmp_path)
        terminal = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(width)}
        done = csconv(
            *("judge", runs / "a", runs / "b", "--pairwise", "--config", config, "--sample", "8"), **terminal
        )
    finally:
        server.close()
    assert done.code == 0, done.output
    out = STYLE.sub("", done.out)
    assert "…" not in out
    row = next(line for line in out.splitlines() if "│" in line and re.search(r"\d", line))
    assert len(NUMBER.findall(row)) >= 8, out


def test_what_a_file_is_called_is_no_markup(tmp_path: Path) -> None:
    own = tmp_path / "[red]甲.json"
    write_conversations(own, load("mini").conversations[:2])
    out = csconv("data", "info", own, COLUMNS="40").out
    assert "[red]甲.json" in out
    assert f"fingerprint {load(str(own)).fingerprint}" in out


EVERY = {
    **CALLS,
    "help": ("--help",),
    "page": ("leaderboard", ".", "--out", "{out}"),
    "export": ("export", ".", "--out", "{out}/甲.csv"),
    "score": ("score", "b", "--metrics", "bleu_4"),
    "markdown": ("compare", "a", "b", "--format", "markdown"),
    "validate": ("data", "validate", "mini"),
    "convert": ("data", "convert", "没有.json", "{out}/乙.json"),
    "doctor": ("doctor",),
    "path": ("path",),
    "absent": ("table", "没有"),
    "logs": ("logs", "compress", "没有"),
    "agreement": ("judge", "agreement", "没有", "--human", "没有.csv"),
    "probe": ("judge", "probe", "--config", "没有.yaml"),
    "floor": ("floor", "随机", "--tasks", "csconv_mini_response"),
    "floor that runs": ("floor", "shuffle", "--tasks", "csconv_mini_response", "--limit", "2"),
    "wrong option": ("table", "--没有"),
}


@pytest.mark.parametrize("call", EVERY)
@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(e, marks=pytest.mark.slow) for e in ("gbk", "cp1252", "latin-1"))]
)
def test_a_console_of_any_encoding_ends_no_command(
    models: Path, tmp_path: Path, call: str, encoding: str
) -> None:
    arguments = [argument.format(out=tmp_path) for argument in EVERY[call]]
    own = Path(shutil.copytree(models, tmp_path / "own"))
    done = csconv(*arguments, cwd=own, PYTHONIOENCODING=encoding)
    assert "Traceback" not in done.output
    fails = {"gate": 4, "wrong option": 2}  # too few conversations for a test
    assert done.code == (
        fails.get(call) or any("没有" in argument or "随机" in argument for argument in arguments)
    )


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_lm_evals_own_table_ends_no_run(encoding: str, tmp_path: Path) -> None:
    from tests.door import lm_eval

    done = lm_eval(
        *("--model", "dummy", "--tasks", "csconv_mini_response", "--limit", "2"),
        cwd=tmp_path,
        PYTHONIOENCODING=encoding,
        PYTHONUTF8="0",
    )
    assert done.code == 0, done.err[-2000:]
