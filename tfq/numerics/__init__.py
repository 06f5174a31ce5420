"""The arithmetic of quantized models, as TensorFlow and LiteRT do it, to the last bit.

What is here is LiteRT's own reference: `quantize`, `requantize` and `dequantize` give what its
QUANTIZE and DEQUANTIZE kernels give. Where other implementations differ, they have a module of
their own: `xnnpack` (which LiteRT uses for some tensors unless told not to) and `tensorflow_ops`
(`tf.quantization`).

Importing this loads numpy; `import tfq` does not import it.
"""

from __future__ import annotations

from tfq.numerics.affine import dequantize, quantize, requantize
from tfq.numerics.integers import INTEGERS, Integers
from tfq.numerics.parameters import Parameters, parameters

__all__ = [
    "INTEGERS",
    "Integers",
    "Parameters",
    "dequantize",
    "parameters",
    "quantize",
    "requantize",
]
