"""The quantization functions of TensorFlow, to the last bit: `tf.quantization` without TensorFlow.

All arithmetic is in float32, step by step as TensorFlow's kernels for the CPU do it
(tensorflow/core/kernels/quantize_op.cc, dequantize_op.cc, quantization_utils.h,
fake_quant_ops_functor.h); checked against TensorFlow 2.21 on x86-64. There, numbers below the normal
ones (about 1.2e-38) count as zero, as arguments and as results.

NaN and what float32 cannot hold: TensorFlow converts such values to an integer type in whatever way
the instruction at hand does, and takes one instruction for groups of values and another for those
left over. The functions here give what it gives for those left over: 0 for 8 and 16 bits.
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
