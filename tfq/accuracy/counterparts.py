"""Which activation of one model is which of another: the same number, though computed otherwise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tfq import ops
from tfq.accuracy.weights import resemble
from tfq.errors import InvalidModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tfq.model import Model, Operator, Subgraph, Tensor

_COMMUTATIVE = frozenset({"ADD", "MUL", "MAXIMUM", "MINIMUM"})
# What a quantized model may hold as a constant of other digits.
_ROUNDED = ops.FLOATS | {"int8", "uint8", "int16", "int4", "int2"}
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
    2. that have the same name, if no other value has it on either side, unless operators with
       different weights make them;
    3. that layers with the same weights make, but for quantization and the scales of channels;
    4. that the same operator makes of paired values and the same constants, or that are read by the
       same operator which makes paired values, until nothing new is found. An operator with a fused
       activation function is the pair of operator and activation function.

    Args:
        reference: A model.
        candidate: One that was made of it, or that should compute the same.

    Returns:
        The pairs. What is not certain has none.

    Raises:
        InvalidModelError: If the models do not have as many inputs.
    """
    search = _Search(_Side(reference.subgraphs[0]), _Side(candidate.subgraphs[0]))
    for mine, theirs in input_pairs(reference, candidate):
        search.pair(mine, theirs)
    for mine, theirs in _by_name_or_order(reference, candidate, "output"):
        search.pair(mine, theirs)
    search.by_name()
    search.by_weights()
    search.spread()
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


def is_fixed(tensor: Tensor) -> bool:
    """Say whether a tensor has the same value in every run: a constant, or unpacked from one."""
    return ops.stored(tensor).is_constant


class _Side:
    """One subgraph, its tensors gathered into values: each is known by its first tensor."""

    def __init__(self, graph: Subgraph) -> None:
        self.graph = graph
        self.value: dict[Tensor, Tensor] = {}
        for tensor in self._activations():
            source = _before_crossing(tensor)
            known = self.value.get(source, source) if source is not None else tensor
            self.value.setdefault(tensor, known)
        self.members: dict[Tensor, list[Tensor]] = {}
        for tensor, value in self.value.items():
            self.members.setdefault(value, []).append(tensor)
        self.operators = [each for each in graph.operators if self._computes(each)]
        self.readers: dict[Tensor, list[Operator]] = {}
        for operator in self.operators:
            for value in dict.fromkeys(self.inputs(operator)):
                self.readers.setdefault(value, []).append(operator)

    def _activations(self) -> Iterator[Tensor]:
        """All in the order in which they are made, so that a source comes before its copies."""
        yield from dict.fromkeys(self.graph.inputs)
        for operator in self.graph.operators:
            yield from (each for each in operator.outputs if not is_fixed(each))

    def _computes(self, operator: Operator) -> bool:
        """Say whether an operator is more than a change of type."""
        made = operator.outputs
        return bool(made) and all(self.value.get(each) is each for each in made)

    def inputs(self, operator: Operator) -> list[Tensor]:
        """The values that an operator reads, in order."""
        present = [each for each in operator.inputs if each is not None]
        return [self.value[each] for each in present if each in self.value]

    def named(self) -> dict[str, Tensor]:
        """The values by names that no other value has."""
        names = [
            (name, value)
            for value, members in self.members.items()
            for name in {each.name for each in members}
        ]
        counts = Counter(name for name, _ in names)
        return {name: value for name, value in names if name and counts[name] == 1}

    def reader(self, value: Tensor, name: str) -> Operator | None:
        """The only operator of a name that reads a value and nothing else."""
        found = [
            each
            for each in self.readers.get(value, ())
            if each.name == name and len(self.inputs(each)) == 1
        ]
        return found[0] if len(found) == 1 else None


