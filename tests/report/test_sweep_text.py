from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from tfq.report.sweep_text import sweep_text
from tfq.report.table import width
from tfq.sweep.result import Row, Sweep, Verdict


def row(name: str, **known: object) -> Row:
    kind = {"mode": "", "granularity": None, "accuracy_level": None, "passes": None}
    return Row(name, **{**kind, "weight_bits": None, **known})  # type: ignore[arg-type]


PASSES = Verdict("pass", 0, 0, 1.0, "0" * 64)
FAILS = Verdict("fail", 13, 1, 0.0, "0" * 64)
MADE = {
    "size": 72528,
    "compression": 2.7,
    "accuracy": 0.985,
    "drop": 0.005,
    "sqnr": 40.32,
    "latency_ms": 12.345,
}
SWEEP = Sweep(
    tfq="0.1.0",
    model="digits.keras",
    metric="top1",
    higher_is_better=True,
    data="evaluation data",
    samples=400,
    profiles=("artpec8", "tidl-tda4vm"),
    machine={"threads": 1, "delegate": "XNNPACK", "cpu": "a CPU"},
    recommended="full_integer.per_tensor.power_of_two",
    recommended_by_profile={"artpec8": "float32", "tidl-tda4vm": None},
    reason="it is the smallest",
    max_accuracy_drop=0.01,
    comparison=None,
    files=(),
    key="0" * 64,
    rows=(
        row("float32", **MADE, profiles={"artpec8": FAILS, "tidl-tda4vm": PASSES}),
        row(
            "full_integer.per_tensor.power_of_two",
            **MADE,
            integer_share=0.999,
            profiles={"artpec8": PASSES, "tidl-tda4vm": PASSES},
        ),
        row("int16x8.per_channel", status="failed", error="no kernel"),
        row("int16x8.per_tensor", status="failed", error="no kernel"),
    ),
    directory=Path("swept"),
)


def line_of(name: str, text: str) -> str:
    return next(line for line in text.splitlines() if name in line)


def test_a_row_shows_what_it_costs_and_what_it_is_worth() -> None:
    line = line_of("float32", sweep_text(SWEEP))
    assert line.split("  ")[0] == "" and "70.8 KiB" in line
    assert "98.50 %" in line and "0.50 %" in line and "12.3" in line
    assert "  40.3  " in line and "✗ 13" in line and line.endswith("✓")


def test_an_sqnr_that_is_the_accuracy_has_one_column() -> None:
    exact = replace(SWEEP.rows[0], accuracy=120.0, sqnr=120.0, drop=0.0)
    other = replace(SWEEP.rows[1], accuracy=40.32)
    text = sweep_text(replace(SWEEP, metric="sqnr", rows=(exact, other)))
    assert text.count("SQNR dB") == 1 and line_of("power_of_two", text).count("40.3") == 1
    assert "  exact  " in line_of("float32", text)


def test_the_commands_that_make_it_again_can_be_pasted() -> None:
    command = "tfq convert '--model=a b/float32.tflite' --mode=full_integer " + " ".join(
        f"--flag{number}={'x' * 30}" for number in range(5)
    )
    text = sweep_text(SWEEP, [command, "tfq convert --model=b"])
    assert max(map(width, text.splitlines())) <= 120
    shown = text.split("the recommended row again:\n")[1].split("\n\n")[0]
    first, second = shown.replace("\\\n", "").splitlines()
    assert shlex.split(first) == shlex.split(command)
    assert shlex.split(second) == ["tfq", "convert", "--model=b"]


def test_it_says_what_the_rows_are_made_of() -> None:
    plain = replace(SWEEP.rows[1], accuracy_level="none")
    text = sweep_text(replace(SWEEP, rows=(plain,))).replace("\n  ", " ")
    assert "rows: all are made of the float32 model of digits.keras, so that `none` is" in text
    text = sweep_text(replace(SWEEP, rows=(replace(SWEEP.rows[0], file="float32.tflite"),)))
    assert "rows: all are made of float32.tflite\n" in text


def test_where_all_rows_failed_nothing_is_explained() -> None:
    failed = replace(SWEEP, metric=None, data=None, samples=None, rows=SWEEP.rows[2:])
    text = sweep_text(failed)
    for word in ("bar", "ms:", "drop:", "✓", "rows:", "row's .tflite"):
        assert word not in text
    assert text.endswith("files: swept (sweep.json)")


def test_the_recommended_row_is_marked_and_its_reason_given() -> None:
    text = sweep_text(SWEEP)
    assert line_of("power_of_two", text).startswith("★ full_integer.per_tensor.power_of_two")
    assert text.count("★") == 1
    assert "recommended: full_integer.per_tensor.power_of_two: it is the smallest" in text
    assert "artpec8: float32, tidl-tda4vm: none" in text


def test_a_reason_that_several_rows_have_is_said_once() -> None:
    text = sweep_text(SWEEP)
    assert "int16x8.per_channel, int16x8.per_tensor: no kernel" in text
    assert "failed" in line_of("int16x8.per_channel", text)


def test_almost_all_is_not_all() -> None:
    assert "99 %" in line_of("power_of_two", sweep_text(SWEEP))


def test_it_fits_into_120_columns_with_two_devices_and_with_many() -> None:
    many = tuple(f"device-{number}" for number in range(9))
    verdicts = dict.fromkeys(many, FAILS)
    crowded = replace(
        SWEEP,
        profiles=many,
        recommended_by_profile=dict.fromkeys(many),
        rows=tuple(replace(each, profiles=verdicts if each.ok else {}) for each in SWEEP.rows),
    )
    for each in (SWEEP, crowded):
        assert max(map(width, sweep_text(each).splitlines())) <= 120
    assert line_of("float32", sweep_text(crowded)).endswith("  " + 9 * "✗")
    assert "devices, in this order: device-0, device-1" in sweep_text(crowded)


def test_a_drop_is_a_bar_up_to_the_limit() -> None:
    worse = replace(SWEEP.rows[0], drop=0.02)
    better = replace(SWEEP.rows[1], drop=-0.01)
    text = sweep_text(replace(SWEEP, rows=(worse, better)))
    assert "█" in line_of("float32", text)
    assert not set("▁▂▃▄▅▆▇█") & set(line_of("power_of_two", text))
    strict = sweep_text(replace(SWEEP, rows=(worse, better), max_accuracy_drop=0.0))
    assert "█" in line_of("float32", strict)


def test_what_comes_from_files_does_not_reach_the_terminal_as_it_is() -> None:
    text = sweep_text(replace(SWEEP, model="a\x1b[2Jb", reason="c\x1bd"))
    assert "\x1b" not in text


def test_rows_without_an_evaluation_have_empty_cells() -> None:
    bare = replace(
        SWEEP,
        metric=None,
        data=None,
        samples=None,
        recommended=None,
        profiles=(),
        rows=(row("float32", size=10, compression=1.0),),
    )
    text = sweep_text(bare)
    assert "1 of 1 rows converted\n" in text and "None" not in text
