"""`tfq convert`, as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.cli import main

pytest.importorskip("tensorflow")


@pytest.fixture
def words(samples: Path, tmp_path: Path) -> list[str]:
    """A command that works."""
    return [
        "convert",
        f"--model={samples / 'digits.keras'}",
        f"--calibration_data={samples / 'calibration.npz'}",
        "--profile=artpec8",
        f"--output={tmp_path / 'out.tflite'}",
    ]


def test_it_writes_the_file_and_prints_the_verdict(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert "full_integer, per_tensor" in out
    assert "12 of 12 ops in integers" in out
    assert f"{tmp_path}/out.tflite: artpec8: PASS" in out
    assert err == ""
    assert tfq.lint(tmp_path / "out.tflite", "artpec8").ok


def test_a_result_that_the_device_does_not_take_is_status_1(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--granularity=per_channel"]) == 1
    assert "Q201" in capsys.readouterr().out
    assert (tmp_path / "out.tflite").exists()


def test_a_flagfile(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "flags.txt").write_text("\n".join(words[1:]))
    assert main(["convert", f"--flagfile={tmp_path / 'flags.txt'}"]) == 0


def test_a_directory_of_images(samples: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir()
    with np.load(samples / "calibration.npz") as data:
        for index, pixels in enumerate(data["image"][:30]):
            path = tmp_path / "images" / f"{index}.png"
            image.fromarray((pixels[..., 0] * 255).astype(np.uint8)).resize((16, 16)).save(path)
    command = ["convert", f"--model={samples / 'digits.keras'}", "--image_scale=0..1"]
    data, output = f"--calibration_data={tmp_path / 'images'}", f"--output={tmp_path / 'o.tflite'}"
    assert main([*command, data, output]) == 0


def test_a_tfrecord_with_a_parse_function(samples: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    with np.load(samples / "calibration.npz") as data:
        images = data["image"][:30]
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        for image in images:
            writer.write(image.tobytes())
    (tmp_path / "mine.py").write_text(
        "import tensorflow as tf\n"
        "def parse(example):\n"
        "    return tf.reshape(tf.io.decode_raw(example, tf.float32), (8, 8, 1))\n"
    )
    command = [
        "convert",
        f"--model={samples / 'digits.keras'}",
        f"--output={tmp_path / 'o.tflite'}",
    ]
    records = f"--calibration_data={tmp_path / 'a.tfrecord'}"
    assert main([*command, records, f"--parse_function={tmp_path / 'mine.py'}:parse"]) == 0
    assert main([*command, records]) == 2


def test_few_samples_are_one_line_of_warning(
    words: list[str], samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with np.load(samples / "calibration.npz") as data:
        np.save(tmp_path / "few.npy", data["image"][:3])
    assert main([*words, f"--calibration_data={tmp_path / 'few.npy'}"]) == 0
    err = capfd.readouterr().err
    assert err.startswith("tfq: warning: calibration data: only 3 samples")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--model=none.keras", "none.keras: no such file or directory"),
        ("--model=", "--model is missing"),
        ("--output=", "--output is missing"),
        ("--mode=int9", "expected one of float32, float16"),
        ("--granularity=per_layer", "expected one of per_channel, per_tensor"),
        ("--profile=artpec88", "did you mean artpec8?"),
        ("--input_type=int4", "expected one of int8, uint8, float32"),
        ("--calibration_data=none.npz", "no such file or directory"),
        ("--image_scale=bright", "image_scale: expected LOW..HIGH"),
        ("--image_scale=0..1", "image_scale is for images: integer arrays"),
        ("--input_shape=8,8", "--input_shape: expected NAME:1,224,224,3; got '8,8'"),
        ("--input_shape=x:1,8", "no input is named 'x'"),
        ("--batch_size=-1", "batch_size"),
        ("--parse_function=none.py:f", "'none.py:f' fails"),
        ("--profil=x", "unknown flag --profil; did you mean --profile?"),
        ("more", "expected flags only, got 'more'"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    words: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    change: str,
    message: str,
) -> None:
    assert main([*words, change]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tfq: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_said_before_the_work(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # The model is missing too, but the output is looked at first.
    words = [*words, "--model=none.keras"]
    assert main([*words, f"--output={tmp_path / 'none' / 'out.tflite'}"]) == 2
    assert "there is no directory" in capfd.readouterr().err
    assert main([*words, f"--output={tmp_path}"]) == 2
    assert "it is a directory" in capfd.readouterr().err


def test_the_model_itself_is_no_place_for_the_output(
    words: list[str], samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "mine.keras"
    model.write_bytes((samples / "digits.keras").read_bytes())
    before = model.read_bytes()
    assert main([*words, f"--model={model}", f"--output={model}"]) == 2
    assert "--output: expected another file than that of --model" in capfd.readouterr().err
    assert model.read_bytes() == before


def test_a_device_may_be_the_output(words: list[str]) -> None:
    assert main([*words, "--output=/dev/null"]) == 0


def test_a_function_that_ends_the_program_does_not(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("import sys\ndef samples():\n    sys.exit(3)\n")
    assert main([*words, f"--calibration_data={tmp_path}/mine.py:samples"]) == 2
    assert "SystemExit: 3" in capfd.readouterr().err
    assert not (tmp_path / "out.tflite").exists()


def test_a_pipe_is_no_model_and_no_data(
    words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, flag in (("a.keras", "model"), ("a.npz", "calibration_data")):
        os.mkfifo(tmp_path / name)
        assert main([*words, f"--{flag}={tmp_path / name}"]) == 2
        assert "expected a file, found a pipe" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_nothing_behind(
    words: list[str], tmp_path: Path, sent: signal.Signals, status: int, said: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "mine.py").write_text(
        "import pathlib, time\n"
        "def samples():\n"
        f"    pathlib.Path({str(tmp_path / 'started')!r}).touch()\n"
        "    time.sleep(600)\n"
    )
    data, output = f"--calibration_data={tmp_path}/mine.py:samples", f"--output={work}/out.tflite"
    process = subprocess.Popen(
        [sys.executable, "-m", "tfq", *words, data, output],
        env={**os.environ, "TMPDIR": str(work)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (tmp_path / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(sent)
    _, err = process.communicate()
    assert process.returncode == status
    assert err == f"tfq: {said}\n"
    assert not any(work.iterdir())
