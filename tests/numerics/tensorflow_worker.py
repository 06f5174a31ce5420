"""A process of its own that runs TensorFlow: how it computes is set before it is imported."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import Any

STORAGE = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}


class TensorFlow:
    """Calls functions in the process; a refusal comes back as a string."""

    def __init__(self, *, onednn: bool) -> None:
        settings = {"TF_ENABLE_ONEDNN_OPTS": str(int(onednn)), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __call__(self, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
        pickle.dump(calls, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def quantize(values: Any, low: Any, high: Any, dtype: str, **options: Any) -> list[Any]:
    kind = getattr(tensorflow, dtype)
    result = tensorflow.quantization.quantize(values, low, high, kind, **options)
    whole, *ends = (each.numpy() for each in result)
    return [whole.view(STORAGE[dtype]), *ends]


def dequantize(values: Any, low: Any, high: Any, dtype: str, **options: Any) -> Any:
    whole = tensorflow.bitcast(tensorflow.constant(values), getattr(tensorflow, dtype))
    return tensorflow.quantization.dequantize(whole, low, high, **options).numpy()


def converted(ranges: list[tuple[float, float]], bits: int, narrow: bool) -> bytes:
    """A model that puts its input on the grid of each range."""

    @tensorflow.function(input_signature=[tensorflow.TensorSpec([1])])
    def grids(values: Any) -> list[Any]:
        # The sums keep the converter from seeing one tensor in all of them.
        return [
            tensorflow.quantization.fake_quant_with_min_max_vars(
                values + float(place), *ends, num_bits=bits, narrow_range=narrow
            )
            for place, ends in enumerate(ranges)
        ]

    function = grids.get_concrete_function()
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    return converter.convert()


def answer(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    own = {"quantize": quantize, "dequantize": dequantize, "converted": converted}
    try:
        if name in own:
            return own[name](*arguments, **options)
        return getattr(tensorflow.quantization, name)(*arguments, **options).numpy()
    except tensorflow.errors.OpError as error:
        return str(error)


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as answers:
        # Whatever libraries print must not come between.
        os.dup2(2, 1)
        import tensorflow

        while True:
            try:
                calls = pickle.load(sys.stdin.buffer)
            except EOFError:
                break
            pickle.dump([answer(*call) for call in calls], answers)
            answers.flush()
