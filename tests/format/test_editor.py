from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.format import Editor, NotInPlace, Table, read


def differing(before: bytes, after: bytes) -> list[int]:
    assert len(before) == len(after)
    return [at for at in range(len(before)) if before[at] != after[at]]


def test_new_scales_and_weights_change_no_other_byte(shared_models: Path) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    model = tfq.load(path)
    weights = model.operators[1].weights
    assert weights is not None
    editor = Editor(model.table)

    editor.set(weights.table["quantization"], "scale", [0.25] * 8)
    values = weights.numpy()[::-1].copy()
    editor.set(model.buffers[weights.buffer_index], "data", values)

    content = editor.bytes()
    changed = tfq.load(content).operators[1].weights
    assert changed is not None
    assert changed.quantization is not None
    assert changed.quantization.scales == (0.25,) * 8
    np.testing.assert_array_equal(changed.numpy(), values)
    scale = weights.table["quantization"].target("scale") + 4
    data = model.buffers[weights.buffer_index].target("data") + 4
    allowed = {*range(scale, scale + 32), *range(data, data + weights.nbytes)}
    assert allowed.issuperset(differing(path.read_bytes(), content))


def test_per_channel_becomes_per_tensor_by_a_shorter_vector(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/micro_speech_quantized.tflite")
    weights = model.operators[1].weights
    assert weights is not None
    editor = Editor(model.table)

    editor.set(weights.table["quantization"], "scale", [0.5])
    editor.set(weights.table["quantization"], "zero_point", [0])

    quantization = tfq.load(editor.bytes()).operators[1].weights.quantization  # type: ignore[union-attr]
    assert quantization is not None
    assert (quantization.scales, quantization.granularity) == ((0.5,), "per_tensor")
    # The model that was read goes on showing what its file holds.
    assert len(weights.quantization.scales) == 8  # type: ignore[union-attr]


def test_scalars_and_strings(shared_models: Path) -> None:
    model = tfq.load(shared_models / "micro/micro_speech_quantized.tflite")
    editor = Editor(model.table)

    editor.set(model.table, "version", 4)
    editor.set(model.table, "description", "short")

    changed = tfq.load(editor.bytes())
    assert (changed.version, changed.description) == (4, "short")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("description", "far too long for where it stands", "takes 32 bytes, has only 15"),
        ("signature_defs", [], "tables cannot be replaced in place"),
        ("metadata_buffer", [1], "the file leaves it out"),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, value: Any, reason: str, shared_models: Path
) -> None:
    model = read(shared_models / "micro/micro_speech_quantized.tflite")
    with pytest.raises(NotInPlace, match=reason):
        Editor(model).set(model, name, value)


def test_a_value_of_the_wrong_kind_is_named(shared_models: Path) -> None:
    model = read(shared_models / "micro/micro_speech_quantized.tflite")
    with pytest.raises(ValueError, match="version: cannot hold -1"):
        Editor(model).set(model, "version", -1)


def first_of_two_that_share(path: Path, field: str) -> Table:
    """One of two tensors that refer to the same vector or table."""
    tensors = read(path)["subgraphs"][0]["tensors"]
    by_place = sorted(tensors, key=lambda tensor: tensor.place(field))
    content = bytearray(path.read_bytes())
    place, target = by_place[0].place(field), by_place[-1].target(field)
    struct.pack_into("<I", content, place, target - place)
    shared: Table = read(content)["subgraphs"][0]["tensors"][tensors.index(by_place[0])]
    return shared


def test_what_two_tensors_share_is_not_changed_for_both(shared_models: Path) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    first = first_of_two_that_share(path, "shape")

    with pytest.raises(NotInPlace, match=r"Tensor\.shape: other tables have the same one"):
        Editor(first).set(first, "shape", [1])


def test_a_table_that_two_tensors_share_is_not_changed_for_both(shared_models: Path) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    first = first_of_two_that_share(path, "quantization")

    with pytest.raises(NotInPlace, match="other tables have the same one"):
        Editor(first).set(first["quantization"], "scale", [0.5])
