"""Writes the models that the other benchmarks read: `python benchmarks/models.py FOLDER`.

Chains of blocks with a residual, as in a MobileNet: CONV_2D 3x3, DEPTHWISE_CONV_2D 3x3, ADD.
Weights are random (seeded). LiteRT's own object API writes them, not tfq. They are written anew
each time, each in one go as users of converters do: the kernel then caches a file in large pieces,
of which one touched byte makes the whole piece count as memory of the process that maps it.
"""

import sys
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

BLOCK_OPERATORS = 3
SIDE = 16
# File name → (blocks, channels, whether it is int8 with per-channel weights).
MODELS = {
    "float_150.tflite": (50, 16, False),
    "int8_150.tflite": (50, 16, True),
    "float_150_50mb.tflite": (50, 166, False),
    "float_99.tflite": (33, 16, False),
    "int8_99.tflite": (33, 16, True),
}
_KINDS = {
    "CONV_2D": (schema.BuiltinOptions.Conv2DOptions, schema.Conv2DOptionsT),
    "DEPTHWISE_CONV_2D": (
        schema.BuiltinOptions.DepthwiseConv2DOptions,
        schema.DepthwiseConv2DOptionsT,
    ),
    "ADD": (schema.BuiltinOptions.AddOptions, schema.AddOptionsT),
}


class Chain:
    """A model of one subgraph that grows block by block."""

    def __init__(self, channels: int, quantized: bool) -> None:
        """Begin with the input."""
        self.channels = channels
        self.quantized = quantized
        self.random = np.random.default_rng(0)
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "a benchmark"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = [_code(name) for name in _KINDS]
        self.graph = schema.SubGraphT()
        self.graph.name = "main"
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self.last = self.activation("input")
        self.graph.inputs = [self.last]

    def block(self, index: int) -> None:
        """Add three operators."""
        count, start = self.channels, self.last
        for name, shape, axis in (
            ("CONV_2D", (count, 3, 3, count), 0),
            ("DEPTHWISE_CONV_2D", (1, 3, 3, count), 3),
        ):
            place = f"block_{index}/{name.lower()}"
            weights = self.weights(f"{place}/kernel", shape, axis)
            bias = self.bias(f"{place}/bias")
            self.operator(name, [self.last, weights, bias], f"{place}/output")
        self.operator("ADD", [self.last, start], f"block_{index}/add/output")

    def operator(self, name: str, inputs: list[int], output: str) -> None:
        """Add one operator that reads tensors and writes a new one."""
        operator = schema.OperatorT()
        operator.opcodeIndex = list(_KINDS).index(name)
        operator.builtinOptionsType, options = _KINDS[name]
        operator.builtinOptions = options()
        if name != "ADD":
            operator.builtinOptions.strideH = operator.builtinOptions.strideW = 1
        if name == "DEPTHWISE_CONV_2D":
            operator.builtinOptions.depthMultiplier = 1
        operator.inputs = inputs
        self.last = self.activation(output)
        operator.outputs = [self.last]
        self.graph.operators.append(operator)

    def activation(self, name: str) -> int:
        """Add a tensor that operators write."""
        return self.tensor(name, (1, SIDE, SIDE, self.channels), "INT8", [0.05], 0, None)

    def weights(self, name: str, shape: tuple[int, ...], axis: int) -> int:
        """Add constant weights with a scale for each output channel."""
        scales = self.random.uniform(0.001, 0.01, self.channels)
        data = self.random.standard_normal(shape, np.float32)
        if self.quantized:
            data = (30 * data).astype(np.int8)
        return self.tensor(name, shape, "INT8", scales, axis, data)

    def bias(self, name: str) -> int:
        """Add a constant bias."""
        scales = self.random.uniform(0.0001, 0.001, self.channels)
        data = np.zeros(self.channels, np.int32 if self.quantized else np.float32)
        return self.tensor(name, (self.channels,), "INT32", scales, 0, data)

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        integer: str,
        scales: np.ndarray | list[float],
        axis: int,
        data: np.ndarray | None,
    ) -> int:
        """Add a tensor; type and quantization are only used if the model is quantized."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, shape
        tensor.type = getattr(schema.TensorType, integer if self.quantized else "FLOAT32")
        if self.quantized:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(scales, np.float32)
            tensor.quantization.zeroPoint = np.zeros(len(scales), np.int64)
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def content(self) -> bytes:
        """Return the bytes of a file whose output is what was written last."""
        self.graph.outputs = [self.last]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _code(name: str) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = 1
    return code


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (blocks, channels, quantized) in MODELS.items():
        chain = Chain(channels, quantized)
        for index in range(blocks):
            chain.block(index)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(chain.content())


if __name__ == "__main__":
    main()
