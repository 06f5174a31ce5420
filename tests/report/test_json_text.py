from __future__ import annotations

import json
import math

from tfq.report.json_text import finite, plain, to_json


def test_json_has_a_line_for_each_item_of_the_outer_levels() -> None:
    value = {"a": [{"b": [1, 2]}, {"b": []}], "c": {}, "d": 1}
    assert to_json(value).splitlines() == [
        "{",
        '  "a": [',
        "    {",
        '      "b": [1, 2]',
        "    },",
        "    {",
        '      "b": []',
        "    }",
        "  ],",
        '  "c": {},',
        '  "d": 1',
        "}",
    ]


def test_whatever_options_hold_becomes_json() -> None:
    value = {"bytes": b"\0\xff", "numbers": (1, -math.inf, math.nan), 3: {"none": None}}
    assert plain(value) == {
        "bytes": {"base64": "AP8="},
        "numbers": [1, "-Infinity", "NaN"],
        "3": {"none": None},
    }
    assert json.loads(to_json(plain(value))) == plain(value)


def test_where_a_schema_wants_numbers_those_not_finite_are_none() -> None:
    value = {"rows": ({"sqnr": math.inf}, {"sqnr": 3.5}), "drop": math.nan, "samples": 4}
    assert finite(value) == {"rows": [{"sqnr": None}, {"sqnr": 3.5}], "drop": None, "samples": 4}
