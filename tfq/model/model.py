"""A model: the whole of a .tflite file."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tfq import format as file_format
from tfq.model.lazy import lazy
from tfq.model.signature import Signature
from tfq.model.subgraph import Subgraph
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.format import Draft, Source, Table
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


class Metadata(Mapping[str, bytes]):
    """What tools left in a file, by name; read when it is asked for."""

    def __init__(self, entries: dict[str, Table], source: Source) -> None:
        """View the entries of a file."""
        self._entries = entries
        self._source = source

    def __getitem__(self, name: str) -> bytes:
        """Return the data of an entry, copied."""
        return bytes(self._source.view(*self.span(name)))

    def __contains__(self, name: object) -> bool:
        """Say whether there is an entry of that name, without copying its data."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._entries)

    def size(self, name: str) -> int:
        """Return the size of an entry's data in bytes."""
        start, stop = self.span(name)
        return stop - start

    def span(self, name: str) -> tuple[int, int]:
        """Return where an entry's data stand in the file."""
        return self._source.spans[self._entries[name]["buffer"]]

    def __repr__(self) -> str:
        """Return the names and sizes."""
        return f"<Metadata {', '.join(f'{name}: {self.size(name)} bytes' for name in self)}>"


class Model(View):
    """A .tflite model, read-only."""

    def __init__(self, table: Table) -> None:
        """View the file whose root table this is."""
        vars(self).update(table=table)

    @lazy
    def subgraphs(self) -> tuple[Subgraph, ...]:
        """All subgraphs: at least one."""
        tables = self.table["subgraphs"]
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

    @lazy
    def input_names(self) -> tuple[str, ...]:
        """What callers name the inputs, in order: by the signature, else by their tensors."""
        return self._names("inputs")

    @lazy
    def output_names(self) -> tuple[str, ...]:
        """What callers name the outputs, likewise."""
        return self._names("outputs")

    def _names(self, side: str) -> tuple[str, ...]:
        tensors: tuple[Tensor, ...] = getattr(self, side)
        for signature in self.signatures:
            named: dict[str, Tensor] = getattr(signature, side)
            names = {tensor: name for name, tensor in named.items()}
            if signature.subgraph.index == 0 and all(tensor in names for tensor in tensors):
                return tuple([names[tensor] for tensor in tensors])
        return tuple([tensor.name for tensor in tensors])

    @lazy
    def signatures(self) -> tuple[Signature, ...]:
        """Its signatures; empty if it was converted without any."""
        return tuple([Signature(table, self) for table in self.table["signature_defs"] or ()])

    @lazy
    def metadata(self) -> Metadata:
        """What tools left in the file, by name: `{"min_runtime_version": b"2.3.0…"}`.

        The bytes are copied when they are asked for.
        """
        entries = {entry["name"] or "": entry for entry in self.table["metadata"] or ()}
        return Metadata(entries, self.table.source)

    @lazy
    def description(self) -> str:
        """What the converter wrote about itself, such as `"MLIR Converted."`."""
        return self.table["description"] or ""

    @lazy
    def version(self) -> int:
        """The version of the format: 3."""
        return self.table["version"]  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self.table.source.size

    @property
    def path(self) -> str | None:
        """The path it was loaded from, or None if it was loaded from bytes."""
        return self.table.source.path

    @property
    def name(self) -> str:
        """What messages call it: its path, or "the given bytes"."""
        return self.table.source.name

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, which appears whole or not at all.

        Args:
            path: Where to. A file that stands there is replaced.

        Raises:
            ArgumentError: If the directory does not exist, or the path is one.
            Error: If the file cannot be written.
        """
        file_format.write_whole(path, file_format.source_chunks(self.table.source))

    def draft(self) -> Draft:
        """Return a draft of the model, to be changed and given to `Model.from_draft`.

        Example:
            >>> draft = model.draft()
            >>> draft["description"] = "Ours."
            >>> tfq.Model.from_draft(draft).save("ours.tflite")
        """
        return file_format.Draft.of(self.table)

    @classmethod
    def from_draft(cls, draft: Draft) -> Model:
        """Make the model that a draft describes.

        Args:
            draft: Its root table; see `tfq.format.Draft`.

        Returns:
            A model in memory. What the draft did not change is as it was, down to what tfq does not
            understand: fields of a newer format, and files appended to the model.

        Raises:
            ValueError: If a field was set to what its type cannot hold.
            InvalidModelError: If an index in the draft leads nowhere.
            Error: If it takes more than a flatbuffer can have.
        """
        content = b"".join(file_format.write(draft))
        like = draft.table.source if draft.table is not None else None
        return cls(file_format.read(content, like=like))

    @lazy
    def buffers(self) -> tuple[Table, ...]:
        """The tables of the buffers that tensors and metadata refer to by index."""
        return self.table["buffers"] or ()

    @lazy
    def operator_codes(self) -> tuple[Table, ...]:
        """The tables of the operator codes that operators refer to by index."""
        return self.table["operator_codes"] or ()

    def __repr__(self) -> str:
        """Return the file's name and the numbers of operators and tensors."""
        counts = f"{len(self.operators)} operators, {len(self.tensors)} tensors"
        return f"<Model {os.path.basename(self.name)}: {counts}>"  # noqa: PTH119

    def __bytes__(self) -> bytes:
        """Return the whole file, copied."""
        return bytes(self.table.source.data)

    # The last of the class, because the name hides the type.
    @property
    def bytes(self) -> bytes:
        """The whole file, copied."""
        return self.__bytes__()
