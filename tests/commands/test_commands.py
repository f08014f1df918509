"""The csconv command as a user types it: output, exit codes, no tracebacks."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from csc_tasks import __version__
from csc_tasks.data.files import write_conversations
from csc_tasks.data.sources import load
from csc_tasks.install import install_hint
from csc_tasks.protocol.turns import turn_docs
from tests.door import csconv, process, program


def test_help_names_every_command() -> None:
    done = csconv("--help")
    assert done.code == 0
    for command in (
        "register",
        "unregister",
        "path",
        "doctor",
        "data",
        "floor",
        "baseline",
        "compare",
        "export",
        "gate",
        "judge",
        "leaderboard",
        "logs",
        "quickstart",
        "score",
        "table",
    ):
        assert command in done.out


@pytest.mark.parametrize(
    ("group", "options", "commands"),
    [
        ("gate", ("--baseline", "--max-drop", "--update-baseline", "--drop", "--junit"), ("power",)),
        ("judge", ("--config", "--rubric", "--pairwise", "--dry-run"), ("probe", "agreement")),
    ],
)
def test_help_of_a_group_shows_the_options_of_what_it_does_without_a_command(
    group: str, options: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    for asked in ([group, "--help"], [group, "-h"], [group]):
        shown = csconv(*asked)
        assert f"csconv {group} [OPTIONS] " in shown.output
        assert "RESULTS" in shown.output
        for name in (*options, *commands, f"csconv {group} COMMAND --help"):
            assert name in shown.output, name
    assert csconv(group, "--help").code == 0
    for command in commands:
        own = csconv(group, command, "--help")
        assert own.code == 0
        assert f"csconv {group} {command}" in own.out


def test_every_group_with_a_command_of_its_own_shows_its_options() -> None:
    """So that the next such group does too: what its first command takes stands in the group's help."""
    from typer.main import get_command

    from csc_tasks.commands.app import RunByDefault, app

    groups = {n: g for n, g in get_command(app).commands.items() if isinstance(g, RunByDefault)}  # type: ignore[attr-defined]
    assert groups.keys() >= {"gate", "judge"}
    for name, each in groups.items():
        shown = csconv(name, "--help").out.split()
        for option in each.commands["run"].params:
            wanted = (
                [] if getattr(option, "hidden", False) else [o for o in option.opts if o.startswith("--")]
            )
            assert all(o in shown for o in wanted), (name, wanted)


def test_the_version_is_printed() -> None:
    assert csconv("--version").out.strip() == __version__


def test_path_prints_the_folder_of_the_task_files_and_of_the_model() -> None:
    assert (Path(csconv("path").out.strip()) / "csconv_mini.yaml").is_file()
    assert (Path(csconv("path", "--model").out.strip()) / "config.json").is_file()


def test_info_prints_counts_shares_and_lengths() -> None:
    turns = len(list(turn_docs(load("mini").conversations)))
    done = csconv("data", "info", "mini")
    assert done.code == 0
    assert "32 conversations" in done.out
    assert f"{turns} supporter turns" in done.out
    for word in ("提供建议", "Resolving", "产品咨询", "95%"):
        assert word in done.out
    figures = json.loads(csconv("data", "info", "mini", "--json").out)
    assert figures["turns"] == turns == sum(figures["strategies"].values())


def test_info_does_not_load_the_harness() -> None:
    done = program(
        "-c",
        "import sys; from csc_tasks.commands import main\n"
        "sys.argv = ['csconv', 'data', 'info', 'mini']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('lm_eval', 'torch', 'datasets', 'transformers') if m in sys.modules])",
    )
    assert done.out.splitlines()[-1] == "[]", done.err


def test_the_module_is_the_command_where_its_script_is_not_on_the_path() -> None:
    done = process("--version")
    assert (done.code, done.out.strip()) == (0, __version__)


def broken_file(folder: Path) -> Path:
    records = [c.record() for c in load("mini").conversations[:3]]
    supporter = next(u for u in records[1]["dialogue"] if u["speaker"] == "客服")
    supporter["strategy"] = "推销"
    records[2]["dialogue"][0]["text"] = ""
    path = folder / "broken.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return path


