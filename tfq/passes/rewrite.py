"""A model under change: what passes do to its draft, and the cleaning up afterwards.

Tensors are named by the index of their subgraph and their own, as new ones have no view.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from tfq.format import ABSENT, Draft, tflite
from tfq.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfq.model import Operator, Tensor
    from tfq.passes.parameters import Parameters

# TensorFlow Lite for Microcontrollers keeps in it an offset for each tensor, by its index.
_BY_TENSOR_INDEX = "OfflineMemoryAllocation"
_LAST_OLD_CODE = 127
# Enumerations of the format count from 0 without large gaps.
_MOST_VALUES = 1024


class Rewrite:
    """The draft of one model, with what passes need to change it.

    Attributes:
        model: The model as it was.
        draft: Its root table.
    """

    def __init__(self, model: Model) -> None:
        """Start with nothing changed."""
        self.model = model
        self.draft = model.draft()
        # As they were: those in the draft move when others come and go.
        self._operators: list[list[Draft]] = [
            list(each["operators"] or ()) for each in self.draft["subgraphs"]
        ]
        self._used = [set(_used(subgraph)) for subgraph in self.draft["subgraphs"]]
        self._buffers_used = set(_buffer_uses(self.draft))
        # Draft of a tensor → what its buffer shall hold.
        self._contents: dict[Draft, bytes] = {}

    def tensor(self, subgraph: int, index: int) -> Draft:
        """Return the draft of a tensor."""
        draft: Draft = self.draft["subgraphs"][subgraph]["tensors"][index]
        return draft

    def view(self, tensor: Tensor) -> Draft:
        """Return the draft of a tensor that the model has."""
        return self.tensor(tensor.subgraph.index, tensor.index)

    def operators(self, subgraph: int) -> list[Draft]:
        """Return the drafts of a subgraph's operators, in the order in which they run."""
        operators: list[Draft] = self.draft["subgraphs"][subgraph]["operators"]
        return operators

    def operator(self, operator: Operator) -> Draft:
        """Return the draft of an operator that the model has."""
        return self._operators[operator.subgraph.index][operator.index]

    def set_parameters(self, tensor: Draft, parameters: Parameters | None) -> None:
        """Give a tensor a type and quantization parameters; None: float32 without any."""
        if parameters is None:
            tensor["type"] = _type("float32")
            tensor["quantization"] = None
            return
        tensor["type"] = _type(parameters.dtype)
        old = tensor["quantization"]
        if old is None or old["details"] is not None:
            tensor["quantization"] = old = Draft("QuantizationParameters")
        old["scale"] = parameters.scales
        old["zero_point"] = parameters.zero_points
        old["quantized_dimension"] = parameters.axis
        for name in ("min", "max"):
            # The ranges that calibration saw: one a scale, or they say nothing any more.
            if name in old and len(old[name] or ()) != len(parameters.scales):
                old[name] = None

    def set_data(self, tensor: Draft, content: bytes) -> None:
        """Give a constant new data; others that share its buffer keep theirs."""
        self._contents[tensor] = content
        # What is rewritten is laid out as the shape says.
        tensor["sparsity"] = None

    def add_tensor(self, subgraph: int, like: Draft, name: str, *, constant: bool = False) -> int:
        """Add a tensor of the same shape and type, without quantization of its own.

        Args:
            subgraph: Where.
            like: The tensor to resemble.
            name: What to call it.
            constant: Whether it has the same data, too.

        Returns:
            Its index.
        """
        tensors = self.draft["subgraphs"][subgraph]["tensors"]
        fields = ["shape", "shape_signature", "has_rank", "type", *(["buffer"] if constant else [])]
        values = {field: like[field] for field in fields if field in like}
        tensors.append(Draft("Tensor", name=name, **values))
        return len(tensors) - 1

    def new_operator(self, name: str, version: int, takes: Sequence[int], gives: int) -> Draft:
        """Make an operator of some inputs and one output, not yet in a subgraph."""
        code = self._code(name, version)
        return Draft("Operator", opcode_index=code, inputs=tuple(takes), outputs=(gives,))

    def change_operator(self, operator: Draft, name: str, version: int) -> None:
        """Make another built-in operator without options of one."""
        operator["opcode_index"] = self._code(name, version)
        operator["builtin_options"] = None
        operator["builtin_options_2"] = None

    def raise_version(self, operator: Draft, version: int) -> None:
        """Declare at least a version for an operator, and for those that share its code."""
        code = self.draft["operator_codes"][operator["opcode_index"]]
        code["version"] = max(code["version"], version)

    def read(self, operator: Draft, old: int, new: int) -> None:
        """Let one operator read another tensor."""
        inputs = operator["inputs"] or ()
        if old in inputs:
            operator["inputs"] = tuple(new if each == old else each for each in inputs)

    def read_from(self, subgraph: int, old: int, new: int) -> None:
        """Let all operators that read one tensor read another."""
        for operator in self.operators(subgraph):
            self.read(operator, old, new)

    def write_to(self, subgraph: int, old: int, new: int) -> None:
        """Let the operators that write one tensor write another."""
        for operator in self.operators(subgraph):
            outputs = operator["outputs"] or ()
            if old in outputs:
                operator["outputs"] = tuple(new if each == old else each for each in outputs)

    def remove(self, subgraph: int, operator: Draft) -> None:
        """Take an operator out."""
        operators = self.operators(subgraph)
        # Drafts are equal only to themselves.
        operators.remove(operator)

    def finish(self) -> Model:
        """Place new data, drop what nobody uses any more, and return the model."""
        self._place_data()
        self._drop_tensors()
        left = _buffer_uses(self.draft)
        for index in self._buffers_used:
            if index and index not in left:
                self.draft["buffers"][index] = Draft("Buffer")
        return Model.from_draft(self.draft)

    def _code(self, name: str, version: int) -> int:
        code = _enum_value("BuiltinOperator", name)
        codes = self.draft["operator_codes"] or []
        for index, draft in enumerate(codes):
            have = max(draft["builtin_code"], draft["deprecated_builtin_code"])
            if have == code and draft["version"] >= version:
                return index
        codes.append(
            Draft(
                "OperatorCode",
                builtin_code=code,
                deprecated_builtin_code=min(code, _LAST_OLD_CODE),
                version=version,
            )
        )
        self.draft["operator_codes"] = codes
        return len(codes) - 1

    def _place_data(self) -> None:
        """Put new data where the old ones stood, unless a tensor that keeps those needs them."""
        buffers = self.draft["buffers"]
        uses = _buffer_uses(self.draft)
        rewritten = Counter(tensor["buffer"] for tensor in self._contents)
        places: dict[tuple[int, bytes], int] = {}
        free = {index for index, count in rewritten.items() if index and uses[index] == count}
        for tensor, content in self._contents.items():
            old = tensor["buffer"]
            if (old, content) not in places:
                place = old if old in free else len(buffers)
                free.discard(old)
                if place == len(buffers):
                    buffers.append(Draft("Buffer"))
                else:
                    buffers[place] = Draft("Buffer")
                buffers[place]["data"] = content
                places[old, content] = place
            tensor["buffer"] = places[old, content]

    def _drop_tensors(self) -> None:
        """Drop the tensors that the changes made superfluous, and renumber the others."""
        if any(_text(each["name"]) == _BY_TENSOR_INDEX for each in self.draft["metadata"] or ()):
            return
        for index, subgraph in enumerate(self.draft["subgraphs"]):
            # Signatures name inputs and outputs of their subgraph only.
            dead = self._used[index].difference(_used(subgraph))
            if dead:
                self._renumber(index, subgraph, dead)

    def _renumber(self, index: int, subgraph: Draft, dead: set[int]) -> None:
        tensors = subgraph["tensors"]
        kept = [place for place in range(len(tensors)) if place not in dead]
        numbers = {old: new for new, old in enumerate(kept)} | {ABSENT: ABSENT}
        subgraph["tensors"] = [tensors[place] for place in kept]
        for holder, name in _lists(subgraph):
            holder[name] = tuple(numbers[each] for each in holder[name])
        for tensor in subgraph["tensors"]:
            for details, name in _details(tensor):
                details[name] = numbers[details[name]]
        for signature in self.draft["signature_defs"] or ():
            if signature["subgraph_index"] == index:
                for entry in (*(signature["inputs"] or ()), *(signature["outputs"] or ())):
                    entry["tensor_index"] = numbers[entry["tensor_index"]]


