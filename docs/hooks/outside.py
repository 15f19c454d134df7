"""Add files outside of docs/ to the site, and rewrite links to files of the repository.

Some files of the repository are also pages of the site. Links to those files are rewritten to the
pages. A link to another file, which is not on the site, becomes the file's name.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]

#: The files of the repository, and their pages on the site.
PAGES = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "clients/js/README.md": "project/browser-client.md",
    "clients/python/README.md": "project/python-client.md",
}
_FILES = {page: file for file, page in PAGES.items()}
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files as generated pages."""
    for file, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Rewrite the links of a page."""
    place = page.file.src_uri
    file = PurePosixPath(_FILES.get(place, f"docs/{place}"))
    return _LINK.sub(lambda link: _turned(link, file, PurePosixPath(place)), markdown)


def _turned(link: re.Match[str], file: PurePosixPath, place: PurePosixPath) -> str:
    target, text = link["target"], link["text"]
    if ":" in target:
        return link[0]
    named = os.path.normpath(file.parent / target)
    if named in PAGES:
        found = PAGES[named]
    elif named.startswith("docs/"):
        found = named.removeprefix("docs/")
    elif (ROOT / named).exists():
        return text if "`" in text else f"`{named}`"
    else:
        return link[0]  # the strict build reports the broken link
    return f"[{text}]({os.path.relpath(found, place.parent)}{link['anchor'] or ''})"