def test_validate_lists_every_defect_and_fails(tmp_path: Path) -> None:
    done = csconv("data", "validate", broken_file(tmp_path))
    assert done.code == 1
    assert "[1].dialogue[" in done.out
    assert '"推销" is none of the twelve strategies' in done.out
    assert "[2].dialogue[0].text: text is empty" in done.out
    assert "1 sound conversations, 2 errors, 0 broken rules" in done.out


def test_validate_as_json_can_be_read_by_a_program(tmp_path: Path) -> None:
    found = json.loads(csconv("data", "validate", broken_file(tmp_path), "--json").out)
    assert [(d["kind"], d["fatal"]) for d in found] == [("unknown-strategy", True), ("empty-text", True)]


def test_validate_passes_the_shipped_files_strictly() -> None:
    assert csconv("data", "validate", "mini", "--strict").code == 0
    assert csconv("data", "validate", "mini", "--train", "--strict").code == 0


def test_convert_goes_through_every_format_and_back(tmp_path: Path) -> None:
    source: str | Path = "mini"
    for name in ("a.jsonl", "b.parquet", "c.json"):
        assert csconv("data", "convert", source, tmp_path / name).code == 0
        source = tmp_path / name
    assert load(str(source)).conversations == load("mini").conversations


def test_validate_says_a_mistake_once_and_every_one_if_asked(tmp_path: Path) -> None:
    records = [c.record() for c in load("mini").conversations]
    for number, record in enumerate(records):
        for utterance in record["dialogue"]:
            if utterance["speaker"] == "客服":
                utterance["strategy"] = f"推销{number}"
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    done = csconv("data", "validate", path)
    assert done.code == 1
    lines = done.out.splitlines()
    assert len(lines) == 32
    assert "times, also at [" in lines[0]
    assert lines[30] == "… and 2 more distinct mistakes; --all lists every one"
    assert "0 sound conversations, 407 errors, 0 broken rules" in lines[31]
    assert len(csconv("data", "validate", path, "--all").out.splitlines()) == 408
    assert len(json.loads(csconv("data", "validate", path, "--json").out)) == 407


def test_convert_makes_the_published_schema_of_what_people_have(tmp_path: Path) -> None:
    source, target = tmp_path / "chat.csv", tmp_path / "own.json"
    source.write_bytes("单号,谁,话\n1,小美,您好\n1,系统,接入\n1,客户,我要退货\n".encode("gbk"))
    done = csconv("data", "convert", source, target)
    assert done.code == 1
    assert "no column conversation_id" in done.err
    assert "--map conversation=NAME" in done.err
    names = ("--map", "conversation=单号,speaker=谁,text=话")
    done = csconv("data", "convert", source, target, *names)
    assert done.code == 1
    assert "--speaker 小美=客服" in done.err
    done = csconv("data", "convert", source, target, *names, "--speaker", "小美=客服", "--topic", "售后")
    assert done.code == 0, done.err
    assert "1 lines of the system, left out" in done.out
    assert "unlabelled: for csconv_response and csconv_dialogue" in done.out
    assert json.loads(target.read_text(encoding="utf-8")) == [
        {
            "dialogue": [{"speaker": "客服", "text": "您好"}, {"speaker": "客户", "text": "我要退货"}],
            "source": "售后",
        }
    ]
    assert "unlabelled: no 客服 utterance has a strategy" in csconv("data", "info", target).out
    assert "unlabelled" in csconv("data", "validate", target).out


def test_labels_are_dropped_only_when_told_to(tmp_path: Path) -> None:
    records = [c.record() for c in load("mini").conversations[:2]]
    del records[0]["dialogue"][0]["strategy"]
    source, target = tmp_path / "part.json", tmp_path / "bare.json"
    source.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    done = csconv("data", "convert", source, target)
    assert done.code == 1
    assert "[0].dialogue[0].strategy: no strategy" in done.err
    done = csconv("data", "convert", source, target, "--unlabelled")
    assert done.code == 0, done.err
    assert "strategies, dropped" in done.out
    assert not any(c.labelled for c in load(str(target)).conversations)


