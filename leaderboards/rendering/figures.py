"""The page's charts as pictures for papers and slides: SVG, PDF and PNG of each chart."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from csc_tasks.errors import ConfigError, DataError
from csc_tasks.install import install_hint
from csc_tasks.leaderboards.board import Board
from csc_tasks.leaderboards.rendering.charts import Chart, ChartKind, charts
from csc_tasks.leaderboards.rendering.language import Language, resolve, text
from csc_tasks.leaderboards.rendering.text import file_stem, printable
from csc_tasks.leaderboards.rendering.theme import config
from csc_tasks.storage import write_file

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
SCALE = 2.0
"""Pixels of a PNG for each of the chart's: sharp in print at half a column."""


class _Font(NamedTuple):
    family: str
    file: Path


def write_figures(
    board: Board,
    folder: Path,
    font: Path | None = None,
    languages: Sequence[Language] = (Language.EN,),
) -> list[Path]:
    """Write every chart of every table as SVG, PDF and PNG.

    Files lie in ``folder`` itself and are named after table, kind, section and what was chosen, whatever those are
    called; of several languages, after the language too. A chart with more lines than colours shows the first few in
    colour and the others in grey; one with a group of bars shows the first few.

    Args:
        board: what to draw.
        folder: made if absent; files of the same names are replaced.
        font: file of a font with Chinese; by default one of the system's.
        languages: of the words in the charts.

    Returns:
        The files, in the order of the page.

    Raises:
        ConfigError: no font with Chinese was found, or the packages that it takes are not installed.
        DataError: the folder cannot be written to.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise ConfigError(f"figures need more packages: {install_hint('leaderboard')}") from error
    chosen = _named(font) if font is not None else _system()
    vl_convert.register_font_directory(str(chosen.file.parent))
    look = {**config(font=f'"{chosen.family}"'), "background": "#ffffff"}
    written: list[Path] = []
    taken: set[str] = set()
    for table in board.tables:
        for chart in charts(table):
            picked = (resolve(pick.text, Language.EN) for pick in chart.picks.values())
            stem = file_stem(table.id, chart.kind.value, *picked, taken=taken)
            for language in languages:
                name = f"{stem}_{language.value}" if len(languages) > 1 else stem
                spec = _drawable(_with_key(chart, language))
                svg = vl_convert.vegalite_to_svg(spec, config=look)
                # One drawing, so that the three are the same.
                pictures = {
                    "svg": svg.encode(),
                    "pdf": vl_convert.svg_to_pdf(svg),
                    "png": vl_convert.svg_to_png(svg, scale=SCALE),
                }
                for suffix, data in pictures.items():
                    path = folder / f"{name}.{suffix}"
                    try:
                        write_file(path, data)
                    except OSError as error:
                        raise DataError(f"{path}: cannot be written to ({error.strerror})") from None
                    written.append(path)
    return written


def _with_key(chart: Chart, language: Language) -> Any:
    """The specification in a language, with what a reader of the picture alone must know beneath its title."""
    spec, key = resolve(chart.spec, language), ""
    named = {parameter["name"]: parameter["value"] for parameter in chart.spec.get("params", ())}
    if chart.kind is ChartKind.INTERVALS:
        floors = len(named["names"]) > len(chart.spec["data"]["values"])
        key = text("chart.intervals.key_floors" if floors else "chart.intervals.key", language)
    elif chart.spec["usermeta"]["choose"] == "lines" and len(named["names"]) > len(named["chosen"]):
        key = text("chart.others", language, n=len(named["names"]) - len(named["chosen"]))
    return {**spec, "title": {**spec["title"], "subtitle": key, "limit": 1200}} if key else spec


def _drawable(spec: Any) -> Any:
    """The specification without characters that a picture cannot have, wherever they came from."""
    if isinstance(spec, str):
        return spec if spec.isprintable() else printable(spec)
    if isinstance(spec, dict):
        return {_drawable(name): _drawable(value) for name, value in spec.items()}
    if isinstance(spec, (list, tuple)):
        return [_drawable(value) for value in spec]
    return spec


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
