"""Other types for the inputs and outputs of a model.

An input keeps its tensor, and so its name and its place in signatures; what changes is the
tensor's type, and the QUANTIZE behind it. The same for outputs.
"""

from __future__ import annotations

from tfq import ops
from tfq.passes.changes import Change, Changes, Kept, tensor_place
from tfq.passes.kernels import called_subgraphs, touching
from tfq.passes.parameters import LIMITS, Parameters, parameters, shifted
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfq.model import Model, Operator, Tensor

FLOAT = "float32"
# What an input or output can be quantized to.
TYPES = ("int8", "uint8", "int16")
_BYTES = frozenset({"int8", "uint8"})
# The versions of the operators that take and give 8 and 16 bits.
_VERSIONS = {
    ("QUANTIZE", "int8"): 1,
    ("QUANTIZE", "uint8"): 1,
    ("QUANTIZE", "int16"): 2,
    ("DEQUANTIZE", "int8"): 2,
    ("DEQUANTIZE", "uint8"): 1,
    ("DEQUANTIZE", "int16"): 3,
}


class Interface:
    """The inputs and outputs of a model under change.

    Attributes:
        rewrite: The model under change.
        changed: What was changed.
        kept: What could not be.
    """

    def __init__(self, model: Model) -> None:
        """Start with nothing changed."""
        self.rewrite = Rewrite(model)
        self.changed: list[Change] = []
        self.kept: list[Kept] = []
        # Tensors inside whose place an input or output took.
        self._merged: set[Tensor] = set()
        called = called_subgraphs(model)
        self._entries = [each for each in ops.entries(model) if each.index not in called]

    def change_inputs(self, dtypes: Sequence[str]) -> None:
        """Give the quantized and float inputs one of some types.

        The one that they have inside comes first, then the first that is possible.
        """
        for subgraph in self._entries:
            for tensor in dict.fromkeys(subgraph.inputs):
                if not _concerns(tensor, dtypes):
                    continue
                new = _first(dtypes, tensor, _input_parameters)
                if isinstance(new, str):
                    self.kept.append(Kept(f"input {tensor_place(tensor)}", new))
                else:
                    self._change_input(tensor, new)
                    self._record("input", tensor, new)

    def change_outputs(self, dtypes: Sequence[str]) -> None:
        """Give the quantized and float outputs one of some types, likewise."""
        for subgraph in self._entries:
            for tensor in dict.fromkeys(subgraph.outputs):
                if not _concerns(tensor, dtypes):
                    continue
                new = _first(dtypes, tensor, _output_parameters)
                if isinstance(new, str):
                    self.kept.append(Kept(f"output {tensor_place(tensor)}", new))
                else:
                    self._change_output(tensor, new)
                    self._record("output", tensor, new)

    def finish(self, name: str) -> tuple[Model, Changes]:
        """Return the model, and what the pass of that name changed."""
        changes = Changes(name, tuple(self.changed), tuple(self.kept))
        return (self.rewrite.finish() if changes.modified else self.rewrite.model), changes

    def _record(self, kind: str, tensor: Tensor, new: Parameters | None) -> None:
        what = f"{tensor.dtype} → {new.dtype if new else FLOAT}"
        if new is not None:
            what += f", scale {new.scales[0]:.6g}, zero point {new.zero_points[0]}"
        self.changed.append(Change(f"{kind} {tensor_place(tensor)}", what))

    def _change_input(self, tensor: Tensor, new: Parameters | None) -> None:
        rewrite, subgraph = self.rewrite, tensor.subgraph.index
        draft = rewrite.view(tensor)
        quantizers = [reader for reader in tensor.consumers if reader.name == "QUANTIZE"]
        if len(quantizers) < len(tensor.consumers):
            inner = rewrite.add_tensor(subgraph, draft, f"{tensor.name}_{tensor.dtype}")
            rewrite.set_parameters(rewrite.tensor(subgraph, inner), parameters(tensor))
            for reader in tensor.consumers:
                if reader not in quantizers:
                    rewrite.read(rewrite.operator(reader), tensor.index, inner)
            version = _VERSIONS["QUANTIZE", tensor.dtype]
            operator = rewrite.new_operator("QUANTIZE", version, [tensor.index], inner)
            rewrite.operators(subgraph).insert(0, operator)
        rewrite.set_parameters(draft, new)
        for quantizer in quantizers:
            given = quantizer.outputs[0]
            if new is not None and parameters(given) == new and _is_inner(given):
                self._merged.add(given)
                rewrite.read_from(subgraph, given.index, tensor.index)
                rewrite.remove(subgraph, rewrite.operator(quantizer))

    def _change_output(self, tensor: Tensor, new: Parameters | None) -> None:
        rewrite, subgraph = self.rewrite, tensor.subgraph.index
        draft = rewrite.view(tensor)
        producer = tensor.producer
        if producer is None:
            return
        converts = producer.name in ("DEQUANTIZE", "QUANTIZE") and not tensor.consumers
        if converts and new is not None:
            rewrite.set_parameters(draft, new)
            self._shorten(producer, tensor, new)
            return
        inner = rewrite.add_tensor(subgraph, draft, f"{tensor.name}_{tensor.dtype}")
        rewrite.set_parameters(rewrite.tensor(subgraph, inner), parameters(tensor))
        rewrite.write_to(subgraph, tensor.index, inner)
        rewrite.read_from(subgraph, tensor.index, inner)
        rewrite.set_parameters(draft, new)
        name = "QUANTIZE" if new is not None else "DEQUANTIZE"
        version = _VERSIONS[name, tensor.dtype]
        operator = rewrite.new_operator(name, version, [inner], tensor.index)
        rewrite.operators(subgraph).append(operator)

    def _shorten(self, last: Operator, tensor: Tensor, new: Parameters) -> None:
        """Drop the last operator before an output, or let it pass between integers."""
        rewrite, subgraph = self.rewrite, tensor.subgraph.index
        inner = last.inputs[0]
        draft = rewrite.operator(last)
        can_drop = (
            inner is not None
            and parameters(inner) == new
            and _is_inner(inner)
            and inner.producer is not None
            and inner not in self._merged
        )
        if inner is None or not can_drop:
            rewrite.change_operator(draft, "QUANTIZE", _VERSIONS["QUANTIZE", new.dtype])
            return
        self._merged.add(inner)
        rewrite.remove(subgraph, draft)
        rewrite.write_to(subgraph, inner.index, tensor.index)
        rewrite.read_from(subgraph, inner.index, tensor.index)


