from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq.errors import InvalidModelError
from tfq.format import read
from tfq.profiles import load as load_profile


def complaint(model: Any) -> str:
    """Return what tfq says of a model, after a look at whether it is one line."""
    with pytest.raises(InvalidModelError) as caught:
        read(model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "nothing.tflite"
    assert complaint(path) == f"{path}: cannot be read: there is no such file"


def test_a_directory(tmp_path: Path) -> None:
    assert complaint(tmp_path).endswith("it is a directory, expected a .tflite file")


def test_a_saved_model_directory(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    assert "it is a SavedModel directory" in complaint(tmp_path)


def test_a_path_that_no_file_can_have() -> None:
    assert "cannot be read: embedded null" in complaint("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_must_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.tflite"
    path.touch(mode=0)
    assert complaint(path).endswith("cannot be read: Permission denied")


def test_a_device_is_not_read_to_its_end() -> None:
    assert "a file of zeros" in complaint("/dev/zero")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.tflite"
    path.touch()
    assert complaint(path) == f"{path}: is empty, expected a .tflite file"


def zip_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file (a Keras .h5?)"),
        (b"\x80\x04\x95" + bytes(90), "a Python pickle"),
        (b"\x08\x07\x12\x07pytorch\x1a\x031.7", "an ONNX model"),
        (b"\x08\x01\x12\xf4\x8c\x01\n\x9f\x01", "the protobuf of a SavedModel"),
        (b"\nF\n\x05input\x12\x0bPlaceholder", "a protobuf of TensorFlow"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b'{"class_name": "Functional"}', "a JSON file"),
    ],
)
def test_the_wrong_kind_of_file(beginning: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(beginning)

    message = complaint(path)

    assert message.startswith(f"{path}: looks like {words}")
    assert message.endswith("expected a .tflite file")


def test_a_zip_archive(tmp_path: Path) -> None:
    zip_archive(tmp_path / "model.keras")
    assert "looks like a ZIP archive (a .keras model" in complaint(tmp_path / "model.keras")


def test_a_flatbuffer_of_another_kind() -> None:
    assert complaint(b"\x20\0\0\0TFL2" + bytes(40)) == (
        "the given bytes: is not a .tflite file: expected 'TFL3' at byte 4, got 'TFL2'"
    )


def test_any_truncation_is_named_or_harmless(shared_models: Path) -> None:
    """Nothing but what stands at the end and is not needed can be cut off."""
    content = (shared_models / "micro/hello_world_int8.tflite").read_bytes()
    for length in range(len(content)):
        message = complaint(content[:length])
        assert re.search("cut off|is empty|has only|outside the file|impossible length", message)


def op(model: Any, index: int) -> Any:
    return model.subgraphs[0].operators[index]


def set_output(model: Any) -> None:
    op(model, 12).outputs = [999]


def set_input(model: Any) -> None:
    op(model, 12).inputs = [3, -2, 5]


def set_operator_code(model: Any) -> None:
    op(model, 0).opcodeIndex = 77


def set_buffer(model: Any) -> None:
    model.subgraphs[0].tensors[3].buffer = 10_000


def set_model_input(model: Any) -> None:
    model.subgraphs[0].inputs = [186]


def set_metadata(model: Any) -> None:
    model.metadata[0].buffer = 5000


def set_outside_data(model: Any) -> None:
    model.buffers[2].data = None
    model.buffers[2].offset = 700_000
    model.buffers[2].size = 10**12


def no_subgraph(model: Any) -> None:
    model.subgraphs = []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_output,
            "subgraph 0 › operator 12 › outputs[0]: tensor index 999, only 186 tensors",
        ),
        (set_input, "subgraph 0 › operator 12 › inputs[1]: tensor index -2, only 186 tensors"),
        (
            set_operator_code,
            "subgraph 0 › operator 0 › opcode_index: operator code index 77, only 8 operator codes",
        ),
        (set_buffer, "subgraph 0 › tensor 3 › buffer: buffer index 10000, only 188 buffers"),
        (set_model_input, "subgraph 0 › inputs[0]: tensor index 186, only 186 tensors"),
        (set_metadata, "metadata 0 › buffer: buffer index 5000, only 188 buffers"),
        (set_outside_data, "buffer 2: its data are bytes 700000 to 1000000700000, but the file"),
        (no_subgraph, "has no subgraph, expected at least one"),
    ],
)
def test_an_index_that_leads_nowhere_is_named_with_its_place(
    change: Callable[[Any], None], message: str, edited: Any, shared_models: Path
) -> None:
    path = shared_models / "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant.tflite"

    assert complaint(edited(path, change)).startswith(f"the given bytes: {message}")


