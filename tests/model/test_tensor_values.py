from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tfq.errors import ArgumentError, InvalidModelError
from tfq.model import Tensor, load


@pytest.fixture
def constant(bindings: ModuleType, pack: Callable[[Any], bytes]) -> Callable[..., Tensor]:
    """Makes a model of one constant tensor."""

    def constant(kind: str, shape: list[int], data: bytes, **fields: Any) -> Tensor:
        tensor = bindings.TensorT(
            name="c", type=getattr(bindings.TensorType, kind), shape=shape, buffer=1, **fields
        )
        content = np.frombuffer(data, np.uint8)
        model = bindings.ModelT(
            version=3,
            subgraphs=[bindings.SubGraphT(tensors=[tensor])],
            buffers=[bindings.BufferT(), bindings.BufferT(data=content)],
        )
        return load(pack(model)).tensors[0]

    return constant


def test_values_are_a_view_on_the_file(shared_models: Path) -> None:
    model = load(shared_models / "micro/hello_world_int8.tflite")
    array = model.tensors[6].numpy()

    assert array.dtype == np.int8
    assert array.shape == (16, 1)
    assert not array.flags.owndata
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("INT4", b"\x21\xf8\x07", [1, 2, -8, -1, 7]),
        ("UINT4", b"\x21\xf8\x07", [1, 2, 8, 15, 7]),
        ("INT2", b"\xe4\x03", [0, 1, -2, -1, -1]),
        ("BFLOAT16", struct.pack("<5H", 0x3F80, 0xC000, 0, 0x7F80, 0x3F00), None),
        ("FLOAT16", np.array([1, -2, 0.5, 3, 0], np.float16).tobytes(), [1, -2, 0.5, 3, 0]),
        ("BOOL", b"\1\0\1\1\0", [True, False, True, True, False]),
        ("COMPLEX64", np.array([1j, 2, 3, 4, 5], np.complex64).tobytes(), [1j, 2, 3, 4, 5]),
    ],
)
def test_every_type_is_read(
    kind: str, data: bytes, expected: list[Any] | None, constant: Callable[..., Tensor]
) -> None:
    if expected is None:
        expected = [1.0, -2.0, 0.0, float("inf"), 0.5]

    assert constant(kind, [5], data).numpy().tolist() == expected
    assert constant(kind, [1, 5], data).numpy().shape == (1, 5)
    assert constant(kind, [5], data).values == tuple(expected)


def test_float8_is_read_where_ml_dtypes_is(constant: Callable[..., Tensor]) -> None:
    pytest.importorskip("ml_dtypes")

    assert constant("FLOAT8_E5M2", [2], b"\x3c\xc0").numpy().tolist() == [1.0, -2.0]


def test_strings_are_an_array_of_bytes(constant: Callable[..., Tensor]) -> None:
    data = struct.pack("<4i", 2, 16, 18, 21) + b"hi\xfflo"

    array = constant("STRING", [2, 1], data).numpy()

    assert array.tolist() == [[b"hi"], [b"\xfflo"]]


@pytest.mark.parametrize(
    "data",
    [b"\1", struct.pack("<i", -1), struct.pack("<i", 1 << 30), struct.pack("<4i", 2, 16, 99, 16)],
)
def test_strings_outside_their_buffer_are_refused(
    data: bytes, constant: Callable[..., Tensor]
) -> None:
    with pytest.raises(InvalidModelError, match="tensor 0 "):
        constant("STRING", [2], data).numpy()


def test_data_of_the_wrong_size_are_refused(constant: Callable[..., Tensor]) -> None:
    with pytest.raises(InvalidModelError) as caught:
        constant("FLOAT32", [2, 3], bytes(20)).numpy()

    assert str(caught.value).endswith(
        "tensor 0 ('c'): float32 of shape (2, 3) takes 24 bytes, got 20"
    )


@pytest.mark.parametrize("shape", [[2**30] * 4, [-1, 4], [1] * 99])
def test_shapes_that_no_array_has_are_refused(
    shape: list[int], constant: Callable[..., Tensor]
) -> None:
    with pytest.raises(InvalidModelError):
        constant("FLOAT32", shape, bytes(4)).numpy()


def test_a_tensor_that_is_not_constant_has_no_values(shared_models: Path) -> None:
    tensor = load(shared_models / "micro/hello_world_int8.tflite").inputs[0]

    for read in (tensor.numpy, lambda: tensor.values):
        with pytest.raises(ArgumentError, match="is not constant"):
            read()
    assert len(tensor.data) == 0


def test_a_constant_without_elements_is_constant(constant: Callable[..., Tensor]) -> None:
    tensor = constant("INT32", [0], b"")

    assert tensor.is_constant
    assert tensor.numpy().shape == (0,)


def test_data_behind_the_flatbuffer_are_read(edited: Any, shared_models: Path) -> None:
    path = shared_models / "micro/hello_world_float.tflite"
    expected = load(path).tensors[5].numpy()

    def change(model: Any) -> None:
        buffer = model.buffers[model.subgraphs[0].tensors[5].buffer]
        buffer.data, buffer.offset, buffer.size = None, 4096, expected.nbytes

    content = edited(path, change)
    tensor = load(content.ljust(4096, b"\0") + expected.tobytes()).tensors[5]

    assert tensor.is_constant
    np.testing.assert_array_equal(tensor.numpy(), expected)
