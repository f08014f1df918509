"""The page's charts as pictures for papers and slides: SVG and PNG, one pair of files a chart."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

from csc_tasks.errors import ConfigError
from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.rendering.charts import charts
from csc_tasks.leaderboards.rendering.text import file_stem
from csc_tasks.leaderboards.rendering.theme import config

__all__ = ["write_figures"]

FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "SimSun",
)
"""With simplified Chinese, the best first."""
SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)
"""Where fonts are looked for by file name where there is no fontconfig."""
FILES = {"PingFang": "PingFang SC", "Hiragino Sans GB": "Hiragino Sans GB", "msyh": "Microsoft YaHei"} | {
    "NotoSansCJK": "Noto Sans CJK SC",
    "NotoSansSC": "Noto Sans SC",
    "wqy-microhei": "WenQuanYi Micro Hei",
    "wqy-zenhei": "WenQuanYi Zen Hei",
    "simhei": "SimHei",
}
CURE = "install one (Debian, Ubuntu: apt-get install fonts-wqy-microhei) or name its file with --font FILE"
LINES = 8
"""Models in a chart that draws a line or a bar for each: there are as many colours."""
SCALE = 2.0
"""Pixels of a PNG for each of the chart's: sharp in print at half a column."""


class _Font(NamedTuple):
    family: str
    file: Path


def write_figures(board: Board, folder: Path, font: Path | None = None) -> list[Path]:
    """Write every chart of every table as SVG and PNG.

    Files lie in ``folder`` itself and are named after table, kind, section and what was chosen. A chart
    with a line or bar for each model shows the first eight of its table.

    Args:
        board: what to draw.
        folder: made if absent; files of the same names are replaced.
        font: file of a font with Chinese; by default one of the system's.

    Returns:
        The files, in the order of the page.

    Raises:
        ConfigError: no font with Chinese was found, or the packages that it takes are not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise ConfigError(f"figures need more packages: {install_hint('leaderboard')}") from error
    chosen = _named(font) if font is not None else _system()
    vl_convert.register_font_directory(str(chosen.file.parent))
    folder.mkdir(parents=True, exist_ok=True)
    look = {**config(font=f'"{chosen.family}"'), "background": "#ffffff"}
    written: list[Path] = []
    taken: set[str] = set()
    for table in board.tables:
        for chart in charts(table, limit=LINES):
            stem = file_stem(table.id, chart.kind.id, *chart.picks.values(), taken=taken)
            svg, png = folder / f"{stem}.svg", folder / f"{stem}.png"
            svg.write_text(vl_convert.vegalite_to_svg(chart.spec, config=look), encoding="utf-8")
            png.write_bytes(vl_convert.vegalite_to_png(chart.spec, config=look, scale=SCALE))
            written += [svg, png]
    return written


def _named(file: Path) -> _Font:
    if not file.is_file() or file.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--font {file}: no such font file ({', '.join(sorted(SUFFIXES))})")
    return _Font(_family(file), file.resolve())


def _family(file: Path) -> str:
    """The family that the file's ``name`` table states; a collection's first font counts."""
    data = file.read_bytes()
    try:
        start = int.from_bytes(data[12:16], "big") if data[:4] == b"ttcf" else 0
        count = int.from_bytes(data[start + 4 : start + 6], "big")
        entries = [data[start + 12 + 16 * i : start + 28 + 16 * i] for i in range(count)]
        (table,) = (int.from_bytes(e[8:12], "big") for e in entries if e[:4] == b"name")
        names = int.from_bytes(data[table + 2 : table + 4], "big")
        texts = table + int.from_bytes(data[table + 4 : table + 6], "big")
        for i in range(names):
            record = data[table + 6 + 12 * i : table + 18 + 12 * i]
            platform, _, language, name, length, offset = (
                int.from_bytes(record[j : j + 2], "big") for j in range(0, 12, 2)
            )
            # Family (1) in English (0x409) for Windows (3): every font of the last decades states it.
            if (platform, language, name) == (3, 0x409, 1):
                return data[texts + offset : texts + offset + length].decode("utf-16-be")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ConfigError(f"--font {file}: cannot be read as a font") from error
    raise ConfigError(f"--font {file}: states no family name")


@cache
def _system() -> _Font:
    found = _from_fontconfig() or _from_folders()
    for family in FAMILIES:
        if family in found:
            return _Font(family, found[family])
    raise ConfigError(f"figures need a font with Chinese characters and none was found: {CURE}")


def _from_fontconfig() -> dict[str, Path]:
    program = shutil.which("fc-list")
    if program is None:
        return {}
    command = [program, ":lang=zh-cn", "--format", "%{family}\t%{file}\n"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found: dict[str, Path] = {}
    for line in listed.splitlines():
        families, _, file = line.partition("\t")
        if Path(file).suffix.lower() in SUFFIXES:
            for family in families.split(","):
                found.setdefault(family.strip(), Path(file))
    return found


def _from_folders() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in map(Path, FOLDERS):
        for file in sorted(folder.expanduser().rglob("*")):
            if file.suffix.lower() in SUFFIXES:
                for start, family in FILES.items():
                    if file.stem.startswith(start):
                        found.setdefault(family, file)
    return found
