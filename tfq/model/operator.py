"""An operator: one step of a subgraph."""

from __future__ import annotations

from tfq import ops
from tfq.format import SEPARATOR, decode, options_data, tflite
from tfq.model.lazy import lazy
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tfq.format import Table
    from tfq.model.subgraph import Subgraph
    from tfq.model.tensor import Tensor

_CUSTOM = "CUSTOM"


class Operator(View):
    """One operator of a subgraph.

    Attributes:
        subgraph: Where it belongs.
        index: Its place in the order in which the operators run.
    """

    subgraph: Subgraph
    index: int

    def __init__(self, table: Table, subgraph: Subgraph, index: int) -> None:
        """View the operator `index` of `subgraph`."""
        vars(self).update(table=table, subgraph=subgraph, index=index)

    @lazy
    def name(self) -> str:
        """What it does: `"CONV_2D"`; for a custom operator its custom code."""
        if not self.is_custom:
            return self._builtin_name
        return self._code["custom_code"] or _CUSTOM

    @lazy
    def is_custom(self) -> bool:
        """Whether it is none of the built-in operators."""
        return self._builtin_name == _CUSTOM

    @property
    def version(self) -> int:
        """The version of the operator that a runtime must know."""
        return self._code["version"]  # type: ignore[no-any-return]

    @lazy
    def inputs(self) -> tuple[Tensor | None, ...]:
        """The tensors it reads, by place; None for an optional one that is left out."""
        tensors = self.subgraph.tensors
        indices = self.table["inputs"] or ()
        return tuple([tensors[index] if index >= 0 else None for index in indices])

    @lazy
    def outputs(self) -> tuple[Tensor, ...]:
        """The tensors it writes; those that are left out are not listed."""
        return self._tensors("outputs")

    @lazy
    def intermediates(self) -> tuple[Tensor, ...]:
        """The tensors that only carry the quantization of what happens inside an LSTM."""
        return self._tensors("intermediates")

    @lazy
    def options(self) -> dict[str, Any]:
        """Its options by name, values of enumerations as names: `{"padding": "SAME", …}`.

        Of a custom operator those that are a map of FlexBuffers. Empty for operators without
        options, and for options of a kind that this version of tfq does not know.
        """
        if self.is_custom:
            options = self.custom_options
            return dict(options) if isinstance(options, dict) else {}
        options = {}
        for union in ("builtin_options", "builtin_options_2"):
            if union in self.table and (table := self.table[union]) is not None:
                options |= {name: _plain(table, name) for name in table}
        return options

    @lazy
    def custom_options(self) -> Any:
        """The options of a custom operator: a dict or list if they are FlexBuffers, else bytes."""
        return _decoded(self.custom_data)

    @property
    def custom_data(self) -> memoryview:
        """The options of a custom operator as they stand in the file, without a copy."""
        return options_data(self.table)

    @lazy
    def macs(self) -> int:
        """The multiply-accumulates of one run; see `tfq.ops.macs`."""
        return ops.macs(self)

    @lazy
    def parameters(self) -> int:
        """How many values its stored weights and biases have; see `tfq.ops.parameters`."""
        return ops.parameters(self)

    @lazy
    def compute(self) -> str:
        """`"integer"`, `"hybrid"`, `"float16"` or `"float"`; see `tfq.ops.compute`."""
        return ops.compute(self)

    @lazy
    def all_weights(self) -> tuple[Tensor, ...]:
        """Its weights: recurrent operators have up to two dozen; see `tfq.ops.all_weights`."""
        return ops.all_weights(self)

    @lazy
    def all_biases(self) -> tuple[Tensor, ...]:
        """Its biases: one, but for recurrent operators one a gate."""
        return ops.all_biases(self)

    @property
    def weights(self) -> Tensor | None:
        """Its weights, or None if it has none; of a recurrent one the first of many."""
        return next(iter(self.all_weights), None)

    @lazy
    def bias(self) -> Tensor | None:
        """Its bias, or None if it has none; of a recurrent one the first of many."""
        return next(iter(self.all_biases), None)

    @property
    def place(self) -> str:
        """Where it stands, for messages: file, subgraph, index and name."""
        return f"{self.subgraph.place}{SEPARATOR}operator {self.index} ({self.name!r})"

    def __repr__(self) -> str:
        """Return index and name."""
        return f"<Operator {self.index} {self.name}>"

    @lazy
    def _code(self) -> Table:
        index: int = self.table["opcode_index"]
        return self.subgraph.model.operator_codes[index]

    @lazy
    def _builtin_name(self) -> str:
        code = self._code
        # The older field is one byte and ends at 127, where the newer one takes over; files from
        # before it was added have only the older one.
        value = max(code["deprecated_builtin_code"], code["builtin_code"])
        return tflite().enum_name("BuiltinOperator", value)

    def _tensors(self, field: str) -> tuple[Tensor, ...]:
        tensors = self.subgraph.tensors
        return tuple([tensors[index] for index in self.table[field] or () if index >= 0])


def _decoded(data: memoryview) -> Any:
    """Return what FlexBuffers hold, and other bytes as they are."""
    try:
        return decode(data)
    except ValueError:
        return bytes(data)


def _plain(table: Table, name: str) -> Any:
    """Return the value of an option as Python would write it: names for enumerations."""
    value, enum = table[name], table.schema.fields[name].enum
    if isinstance(value, memoryview):
        return _decoded(value)
    if enum is None or value is None:
        return value
    if isinstance(value, tuple):
        return tuple([tflite().enum_name(enum, item) for item in value])
    return tflite().enum_name(enum, value)