def _concerns(tensor: Tensor, dtypes: Sequence[str]) -> bool:
    """Whether an input or output is float or quantized, and not yet of one of the types."""
    is_quantized = tensor.dtype in TYPES and tensor.quantization is not None
    return tensor.dtype not in dtypes and (tensor.dtype == FLOAT or is_quantized)


def _first(
    dtypes: Sequence[str],
    tensor: Tensor,
    parameters_for: Callable[[Tensor, str], Parameters | str | None],
) -> Parameters | str | None:
    """Return the parameters for the first type that is possible; else why the first is not."""
    # One that the inside has needs no operator.
    inside = {each.dtype for operator in touching(tensor) for each in _other_side(operator)}
    preferred = sorted(dtypes, key=lambda dtype: dtype not in inside)
    found = [parameters_for(tensor, dtype) for dtype in preferred]
    return next((each for each in found if not isinstance(each, str)), found[0])


def _other_side(operator: Operator) -> tuple[Tensor, ...]:
    """Return what an operator between an input or output and the inside reads or writes there."""
    if operator.name == "QUANTIZE":
        return operator.outputs
    return tuple(filter(None, operator.inputs)) if operator.name == "DEQUANTIZE" else ()


def _input_parameters(tensor: Tensor, dtype: str) -> Parameters | str | None:
    """Return the new parameters of an input, None for float, or why there are none."""
    readers = tensor.consumers
    if tensor in tensor.subgraph.outputs:
        return "it is also an output"
    if dtype == FLOAT:
        return None
    if tensor.dtype != FLOAT:
        return _converted(parameters(tensor), dtype)
    if not readers:
        return "no operator reads it"
    for reader in readers:
        if reader.name != "QUANTIZE":
            return f"op {reader.index} {reader.name} takes its floats: there is no QUANTIZE"
    inner = [parameters(reader.outputs[0]) for reader in readers]
    # That of the wanted type makes its QUANTIZE superfluous.
    inner.sort(key=lambda each: each is None or each.dtype != dtype)
    return _converted(inner[0], dtype)


def _output_parameters(tensor: Tensor, dtype: str) -> Parameters | str | None:
    producer = tensor.producer
    if producer is None:
        return "no operator writes it"
    if dtype == FLOAT:
        return None
    if tensor.dtype != FLOAT:
        return _converted(parameters(tensor), dtype)
    if producer.name != "DEQUANTIZE":
        return f"op {producer.index} {producer.name} gives floats: there is no DEQUANTIZE"
    if tensor.consumers:
        reader = tensor.consumers[0]
        return f"op {reader.index} {reader.name} takes its floats too"
    inner = producer.inputs[0]
    return _converted(parameters(inner) if inner is not None else None, dtype)


def _is_inner(tensor: Tensor) -> bool:
    """Whether a tensor is known to nobody but the operators."""
    subgraph = tensor.subgraph
    is_interface = tensor in subgraph.inputs or tensor in subgraph.outputs
    return not is_interface and not tensor.is_variable and not tensor.is_constant


def _converted(inner: Parameters | None, dtype: str) -> Parameters | str:
    """Return parameters of another type for the same numbers, or why there are none."""
    if inner is None or len(inner.scales) != 1:
        return "what it is inside has no single scale"
    if inner.dtype == dtype:
        return inner
    if {inner.dtype, dtype} <= _BYTES and dtype in LIMITS:
        return shifted(inner, dtype)
    return f"inside it is {inner.dtype}, which {dtype} cannot stand for"
