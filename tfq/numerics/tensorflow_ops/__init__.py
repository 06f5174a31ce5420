"""The quantization functions of TensorFlow, to the last bit: `tf.quantization` without TensorFlow.

All arithmetic is in float32, step by step as TensorFlow's kernels for the CPU do it
(tensorflow/core/kernels/quantize_op.cc, dequantize_op.cc, quantization_utils.h and
fake_quant_ops_functor.h); checked against TensorFlow 2.21 on x86-64. There, numbers below the
normal ones (about 1.2e-38) count as zero, as arguments and as results.

What no integer stands for, such as NaN or a range too wide for float32, TensorFlow converts in
whatever way the instruction at hand does, and it has one for groups of values and another for those
left over. The functions here do as it does with groups: NaN becomes the lowest integer, in
MIN_FIRST mode and for qint32 mostly 0. Left-over ones become 0.
"""

from __future__ import annotations

from tfq.numerics.tensorflow_ops.dequantizing import dequantize
from tfq.numerics.tensorflow_ops.fake_quant import (
    fake_quant_with_min_max_args,
    fake_quant_with_min_max_vars,
    fake_quant_with_min_max_vars_per_channel,
)
from tfq.numerics.tensorflow_ops.quantizing import Quantized, quantize

__all__ = [
    "Quantized",
    "dequantize",
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_per_channel",
    "quantize",
]
