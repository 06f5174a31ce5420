from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_content import content

import tfq
from tfq.accuracy import compare
from tfq.accuracy.comparison import Comparison
from tfq.report.comparison import comparison_data
from tfq.report.html import write_report
from tfq.report.html.data import sha256
from tfq.report.html.reading import MOST_BYTES
from tfq.sweep.result import Row, Sweep, Verdict

pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")

SPEECH = "micro/micro_speech_quantized.tflite"
NAMES = ["int8", "small", "best", "fourth"]


@pytest.fixture
def speech(shared_models: Path) -> Path:
    return shared_models / SPEECH


@pytest.fixture(scope="module")
def comparison(shared_models: Path) -> Comparison:
    """A model compared with itself."""
    path = shared_models / SPEECH
    data = np.random.default_rng(1).uniform(0, 20, (2, 1, 1960)).astype("f4")
    return compare(path, path, {"Reshape_1": data}, per_layer=True)


@pytest.fixture
def compared(comparison: Comparison) -> Callable[..., dict[str, Any]]:
    """Returns what `tfq compare --per_layer --format=json` prints, with other facts."""

    def compared(operator: int = 1, tensor: int = 2, **changes: Any) -> dict[str, Any]:
        data = comparison_data(comparison)
        layer = {"operator": operator, "tensor": tensor, "sqnr": 0.5}
        data["layers"]["layers"][1] |= layer
        return data | changes

    return compared


@pytest.fixture
def swept(
    tmp_path: Path, shared_models: Path, compared: Callable[..., dict[str, Any]]
) -> Callable[..., Path]:
    """Writes what a sweep with four models leaves in a directory."""

    def swept(**changes: Any) -> Path:
        folder = tmp_path / "swept"
        folder.mkdir()
        rows = [_row("failed", status="failed", error="out of memory")]
        for place, path in enumerate(sorted((shared_models / "micro").glob("*.tflite"))[:4]):
            shutil.copy(path, folder / f"{NAMES[place]}.tflite")
            model = tfq.load(path)
            verdict = Verdict("fail" if place == 1 else "pass", 0, 0, 1.0, "0" * 64)
            rows.append(
                _row(
                    NAMES[place],
                    file=f"{NAMES[place]}.tflite",
                    sha256=sha256(model),
                    size=model.size,
                    drop=None if place == 0 else 0.1 / place,
                    profiles={"artpec8": verdict},
                )
            )
        whole = replace(_sweep(tuple(rows)), **changes)
        if whole.comparison is not None:
            data = compared(candidate_sha256=rows[3].sha256, layers=None)
            (folder / whole.comparison["file"]).write_text(json.dumps(data))
        (folder / "sweep.json").write_text(json.dumps(whole.to_data()))
        return folder

    return swept


def _row(name: str, **facts: Any) -> Row:
    return Row(name, "full_integer", "per_tensor", "default", None, 8, **facts)


def _sweep(rows: tuple[Row, ...]) -> Sweep:
    return Sweep(
        tfq="0.1.0",
        model="a <model>.keras",
        metric="top1",
        higher_is_better=True,
        data="evaluation data",
        samples=5,
        profiles=("artpec8",),
        machine={"threads": 1, "delegate": "XNNPACK", "cpu": "x86"},
        recommended=None,
        recommended_by_profile={"artpec8": None},
        reason="none fits",
        max_accuracy_drop=0.01,
        comparison=None,
        files=("int8.tflite",),
        key="0" * 64,
        rows=rows,
    )


def test_a_page_has_its_models_and_devices(speech: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    written = write_report([speech, tfq.load(speech)], page, profiles=["artpec8", "tidl-tda4vm"])
    data = content(page)
    assert written.size == page.stat().st_size
    assert [each["name"] for each in data["models"]] == list(written.models) == [str(speech)] * 2
    assert [(each.profile, each.ok) for each in written.verdicts] == [
        ("artpec8", False),
        ("tidl-tda4vm", False),
    ] * 2
    assert data["sweep"] is None
    assert data["title"] == "micro_speech_quantized.tflite and 1 more - tfq report"


def test_bytes_are_a_model_too(speech: Path, tmp_path: Path) -> None:
    written = write_report(speech.read_bytes(), tmp_path / "page.html")
    assert written.models == ("model",) and written.verdicts == ()


def test_the_same_input_gives_the_same_page(speech: Path, tmp_path: Path) -> None:
    pages = [tmp_path / "1.html", tmp_path / "2.html"]
    for page in pages:
        write_report(speech, page, profiles=["artpec8"])
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.fixture
def refuse(speech: Path, tmp_path: Path) -> Callable[[str, str], None]:
    """Sees that a comparison's text is refused with a message, and nothing written."""

    def refuse(text: str, message: str) -> None:
        file = tmp_path / "compare.json"
        file.write_text(text, "latin-1")
        with pytest.raises(tfq.ArgumentError, match=message):
            write_report(speech, tmp_path / "page.html", comparisons=[file])
        assert not (tmp_path / "page.html").exists()

    return refuse


def test_a_comparison_belongs_to_its_model(
    speech: Path,
    shared_models: Path,
    tmp_path: Path,
    comparison: Comparison,
    compared: Callable[..., dict[str, Any]],
) -> None:
    other = sorted((shared_models / "micro").glob("*.tflite"))[0]
    file = tmp_path / "compare.json"
    file.write_text(json.dumps(compared()))
    write_report([other, speech], tmp_path / "page.html", comparisons=[file])
    first, second = content(tmp_path / "page.html")["models"]
    assert first["comparison"] is None
    assert second["comparison"]["reference"] == first["name"].replace(other.name, speech.name)
    assert [each.get("error") for each in second["operators"]] == [None, 0.5, None, None]
    write_report([speech], tmp_path / "page.html", comparisons=[comparison])
    (only,) = content(tmp_path / "page.html")["models"]
    assert sum("error" in each for each in only["operators"]) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidate_sha256": "1" * 64}, "expected a comparison of .*, got one of .*speech"),
        ({"samples": 0}, r"\$\.samples: expected 1 or more, got 0"),
        ({"sqnr": math.inf}, "got no JSON: expected finite numbers, got Infinity"),
        ({"agreement": 1.5}, r"\$\.agreement: expected 1 or less"),
        ({"layers": {"matched": 1, "total": 1, "layers": [{}]}}, r"\$\.layers\.layers\[0\]"),
        ({"outputs": [{"name": "<b>"}]}, r"\$\.outputs\[0\]\.dtype: expected a value"),
        ({"more": 1}, "expected the keys"),
        ({"operator": 4}, "speaks of operator 4, but .* has 4"),
        ({"tensor": 10}, "speaks of tensor 10, but .* has 10"),
    ],
)
def test_a_comparison_that_is_none_is_refused(
    refuse: Callable[[str, str], None],
    compared: Callable[..., dict[str, Any]],
    changes: dict[str, Any],
    message: str,
) -> None:
    refuse(json.dumps(compared(**changes)), message)


