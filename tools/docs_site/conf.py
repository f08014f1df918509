"""What Sphinx is told; ``language`` comes from the command line of build.py."""

from __future__ import annotations

import os
from typing import Any

from csc_tasks._version import __version__
from docs_site.search import EnglishAndChinese, Pairs

project = "csconv"
author = "The csconv authors"
copyright = "The csconv authors, MIT licence"
version = release = __version__
language = os.environ["CSCONV_DOCS_LANGUAGE"]
_chinese = language.startswith("zh")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 6
myst_heading_slug_func = "docs_site.pages.slug"
myst_links_external_new_tab = False
nitpicky = False
highlight_language = "none"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

html_theme = "furo"
html_title = f"csconv {version}" + (" 文档" if _chinese else "")
html_static_path = ["_static_site"]
html_css_files = ["site.css"]
templates_path = ["_templates_site"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "languages.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": False}
html_context = {"chinese": _chinese}


def setup(app: Any) -> None:
    """Register our search in place of Sphinx's."""
    app.add_search_language(EnglishAndChinese)
    app.add_search_language(Pairs)
