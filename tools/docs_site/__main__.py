"""``./dev docs``: build the site, and refuse it where a link is dead or something would be loaded from elsewhere."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_site.examples import Examples, make_examples
from docs_site.outside import foreign_loads
from docs_site.pages import LANGUAGES, DeadLink, Page, find_pages, staged
from docs_site.reference import reference_pages

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
_TREES = {"en": "", "zh": "zh"}
_CAPTIONS = {
    "en": ("Guide", "Examples", "Reference", "Project"),
    "zh": ("指南", "示例", "参考", "项目"),
}
_SPHINX_NAMES = {"en": "en", "zh": "zh_CN"}


def main() -> int:
    """Build the site into a folder; 1 if it cannot be."""
    parser = argparse.ArgumentParser(prog="./dev docs", description="Build the documentation into a site.")
    parser.add_argument(
        "out", nargs="?", type=Path, default=ROOT / "build" / "docs", help="folder of the site"
    )
    parser.add_argument(
        "--results", type=Path, help="results for the example board; by default floors are evaluated"
    )
    parser.add_argument("--no-examples", action="store_true", help="leave the example board and sheet out")
    arguments = parser.parse_args()
    try:
        build(arguments.out, arguments.results, not arguments.no_examples)
    except (DeadLink, RuntimeError) as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    print(arguments.out / "index.html")
    return 0


def build(out: Path, results: Path | None = None, examples: bool = True) -> None:
    """Build the site in both languages.

    Args:
        out: its folder; what stood there is replaced.
        results: of whose runs the example board and sheet are made; by default of floors, which are evaluated.
        examples: whether to make those.

    Raises:
        DeadLink: a page has one.
        RuntimeError: Sphinx warned of something, or a page would load something from elsewhere.
    """
    pages = find_pages(ROOT)
    with tempfile.TemporaryDirectory(prefix="csconv-docs-") as work:
        site = Path(work) / "site"
        made = make_examples(site, results) if examples else Examples(())
        for language in LANGUAGES:
            source = Path(work) / language
            _stage(source, language, pages, made)
            _sphinx(source, site / _TREES[language], language)
        if foreign := foreign_loads(site):
            raise RuntimeError("the site would load from elsewhere:\n" + "\n".join(foreign))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(site, out)


def _stage(folder: Path, language: str, pages: list[Page], examples: Examples) -> None:
    """Write what Sphinx reads."""
    folder.mkdir(parents=True)

    def keep(path: Path) -> str:
        target = folder / "files" / path.relative_to(ROOT)
        if path.is_dir():
            raise DeadLink(f"{path} is a folder: the site has none to show; link to a file of it")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return str(target.relative_to(folder))

    for page in pages:
        text = staged(page, language, pages, ROOT, keep)
        if page.name == "index":
            text += _contents(language, pages, examples, list(reference_pages(language)))
        (folder / f"{page.name}.md").write_text(text, encoding="utf-8")
    written = reference_pages(language) | examples.pages(language)
    for name, text in written.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(HERE / "static", folder / "_static_site")
    shutil.copytree(HERE / "templates", folder / "_templates_site")
    shutil.copyfile(HERE / "conf.py", folder / "conf.py")


def _contents(language: str, pages: list[Page], examples: Examples, reference: list[str]) -> str:
    """The navigation, in parts that have a heading each."""
    guide = [page.name for page in pages if not page.project and page.name != "index"]
    project = [page.name for page in pages if page.project]
    parts = zip(_CAPTIONS[language], (guide, list(examples.pages(language)), reference, project), strict=True)
    return "".join(
        "\n\n```{toctree}\n:hidden:\n:caption: " + caption + "\n\n" + "\n".join(names) + "\n```\n"
        for caption, names in parts
        if names
    )


def _sphinx(source: Path, out: Path, language: str) -> None:
    environment = {**os.environ, "CSCONV_DOCS_LANGUAGE": _SPHINX_NAMES[language]}
    environment["PYTHONPATH"] = os.pathsep.join(
        (str(HERE.parent), str(ROOT), os.environ.get("PYTHONPATH", ""))
    )
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        str(source / ".doctrees"),
    ]
    done = subprocess.run(
        [*command, str(source), str(out)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Sphinx, {language}:\n{done.stderr.replace(str(source), 'docs')}")
    for rest in (".buildinfo", "objects.inv"):
        (out / rest).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
