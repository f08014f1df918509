"""`csconv score`: a saved run scored again gives the run's own numbers, and nothing of the run is touched."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.leaderboards.build import build_board
from csc_tasks.results.find_logs import find_logs
from csc_tasks.results.rescore import choose, rescore
from tests.door import csconv


def small_run(folder: Path) -> None:
    arguments = ("--tasks", "csconv_mini_all", "--limit", "40", "--output_path", folder)
    done = csconv("floor", "random", *arguments)
    assert done.code == 0, done.err


@pytest.fixture(scope="module")
def original(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A folder with the results and logs of a run of every mini task, written by lm_eval itself."""
    return once("small-run", small_run) / "csconv-random"


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    return Path(shutil.copytree(original, tmp_path / "run"))


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def only_results(folder: Path) -> dict[str, Any]:
    (path,) = (p for p in folder.glob("results_*.json") if "rescored" not in p.name)
    return dict(json.loads(path.read_text()))


def log_of(folder: Path, task: str) -> Path:
    (path,) = folder.glob(f"samples_{task}_2*.jsonl")
    return path


def test_every_number_of_every_task_is_reproduced_and_the_runs_files_stay(run: Path) -> None:
    before, results = digests(run), only_results(run)
    done = csconv("score", run, cwd=run)
    assert done.code == 0, done.err
    assert {name: digest for name, digest in digests(run).items() if name in before} == before
    written = sorted(run.glob("results_*rescored*.json"))
    assert len(written) == 5
    for path in written:
        new = json.loads(path.read_text())
        ((task, values),) = new["results"].items()
        old = results["results"][task]
        for name, value in values.items():
            assert json.dumps(value) == json.dumps(old[name]), (task, name)
        missing = {n for n in old if "," in n and not n.endswith("_stderr_stderr,none")} - set(values)
        # lm-eval writes a stderr of N/A for what has none, and so on; every score is there
        assert {n for n in missing if not n.endswith("_stderr,none")} == set()
        report = new["configs"][task]["metadata"]["csconv_report"]
        assert report == results["configs"][task]["metadata"]["csconv_report"]
        source = new["csconv_rescored"]
        assert source["samples_sha256"] == before[source["samples"]]
        scores = [json.loads(x) for x in (run / source["scores"]).read_text().splitlines()]
        assert len(scores) == report["turns"]
    assert not list(run.glob("*.partial"))


def test_another_tokenizer_is_another_column_under_another_signature(run: Path) -> None:
    log = log_of(run, "csconv_mini_response")
    done = csconv("score", log, "--metrics", "bleu_4,rouge_l", "--tokenizer", "char", cwd=run)
    assert done.code == 0, done.err
    new = json.loads(Path(done.out.splitlines()[0]).read_text())
    values = new["results"]["csconv_mini_response"]
    assert {n for n in values if n.endswith(",none")} == {
        *("bleu_4_char,none", "bleu_4_char_stderr,none", "rouge_l_char,none", "rouge_l_char_stderr,none")
    }
    assert "|tok:char|" in new["configs"]["csconv_mini_response"]["metadata"]["csconv_signature"]["line"]


def test_a_second_call_finds_the_work_done(run: Path) -> None:
    (log,) = find_logs([log_of(run, "csconv_mini_strategy")])
    metrics = choose(log, [], "zh")
    first = rescore(log, metrics, "zh").results
    stamp = first.stat().st_mtime_ns
    assert rescore(log, metrics, "zh").results == first
    assert first.stat().st_mtime_ns == stamp
    assert rescore(log, metrics, "zh", force=True).results == first
    assert first.stat().st_mtime_ns > stamp


