"""Run under torchrun by test_ranks.py: tasks on files of 1 to N conversations, results of rank 0 as JSON.

lm-eval's hf backend is one process on a CPU, so this model joins the ranks by torch.distributed (gloo).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lm_eval.api.instance import Instance

from csc_tasks.framework import Strategy
from tests.running import FunctionLM, evaluate

ROLE_PLAY = "csconv_mini_roleplay"


def reply(request: Instance) -> str:
    """An answer that depends on the whole prompt, the model's own turns in it included."""
    names = [s.zh for s in Strategy]
    number = sum(request.args[0].encode()) % 13
    text = f"第{number}种说法，{request.args[0][-9:]}"
    return f"[{names[number]}] {text}" if number < 12 else text


def encoder(folder: Path) -> dict[str, Any]:
    """The options for the encoder that the test put there."""
    return {"csconv_bertscore_model": str(folder / "encoder"), "csconv_bertscore_layer": 8}


class RankedLM(FunctionLM):
    def __init__(self) -> None:
        super().__init__(reply)
        self._rank, self._world_size = dist.get_rank(), dist.get_world_size()
        self._device = torch.device("cpu")

    def all_gather(self, tensor: torch.Tensor) -> torch.Tensor:
        gathered = [torch.zeros_like(tensor) for _ in range(self.world_size)]
        dist.all_gather(gathered, tensor)
        return torch.stack(gathered)

    def gather_object(self, obj: Any, dst: int = 0) -> list[Any] | None:
        gathered = [None] * self.world_size if self.rank == dst else None
        dist.gather_object(obj, gathered, dst)
        return gathered

    def barrier(self) -> None:
        dist.barrier()


def main(folder: Path, files: list[str]) -> None:
    dist.init_process_group("gloo")
    for name in files:
        lm = RankedLM()
        results = evaluate(
            lm,
            ["csconv_response", "csconv_dialogue"],
            {"csconv_data": str(folder / name), **encoder(folder)},
        )
        asked = lm.gather_object(len(lm.requests))
        if lm.rank == 0:
            kept = {"results": results["results"], "samples": results["samples"], "requests": asked}
            (folder / f"{name}.ranks").write_text(json.dumps(kept, default=str, ensure_ascii=False))
    lm = RankedLM()
    results = evaluate(lm, [ROLE_PLAY], {"csconv_trials": 2})
    asked = lm.gather_object(len(lm.requests))
    if lm.rank == 0:
        kept = {"results": results["results"], "samples": results["samples"], "requests": asked}
        (folder / "role_play.ranks").write_text(json.dumps(kept, default=str, ensure_ascii=False))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
