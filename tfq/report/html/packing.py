"""The page's data as JSON that is short: what repeats is written once, lists of numbers packed."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections import Counter
from typing import Any

# What is shorter than this is written wherever it stands: a reference takes about as much.
LEAST_SHARED = 14
# Fewer numbers are not packed: they are easier to read, and not longer.
LEAST_PACKED = 8
# JSON escapes these characters in texts, so they are free to mark what stands for a value.
_MARK = re.compile("\x00(\\d+)\x01")


def packed(data: Any) -> str:
    """Write data as JSON for view.js to read.

    Args:
        data: What JSON has. Objects have no keys `$` and `f32`.

    Returns:
        `{"shared": […], "data": …}` in ASCII. `{"$": n}` stands for item n of `shared`, in which
        items refer only to those before them; `{"f32": "…"}` for a list of numbers: Base64 of
        float32, the lowest byte first, so with seven digits.

    Raises:
        ValueError: If a number is not finite.
    """
    found = _Found()
    whole = found.text(data)
    repeated = [place for place, number in sorted(found.counts.items()) if number > 1]
    names = {place: f'{{"$":{rank}}}' for rank, place in enumerate(repeated)}

    def written(text: str) -> str:
        return _MARK.sub(lambda mark: names.get(int(mark[1])) or within(int(mark[1])), text)

    def within(place: int) -> str:
        return written(found.texts[place])

    shared = ",".join(map(within, repeated))
    return f'{{"shared":[{shared}],"data":{written(whole)}}}'


class _Found:
    """The longer values, each once, from the inner to the outer, and how often each is needed."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.texts: list[str] = []
        self.counts: Counter[int] = Counter()

    def text(self, value: Any) -> str:
        """The JSON of a value, or the mark that stands for it."""
        text = self._own_text(value)
        if len(text) < LEAST_SHARED:
            return text
        place = self.places.setdefault(text, len(self.texts))
        if place == len(self.texts):
            self.texts.append(text)
        else:
            # Its parts have been counted with it.
            self.counts.subtract(int(each) for each in _MARK.findall(text))
        self.counts[place] += 1
        return f"\x00{place}\x01"

    def _own_text(self, value: Any) -> str:
        if isinstance(value, dict):
            items = (f"{json.dumps(key)}:{self.text(each)}" for key, each in value.items())
            return f"{{{','.join(items)}}}"
        if isinstance(value, list):
            return _floats(value) or f"[{','.join(map(self.text, value))}]"
        return json.dumps(value, allow_nan=False)


def _floats(values: list[Any]) -> str:
    """Numbers as `{"f32": "…"}`; empty for other lists, and for whole numbers, which are short."""
    if len(values) < LEAST_PACKED or not {float} <= set(map(type, values)) <= {int, float}:
        return ""
    try:
        data = struct.pack(f"<{len(values)}f", *values)
    except OverflowError:
        return ""
    return f'{{"f32":"{base64.b64encode(data).decode("ascii")}"}}'