def test_a_signature_that_names_no_tensor(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        model.signatureDefs[1].inputs[0].tensorIndex = 9

    message = complaint(edited(shared_models / "litert/multi_signature_model.tflite", change))

    assert message.endswith(
        "signature def 1 › input 0 › tensor_index: tensor index 9, only 3 tensors"
    )


def test_an_option_that_names_no_subgraph(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions2.decompositionSubgraphIndex = 4

    message = complaint(edited(shared_models / "litert/l2_norm_composite.tflite", change))

    assert message.endswith(
        "subgraph 0 › operator 0 › options › decomposition_subgraph_index:"
        " subgraph index 4, only 2 subgraphs"
    )


def test_scales_that_stand_in_no_tensor(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[2].quantization.details.scales = 50

    message = complaint(edited(shared_models / "litert/blockwise_quantized.tflite", change))

    assert message.endswith("tensor 2 › quantization › scales: tensor index 50, only 5 tensors")


def test_an_absent_input_is_no_fault(edited: Any, shared_models: Path) -> None:
    def change(model: Any) -> None:
        op(model, 0).inputs = [0, 4, -1]

    read(edited(shared_models / "micro/hello_world_float.tflite", change))


def test_a_huge_vector_length_costs_nothing(shared_models: Path) -> None:
    path = shared_models / "micro/hello_world_float.tflite"
    name = b"serving_default"
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(name) - 4, 0xFFFFFFF0)

    assert re.search(r"signature def 0 › signature_key: a vector of \d+ string", complaint(content))


def test_an_offset_that_points_at_itself(shared_models: Path) -> None:
    content = bytearray((shared_models / "micro/hello_world_float.tflite").read_bytes())
    struct.pack_into("<I", content, 0, 0)

    assert complaint(content).endswith("the offset at byte 0 is 0: it points at itself")


def test_tables_that_share_all_they_hold_do_not_unfold() -> None:
    """A file of 90 kB whose 10,000 subgraphs are one, with 10,000 operators that are one."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.StartObject(0)
    operator = builder.EndObject()
    operators = repeated(builder, operator, 10_000)
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(3, operators, 0)
    subgraphs = repeated(builder, builder.EndObject(), 10_000)
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(2, subgraphs, 0)
    builder.Finish(builder.EndObject(), b"TFL3")

    assert "its tables overlap" in complaint(bytes(builder.Output()))


def repeated(builder: Any, table: int, count: int) -> int:
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(table)
    vector: int = builder.EndVector()
    return vector


def test_a_pipe_without_a_writer_is_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidModelError, match="pipe: is empty"):
        tfq.load(tmp_path / "pipe")
    with pytest.raises(tfq.ProfileError, match="pipe: expected JSON"):
        load_profile(tmp_path / "pipe")


@pytest.mark.parametrize("command", ["{tfq} <({slow})", "mkfifo p; ({slow}) > p & {tfq} p"])
def test_a_pipe_with_a_writer_is_read_to_its_end(
    shared_models: Path, tmp_path: Path, command: str
) -> None:
    model = next(shared_models.rglob("keras_lstm_mnist_ptq.tflite"))
    slow = f"head -c 100 '{model}'; sleep 0.2; tail -c +101 '{model}'"
    tfq_line = f"'{sys.executable}' -m tfq inspect --format=json"
    done = subprocess.run(
        ["bash", "-c", command.format(tfq=tfq_line, slow=slow)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f'"size": {model.stat().st_size}' in done.stdout
