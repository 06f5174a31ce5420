"""Quantization that a float model simulates: taken out, and kept as the ranges of training."""

from __future__ import annotations

from typing import NamedTuple

from tfq import ops
from tfq.passes.float_weights import float_weights
from tfq.passes.integer_kernels import KERNELS, is_float, obstacle, touches_floats
from tfq.passes.parameters import LIMITS, Parameters, dequantized, parameters, quantized
from tfq.passes.ranges import activation_keys
from tfq.passes.rewrite import Rewrite
from tfq.passes.scales import Scheme
from tfq.passes.sharing import Groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfq.format import Draft
    from tfq.model import Model, Operator, Tensor
    from tfq.passes.sharing import Node

    Range = tuple[float, float]

# Beside the types that models compute in: what TFLiteConverter writes for 16 bits.
_UINT16 = (0, 65535, 32768)
_CLIPS = ("RELU", "RELU6")
_MOVES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE", "TRANSPOSE")
# What TFLiteConverter writes differs from what was trained by the rounding of float32.
_NEAR = 0.01


class Simulated(NamedTuple):
    """A model that was trained to be quantized.

    Attributes:
        model: The float model without what simulates quantization.
        spans: By the key of each activation that was rounded, the range, as `quantize` takes it.
        types: The operators that stay in float: those for whose outputs no range was trained.
        scales: By key, the scale of each activation that was rounded.
    """

    model: Model
    spans: dict[str, Range]
    types: dict[Operator, str]
    scales: dict[str, float]


class _Pair(NamedTuple):
    """QUANTIZE and DEQUANTIZE, between floats."""

    start: Operator
    end: Operator

    @property
    def before(self) -> Tensor:
        return self.start.inputs[0]  # type: ignore[return-value]

    @property
    def after(self) -> Tensor:
        return self.end.outputs[0]

    @property
    def between(self) -> Tensor:
        return self.end.inputs[0]  # type: ignore[return-value]


def simulated(model: Model, scheme: Scheme) -> Simulated:
    """Take out the simulation of quantization that a float model was trained with.

    TFLiteConverter makes QUANTIZE and DEQUANTIZE, one behind the other, of what TensorFlow calls
    fake quantization.

    1. Each such pair goes; what it rounded gets the range of its integers. Of several in a row, the
       last says how readers see the value.
    2. Constants become the floats that are left of them: those that are rounded so, and integers
       behind DEQUANTIZE.
    3. Tensors that share a scale with a rounded one share its range. What is only moved, and then
       rounded again, has the last range, too: TFLiteConverter moves such pairs behind RESHAPE, and
       puts others in their place.
    4. What is only read by a RELU with a range gets that: the kernels clip in the end.
    5. A pair of 16 bits with the zero point off the middle, which `tfq.qat` writes, is no range
       but says that what made the value stays in float.
    6. So does each operator for whose outputs there still is no range.

    Args:
        model: A float model.
        scheme: How it will be quantized.

    Returns:
        The model, its ranges, and the operators that stay in float.
    """
    model, _ = float_weights(model)
    pairs = list(_pairs(model))
    rows: dict[str, list[Parameters]] = {}
    marks: set[str] = set()
    origins: dict[Tensor, Tensor] = {}
    keys = activation_keys(model.subgraphs[0])
    for pair in pairs:
        origin = origins.get(pair.before, pair.before)
        origins[pair.after] = origin
        found = _integers(pair.between)
        if _is_mark(found):
            marks.add(keys[origin])
        elif not origin.is_constant:
            rows.setdefault(keys[origin], []).append(found)
    bare = _without(model, pairs, origins)
    _move_back(bare, rows)
    spans = {key: _span(each[-1], scheme) for key, each in rows.items()}
    types = _completed(bare, spans, marks, scheme)
    scales = {key: each[-1].scales[0] for key, each in rows.items()}
    return Simulated(bare, spans, types, scales)


def departures(found: Simulated, model: Model) -> list[str]:
    """Name the activations that a quantized model computes with another scale than trained.

    Args:
        found: What was trained.
        model: What became of it.

    Returns:
        A sentence for each whose scale differs by more than 1 %, but for those that an operator
        prescribes.
    """
    said = []
    for tensor, key in activation_keys(model.subgraphs[0]).items():
        trained = found.scales.get(key)
        if trained is None or tensor.quantization is None:
            continue
        maker = tensor.producer
        if maker is not None and ops.fixed_quantization(maker) is not None:
            continue
        (scale,) = tensor.quantization.scales
        if abs(scale / trained - 1) > _NEAR:
            said.append(f"{tensor.place}: {scale:.4g} rather than {trained:.4g}")
    return said


def simulates(model: Model) -> bool:
    """Say whether a float model simulates quantization."""
    return any(True for _ in _pairs(model))


def _pairs(model: Model) -> Iterable[_Pair]:
    for operator in model.subgraphs[0].operators:
        if operator.name != "QUANTIZE" or not _is_float(operator.inputs[0]):
            continue
        readers = operator.outputs[0].consumers
        for reader in readers:
            if reader.name == "DEQUANTIZE":
                yield _Pair(operator, reader)


def _is_float(tensor: Tensor | None) -> bool:
    return tensor is not None and is_float(tensor)