def test_another_version_of_csconv_scores_again_and_keeps_what_the_old_one_wrote(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(run, "csconv_mini_strategy")
    old = csconv("score", log).out
    assert csconv("score", log).out == old
    monkeypatch.setattr("csc_tasks.results.rescore.__version__", "99.0")
    new = csconv("score", log).out
    assert new != old
    assert Path(old.strip()).exists()
    assert Path(new.strip()).exists()


def test_scoring_a_few_metrics_again_hides_none_of_the_others_in_the_table(run: Path) -> None:
    def cells() -> dict[str, set[str]]:
        table, *_ = build_board([run]).tables
        return {row.model: set(row.cells) for row in table.rows}

    before = cells()
    assert csconv("score", run, "--metrics", "rouge_l", cwd=run).code == 0
    assert cells() == before


def test_a_log_of_predict_only_is_scored(tmp_path: Path) -> None:
    common = ("floor", "random", "--tasks", "csconv_mini_response,csconv_mini_dialogue", "--limit", "3")
    assert csconv(*common, "--output_path", tmp_path / "a", "--predict_only", cwd=tmp_path).code == 0
    assert csconv(*common, "--output_path", tmp_path / "b", cwd=tmp_path).code == 0
    assert csconv("score", tmp_path / "a", cwd=tmp_path).code == 0
    expected = only_results(tmp_path / "b" / "csconv-random")["results"]
    for path in tmp_path.rglob("results_*rescored*.json"):
        new = json.loads(path.read_text())
        ((task, values),) = new["results"].items()
        assert values["rouge_l,none"] == expected[task]["rouge_l,none"]
        assert values["strategy_acc_stderr,none"] == expected[task]["strategy_acc_stderr,none"]
        # Whether a prompt was cut is known to the run alone: absent, and said so.
        assert new["csconv_rescored"]["absent"] == (["truncated"] if task.endswith("dialogue") else [])
        assert "truncated,none" not in values


def cut_off(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-40])


def doubled(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines, lines[0]]))


def of_another_task(log: Path) -> None:
    log.write_text(
        json.dumps({"doc": {"question": "?"}, "resps": [["a"]], "arguments": {"x": {"arg_0": "p"}}}) + "\n"
    )


def emptied(log: Path) -> None:
    log.write_text("")


def without_its_results(log: Path) -> None:
    for path in log.parent.glob("results_*.json"):
        path.unlink()


def of_another_version(log: Path) -> None:
    (path,) = log.parent.glob("results_*.json")
    path.write_text(path.read_text().replace('"benchmark": 2', '"benchmark": 3'))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut_off, r"line 40: not JSON .*the file was cut off here"),
        (doubled, r"line 41: turn 0 of conversation \w+ stands here a second time"),
        (of_another_task, r"line 1: not a sample of csconv_mini_response as csconv logs it"),
        (emptied, "no turns in it"),
        (without_its_results, r"its run's results_\S+ is not beside it"),
        (of_another_version, "benchmark version 3; this csconv knows versions up to 2"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_spoilt_log_is_one_message_and_leaves_no_results(run: Path, spoil: Any, message: str) -> None:
    log = log_of(run, "csconv_mini_response")
    spoil(log)
    before = {p.name for p in run.iterdir()}
    done = csconv("score", log, cwd=run)
    assert done.code == 1
    assert re.search(message, done.err), done.err
    assert "Traceback" not in done.err
    assert {p.name for p in run.iterdir() if p.suffix != ".lock"} == before


def test_mistakes_in_the_call_are_named(run: Path, tmp_path: Path) -> None:
    (log,) = find_logs([log_of(run, "csconv_mini_strategy")])
    with pytest.raises(ConfigError, match="there is no metric 'blue_4'; there are strategy_acc"):
        choose(log, ["blue_4"], "zh")
    assert choose(log, ["bleu_4"], "zh") == ()
    with pytest.raises(DataError, match="no such file or folder"):
        find_logs([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no csconv sample logs .*--log_samples"):
        find_logs([tmp_path / "empty"])
    done = csconv("score", log.path, "--tokenizer", "bpe", cwd=run)
    assert done.code == 1
    assert "csconv_tokenizer='bpe' is none of zh, char, jieba" in done.err
