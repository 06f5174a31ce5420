"""Which activation of one model is which of another: the same number, though computed otherwise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.values import Values, fused
from tfq.accuracy.weights import constants_apart, resemble
from tfq.errors import InvalidModelError
from tfq.passes.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.model import Model, Operator, Tensor

_COMMUTATIVE = frozenset({"ADD", "MUL", "MAXIMUM", "MINIMUM"})
# What a quantized model may hold as a constant of other digits.
_ROUNDED = ops.FLOATS | {"int8", "uint8", "int16", "int4", "int2"}
# What has a shape among its inputs.
_SHAPED = frozenset({"BROADCAST_TO", "FILL", "RESHAPE", "TRANSPOSE_CONV"})
_LEAST = {"int8": -128, "uint8": 0, "int16": -32768}


class Counterparts(NamedTuple):
    """What two models have in common.

    Attributes:
        tensors: Activation of the candidate → that of the reference which holds the same number.
        operators: Operator of the candidate with weights → that of the reference with the same.
    """

    tensors: dict[Tensor, Tensor]
    operators: dict[Operator, Operator]


def counterparts(reference: Model, candidate: Model) -> Counterparts:
    """Find for the activations of a model those of another that they stand for.

    Tensors between which a model only changes the type (QUANTIZE, DEQUANTIZE, CAST of floats, CAST
    and ADD from int8 to int16) are one value. Values are paired, whose shapes agree,

    1. that are the inputs and outputs of the models, by name, else in order;
    2. that the same operator makes of paired values and the same constants, or that are read by the
       same operator which makes paired values, until nothing new is found. An operator with a fused
       activation function is the pair of operator and activation function, and a layer may have
       taken up the products and sums with constants behind it;
    3. that layers with the same weights make, but for quantization and the scales of channels, if
       no others have them; and 2 again;
    4. that have the same name, if no other value has it on either side, unless operators with
       different weights make them; and 2 again;
    5. that layers with the same weights make, the first with the first; and 2 again.

    Args:
        reference: A model.
        candidate: One that was made of it, or that should compute the same.

    Returns:
        The pairs. What is not certain has none.

    Raises:
        InvalidModelError: If the models do not have as many inputs.
    """
    search = _Search(Values(reference.subgraphs[0]), Values(candidate.subgraphs[0]))
    for mine, theirs in input_pairs(reference, candidate):
        search.pair(mine, theirs)
    for mine, theirs in _by_name_or_order(reference, candidate, "output"):
        search.pair(mine, theirs)
    search.spread()
    search.by_weights(unmistakably=True)
    search.by_name()
    search.spread()
    search.by_weights(unmistakably=False)
    return Counterparts(search.tensors(), search.layers())


def input_pairs(reference: Model, candidate: Model) -> list[tuple[Tensor, Tensor]]:
    """Return each input of a candidate with that of the reference: by name, else by order.

    Raises:
        InvalidModelError: If there are not as many.
    """
    wanted, names = reference.input_names, candidate.input_names
    if len(wanted) != len(names):
        raise InvalidModelError(
            f"{candidate.name}: expected inputs {', '.join(wanted)}; got {', '.join(names)}"
        )
    return _by_name_or_order(reference, candidate, "input")


def _by_name_or_order(reference: Model, candidate: Model, side: str) -> list[tuple[Tensor, Tensor]]:
    theirs, mine = (getattr(each, f"{side}s") for each in (reference, candidate))
    wanted, names = (getattr(each, f"{side}_names") for each in (reference, candidate))
    if len(set(names)) == len(names) and set(wanted) == set(names):
        return [(each, theirs[wanted.index(name)]) for each, name in zip(mine, names, strict=True)]
    return list(zip(mine, theirs, strict=True)) if len(mine) == len(theirs) else []


class _Search:
    """The pairs that were found so far: value of the candidate → value of the reference."""

    def __init__(self, reference: Values, candidate: Values) -> None:
        self.reference, self.candidate = reference, candidate
        self.found: dict[Tensor, Tensor] = {}
        self.taken: set[Tensor] = set()
        # Weights may be large, and are asked for again and again.
        self._resemble = functools.cache(resemble)

    def pair(self, mine: Tensor, theirs: Tensor) -> bool:
        """Pair two tensors' values, unless they are paired already or cannot be the same."""
        a, b = self.candidate.value.get(mine), self.reference.value.get(theirs)
        if a is None or b is None or a in self.found or b in self.taken or not _fit(a, b):
            return False
        self.found[a] = b
        self.taken.add(b)
        return True

    def by_name(self) -> None:
        names = self.reference.named()
        for name, mine in self.candidate.named().items():
            theirs = names.get(name)
            if theirs is None:
                continue
            ours, other = mine.producer, theirs.producer
            if ours is None and other is None:
                self.pair(mine, theirs)
            elif (
                ours is not None and other is not None and self._resemble(ours, other) is not False
            ):
                self._pair_made(ours, other, mine, theirs)

    def by_weights(self, *, unmistakably: bool) -> None:
        """Pair layers with the same weights; of several with the same ones, the first."""
        for mine in self.candidate.operators:
            if not mine.all_weights or mine.outputs[0] in self.found:
                continue
            same = [each for each in self.reference.operators if self._is_same_layer(mine, each)]
            if len(same) > 1 and unmistakably:
                continue
            if any(self._pair_operators(mine, each) for each in same):
                self.spread()

    def _is_same_layer(self, mine: Operator, theirs: Operator) -> bool:
        if not theirs.all_weights or theirs.outputs[0] in self.taken:
            return False
        return _fit(mine.outputs[0], theirs.outputs[0]) and bool(self._resemble(mine, theirs))

    def spread(self) -> None:
        """Go from pairs to their neighbours, until nothing is new."""
        moved = True
        while moved:
            before = len(self.found)
            for operator in self.candidate.operators:
                self._forward(operator)
            for operator in reversed(self.candidate.operators):
                self._backward(operator)
            moved = len(self.found) > before

    def _forward(self, mine: Operator) -> None:
        given = self.candidate.inputs(mine)
        if not given or any(each not in self.found for each in given):
            return
        wanted = _ordered(mine, [self.found[each] for each in given])
        doing_the_same = [
            each
            for each in self.reference.readers.get(wanted[0], ())
            if _ordered(each, self.reference.inputs(each)) == wanted and self._alike(mine, each)
        ]
        if len(doing_the_same) > 1:
            doing_the_same.sort(key=lambda each: _unlikeness(mine, each))
        for theirs in doing_the_same:
            if self._pair_operators(mine, theirs):
                return

    def _alike(self, mine: Operator, theirs: Operator) -> bool:
        """Say whether operators that read the same values do the same with them."""
        if mine.name != theirs.name or len(mine.outputs) != len(theirs.outputs):
            return False
        if _options(mine) != _options(theirs) or self._resemble(mine, theirs) is False:
            return False
        return _constants(mine) == _constants(theirs)

    def _backward(self, mine: Operator) -> None:
        theirs = self._counterpart(mine)
        if theirs is None or theirs.name != mine.name:
            return
        have_same_weights = self._resemble(mine, theirs)
        if have_same_weights is False:
            return
        given, wanted = self.candidate.inputs(mine), self.reference.inputs(theirs)
        if len(given) != len(wanted):
            return
        for a, b in self._unknown(mine, given, wanted):
            # Whoever made it: a layer makes the same of nothing else.
            if have_same_weights or self._are_made_alike(a, b):
                self.pair(a, b)

    def _are_made_alike(self, mine: Tensor, theirs: Tensor) -> bool:
        ours, other = mine.producer, theirs.producer
        if ours is None or other is None:
            return ours is other
        return ours.name == other.name and self._resemble(ours, other) is not False

    def _unknown(
        self, mine: Operator, given: list[Tensor], wanted: list[Tensor]
    ) -> list[tuple[Tensor, Tensor]]:
        """Return what two operators read that has no pair, each with what it should be."""
        if _commutes(mine) and len(given) > 1:
            # Their order says nothing: one must be left.
            ours = [each for each in given if each not in self.found]
            theirs = [each for each in wanted if each not in self.taken]
            return [(ours[0], theirs[0])] if len(ours) == len(theirs) == 1 else []
        pairs = zip(given, wanted, strict=True)
        return [(a, b) for a, b in pairs if a not in self.found and b not in self.taken]

    def _pair_operators(self, mine: Operator, theirs: Operator) -> bool:
        pairs = zip(mine.outputs, theirs.outputs, strict=False)
        return sum(self._pair_made(mine, theirs, a, b) for a, b in pairs) > 0

    def _pair_made(self, mine: Operator, theirs: Operator, a: Tensor, b: Tensor) -> bool:
        """Pair what two operators make; one of them may have what comes next fused or folded."""
        if mine.all_weights and theirs.all_weights:
            a, b = self._behind_shifts(a, b)
            if fused(mine) == fused(theirs):
                return self.pair(a, b)
        ours, other = fused(mine), fused(theirs)
        if mine.name != theirs.name or ours == other:
            return self.pair(a, b)
        if other == "NONE":
            behind = self.reference.reader(b, ours)
            return behind is not None and self.pair(a, behind.outputs[0])
        if ours == "NONE":
            behind = self.candidate.reader(a, other)
            if behind is not None:
                return self.pair(behind.outputs[0], b)
            # Integers that end at zero do what the activation function did.
            return _ends_at_zero(a) and self.pair(a, b)
        return False

    def _behind_shifts(self, mine: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
        """Go behind the products and sums with constants that only one of two layers has."""
        ours, other = self.candidate.shifts(mine), self.reference.shifts(theirs)
        more = len(ours) - len(other)
        if more > 0:
            return ours[more - 1], theirs
        return (mine, other[-more - 1]) if more < 0 else (mine, theirs)

    def _counterpart(self, mine: Operator) -> Operator | None:
        """The operator of the reference that does what one of the candidate does."""
        theirs = self._maker_of_pair(mine.outputs[0])
        if theirs is not None:
            source = self._source(theirs)
            if theirs.name == fused(mine) and source is not None and source.name == mine.name:
                return source
            return theirs
        # Its output has no pair where the reference has what comes next fused to it.
        for reader in self.candidate.readers.get(mine.outputs[0], ()):
            theirs = self._maker_of_pair(reader.outputs[0])
            if theirs is not None and theirs.name == mine.name and fused(theirs) == reader.name:
                return theirs
        return None

    def _maker_of_pair(self, value: Tensor) -> Operator | None:
        theirs = self.found.get(value)
        return theirs.producer if theirs is not None else None

    def _source(self, theirs: Operator) -> Operator | None:
        given = self.reference.inputs(theirs)
        return given[0].producer if len(given) == 1 else None

    def tensors(self) -> dict[Tensor, Tensor]:
        """Return the pairs, tensor by tensor; of several copies that which is most alike."""
        return {
            tensor: max(self.reference.members[theirs], key=lambda each: _likeness(tensor, each))
            for mine, theirs in self.found.items()
            for tensor in self.candidate.members[mine]
        }

    def layers(self) -> dict[Operator, Operator]:
        """Return the operators with weights that make, or go into, paired values."""
        found = {}
        for mine in self.candidate.operators:
            theirs = self._counterpart(mine) if mine.all_weights else None
            if theirs is not None and theirs.all_weights:
                found[mine] = theirs
        return found


def fits(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Say whether shapes agree; a size that is open (-1) agrees with all."""
    return len(shape) == len(other) and all(
        a == b or a < 0 or b < 0 for a, b in zip(shape, other, strict=True)
    )


def _fit(one: Tensor, other: Tensor) -> bool:
    return fits(one.shape_signature, other.shape_signature)


def _likeness(mine: Tensor, theirs: Tensor) -> tuple[bool, bool]:
    """Return whether two copies of a value have the same name, and the same type."""
    same_type = mine.dtype == theirs.dtype and parameters(mine) == parameters(theirs)
    return bool(mine.name) and mine.name == theirs.name, same_type


def _ordered(operator: Operator, values: list[Tensor]) -> list[Tensor]:
    """Return what an operator reads in an order that says something."""
    return sorted(values, key=lambda each: each.index) if _commutes(operator) else values


def _commutes(operator: Operator) -> bool:
    return operator.name in _COMMUTATIVE


def _ends_at_zero(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.zero_point == _LEAST.get(tensor.dtype)


def _options(operator: Operator) -> dict[str, Any]:
    """Return what tells operators of the same name that do different things apart."""
    told = ("axis", "adj_x", "adj_y", "padding", "stride_h", "stride_w", "num", "keep_dims")
    return {name: operator.options.get(name) for name in told}


def _constants(operator: Operator) -> list[object]:
    """Return the constants that are no quantized numbers, such as axes; shapes show anyway."""
    if operator.name in _SHAPED:
        return []
    return [
        each.values
        for each in operator.inputs
        if each is not None
        and each.is_constant
        and each.dtype not in _ROUNDED
        and each.quantization is None
    ]


def _unlikeness(mine: Operator, theirs: Operator) -> tuple[float, bool]:
    """Return how far the constants of two operators are apart, and whether their names are."""
    names = [each.outputs[0].name for each in (mine, theirs)]
    return constants_apart(mine, theirs), names[0] != names[1]
