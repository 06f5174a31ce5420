"""Float models made op by op, and what LiteRT computes of them before and after quantization."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from tfq.model import Model, load
from tfq.numerics.noise import sqnr
from tfq.passes.observe import observe
from tfq.passes.quantize import Scheme, quantize
from tfq.runtime import Runner

PLAIN = Scheme()
ADD = ("AddOptions", {})
CONV = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
DENSE = ("FullyConnectedOptions", {})


class Net:
    """A model under construction; tensors are named by their index.

    `net.add("RELU", [net.input(1, 4)], [(1, 4)])` returns the index of the first output.
    """

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.buffers = 3, [schema.BufferT()]
        self.model.operatorCodes, self.model.subgraphs = [], [self.graph]
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []

    def input(self, *shape: int, dtype: str = "float32", name: str | None = None) -> int:
        self.graph.inputs.append(self.tensor(shape, dtype, name))
        return self.graph.inputs[-1]

    def constant(self, values: Any, dtype: Any = np.float32) -> int:
        array = np.asarray(values, dtype)
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        index = self.tensor(array.shape, array.dtype.name)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def tensor(self, shape: Any, dtype: str = "float32", name: str | None = None) -> int:
        tensor = self.schema.TensorT()
        tensor.name = f"t{len(self.graph.tensors)}" if name is None else name
        tensor.shape, tensor.type = list(shape), getattr(self.schema.TensorType, dtype.upper())
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(
        self,
        name: str,
        inputs: list[int],
        shapes: list[Any],
        options: tuple[str, dict[str, Any]] | None = None,
        dtypes: tuple[str, ...] = (),
        version: int = 1,
    ) -> int:
        code, operator = self.schema.OperatorCodeT(), self.schema.OperatorT()
        code.builtinCode = getattr(self.schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        self.model.operatorCodes.append(code)
        operator.opcodeIndex, operator.inputs = len(self.model.operatorCodes) - 1, inputs
        types = dtypes or ("float32",) * len(shapes)
        operator.outputs = [self.tensor(*each) for each in zip(shapes, types, strict=True)]
        if options is not None:
            operator.builtinOptions = getattr(self.schema, options[0] + "T")()
            vars(operator.builtinOptions).update(options[1])
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options[0])
        self.graph.operators.append(operator)
        return operator.outputs[0]

    def made(self, *outputs: int) -> Model:
        self.graph.outputs = list(outputs)
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return load(bytes(builder.Output()))


def inputs_for(model: Model, count: int = 4, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Numbers of another range for each float input, small ones for integers."""
    dice = np.random.default_rng(seed)

    def value(place: int, tensor: Any) -> np.ndarray:
        shape = tuple(size if size >= 0 else 1 for size in tensor.shape)
        if tensor.dtype == "float32":
            return np.float32(0.3 + dice.standard_normal(shape)) * np.float32(1 + place)
        return dice.integers(0, 2, shape).astype(tensor.dtype)

    pairs = list(zip(model.input_names, model.inputs, strict=True))
    return [
        {name: value(place, tensor) for place, (name, tensor) in enumerate(pairs)}
        for _ in range(count)
    ]


def spans_of(model: Model, samples: Any) -> dict[str, tuple[float, float]]:
    """The smallest and the largest value of each activation."""
    return observe(model, samples).spans()


def run_both(model: Model, samples: Any) -> list[list[np.ndarray]]:
    """The outputs, each for all samples: without delegates, and with LiteRT's default ones."""
    found = []
    for every in (True, False):
        runner = Runner(model, every_tensor=every)
        rows = [[each.astype(np.float64) for each in runner.run(one)] for one in samples]
        found.append([np.stack(column) for column in zip(*rows, strict=True)])
    return found


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def dense(net: Net, data: int, seed: int = 0, size: int = 8, **options: Any) -> int:
    constants = [net.constant(noise(size, size, seed=seed)), net.constant(noise(size, seed=seed))]
    return net.add("FULLY_CONNECTED", [data, *constants], [(1, size)], (DENSE[0], options))


def names(model: Model) -> list[str]:
    return [op.name for op in model.operators]


def quantized(model: Model, scheme: Scheme = PLAIN, types: Any = None) -> tuple[Model, Any]:
    return quantize(model, spans_of(model, inputs_for(model)), scheme, types)


def precision(before: Model, after: Model) -> float:
    """The worst of all outputs, with LiteRT's default delegates and without."""
    samples = inputs_for(before)
    expected = run_both(before, samples)[0]
    return min(
        sqnr(wanted, made)
        for found in run_both(after, samples)
        for wanted, made in zip(expected, found, strict=True)
    )
