"""What is there and still valid is not done again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.sweep import sweep
from tfq.sweep.result import Sweep
from tfq.sweep.store import load

pytest.importorskip("tensorflow")

CONVERTED = "full_integer.per_tensor.none.tflite"


def times(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted(directory.iterdir())}


def changed(before: dict[str, int], directory: Path) -> set[str]:
    return {name for name, when in times(directory).items() if before.get(name) != when}


def test_a_second_sweep_writes_nothing_and_finds_the_same(
    again: Callable[..., Sweep], swept: Path, digits_sweep: Sweep
) -> None:
    before = times(swept)
    assert again(output=swept) == digits_sweep
    assert times(swept) == before


def test_a_second_sweep_imports_neither_tensorflow_nor_an_interpreter(
    samples: Path, evaluation_data: Path, swept: Path
) -> None:
    code = (
        "import sys; from tfq.cli import main; status = main(sys.argv[1:]); "
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert', 'litert_quantizer', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    words = [
        "sweep",
        f"--model={samples / 'digits.keras'}",
        f"--calibration_data={samples / 'calibration.npz'}",
        f"--evaluation_data={evaluation_data}",
        "--profiles=artpec8,tidl-tda4vm",
        f"--output={swept}",
    ]
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "[]\n")
    assert "recommended: full_integer.per_tensor.power_of_two" in run.stdout


@pytest.mark.parametrize("damage", ["deleted", "changed"])
def test_a_file_that_is_not_as_it_was_written_is_made_again(
    again: Callable[..., Sweep], swept: Path, digits_sweep: Sweep, damage: str
) -> None:
    if damage == "deleted":
        (swept / CONVERTED).unlink()
    else:
        (swept / CONVERTED).write_bytes(b"something else")
    before = times(swept)
    found = again(output=swept)
    assert CONVERTED in changed(before, swept)
    assert changed(before, swept) <= {CONVERTED, "sweep.json"}  # its latency is measured again
    sha256 = [row.sha256 for row in found.rows]
    assert sha256 == [row.sha256 for row in digits_sweep.rows]


def test_another_device_only_changes_the_verdicts(
    again: Callable[..., Sweep], swept: Path, digits_sweep: Sweep
) -> None:
    before = times(swept)
    found = again(output=swept, profiles=["artpec8", "cpu"])
    assert changed(before, swept) <= {
        "sweep.json",
        f"{found.recommended}.compare.json",
    }
    for row, known in zip(found.rows, digits_sweep.rows, strict=True):
        assert replace(row, profiles={}) == replace(known, profiles={})
        assert row.profiles["artpec8"] == known.profiles["artpec8"]
        assert set(row.profiles) == {"artpec8", "cpu"}


def test_other_evaluation_data_convert_nothing_anew(
    again: Callable[..., Sweep], swept: Path, samples: Path
) -> None:
    with np.load(samples / "evaluation.npz") as data:
        other = {name: data[name][50:80] for name in data.files}
    before = times(swept)
    found = again(output=swept, evaluation_data=other)
    assert found.samples == 30
    assert {name for name in changed(before, swept) if name.endswith(".tflite")} == set()


def test_a_metric_of_the_user_is_evaluated_anew_each_time(
    again: Callable[..., Sweep], tmp_path: Path
) -> None:
    (tmp_path / "helper.txt").write_text("0.25")
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\n"
        "def score(outputs, labels):\n"
        "    return float((Path(__file__).parent / 'helper.txt').read_text())\n"
    )
    asked: dict[str, Any] = {
        "output": tmp_path / "swept",
        "modes": ["float32", "float16"],
        "metric": f"{tmp_path}/mine.py:score",
    }
    assert [row.accuracy for row in again(**asked).rows] == [0.25, 0.25]
    before = times(tmp_path / "swept")
    (tmp_path / "helper.txt").write_text("0.75")
    assert [row.accuracy for row in again(**asked).rows] == [0.75, 0.75]
    assert not any(name.endswith(".tflite") for name in changed(before, tmp_path / "swept"))
    asked["metric"] = lambda outputs, labels: 0.5
    assert [row.accuracy for row in again(**asked).rows] == [0.5, 0.5]


def test_other_calibration_data_convert_all_anew(
    again: Callable[..., Sweep], swept: Path, samples: Path
) -> None:
    with np.load(samples / "calibration.npz") as data:
        images = data["image"][:40]
    before = times(swept)
    again(output=swept, calibration_data=images, modes=["float16"])
    assert "float16.tflite" in changed(before, swept)


def test_another_limit_recommends_anew_without_any_work(
    again: Callable[..., Sweep], swept: Path
) -> None:
    before = times(swept)
    found = again(output=swept, max_accuracy_drop=0.5)
    assert found.max_accuracy_drop == 0.5
    assert not any(name.endswith(".tflite") for name in changed(before, swept))


def test_fewer_modes_leave_the_other_rows_in_the_table(
    again: Callable[..., Sweep], swept: Path, digits_sweep: Sweep
) -> None:
    before = times(swept)
    assert again(output=swept, modes=["float16"]) == digits_sweep
    assert times(swept) == before


def test_fewer_modes_and_fewer_again_make_one_table(
    again: Callable[..., Sweep], tmp_path: Path
) -> None:
    again(output=tmp_path, modes=["float16"])
    before = times(tmp_path)
    found = again(output=tmp_path, modes=["float32", "dynamic_range.per_tensor"])
    assert [row.name for row in found.rows] == ["float32", "float16", "dynamic_range.per_tensor"]
    assert "float16.tflite" not in changed(before, tmp_path)
    assert load(tmp_path) == found


def test_rows_of_another_model_or_of_a_changed_file_do_not_stay(
    again: Callable[..., Sweep], swept: Path, samples: Path, digits_sweep: Sweep
) -> None:
    (swept / CONVERTED).write_bytes(b"something else")
    found = again(output=swept, modes=["float16"])
    assert [row.name + ".tflite" for row in digits_sweep.rows if row not in found.rows] == [
        CONVERTED
    ]
    with np.load(samples / "calibration.npz") as data:
        images = data["image"][:40]
    found = again(output=swept, modes=["float16"], calibration_data=images)
    assert [row.name for row in found.rows] == ["float16"]


def test_a_model_in_memory_is_known_by_its_content(
    digits: Callable[..., tfq.Model], tmp_path: Path
) -> None:
    model = digits(mode="float32")
    first = sweep(model, modes=["float16"], output=tmp_path)
    before = times(tmp_path)
    assert sweep(tfq.load(bytes(model)), modes=["float16"], output=tmp_path) == first
    assert times(tmp_path) == before


def test_a_killed_sweep_goes_on_where_it_was(samples: Path, tmp_path: Path) -> None:
    words = [
        "sweep",
        f"--model={samples / 'digits.keras'}",
        f"--calibration_data={samples / 'calibration.npz'}",
        "--modes=float32,float16,dynamic_range.*,full_integer.*",
        f"--output={tmp_path / 'swept'}",
    ]
    run = subprocess.Popen([sys.executable, "-m", "tfq", *words])
    half = tmp_path / "swept" / "float16.tflite"
    written = tmp_path / "swept" / "sweep.json"
    while not (half.exists() and written.exists() and len(load(written.parent).rows) >= 2):
        assert run.poll() is None
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    left = load(tmp_path / "swept")
    assert left.reason == "the sweep is not finished" and left.recommended is None
    before = times(tmp_path / "swept")
    found = sweep(
        samples / "digits.keras",
        calibration_data=samples / "calibration.npz",
        modes=["float32", "float16", "dynamic_range.*", "full_integer.*"],
        output=tmp_path / "swept",
    )
    assert [row.key for row in found.rows[:2]] == [row.key for row in left.rows[:2]]
    assert {"float32.tflite", "float16.tflite"}.isdisjoint(changed(before, tmp_path / "swept"))
    assert all(row.ok for row in found.rows)


def small(output: Path, model: tfq.Model) -> Sweep:
    return sweep(model, modes=["float16"], output=output)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        "{}",
        "[" * 100_000,
        '{"rows": NaN}',
        '{"rows": 1e999}',
        "\ud800",
    ],
)
def test_what_is_no_sweeps_result_is_refused_in_one_line(
    digits: Callable[..., tfq.Model], tmp_path: Path, content: str
) -> None:
    (tmp_path / "sweep.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(tfq.ArgumentError, match="not a sweep's result") as caught:
        small(tmp_path, digits(mode="float32"))
    assert "delete it or choose another --output" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.json"]


@pytest.mark.parametrize("name", ["../float16.tflite", "/etc/passwd", "a/b", ".."])
def test_a_result_that_names_places_elsewhere_is_refused(
    digits: Callable[..., tfq.Model], swept: Path, name: str
) -> None:
    content = json.loads((swept / "sweep.json").read_text())
    content["files"] = [name]
    (swept / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(tfq.ArgumentError, match=r"not a sweep's result.*\$\.files\[0\]"):
        small(swept, digits(mode="float32"))


def test_a_row_that_stands_there_twice_is_refused(
    digits: Callable[..., tfq.Model], swept: Path
) -> None:
    content: dict[str, Any] = json.loads((swept / "sweep.json").read_text())
    content["rows"].append(content["rows"][0])
    (swept / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(tfq.ArgumentError, match="each name once"):
        small(swept, digits(mode="float32"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recommended": "gone"}, "expected the name of a row, got 'gone'"),
        ({"recommended_by_profile": {"cpu": "gone"}}, "expected the name of a row, got 'gone'"),
        ({"profiles": ["cpu", "cpu"]}, r"\$\.profiles: expected each name once"),
        ({"samples": 10**30}, "expected integers below"),
        ({"max_accuracy_drop": -1}, "max_accuracy_drop: expected 0 or more"),
    ],
)
def test_a_result_that_contradicts_itself_is_refused(
    swept: Path, changes: dict[str, Any], message: str
) -> None:
    content = json.loads((swept / "sweep.json").read_text())
    (swept / "sweep.json").write_text(json.dumps(content | changes))
    with pytest.raises(tfq.ArgumentError, match=message) as caught:
        load(swept)
    assert str(caught.value).endswith("expected a directory that tfq sweep wrote")


def test_a_pipe_in_the_place_of_a_file_is_refused(swept: Path) -> None:
    (swept / CONVERTED).unlink()
    os.mkfifo(swept / CONVERTED)
    with pytest.raises(tfq.ArgumentError, match=f"expected a file at {CONVERTED}"):
        load(swept)


def test_files_of_others_are_left_alone(digits: Callable[..., tfq.Model], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    small(tmp_path, digits(mode="float32"))
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {
        "notes.txt",
        "sweep.json",
        "float16.tflite",
    }


def test_errors_by_layer_that_others_wrote_are_left_alone(
    again: Callable[..., Sweep], swept: Path
) -> None:
    content = json.loads((swept / "sweep.json").read_text())
    content["comparison"]["file"] = "secret.compare.json"
    # Not even where it says that there is such a row.
    content["rows"][1]["name"] = "secret"
    content["files"].append("secret.compare.json")
    (swept / "sweep.json").write_text(json.dumps(content))
    (swept / "secret.compare.json").write_text("mine")
    found = again(output=swept)
    assert found.comparison is not None and found.comparison["file"] != "secret.compare.json"
    assert (swept / "secret.compare.json").read_text() == "mine"


def test_errors_by_layer_of_another_row_go_away(again: Callable[..., Sweep], swept: Path) -> None:
    content = json.loads((swept / "sweep.json").read_text())
    content["comparison"]["file"] = "float16.compare.json"
    (swept / "sweep.json").write_text(json.dumps(content))
    (swept / "float16.compare.json").write_text("stale")
    again(output=swept)
    assert not (swept / "float16.compare.json").exists()


def test_a_file_of_others_in_the_place_of_a_row_is_refused(
    digits: Callable[..., tfq.Model], tmp_path: Path
) -> None:
    (tmp_path / "float16.tflite").write_text("mine")
    with pytest.raises(tfq.ArgumentError, match=r"float16\.tflite is there"):
        small(tmp_path, digits(mode="float32"))
    assert (tmp_path / "float16.tflite").read_text() == "mine"


def test_a_link_to_elsewhere_is_not_followed(
    digits: Callable[..., tfq.Model], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    small(tmp_path / "swept", digits(mode="float32"))
    (tmp_path / "swept" / "float16.tflite").unlink()
    (tmp_path / "swept" / "float16.tflite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(tfq.ArgumentError, match="expected a file or nothing"):
        small(tmp_path / "swept", digits(mode="float32"))
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_the_model_is_not_overwritten_by_a_row(swept: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match="source"):
        sweep(swept / "float32.tflite", modes=["float32"], output=swept)


def test_an_output_that_is_a_file_is_refused(
    digits: Callable[..., tfq.Model], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(tfq.ArgumentError, match="expected a directory"):
            small(place, digits(mode="float32"))