@pytest.mark.parametrize("text", ["[" * 100_000, "\xff", "", "[1, 2", '{"a": ' + "9" * 5000 + "}"])
def test_what_is_no_json_is_refused(refuse: Callable[[str, str], None], text: str) -> None:
    refuse(text, r"compare\.json: expected what tfq compare .*: got no JSON")


def test_huge_files_are_not_read(refuse: Callable[[str, str], None]) -> None:
    refuse(" " * (MOST_BYTES + 1), "got more than 16777216 bytes")


def test_two_comparisons_of_a_model_are_refused(
    speech: Path, tmp_path: Path, comparison: Comparison
) -> None:
    with pytest.raises(tfq.ArgumentError, match="got a second one of"):
        write_report(speech, tmp_path / "page.html", comparisons=[comparison] * 2)


def test_a_sweep_shows_what_it_recommends(swept: Callable[..., Path], tmp_path: Path) -> None:
    reference = {"file": "best.compare.json", "sha256": "0" * 64, "key": "0" * 64}
    folder = swept(recommended="best", comparison=reference)
    written = write_report([], tmp_path / "page.html", sweep=folder)
    data = content(tmp_path / "page.html")
    assert written.models == (str(folder / "best.tflite"),)
    assert [each.profile for each in written.verdicts] == ["artpec8"]
    assert [each["dtype"] for each in data["models"][0]["comparison"]["outputs"]] == ["float32"]
    assert [row["name"] for row in data["sweep"]["rows"]] == ["failed", *NAMES]
    assert data["title"] == "best.tflite, from a sweep of a <model>.keras - tfq report"


def test_without_a_recommendation_the_best_are_shown(
    swept: Callable[..., Path], tmp_path: Path
) -> None:
    written = write_report([], tmp_path / "page.html", sweep=swept())
    assert [Path(each).stem for each in written.models] == ["fourth", "best", "int8"]


def test_a_named_model_is_shown_with_the_sweeps_table(
    swept: Callable[..., Path], speech: Path, tmp_path: Path
) -> None:
    written = write_report(
        speech, tmp_path / "page.html", sweep=swept(recommended="best"), profiles=["tidl-tda4vm"]
    )
    assert written.models == (str(speech),)
    assert [each.profile for each in written.verdicts] == ["tidl-tda4vm"]
    assert content(tmp_path / "page.html")["sweep"]["recommended"] == "best"


def test_a_sweep_without_models_has_nothing_to_show(
    swept: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(tfq.ArgumentError, match="or a sweep, to report on"):
        write_report([], tmp_path / "page.html", sweep=swept(rows=()))


def test_a_model_that_is_not_the_sweeps_any_more_is_refused(
    swept: Callable[..., Path], tmp_path: Path
) -> None:
    folder = swept(recommended="best")
    shutil.copy(folder / "small.tflite", folder / "best.tflite")
    with pytest.raises(tfq.ArgumentError, match=r"best\.tflite: expected the file that the sweep"):
        write_report([], tmp_path / "page.html", sweep=folder)


def test_a_sweep_cannot_lead_out_of_its_directory(
    swept: Callable[..., Path], tmp_path: Path
) -> None:
    folder = swept(recommended="best")
    text = (folder / "sweep.json").read_text()
    (folder / "sweep.json").write_text(text.replace('"best.tflite"', '"../best.tflite"'))
    with pytest.raises(tfq.ArgumentError, match=r"\$\.rows\[3\]\.file: expected text that matches"):
        write_report([], tmp_path / "page.html", sweep=folder)


def test_a_directory_without_a_sweep_is_refused(speech: Path, tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match=r"sweep\.json: "):
        write_report(speech, tmp_path / "page.html", sweep=tmp_path)


def test_the_page_replaces_no_input(speech: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model.tflite"
    shutil.copy(speech, copy)
    with pytest.raises(tfq.ArgumentError, match="expected another file than that of model"):
        write_report(copy, copy)
    assert copy.read_bytes() == speech.read_bytes()


def test_swapped_arguments_are_one_line(speech: Path, tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match=r"got a list; the call is write_report\(models, "):
        write_report(tmp_path / "page.html", [speech])  # type: ignore[arg-type]


def test_an_impossible_place_is_refused_before_models_are_read(tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match="there is no directory"):
        write_report("missing.tflite", tmp_path / "none" / "page.html")
