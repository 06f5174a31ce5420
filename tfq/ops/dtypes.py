"""The types that values of a tensor can have, as one table."""

from __future__ import annotations

from typing import NamedTuple


class Dtype(NamedTuple):
    """One type.

    Attributes:
        bits: How many bits a value takes in a file; None if that varies or is not told.
        is_float: Whether it holds floating-point numbers, real or complex.
        numpy: What NumPy calls the values as they stand in a file, with their byte order; None if
            the bytes need work before NumPy can hold them.
        letter: What `struct` calls them; None if it has no letter for them.
    """

    bits: int | None
    is_float: bool = False
    numpy: str | None = None
    letter: str | None = None


# By the name in `Tensor.dtype`.
DTYPES: dict[str, Dtype] = {
    "bfloat16": Dtype(16, is_float=True),
    "bool": Dtype(8, numpy="?", letter="?"),
    "complex128": Dtype(128, is_float=True, numpy="<c16"),
    "complex64": Dtype(64, is_float=True, numpy="<c8"),
    "float16": Dtype(16, is_float=True, numpy="<f2", letter="e"),
    "float32": Dtype(32, is_float=True, numpy="<f4", letter="f"),
    "float64": Dtype(64, is_float=True, numpy="<f8", letter="d"),
    "float8_e4m3fn": Dtype(8, is_float=True),
    "float8_e5m2": Dtype(8, is_float=True),
    "int16": Dtype(16, numpy="<i2", letter="h"),
    "int2": Dtype(2),
    "int32": Dtype(32, numpy="<i4", letter="i"),
    "int4": Dtype(4),
    "int64": Dtype(64, numpy="<i8", letter="q"),
    "int8": Dtype(8, numpy="i1", letter="b"),
    "resource": Dtype(None),
    "string": Dtype(None),
    "uint16": Dtype(16, numpy="<u2", letter="H"),
    "uint32": Dtype(32, numpy="<u4", letter="I"),
    "uint4": Dtype(4),
    "uint64": Dtype(64, numpy="<u8", letter="Q"),
    "uint8": Dtype(8, numpy="u1", letter="B"),
    "variant": Dtype(None),
}

FLOATS = frozenset([name for name, dtype in DTYPES.items() if dtype.is_float])
# What weights and activations are quantized to. Biases are int32 or int64.
QUANTIZED = frozenset({"int2", "int4", "uint4", "int8", "uint8", "int16", "uint16"})


def bits(dtype: str) -> int | None:
    """Return how many bits a value of a type takes in a file.

    Args:
        dtype: As in `Tensor.dtype`.

    Returns:
        The number, or None for strings, resources and types that tfq does not know.
    """
    row = DTYPES.get(dtype)
    return row.bits if row is not None else None
