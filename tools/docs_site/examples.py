"""Examples to look at: a leaderboard and a rating sheet, made by the commands themselves of runs on the mini set."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from docs_site.commands import commands

__all__ = ["Examples", "make_examples"]

_FLOORS = "labels,retrieval,shuffle"
_TEXTS = {
    "board": {
        "en": (
            "Example: a leaderboard",
            "What `csconv leaderboard` makes of runs on the 32 conversations of the mini set.",
        ),
        "zh": ("示例：排行榜", "`csconv leaderboard` 由 mini 集 32 段对话上的结果生成的页面。"),
    },
    "sheet": {
        "en": (
            "Example: a rating sheet",
            "What a rater gets of `csconv human sheet`. Nothing that is entered here leaves the page.",
        ),
        "zh": ("示例：评分页", "评分人从 `csconv human sheet` 得到的页面。在此填写的内容不会离开本页。"),
    },
}
_OPEN = {"en": "Open it alone", "zh": "单独打开"}


@dataclass(frozen=True, slots=True)
class Examples:
    """What was made: (name, where its page is on the site) each."""

    made: tuple[tuple[str, str], ...]

    def pages(self, language: str) -> dict[str, str]:
        """The pages that show them, by name."""
        found = {}
        for name, place in self.made:
            title, about = _TEXTS[name][language]
            target = f"{'../' * (1 + (language == 'zh'))}{place}"
            frame = f'<iframe class="example" src="{target}" title="{title}" loading="lazy"></iframe>'
            link = f'<p><a href="{target}">{_OPEN[language]}</a></p>'
            found[f"examples/{name}"] = f"# {title}\n\n{about}\n\n```{{raw}} html\n{link}\n{frame}\n```\n"
        return found


def make_examples(site: Path, results: Path | None) -> Examples:
    """Make the examples into the folder of the site.

    Args:
        site: that folder.
        results: of whose runs; by default floors are evaluated for it.

    Raises:
        RuntimeError: a command failed.
    """
    with tempfile.TemporaryDirectory(prefix="csconv-docs-") as work:
        if results is None:
            results = Path(work) / "results"
            _csconv("floor", _FLOORS, "--tasks", "csconv_mini_response", "--output_path", str(results))
        board = site / "board"
        _csconv("leaderboard", str(results), "--out", str(board))
        made = [("board", "board/index.html")]
        if ("human", "sheet") in dict(commands()):
            sheet = Path(work) / "sheet"
            _csconv(
                "human",
                "sheet",
                str(results),
                "--kind",
                "rate",
                "--sample",
                "6",
                "--raters",
                "1",
                "--out",
                str(sheet),
            )
            pages = sorted(sheet.rglob("*.html"))
            if not pages:
                raise RuntimeError("csconv human sheet wrote no page")
            (site / "sheet").mkdir()
            (site / "sheet" / "index.html").write_bytes(pages[0].read_bytes())
            made.append(("sheet", "sheet/index.html"))
    return Examples(tuple(made))


def _csconv(*arguments: str) -> None:
    start = "from csc_tasks.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"csconv {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        )
