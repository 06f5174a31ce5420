"""A comparison as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

import tfq
from tfq import schemas
from tfq.accuracy import compare
from tfq.accuracy.comparison import Comparison
from tfq.accuracy.layers import LayerError, LayerErrors
from tfq.accuracy.outputs import OutputError
from tfq.profiles.validate import violations
from tfq.report.comparison import comparison_data
from tfq.report.comparison_text import WIDTH, comparison_text
from tfq.report.json_text import to_json
from tfq.report.table import width


def output(name: str = "y", **values: float) -> OutputError:
    measures = {"sqnr": 40.0, "cosine": 0.999, "max_error": 0.25, "mean_error": 0.125, **values}
    return OutputError(
        name, "float32", agreement=0.5, positions=4, not_finite=0, other_shape=0, **measures
    )


def layer(operator: int, sqnr: float, name: str = "inner", op: str = "CONV_2D") -> LayerError:
    return LayerError(
        operator=operator,
        op=op,
        tensor=operator,
        name=name,
        reference_name=name,
        sqnr=sqnr,
        isolated=None,
        max_error=0.5,
        mean_error=0.25,
        range_use=0.75,
        saturation=0.001,
        weight_sqnr=math.inf,
        rescaled=False,
    )


def made(*outputs: OutputError, layers: LayerErrors | None = None, **names: str) -> Comparison:
    given = {"reference": "a.tflite", "candidate": "b.tflite", **names}
    return Comparison(
        **given,
        candidate_sha256="0" * 64,
        samples=8,
        outputs=outputs,
        metric="mae",
        higher_is_better=False,
        reference_scores={"mae": 0.25},
        candidate_scores={"mae": 0.75},
        layers=layers,
    )


def checked(comparison: Comparison) -> dict[str, object]:
    """The JSON, after a look at whether it is what the schema says."""
    content = comparison_data(comparison)
    schema = schemas.load("compare.schema")
    assert list(violations(content, schema)) == []
    jsonschema.Draft202012Validator(schema).validate(content)
    assert json.loads(to_json(content), parse_constant=pytest.fail) == content
    return content


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.load("compare.schema"))


def test_a_real_comparison_is_as_the_schema_says_and_fits_a_terminal(
    digits: Callable[..., tfq.Model], samples: Path
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")
    models = [digits(mode=mode) for mode in ("float32", "full_integer")]
    found = compare(*models, samples / "evaluation.npz", per_layer=True)
    content = checked(found)
    assert content["reference_scores"] == {"top1": 0.985, "top5": 1.0}
    lines = comparison_text(found).split("\n")
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    assert max(map(width, lines)) <= WIDTH
    assert any(line.split()[:2] == ["top1", "98.50%"] for line in lines)
    assert any("12 of 12 matched with the reference's (100%)" in line for line in lines)


def test_what_is_not_finite_is_null_in_json_and_a_word_in_text() -> None:
    broken = output("z", sqnr=-math.inf, cosine=math.nan, max_error=math.inf)
    found = made(output(sqnr=math.inf, max_error=0.0, mean_error=0.0), broken)
    rows = checked(found)["outputs"]
    assert isinstance(rows, list)
    assert [row["sqnr"] for row in rows] == [None, None]
    assert [row["max_error"] for row in rows] == [0.0, None]
    text = comparison_text(found).split("\n")
    assert text[3].split()[:2] == ["y", "exact"]
    assert text[4].split()[:4] == ["z", "-inf", "nan", "inf"]


def test_a_greater_error_is_a_drop() -> None:
    found = made(output())
    assert checked(found)["drop"] == 0.5
    assert "mae         0.25       0.75   0.5" in comparison_text(found)


def test_of_many_layers_the_worst_are_listed_and_all_are_drawn() -> None:
    rows = tuple(layer(number, float(number)) for number in range(200))
    lines = comparison_text(made(output(), layers=LayerErrors(200, 220, rows))).split("\n")
    listed = [line for line in lines if "CONV_2D" in line]
    assert [line.split()[0] for line in listed] == [str(number) for number in range(20)]
    assert lines[-1] == "and 180 more"
    assert "layers: 200 of 220 matched with the reference's (91%)" in lines
    (course,) = (line for line in lines if line.startswith("SQNR along"))
    assert course.endswith("█  0.0 to 196.0 dB")


def test_long_and_hostile_names_stay_within_the_line() -> None:
    name = "\x1b[31m\u202e漢字" * 40
    layers = LayerErrors(1, 1, (layer(123, -123.4, name, name),))
    found = made(output(name, sqnr=-119.9), layers=layers, reference=name, candidate=name)
    lines = comparison_text(found).split("\n")
    assert all(line.isprintable() for line in lines)
    assert max(map(width, lines)) <= WIDTH
    checked(found)


def test_no_layers_is_one_line() -> None:
    text = comparison_text(made(output(), layers=LayerErrors(0, 0, ())))
    assert text.endswith("layers: 0 of 0 matched with the reference's")
