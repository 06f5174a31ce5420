"""Data and the page's own files as one file of HTML."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

from tfq.report.html.packing import packed

_FOLDER = Path(__file__).parent
_PLACE = re.compile(r"\{\{(csp|title|style|script|data)\}\}")
# What could end the element that the data stand in, or begin another.
_UNSAFE = {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}


def page(data: dict[str, Any]) -> bytes:
    """Make a page that needs nothing else.

    Args:
        data: What `page_data` returned.

    Returns:
        HTML in UTF-8. It runs the scripts that are in it and no others, and loads nothing: its
        Content-Security-Policy names their hashes (https://www.w3.org/TR/CSP3/).
    """
    style, script = _joined("css"), _joined("js")
    parts = {
        "csp": (
            f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "title": html.escape(data["title"]),
        "style": style,
        "script": script,
        "data": packed(data).translate(_UNSAFE),
    }
    template = (_FOLDER / "page.html").read_text("utf-8")
    return _PLACE.sub(lambda found: parts[found[1]], template).encode("utf-8")


def _joined(kind: str) -> str:
    """All files of a kind: first those that the others build on, last those that build on them."""
    ranks = {"dom": 0, "base": 0, "main": 2, "print": 2}
    files = sorted(_FOLDER.glob(f"*.{kind}"), key=lambda path: (ranks.get(path.stem, 1), path.name))
    return "\n".join(path.read_text("utf-8") for path in files)


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