def _integers(tensor: Tensor) -> Parameters:
    """Return how integers stand for a value, as if they were of int8 or int16."""
    quantization = tensor.quantization
    assert quantization is not None
    known = parameters(tensor)
    if known is not None:
        shift = {"uint8": 128}.get(known.dtype, 0)
        dtype = known.dtype.removeprefix("u")
        return Parameters(dtype, known.scales, tuple(each - shift for each in known.zero_points))
    shift = _UINT16[2] if tensor.dtype == "uint16" else 0
    points = tuple(point - shift for point in quantization.zero_points)
    return Parameters("int16", quantization.scales, points)


def _is_mark(found: Parameters) -> bool:
    return found.dtype == "int16" and found.zero_points != (0,)


def _span(found: Parameters, scheme: Scheme) -> Range:
    """Return the range for which `quantize` chooses these parameters again."""
    low, high, middle = LIMITS[found.dtype]
    (scale,), (point,) = found.scales, found.zero_points
    if point == middle and (scheme.symmetric or scheme.power_of_two or found.dtype == "int16"):
        return -scale * high, scale * high
    return scale * (low - point), scale * (high - point)


def _without(model: Model, pairs: list[_Pair], origins: Mapping[Tensor, Tensor]) -> Model:
    """Return the model without pairs; what read them reads what they rounded."""
    rewrite = Rewrite(model)
    for pair in pairs:
        rewrite.read_from(0, pair.after.index, origins[pair.after].index)
        if pair.before.is_constant:
            rewrite.set_data(rewrite.view(pair.before), _rounded(pair.before, pair.between))
    removed: set[Operator] = set()
    for pair in pairs:
        for operator in pair:
            if operator not in removed:
                rewrite.remove(0, rewrite.operator(operator))
                removed.add(operator)
    indices = {after.index: origin.index for after, origin in origins.items()}
    _redirect(rewrite.draft, indices)
    return rewrite.finish()


def _rounded(constant: Tensor, between: Tensor) -> bytes:
    """Return what is left of a constant behind QUANTIZE and DEQUANTIZE."""
    known = parameters(between)
    values = constant.numpy().astype("f8")
    if known is not None:
        values = dequantized(quantized(values, known), known)
    return values.astype("<f4").tobytes()


def _redirect(draft: Draft, indices: Mapping[int, int]) -> None:
    """Let the model give other tensors than some."""
    graph = draft["subgraphs"][0]
    graph["outputs"] = tuple(indices.get(each, each) for each in graph["outputs"])
    for signature in draft["signature_defs"] or ():
        if signature["subgraph_index"] == 0:
            for entry in signature["outputs"] or ():
                entry["tensor_index"] = indices.get(entry["tensor_index"], entry["tensor_index"])


def _move_back(model: Model, rows: dict[str, list[Parameters]]) -> None:
    """Give what is only moved the range of what it becomes, where both have one."""
    graph = model.subgraphs[0]
    keys = activation_keys(graph)
    for operator in reversed(graph.operators):
        source = operator.inputs[0] if operator.inputs else None
        if operator.name not in _MOVES or source is None or source in graph.outputs:
            continue
        last = rows.get(keys[operator.outputs[0]])
        if last is not None and keys.get(source) in rows and len(source.consumers) == 1:
            rows[keys[source]] = last


def _completed(
    model: Model, spans: dict[str, Range], marks: set[str], scheme: Scheme
) -> dict[Operator, str]:
    """Find ranges that follow from others, and the operators for which there are none."""
    graph = model.subgraphs[0]
    keys = activation_keys(graph)
    dtype = scheme.activations
    types = {
        operator: "float32"
        for operator in graph.operators
        if touches_floats(operator) and any(keys[tensor] in marks for tensor in operator.outputs)
    }
    while True:
        chosen = {
            operator: dtype
            for operator in graph.operators
            if touches_floats(operator)
            and operator not in types
            and operator.name in KERNELS[dtype]
            and obstacle(operator, dtype) is None
        }
        groups = Groups(chosen)
        without = {
            node.tensor
            for group in groups.members()
            if groups.fixed(group[0]) is None and not _share(group, keys, spans)
            for node in group
            if not node.tensor.is_constant
        }
        lost = [
            each
            for each in chosen
            if any(
                tensor in without
                for tensor in (*each.inputs, *each.outputs)
                if (each, tensor) in groups.nodes or tensor in each.outputs
            )
        ]
        if not lost:
            return types
        types.update(dict.fromkeys(lost, "float32"))


def _share(group: list[Node], keys: Mapping[Tensor, str], spans: dict[str, Range]) -> bool:
    """Give the tensors of a group their range, if one of them has some; say whether one has."""
    tensors = {node.tensor for node in group if not node.tensor.is_constant}
    known = [spans[keys[each]] for each in tensors if keys[each] in spans]
    known = known or [span for each in tensors for span in _clipped_later(each, keys, spans)]
    if not known and tensors:
        return False
    low = min((span[0] for span in known), default=0.0)
    high = max((span[1] for span in known), default=0.0)
    for each in tensors:
        spans.setdefault(keys[each], (low, high))
    return True


def _clipped_later(
    tensor: Tensor, keys: Mapping[Tensor, str], spans: Mapping[str, Range]
) -> list[Range]:
    """Return the range of the RELU that alone reads a tensor."""
    if len(tensor.consumers) != 1 or tensor in tensor.subgraph.outputs:
        return []
    (reader,) = tensor.consumers
    key = keys[reader.outputs[0]]
    return [spans[key]] if reader.name in _CLIPS and key in spans else []
