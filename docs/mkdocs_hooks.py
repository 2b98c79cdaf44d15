"""Hook of MkDocs: links from a page to files outside `docs/` become their path in the repository.

Such links work where the pages are read as plain files, but the built pages do not contain those files.
"""

import posixpath
import re
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with `[text](../../reports/x.json)` as `text (reports/x.json)`.

    In tables, whose cells are narrow, the path is a tooltip of the text.
    """
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))
    return "\n".join(
        LINK.sub(lambda match, tip=line.startswith("|"): _plain(match, folder, tip), line)
        for line in markdown.split("\n")
    )


def _plain(match: re.Match[str], folder: str, tooltip: bool) -> str:
    words, target = match.groups()
    path = posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
    if path.startswith("docs/"):
        return match.group(0)
    if words.strip("`") == path:
        return words
    return f'<abbr title="{path}">{words}</abbr>' if tooltip else f"{words} (`{path}`)"