def test_convert_writes_over_nothing_unless_told_to(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("mine")
    done = csconv("data", "convert", "mini", target)
    assert done.code == 1
    assert "exists; pass --force" in done.err
    assert target.read_text() == "mine"
    assert csconv("data", "convert", "mini", target, "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["data", "info", "nonsense"],
            1,
            "csconv: csconv_data='nonsense' is neither 'hub', 'modelscope', 'mini' nor a file",
        ),
        (["data", "info", "/nowhere.json"], 1, "csconv: /nowhere.json: no such file"),
        (["data", "info", "."], 1, "a directory, not a file"),
        (["data", "convert", "mini", "out.csv"], 1, "ends in .json, .jsonl, .parquet, not in '.csv'"),
        (
            ["floor", "genius"],
            1,
            "csconv: no floor 'csconv-genius': choose random, majority, retrieval, labels, shuffle",
        ),
        (
            ["baseline", "random,genius,majority", "--output_path", "out"],
            1,
            "csconv: no floor 'csconv-genius': choose random, majority, retrieval, labels, shuffle",
        ),
        (
            ["baseline", "random", "--metadata", "csconv_tokens=zh"],
            1,
            "csconv: --metadata csconv_tokens: no such option",
        ),
        (["baseline", "random", "--num_fewshot", "25"], 1, "has only 24 conversations"),
        (["table", "/nowhere"], 1, "csconv: /nowhere: no such file or folder"),
        (["data", "info"], 2, "Missing argument"),
        (["frobnicate"], 2, "No such command"),
        (["doctor", "--data", "/nowhere.json"], 1, ""),
    ],
)
def test_a_mistake_is_one_message_and_an_exit_code(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    done = csconv(*arguments, cwd=tmp_path)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err + done.out
    assert list(tmp_path.iterdir()) == []


def test_quickstart_names_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "torch" else find(name, *more)
    )
    done = csconv("quickstart", cwd=tmp_path)
    assert done.code == 1
    assert install_hint("hf", "leaderboard") in done.err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback() -> None:
    done = csconv("--debug", "data", "info", "/nowhere.json")
    assert done.code == 1
    assert "Traceback" in done.err


def test_doctor_finds_a_sound_installation() -> None:
    done = csconv("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(done.out)}
    assert done.code == 0, done.out
    for name in ("harness", "task files", "mini data", "tiny model"):
        assert checks[name]["ok"] is True


def test_doctor_prints_a_line_a_check_with_the_extras_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)  # as if it were not installed
    done = csconv("doctor")
    assert "ok   harness: lm-eval 0.4." in done.out
    hint = install_hint("jieba")
    assert f"note jieba tokenizer: only needed for csconv_tokenizer=jieba: {hint}" in done.out
    assert "[red]" not in done.out


def test_doctor_downloads_nothing_unless_told_to() -> None:
    done = csconv("doctor", HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_CACHE="/nowhere", CSCONV_DATA="")
    assert "note full data: not in the hub's local cache" in done.out
    assert "Retrying" not in done.err


def test_doctor_downloads_nothing_from_modelscope_either(tmp_path: Path) -> None:
    surroundings = {"CSCONV_DATA": "modelscope", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
    done = csconv("doctor", **surroundings, CSCONV_CACHE=str(tmp_path))
    assert (
        "note full data: not in ModelScope's local cache; `csconv doctor --data modelscope` fetches"
        in done.out
    )


def test_doctor_requires_the_data_that_it_is_told_of(tmp_path: Path) -> None:
    write_conversations(tmp_path / "a.json", load("mini").conversations[:4])
    assert csconv("doctor", "--data", tmp_path / "a.json").code == 0
    done = csconv("doctor", "--data", broken_file(tmp_path))
    assert done.code == 1
    assert "FAIL full data:" in done.out


@pytest.mark.parametrize(
    "encoding", [*(pytest.param(e, marks=pytest.mark.slow) for e in ("ascii", "cp1252", "latin-1")), "gbk"]
)
def test_a_console_of_another_encoding_gets_replacement_characters_and_no_traceback(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for call in (["data", "info", "mini"], ["data", "info", "没有.json"]):
        done = subprocess.run(
            [sys.executable, "-m", "csc_tasks.commands", *call],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == (1 if "没有.json" in call else 0)
