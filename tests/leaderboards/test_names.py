"""What models are called side by side: one row a group of settings, and the words that tell them apart."""

from __future__ import annotations

import pytest

from csc_tasks.leaderboards.names import names_of, telling_words, training_run_names
from tests.leaderboards.reading.test_identity import identified, results


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{}, {"peft": "/x/a"}], [("no adapter",), ("adapter a",)]),
        ([{"peft": "/x/a/final"}, {"peft": "/x/b/final"}], [("adapter a/final",), ("adapter b/final",)]),
        ([{}, {"revision": "step1000", "step": "1000"}], [(), ("revision step1000",)]),
        ([{"step": "500"}, {"step": "1000"}], [("step 500",), ("step 1,000",)]),
        ([{}, {"load_in_4bit": "True"}], [(), ("4bit",)]),
        ([{}, {"quantization_config.load_in_4bit": "True"}], [(), ("4bit",)]),
        ([{}, {"temperature": "0.7", "do_sample": "True"}], [("greedy",), ("T=0.7",)]),
        ([{"temperature": "0.7"}, {"temperature": "1"}], [("T=0.7",), ("T=1",)]),
        ([{}, {"template": "1a2b3c4d5e6f"}], [("no template",), ("template 1a2b3c",)]),
        ([{}, {"system": "1a2b3c4d5e6f"}], [("no system instruction",), ("system 1a2b3c",)]),
        ([{}, {"shots": "2"}], [("0-shot",), ("2-shot",)]),
        (
            [{}, {"enable_thinking": "True"}, {"enable_thinking": "False"}],
            [(), ("thinking",), ("no thinking",)],
        ),
        ([{"reasoning_effort": "low"}, {"reasoning_effort": "high"}], [("effort low",), ("effort high",)]),
        ([{"dtype": "float16"}, {"dtype": "bfloat16"}], [("float16",), ("bfloat16",)]),
        ([{"backend": "hf"}, {"backend": "vllm"}], [("backend hf",), ("backend vllm",)]),
        (
            [{"base_url": "api.a.com/v1"}, {"base_url": "api.b.com/v1"}],
            [("at api.a.com/v1",), ("at api.b.com/v1",)],
        ),
        ([{}, {"x": "1"}, {"x": "2"}], [(), ("x=1",), ("x=2",)]),
        # An adapter always stands there; what all have in common else does not.
        ([{"peft": "/x/a", "dtype": "float16"}], [("adapter a",)]),
        # Two settings where neither is enough.
        (
            [{}, {"dtype": "float16"}, {"x": "1"}, {"dtype": "float16", "x": "1"}],
            [(), ("float16",), ("x=1",), ("float16", "x=1")],
        ),
        # Nothing of its own: all it has.
        ([{"dtype": "float16"}, {"dtype": "float16", "x": "1"}, {}], [("float16",), ("x=1",), ()]),
        # Digests that begin alike are written out.
        ([{"template": "1a2b3c4"}, {"template": "1a2b3c5"}], [("template=1a2b3c4",), ("template=1a2b3c5",)]),
    ],
)
def test_the_fewest_settings_tell_rows_apart(
    rows: list[dict[str, str]], words: list[tuple[str, ...]]
) -> None:
    assert telling_words([("org/a", row) for row in rows]) == words


def test_models_of_other_names_need_no_words() -> None:
    assert telling_words([("a", {"dtype": "float16"}), ("b", {})]) == [(), ()]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/runs/a/final", "/runs/b/final"], ["a/final", "b/final"]),
        (["/runs/a/final", "/runs/b/last"], ["final", "last"]),
        (["/x/runs/a/final", "/y/runs/a/final"], ["x/runs/a/final", "y/runs/a/final"]),
        (["a/final", "/runs/a/final", "/runs/b/final"], ["a/final", "runs/a/final", "b/final"]),
        (["C:\\runs\\a\\final", "C:\\runs\\b\\final"], ["a/final", "b/final"]),
        (["/runs/a/checkpoint-5", "/runs/b/checkpoint-5"], ["a/checkpoint-5", "b/checkpoint-5"]),
        (["org/a", "org/b"], ["org/a", "org/b"]),
    ],
)
def test_a_path_is_shown_as_far_as_it_takes(paths: list[str], names: list[str]) -> None:
    models = [identified(results({"pretrained": path})) for path in paths]
    assert [name.model for name in names_of(models)] == names


@pytest.mark.parametrize(
    ("models", "runs"),
    [
        # A folder's checkpoints are of the training that wrote it.
        (
            [{"pretrained": "out/sft/checkpoint-1000"}, {"pretrained": "out/sft/checkpoint-2000"}],
            ["out/sft", "out/sft"],
        ),
        # Folders of one name in two places are two trainings, whichever steps each has.
        (
            [{"pretrained": f"/{run}/sft/checkpoint-{step}"} for run in "ab" for step in (1000, 2000)],
            ["a/sft", "a/sft", "b/sft", "b/sft"],
        ),
        (
            [{"pretrained": "/a/sft/checkpoint-1000"}, {"pretrained": "/b/sft/checkpoint-2000"}],
            ["a/sft", "b/sft"],
        ),
        ([{"pretrained": "org/model-step1000"}, {"pretrained": "org/model-step2000"}], ["org/model"] * 2),
        ([{"pretrained": "org/a-step1000"}, {"pretrained": "org/b-step2000"}], ["org/a", "org/b"]),
        # Revisions and adapters.
        ([{"pretrained": "org/a", "revision": f"step{n}"} for n in (1, 2)], ["org/a"] * 2),
        (
            [{"pretrained": "org/a", "revision": f"{b}-step{n}"} for n, b in ((1, "x"), (2, "y"))],
            ["org/a@x", "org/a@y"],
        ),
        (
            [
                {"pretrained": "org/a", "peft": f"/out/{run}/checkpoint-{n}"}
                for n, run in ((1, "x"), (2, "x"), (3, "y"))
            ],
            ["org/a adapter x", "org/a adapter x", "org/a adapter y"],
        ),
        # What was asked otherwise is another line.
        (
            [{"pretrained": "org/a-step1"}, {"pretrained": "org/a-step2", "dtype": "float16"}],
            ["org/a", "org/a float16"],
        ),
        # The form in which it was saved is no step.
        ([{"pretrained": "o/a-step1-hf"}, {"pretrained": "o/a-step2"}], ["o/a-hf", "o/a"]),
        ([{"pretrained": "checkpoint-5"}, {"pretrained": "checkpoint-7"}], ["checkpoints"] * 2),
        ([{"pretrained": "org/model"}], [None]),
    ],
)
def test_checkpoints_know_their_training(models: list[dict[str, str]], runs: list[str | None]) -> None:
    identities = [identified(results(arguments)) for arguments in models]
    names = training_run_names(identities)
    assert [names.get(identity.key) for identity in identities] == runs
