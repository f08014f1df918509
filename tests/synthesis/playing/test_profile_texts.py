"""Customers' texts by a model behind an endpoint: asked once each, gone on with, and never a customer lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from csc_tasks.synthesis.playing.profile_files import read_profiles
from csc_tasks.synthesis.playing.profiles import made_profiles
from tests.chat_server import ChatServer, Reply
from tests.door import csconv
from tests.synthesis.plays import configured

BY_MODEL = (
    "你{}岁，{}，平时话不多，碰上钱的事就要问个清楚，手机用得还行，最怕白跑一趟，心里有点急，但是讲得通道理，愿意听人把话"
    "说完再拿主意。"
)


def texts_of(server: ChatServer, bad: str = "") -> None:
    """Answer each question with a text of the age that it shows; for ``bad`` work never one that can be used."""

    def behave(about: str, _: int, request: dict[str, Any]) -> Reply:
        question = request["messages"][-1]["content"]
        number, work = (question.partition(f"{name}：")[2].split()[0] for name in ("年龄", "职业"))
        text = "太短" if work == bad else BY_MODEL.format(number.removesuffix("岁"), work)
        return Reply(json.dumps({"text": text}, ensure_ascii=False))

    server.behave = behave


def test_a_model_writes_each_text_once_and_whoever_it_fails_keeps_csconvs_own(tmp_path: Path) -> None:
    made = made_profiles(12)
    failed = made[3].attributes["职业"]
    server = ChatServer()
    try:
        texts_of(server, failed)
        config = configured(tmp_path, server, attempts=2)
        out = tmp_path / "p.jsonl"
        options = ["synthesize", "profiles", "--n", "12", "--out", out, "--config", config]
        done = csconv(*options)
        assert done.code == 0, done.err
        profiles = read_profiles(out).profiles
        assert [p.attributes for p in profiles] == [p.attributes for p in made]
        for before, after in zip(made, profiles, strict=True):
            number, work = before.attributes["年龄"].removesuffix("岁"), before.attributes["职业"]
            assert after.text == (before.text if work == failed else BY_MODEL.format(number, work))
        assert "profiler: text is shorter than 60 characters" in done.out
        asked = sum(server.paid.values())
        assert csconv(*options, "--force").code == 0  # goes on: nothing is left to ask
        assert sum(server.paid.values()) == asked
        assert "年龄：" in server.requests[0]["messages"][-1]["content"]
        other = csconv(*options, "--force", "--seed", "1")
        assert other.code == 1
        assert "begun with another model, prompt or seed" in other.err
    finally:
        server.close()
