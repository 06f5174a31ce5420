"""A model: the whole of a .tflite file."""

from __future__ import annotations

import os
from functools import cached_property

from tfq import format as file_format
from tfq.model.signature import Signature
from tfq.model.subgraph import Subgraph
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.format import Table
    from tfq.model.operator import Operator
    from tfq.model.tensor import Tensor


def load(model: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Model:
    """Load a .tflite model, after a check of everything that its bytes claim.

    Args:
        model: The path of a file, or the content of one.

    Returns:
        The model. Nothing is decoded before it is asked for, and weights are not copied.

    Raises:
        InvalidModelError: If the file cannot be read, is no .tflite, or is broken; one line says
            where and why.

    Example:
        >>> model = tfq.load("mobilenet.tflite")
        >>> [op.name for op in model.operators if op.compute != "integer"]
        ['DEQUANTIZE']
    """
    return Model(file_format.read(model))


class Model(View):
    """A .tflite model, read-only."""

    _table: Table

    def __init__(self, table: Table) -> None:
        """View the file whose root table this is."""
        vars(self).update(_table=table)

    @cached_property
    def subgraphs(self) -> tuple[Subgraph, ...]:
        """All subgraphs: at least one."""
        tables = self._table["subgraphs"]
        return tuple([Subgraph(table, self, index) for index, table in enumerate(tables)])

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators of the first subgraph."""
        return self.subgraphs[0].operators

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of the first subgraph."""
        return self.subgraphs[0].tensors

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs of the first subgraph."""
        return self.subgraphs[0].inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs of the first subgraph."""
        return self.subgraphs[0].outputs

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """What callers name the inputs, in order: by the signature, else by their tensors."""
        for signature in self.signatures:
            names = {tensor: name for name, tensor in signature.inputs.items()}
            if signature.subgraph.index == 0 and all(tensor in names for tensor in self.inputs):
                return tuple([names[tensor] for tensor in self.inputs])
        return tuple([tensor.name for tensor in self.inputs])

    @cached_property
    def signatures(self) -> tuple[Signature, ...]:
        """Its signatures; empty if it was converted without any."""
        return tuple([Signature(table, self) for table in self._table["signature_defs"] or ()])

    @cached_property
    def metadata(self) -> dict[str, bytes]:
        """What tools left in the file, by name: `{"min_runtime_version": b"2.3.0…"}`."""
        entries = self._table["metadata"] or ()
        return {
            entry["name"] or "": bytes(file_format.buffer_data(self.buffers[entry["buffer"]]))
            for entry in entries
        }

    @cached_property
    def description(self) -> str:
        """What the converter wrote about itself, such as `"MLIR Converted."`."""
        return self._table["description"] or ""

    @cached_property
    def version(self) -> int:
        """The version of the format: 3."""
        return self._table["version"]  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._table.source.size

    @property
    def path(self) -> str | None:
        """The path it was loaded from, or None if it was loaded from bytes."""
        return self._table.source.path

    @property
    def name(self) -> str:
        """What messages call it: its path, or "the given bytes"."""
        return self._table.source.name

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, which appears whole or not at all.

        Args:
            path: Where to. A file that stands there is replaced.

        Raises:
            ArgumentError: If the directory does not exist, or the path is one.
            Error: If the file cannot be written.
        """
        file_format.write_whole(path, file_format.source_chunks(self._table.source))

    @cached_property
    def buffers(self) -> tuple[Table, ...]:
        """The tables of the buffers that tensors and metadata refer to by index."""
        return self._table["buffers"] or ()

    @cached_property
    def operator_codes(self) -> tuple[Table, ...]:
        """The tables of the operator codes that operators refer to by index."""
        return self._table["operator_codes"] or ()

    def __repr__(self) -> str:
        """Return the file's name and the numbers of operators and tensors."""
        counts = f"{len(self.operators)} operators, {len(self.tensors)} tensors"
        return f"<Model {os.path.basename(self.name)}: {counts}>"  # noqa: PTH119

    def __bytes__(self) -> bytes:
        """Return the whole file, copied."""
        return bytes(self._table.source.data)

    # The last of the class, because the name hides the type.
    @property
    def bytes(self) -> bytes:
        """The whole file, copied."""
        return self.__bytes__()
