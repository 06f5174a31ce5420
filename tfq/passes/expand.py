"""Operators that have no integer kernel of a type, as others that have one."""

from __future__ import annotations

import math
import struct

from tfq.format import Draft
from tfq.passes.changes import Change, Changes, operator_place
from tfq.passes.integer_kernels import KERNELS, is_float
from tfq.passes.rewrite import Rewrite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Any

    from tfq.model import Model, Operator, Tensor


def expand(
    model: Model, dtype: str, operators: Container[Operator] | None = None
) -> tuple[Model, Changes]:
    """Replace operators of a float model that have no integer kernel of a type.

    Exact in real numbers. The activations in between are new, so run it before calibration.

    1. PRELU: `relu(x) + alpha * min(x, 0)`.
    2. HARD_SWISH: `x * (relu6(x + 3) / 6)`.
    3. RELU_N1_TO_1 and RELU_0_TO_1: `min(max(x, -1), 1)`, and with 0.
    4. SQUARE, SQUARED_DIFFERENCE, NEG and ADD_N: MUL, SUB and ADD.
    5. DEPTH_TO_SPACE and SPACE_TO_DEPTH: RESHAPE, TRANSPOSE, RESHAPE.

    Left alone:

    6. Those that have a kernel, and subgraphs other than the first.

    Args:
        model: A float model.
        dtype: The type that activations will have, `"int8"` or `"int16"`.
        operators: Which to replace; None for all.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    chosen = [
        operator
        for operator in model.subgraphs[0].operators
        if operator.name in _EXPANSIONS
        and operator.name not in KERNELS[dtype]
        and (operators is None or operator in operators)
        and _fits(operator)
    ]
    if not chosen:
        return model, Changes("expand")
    rewrite = Rewrite(model)
    changed = []
    for operator in chosen:
        steps = _Steps(rewrite, operator)
        _EXPANSIONS[operator.name](steps)
        names = ", ".join(steps.names)
        changed.append(Change(operator_place(operator), f"became {names}"))
    return rewrite.finish(), Changes("expand", tuple(changed))


def _fits(operator: Operator) -> bool:
    """Say whether an operator has the inputs and shapes that it should."""
    if not all(each is not None and is_float(each) for each in operator.inputs):
        return False
    if operator.name in _MOVING:
        # Only the batch may be free: the other sizes are written down.
        shapes = [each.shape_signature for each in (*operator.inputs, *operator.outputs) if each]
        return all(len(shape) == 4 and min(shape[1:]) > 0 for shape in shapes)
    return operator.name != "ADD_N" or len(operator.inputs) > 1


class _Steps:
    """The operators that take the place of one.

    Attributes:
        operator: Which.
        names: What they are.
    """

    def __init__(self, rewrite: Rewrite, operator: Operator) -> None:
        self.names: list[str] = []
        self._rewrite = rewrite
        self.operator = operator
        self._place = operator.subgraph.index
        self._made: list[Draft] = []

    @property
    def inputs(self) -> list[int]:
        """The tensors that the operator reads."""
        return [each.index for each in self.operator.inputs if each is not None]

    def number(self, value: float) -> int:
        """Add a constant without dimensions."""
        index = self._tensor(())
        self._rewrite.set_data(self._draft(index), struct.pack("<f", value))
        return index

    def integers(self, *values: int) -> int:
        """Add a constant of one dimension."""
        index = self._tensor((len(values),))
        self._draft(index)["type"] = _INT32
        self._rewrite.set_data(self._draft(index), struct.pack(f"<{len(values)}i", *values))
        return index

    def add(
        self, name: str, *inputs: int, shape: tuple[int, ...] | None = None, **options: Any
    ) -> int:
        """Add an operator, whose output has the shape of the one that is replaced by default."""
        output = self._tensor(self.output.shape if shape is None else shape)
        return self._emit(name, inputs, output, options)

    def end(self, name: str, *inputs: int) -> None:
        """Let an operator write the output, and take out the one that did."""
        self._emit(name, inputs, self.output.index, {})
        old = self._rewrite.operator(self.operator)
        operators = self._rewrite.operators(self._place)
        at = operators.index(old)
        operators[at : at + 1] = self._made

    def _emit(
        self, name: str, inputs: tuple[int, ...], output: int, options: dict[str, Any]
    ) -> int:
        draft = self._rewrite.new_operator(name, 1, inputs, output)
        if name in _OPTIONS:
            draft["builtin_options"] = Draft(_OPTIONS[name], **options)
        self._made.append(draft)
        self.names.append(name)
        return output

    @property
    def output(self) -> Tensor:
        """The tensor that the operator writes."""
        return self.operator.outputs[0]

    def _tensor(self, shape: tuple[int, ...]) -> int:
        name = f"{self.output.name}_expanded_{len(self._draft_tensors())}"
        index = self._rewrite.add_tensor(self._place, self._rewrite.view(self.output), name)
        if shape != self.output.shape:
            self._draft(index)["shape"] = shape
            self._draft(index)["shape_signature"] = None
        return index

    def _draft(self, index: int) -> Draft:
        return self._rewrite.tensor(self._place, index)

    def _draft_tensors(self) -> list[Draft]:
        tensors: list[Draft] = self._rewrite.draft["subgraphs"][self._place]["tensors"]
        return tensors


_OPTIONS = {
    "ADD": "AddOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "RESHAPE": "ReshapeOptions",
    "SUB": "SubOptions",
    "TRANSPOSE": "TransposeOptions",
}
_MOVING = ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
# Values of the format's enumerations.
_RELU6, _INT32 = 3, 2


def _prelu(steps: _Steps) -> None:
    data, slope = steps.inputs
    positive = steps.add("RELU", data)
    negative = steps.add("MINIMUM", data, steps.number(0.0))
    steps.end("ADD", positive, steps.add("MUL", negative, slope))


def _hard_swish(steps: _Steps) -> None:
    (data,) = steps.inputs
    moved = steps.add("ADD", data, steps.number(3.0), fused_activation_function=_RELU6)
    gate = steps.add("MUL", moved, steps.number(1 / 6))
    steps.end("MUL", data, gate)


def _limits(low: float) -> Callable[[_Steps], None]:
    def between(steps: _Steps) -> None:
        (data,) = steps.inputs
        lower = steps.add("MAXIMUM", data, steps.number(low))
        steps.end("MINIMUM", lower, steps.number(1.0))

    return between


def _square(steps: _Steps) -> None:
    (data,) = steps.inputs
    steps.end("MUL", data, data)


def _squared_difference(steps: _Steps) -> None:
    difference = steps.add("SUB", *steps.inputs)
    steps.end("MUL", difference, difference)


def _neg(steps: _Steps) -> None:
    (data,) = steps.inputs
    steps.end("MUL", data, steps.number(-1.0))


def _add_n(steps: _Steps) -> None:
    total, *others, last = steps.inputs
    for each in others:
        total = steps.add("ADD", total, each)
    steps.end("ADD", total, last)


def _blocks(steps: _Steps) -> None:
    """Exchange the columns and the rows inside of the blocks.

    Of the deeper tensor the depth is rows x columns x channels of a block.
    """
    block: int = steps.operator.options["block_size"]
    (data,) = steps.operator.inputs
    if data is None:
        return
    deep, wide = data.shape, steps.output.shape
    split = (-1, deep[2], block, block, wide[3])
    if steps.operator.name == "SPACE_TO_DEPTH":
        deep, wide = wide, deep
        split = (-1, block, deep[2], block, wide[3])
    rows = math.prod(deep[:2])
    rest = split[1:]
    swapped = (rows, rest[1], rest[0], *rest[2:])
    apart = steps.add("RESHAPE", data.index, steps.integers(*split), shape=(rows, *rest))
    turned = steps.add("TRANSPOSE", apart, steps.integers(0, 2, 1, 3, 4), shape=swapped)
    steps.end("RESHAPE", turned, steps.integers(-1, *steps.output.shape[1:]))


_EXPANSIONS: dict[str, Callable[[_Steps], None]] = {
    "ADD_N": _add_n,
    "DEPTH_TO_SPACE": _blocks,
    "HARD_SWISH": _hard_swish,
    "NEG": _neg,
    "PRELU": _prelu,
    "RELU_0_TO_1": _limits(0.0),
    "RELU_N1_TO_1": _limits(-1.0),
    "SPACE_TO_DEPTH": _blocks,
    "SQUARE": _square,
    "SQUARED_DIFFERENCE": _squared_difference,
}