class _Search:
    """The pairs that were found so far: value of the candidate → value of the reference."""

    def __init__(self, reference: _Side, candidate: _Side) -> None:
        self.reference, self.candidate = reference, candidate
        self.found: dict[Tensor, Tensor] = {}
        self.taken: set[Tensor] = set()

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
            elif ours is not None and other is not None and resemble(ours, other) is not False:
                self._pair_made(ours, other, mine, theirs)

    def by_weights(self) -> None:
        theirs = [each for each in self.reference.operators if self._is_free_layer(each)]
        for mine in self.candidate.operators:
            if not mine.all_weights or mine.outputs[0] in self.found:
                continue
            for each in theirs:
                fits = _fit(mine.outputs[0], each.outputs[0]) and resemble(mine, each)
                if fits and self._pair_operators(mine, each):
                    break

    def _is_free_layer(self, operator: Operator) -> bool:
        return bool(operator.all_weights) and operator.outputs[0] not in self.taken

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
        wanted = [self.found[each] for each in given]
        for theirs in self.reference.readers.get(wanted[0], ()):
            does_the_same = self.reference.inputs(theirs) == wanted and _alike(mine, theirs)
            if does_the_same and self._pair_operators(mine, theirs):
                return

    def _backward(self, mine: Operator) -> None:
        theirs = self._counterpart(mine)
        if theirs is None or theirs.name != mine.name or resemble(mine, theirs) is False:
            return
        given, wanted = self.candidate.inputs(mine), self.reference.inputs(theirs)
        if len(given) != len(wanted):
            return
        for a, b in self._unknown(mine, given, wanted):
            if _maker(a) == _maker(b):
                self.pair(a, b)

    def _unknown(
        self, mine: Operator, given: list[Tensor], wanted: list[Tensor]
    ) -> list[tuple[Tensor, Tensor]]:
        """Return what two operators read that has no pair, each with what it should be."""
        if mine.name in _COMMUTATIVE and len(given) > 1:
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
        """Pair what two operators make; one of them may have its activation function fused."""
        ours, other = _fused(mine), _fused(theirs)
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

    def _counterpart(self, mine: Operator) -> Operator | None:
        """The operator of the reference that does what one of the candidate does."""
        theirs = self._maker_of_pair(mine.outputs[0])
        if theirs is not None:
            source = self._source(theirs)
            if theirs.name == _fused(mine) and source is not None and source.name == mine.name:
                return source
            return theirs
        # Its output has no pair where the reference has what comes next fused to it.
        for reader in self.candidate.readers.get(mine.outputs[0], ()):
            theirs = self._maker_of_pair(reader.outputs[0])
            if theirs is not None and theirs.name == mine.name and _fused(theirs) == reader.name:
                return theirs
        return None

    def _maker_of_pair(self, value: Tensor) -> Operator | None:
        theirs = self.found.get(value)
        return theirs.producer if theirs is not None else None

    def _source(self, theirs: Operator) -> Operator | None:
        given = self.reference.inputs(theirs)
        return given[0].producer if len(given) == 1 else None

    def tensors(self) -> dict[Tensor, Tensor]:
        """Return the pairs, tensor by tensor; of several copies that of the same name."""
        pairs = {}
        for mine, theirs in self.found.items():
            copies = self.reference.members[theirs]
            for tensor in self.candidate.members[mine]:
                same = [each for each in copies if each.name == tensor.name]
                pairs[tensor] = same[0] if len(same) == 1 else copies[0]
        return pairs

    def layers(self) -> dict[Operator, Operator]:
        """Return the operators with weights that make, or go into, paired values."""
        found = {}
        for mine in self.candidate.operators:
            theirs = self._counterpart(mine) if mine.all_weights else None
            if theirs is not None and theirs.all_weights:
                found[mine] = theirs
        return found


def _before_crossing(tensor: Tensor) -> Tensor | None:
    """Return the tensor of which one is a copy in another type or scale."""
    operator = tensor.producer
    source = next(iter(operator.inputs), None) if operator is not None else None
    if operator is None or source is None or is_fixed(source):
        return None
    if operator.name in ("QUANTIZE", "DEQUANTIZE"):
        return source
    if operator.name == "CAST" and {source.dtype, tensor.dtype} <= ops.FLOATS:
        return source
    return _before_widening(operator, source)


def _before_widening(operator: Operator, cast: Tensor) -> Tensor | None:
    """Return the int8 tensor that CAST and ADD brought to int16, as LiteRT's QUANTIZE cannot."""
    if operator.name != "ADD" or cast.dtype != "int16" or _fused(operator) != "NONE":
        return None
    caster = cast.producer
    source = next(iter(caster.inputs), None) if caster is not None else None
    if caster is None or source is None or caster.name != "CAST" or source.dtype != "int8":
        return None
    shift = operator.inputs[-1]
    is_shift = shift is not None and shift.is_constant and shift.shape in ((), (1,))
    return source if is_shift else None


def _fit(one: Tensor, other: Tensor) -> bool:
    """Say whether shapes agree; a size that is open agrees with all."""
    ours, theirs = one.shape_signature, other.shape_signature
    return len(ours) == len(theirs) and all(
        a == b or a < 0 or b < 0 for a, b in zip(ours, theirs, strict=True)
    )


def _fused(operator: Operator) -> str:
    name: str = operator.options.get("fused_activation_function") or "NONE"
    return name


def _maker(value: Tensor) -> str | None:
    return value.producer.name if value.producer is not None else None


def _ends_at_zero(tensor: Tensor) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.zero_point == _LEAST.get(tensor.dtype)


def _alike(mine: Operator, theirs: Operator) -> bool:
    """Say whether operators that read the same values do the same with them."""
    if mine.name != theirs.name or len(mine.outputs) != len(theirs.outputs):
        return False
    options = [_options(each) for each in (mine, theirs)]
    if options[0] != options[1] or resemble(mine, theirs) is False:
        return False
    constants = [_constants(each) for each in (mine, theirs)]
    return constants[0] == constants[1]


def _options(operator: Operator) -> dict[str, Any]:
    """Return what tells operators of the same name that do different things apart."""
    told = ("axis", "adj_x", "adj_y", "padding", "stride_h", "stride_w", "num", "keep_dims")
    return {name: operator.options.get(name) for name in told}


def _constants(operator: Operator) -> list[object]:
    """Return the constants that are no quantized numbers, such as shapes and axes."""
    return [
        bytes(each.data)
        for each in _present(operator.inputs)
        if each.is_constant and each.dtype not in _ROUNDED and each.quantization is None
    ]


def _present(tensors: Sequence[Tensor | None]) -> Iterable[Tensor]:
    return (each for each in tensors if each is not None)
