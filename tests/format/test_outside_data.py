"""Data behind the flatbuffer, as in models of more than 2 GB, and in files beside the model."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.format import Draft, Editor, NotInPlace, read, write, writer

GIGABYTE = 1 << 30
# A buffer of micro/hello_world_float.
SIXTEEN_FLOATS = 4


@pytest.fixture
def outside(shared_models: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A model whose weights stand behind the flatbuffer, as if it had been too large."""
    content = (shared_models / "micro/hello_world_float.tflite").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(writer, "_LARGEST_FLATBUFFER", len(content) - 500)
        return b"".join(write(read(content)))


def values(model: tfq.Model) -> list[Any]:
    return [each.numpy().tolist() for each in model.tensors if each.is_constant]


def test_a_model_that_is_too_large_is_written_as_litert_reads_it(
    outside: bytes, shared_models: Path
) -> None:
    path = shared_models / "micro/hello_world_float.tflite"
    original = tfq.load(path)
    model = tfq.load(outside)

    assert values(model) == values(original)
    assert model.metadata["buffer_location"] == b"outside flatbuffers"
    assert all("data" not in buffer for buffer in model.buffers if "offset" in buffer)
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    results = []
    for content in (path.read_bytes(), outside):
        interpreter = litert.Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.float32([[1.5]]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert results[0] == results[1]


def test_data_outside_stay_outside_and_aligned(outside: bytes) -> None:
    again = b"".join(write(read(outside)))

    model = tfq.load(again)
    assert values(model) == values(tfq.load(outside))
    for buffer in model.buffers:
        if "offset" in buffer:
            assert buffer["offset"] % 64 == 0
    assert b"".join(write(read(again))) == again


def test_data_outside_are_edited_in_place(outside: bytes) -> None:
    model = tfq.load(outside)
    weights = next(each for each in model.tensors if each.is_constant and each.nbytes == 64)
    editor = Editor(model.table)

    editor.set(model.buffers[weights.buffer_index], "data", np.zeros(16, np.float32))

    assert not tfq.load(editor.bytes()).tensors[weights.index].numpy().any()


def test_data_outside_that_two_buffers_share_are_not_edited_for_both(outside: bytes) -> None:
    buffers = read(outside)["buffers"]
    first, second = [each for each in buffers if "offset" in each][:2]
    content = bytearray(outside)
    for name in ("offset", "size"):
        struct.pack_into("<Q", content, second.place(name), first[name])
    model = read(content)
    buffer = model["buffers"][buffers.index(first)]

    with pytest.raises(NotInPlace, match="other tables have the same one"):
        Editor(model).set(buffer, "data", bytes(first["size"]))


def test_removed_data_are_gone(outside: bytes) -> None:
    draft = Draft.of(read(outside))
    index, buffer = next(pair for pair in enumerate(draft["buffers"]) if "offset" in pair[1])
    buffer["data"] = None

    new = read(b"".join(write(draft)))["buffers"][index]

    assert not list(new.present())


def test_set_data_move_inside(outside: bytes) -> None:
    draft = Draft.of(read(outside))
    index, buffer = next(pair for pair in enumerate(draft["buffers"]) if "offset" in pair[1])
    buffer["data"] = b"inside now"

    new = read(b"".join(write(draft)))["buffers"][index]

    assert bytes(new["data"]) == b"inside now"
    assert "offset" not in new


@pytest.fixture
def huge(shared_models: Path, edited: Callable[..., bytes], tmp_path: Path) -> Path:
    """A model of 5 GB, most of it a hole in the file, with weights at its end."""

    def move(model: Any) -> None:
        buffer = model.buffers[SIXTEEN_FLOATS]
        assert len(buffer.data) == 64
        buffer.data, buffer.offset, buffer.size = None, 5 * GIGABYTE, 64

    path = tmp_path / "huge.tflite"
    path.write_bytes(edited(shared_models / "micro/hello_world_float.tflite", move))
    with path.open("r+b") as file:
        file.seek(5 * GIGABYTE)
        file.write(np.arange(16, dtype="<f4").tobytes())
    return path


def test_a_model_of_five_gigabytes_is_read_without_reading_it(huge: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = tfq.load(huge)
    moved = next(tensor for tensor in model.tensors if tensor.buffer_index == SIXTEEN_FLOATS)

    assert model.size == 5 * GIGABYTE + 64
    assert moved.numpy().ravel().tolist() == list(range(16))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_model_of_five_gigabytes_is_written_without_its_hole(huge: Path, tmp_path: Path) -> None:
    model = tfq.load(huge)
    path = tmp_path / "small.tflite"
    path.write_bytes(b"".join(write(model.table)))

    assert path.stat().st_size < 10_000
    assert values(tfq.load(path)) == values(model)


def test_a_file_that_was_cut_off_is_named(huge: Path) -> None:
    os.truncate(huge, 5 * GIGABYTE + 10)
    with pytest.raises(
        tfq.InvalidModelError, match=r"buffer 4: its data are bytes \d+ to \d+, but"
    ):
        tfq.load(huge)


@pytest.fixture
def beside(shared_models: Path, edited: Callable[..., bytes], bindings: Any, tmp_path: Path) -> Any:
    """Makes a model whose weights are in a file beside it, of a name that is given."""

    def beside(name: str, **changes: int) -> tfq.Model:
        def move(model: Any) -> None:
            group = bindings.ExternalBufferGroupT()
            group.name = name
            buffer = bindings.ExternalBufferT()
            buffer.id, buffer.group, buffer.offset, buffer.length = 0x80000005, 0, 64, 64
            buffer.packing = "unpacked"
            for field, value in changes.items():
                setattr(buffer, field, value)
            model.externalBufferGroups, model.externalBuffers = [group], [buffer]
            tensor = next(
                each for each in model.subgraphs[0].tensors if each.buffer == SIXTEEN_FLOATS
            )
            tensor.buffer, tensor.externalBuffer = 0, 0x80000005

        content = edited(shared_models / "micro/hello_world_float.tflite", move)
        (tmp_path / "model.tflite").write_bytes(content)
        return tfq.load(tmp_path / "model.tflite")

    (tmp_path / "weights.bin").write_bytes(bytes(64) + struct.pack("<16f", *range(16)))
    return beside


def external(model: tfq.Model) -> Any:
    return next(tensor for tensor in model.tensors if tensor.is_external)


def test_weights_beside_the_model_are_read(beside: Any) -> None:
    tensor = external(beside("weights.bin"))

    assert tensor.is_constant
    assert tensor.nbytes == 64
    assert tensor.numpy().ravel().tolist() == list(range(16))


def test_a_reference_to_weights_beside_the_model_survives_writing(
    beside: Any, tmp_path: Path
) -> None:
    model = beside("weights.bin")
    path = tmp_path / "copy.tflite"
    path.write_bytes(b"".join(write(model.table)))

    assert values(tfq.load(path)) == values(model)


def test_what_is_made_of_a_model_finds_the_weights_beside_it(beside: Any) -> None:
    model = beside("weights.bin")

    again = tfq.Model.from_draft(model.draft())

    assert again.name == model.name
    assert values(again) == values(model)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("absent.bin", {}, r"its weights in .*absent\.bin: there is no such file"),
        ("../weights.bin", {}, "its weights are in '../weights.bin', expected a file beside"),
        ("/etc/passwd", {}, "its weights are in '/etc/passwd', expected a file beside"),
        ("", {}, "its weights are in '', expected a file beside"),
        ("weights.bin", {"offset": 100}, "is bytes 100 to 164 of .*, which has only 128"),
        ("weights.bin", {"group": 3}, "there are only 1 groups, got 3"),
        ("weights.bin", {"id": 9}, "there is no external buffer 2147483653"),
    ],
)
def test_weights_that_cannot_be_had_are_named_when_they_are_asked_for(
    name: str, changes: dict[str, int], message: str, beside: Any
) -> None:
    tensor = external(beside(name, **changes))
    with pytest.raises(tfq.Error, match=message):
        tensor.numpy()


def test_a_model_from_bytes_has_nothing_beside_it(beside: Any) -> None:
    tensor = external(tfq.load(beside("weights.bin").bytes))
    with pytest.raises(tfq.Error, match="give the model's path instead"):
        tensor.numpy()


@pytest.mark.parametrize("size", [0, 5])
def test_weights_too_short_for_their_shape_are_named(size: int, beside: Any) -> None:
    with pytest.raises(tfq.InvalidModelError, match=f"takes 64 bytes, got {size}"):
        external(beside("weights.bin", length=size)).numpy()
