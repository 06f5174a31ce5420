from __future__ import annotations

import struct

import numpy as np
import pytest

from tfq import ops, schemas


def test_the_table_has_every_type_of_the_format() -> None:
    assert set(ops.DTYPES) == {
        name.lower() for name in schemas.load("tflite")["enums"]["TensorType"]
    }


@pytest.mark.parametrize("name", ops.DTYPES)
def test_numpy_and_struct_agree_on_size_and_kind(name: str) -> None:
    row = ops.DTYPES[name]
    if row.numpy is not None:
        dtype = np.dtype(row.numpy)
        assert (dtype.name, dtype.itemsize * 8) == (name, row.bits)
        assert (dtype.kind in "fc") == row.is_float
    if row.letter is not None:
        assert struct.calcsize(f"<{row.letter}") * 8 == row.bits
        assert np.dtype(f"<{row.letter}") == np.dtype(row.numpy)


def test_types_without_a_fixed_size_have_no_bits() -> None:
    assert ops.bits("int4") == 4
    assert [ops.bits(name) for name in ("string", "resource", "no such type")] == [None] * 3


def test_no_float_is_a_quantized_type() -> None:
    assert set(ops.DTYPES) > ops.QUANTIZED
    assert ops.QUANTIZED.isdisjoint(ops.FLOATS)
