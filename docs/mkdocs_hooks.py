"""Hook of MkDocs: links from a page to files outside `docs/` become their path in the repository.

Such links work where the pages are read as plain files, but the built pages do not contain those files.
"""

import posixpath
import re
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with `[text](../../reports/x.json)` as `text (reports/x.json)`."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def plain(match: re.Match[str]) -> str:
        words, target = match.groups()
        path = posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
        if path.startswith("docs/"):
            return match.group(0)
        return words if words.strip("`") == path else f"{words} (`{path}`)"

    return LINK.sub(plain, markdown)