def _type(dtype: str) -> int:
    return _enum_value("TensorType", dtype.upper())


@lru_cache
def _enum_value(enum: str, name: str) -> int:
    schema = tflite()
    return next(value for value in range(_MOST_VALUES) if schema.enum_name(enum, value) == name)


def _text(name: str | bytes | None) -> str | None:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _lists(subgraph: Draft) -> Iterator[tuple[Draft, str]]:
    """Find the lists of tensor indices of a subgraph."""
    for name in ("inputs", "outputs"):
        if subgraph[name]:
            yield subgraph, name
    for operator in subgraph["operators"] or ():
        for name in ("inputs", "outputs", "intermediates"):
            if operator[name]:
                yield operator, name


def _details(tensor: Draft) -> Iterator[tuple[Draft, str]]:
    """Find the tensors that hold the scales of another."""
    quantization = tensor["quantization"]
    details = quantization["details"] if quantization is not None else None
    if details is None or "scales" not in details.schema.fields:
        return
    for name in ("scales", "zero_points"):
        if name in details and details[name] != ABSENT:
            yield details, name


def _used(subgraph: Draft) -> Iterator[int]:
    for holder, name in _lists(subgraph):
        yield from (index for index in holder[name] if index != ABSENT)
    for tensor in subgraph["tensors"] or ():
        for details, name in _details(tensor):
            yield details[name]


def _buffer_uses(draft: Draft) -> Counter[int]:
    uses: Counter[int] = Counter(draft["metadata_buffer"] or ())
    uses.update(entry["buffer"] for entry in draft["metadata"] or ())
    for subgraph in draft["subgraphs"]:
        uses.update(tensor["buffer"] for tensor in subgraph["tensors"] or ())
    return uses
