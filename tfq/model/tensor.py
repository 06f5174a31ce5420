"""A tensor: what flows between operators, or what the file holds as a constant."""

from __future__ import annotations

import functools

from tfq.errors import ArgumentError
from tfq.format import SEPARATOR, external_buffer, external_data, tflite
from tfq.model import data
from tfq.model.lazy import lazy
from tfq.model.quantization import Quantization
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.format import Table
    from tfq.model.operator import Operator
    from tfq.model.subgraph import Subgraph


class Tensor(View):
    """One tensor of a subgraph.

    Attributes:
        subgraph: Where it belongs.
        index: Its place among the tensors of its subgraph.
    """

    subgraph: Subgraph
    index: int

    def __init__(self, table: Table, subgraph: Subgraph, index: int) -> None:
        """View the tensor `index` of `subgraph`."""
        vars(self).update(table=table, subgraph=subgraph, index=index)

    @lazy
    def name(self) -> str:
        """Its name; empty if it has none."""
        return self.table["name"] or ""

    @lazy
    def shape(self) -> tuple[int, ...]:
        """The sizes of its dimensions; empty for a scalar and where the file states no shape.

        A dimension that is free at run time has some size here, mostly 1: see `shape_signature`.
        """
        return self.table["shape"] or ()

    @lazy
    def shape_signature(self) -> tuple[int, ...]:
        """Its shape with -1 for the dimensions that are free at run time."""
        return self.table["shape_signature"] or self.shape

    @property
    def shape_text(self) -> str:
        """Its shape for people: `1x224x224x3`; `?` for a dimension that is free at run time."""
        sizes = ["?" if size < 0 else str(size) for size in self.shape_signature]
        return "x".join(sizes) or "scalar"

    @property
    def has_rank(self) -> bool:
        """What the file says of whether the number of dimensions is known; often left at False."""
        return self.table["has_rank"]  # type: ignore[no-any-return]

    @lazy
    def dtype(self) -> str:
        """The type of its values: `"int8"`, `"float32"`, `"int4"`, `"bool"` and so on."""
        return _dtype(self.table["type"])

    @lazy
    def quantization(self) -> Quantization | None:
        """Its quantization parameters, or None if it has none: a table without scales is none."""
        table = self.table["quantization"]
        if table is None:
            return None
        quantization = Quantization(table, self)
        return quantization if quantization.has_own_tensors or quantization.scales else None

    @lazy
    def is_constant(self) -> bool:
        """Whether its values are known before the model runs: they stand in the file."""
        if self.is_external:
            return True
        if self.nbytes > 0:
            return True
        # Buffers of activations may be there and empty; so may constants without elements be.
        if self.buffer_index == 0 or 0 not in self.shape:
            return False
        return "data" in self.subgraph.model.buffers[self.buffer_index]

    @lazy
    def is_variable(self) -> bool:
        """Whether it keeps its values from one run to the next, as the states of an LSTM do."""
        return self.table["is_variable"]  # type: ignore[no-any-return]

    @property
    def is_sparse(self) -> bool:
        """Whether its data leave out zeros, so that they are not laid out as the shape says."""
        return "sparsity" in self.table

    @lazy
    def is_external(self) -> bool:
        """Whether its data stand in another file beside the model."""
        return bool(self.table["external_buffer"])

    @property
    def sparsity(self) -> Table | None:
        """Where the values of a sparse tensor belong, as the file states it; None if it is not."""
        return self.table["sparsity"]  # type: ignore[no-any-return]

    @lazy
    def buffer_index(self) -> int:
        """Which buffer of the model holds its data; 0 means none."""
        return self.table["buffer"]  # type: ignore[no-any-return]

    @property
    def data(self) -> memoryview:
        """The bytes of its data as they stand in the file, without a copy; empty if it has none.

        Raises:
            InvalidModelError: If they should stand in another file, and the model names it wrongly.
            Error: If they stand in another file that cannot be read.
        """
        if self.is_external:
            return external_data(self.subgraph.model.table, self.table["external_buffer"])
        return self.table.source.view(*self._span)

    @lazy
    def nbytes(self) -> int:
        """How many bytes its data take, in the file or beside it; 0 if it has none."""
        if self.is_external:
            model = self.subgraph.model.table
            size: int = external_buffer(model, self.table["external_buffer"])["length"]
            return size
        start, stop = self._span
        return stop - start

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return the values of a constant tensor.

        Returns:
            A read-only view on the file in the tensor's shape. Some types need a copy: values of 2
            or 4 bits come as int8 or uint8, bfloat16 as float32, strings as an object array of
            bytes.

        Raises:
            ArgumentError: If the tensor is not constant.
            InvalidModelError: If the data do not have the size that shape and type promise.
            MissingDependencyError: For 8-bit floats, if ml_dtypes is not installed.
            Error: For data in another file that cannot be read, and types that tfq does not know.
        """
        if not self.is_constant:
            raise ArgumentError(f"{self.place}: is not constant, the file holds no data for it")
        return data.array(self)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values of a constant tensor of numbers as one flat tuple, read without NumPy.

        For small tensors: scales, shapes, axes.

        Raises:
            ArgumentError: If the tensor is not constant.
            InvalidModelError: If the data do not have the size that shape and type promise.
        """
        if not self.is_constant:
            raise ArgumentError(f"{self.place}: is not constant, the file holds no data for it")
        return data.values(self)

    @property
    def producer(self) -> Operator | None:
        """The operator that writes it; None for constants, variables and the model's inputs."""
        return self.subgraph.links.producers.get(self.index)

    @property
    def consumers(self) -> tuple[Operator, ...]:
        """The operators that read it, each once, in the order in which they run."""
        return self.subgraph.links.consumers.get(self.index, ())

    @property
    def place(self) -> str:
        """Where it stands, for messages: file, subgraph, index and name."""
        return f"{self.subgraph.place}{SEPARATOR}tensor {self.index} ({self.name!r})"

    def __repr__(self) -> str:
        """Return index, name, dtype and shape."""
        shape = ",".join(str(size) for size in self.shape_signature)
        return f"<Tensor {self.index} {self.name!r} {self.dtype}[{shape}]>"

    @property
    def _span(self) -> tuple[int, int]:
        # Buffer 0 means no data, whatever it holds.
        return self.table.source.spans[self.buffer_index] if self.buffer_index else (0, 0)


@functools.cache
def _dtype(number: int) -> str:
    return tflite().enum_name("TensorType", number).lower()
