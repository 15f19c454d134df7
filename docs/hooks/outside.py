"""What the site needs of files outside of docs/.

Some files of the repository are pages of the site too, as they are. A link from page to page is
turned so that it finds its target there; a link to any other file of the repository, which the
site does not have, becomes the file's name.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]

#: The file in the repository, and the page that it is.
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
    """Add the pages."""
    for file, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Turn the links."""
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
        return link[0]  # the strict build complains
    return f"[{text}]({os.path.relpath(found, place.parent)}{link['anchor'] or ''})"
