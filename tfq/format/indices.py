"""Checks that what a model refers to by number is there: tensors, buffers, op codes, subgraphs."""

from __future__ import annotations

from tfq.format.buffers import buffer_range, data_span, options_range
from tfq.format.malformed import SEPARATOR, Malformed, element

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.format.table import Table

# LiteRT lets every list of tensors say "none" in this way.
ABSENT = -1
# What several parts of a model refer to is decoded for each of them. Subgraphs, one a prompt length
# in language models, share the scales of their weights, which are an eighth of the file at most.
_READINGS = 4


def check_indices(model: Table) -> None:
    """Check every index of a model whose structure was verified.

    Args:
        model: The root table.

    Raises:
        InvalidModelError: At the first index that leads nowhere; the message says where it is.
    """
    try:
        _Check(model).run()
    except Malformed as error:
        raise error.as_error(model.source.name) from None


class _Check:
    """One pass over a model: the state is what there is to refer to."""

    def __init__(self, model: Table) -> None:
        self.model = model
        self.size = model.source.size
        self.subgraphs = model["subgraphs"] or ()
        self.buffers = len(model["buffers"] or ())
        self.operator_codes = len(model["operator_codes"] or ())
        self.tensors = [len(subgraph["tensors"] or ()) for subgraph in self.subgraphs]
        self.spans: list[tuple[int, int]] = []
        self.tensor_tables: tuple[Table, ...] = ()
        self.budget = _READINGS * model.source.size

    def run(self) -> None:
        if not self.subgraphs:
            raise Malformed("has no subgraph, expected at least one")
        self.each(self.model, "buffers", self.buffer)
        self.model.source.spans = tuple(self.spans)
        self.each(self.model, "subgraphs", self.subgraph)
        self.each(self.model, "signature_defs", self.signature)
        self.each(self.model, "metadata", self.metadata)

    def each(self, table: Table, name: str, check: Callable[..., None], *context: int) -> None:
        """Run a check on each table of a vector, and say which it was that failed."""
        index = 0
        try:
            for index, item in enumerate(table[name] or ()):
                check(item, index, *context)
        except Malformed as error:
            raise error.within(element(name, index)) from None

    def buffer(self, buffer: Table, index: int) -> None:
        self.span(buffer_range(buffer), "data")
        self.spans.append(data_span(buffer))
        buffer.source.step(buffer.position)

    def span(self, span: tuple[int, int] | None, what: str) -> None:
        """Check bytes that stand outside the flatbuffer, in the same file."""
        if span is not None and span[1] > self.size:
            raise Malformed(
                f"its {what} are bytes {span[0]} to {span[1]}, but the file ends at byte"
                f" {self.size} (cut off?)"
            )

    def subgraph(self, subgraph: Table, index: int) -> None:
        count = self.tensors[index]
        self.tensor_tables = subgraph["tensors"] or ()
        self.each(subgraph, "tensors", self.tensor, count)
        self.tensor_list(subgraph, "inputs", count)
        self.tensor_list(subgraph, "outputs", count)
        self.each(subgraph, "operators", self.operator, count)

    def tensor(self, tensor: Table, index: int, tensors: int) -> None:
        # Buffer 0 means no data; LiteRT never looks it up.
        if (buffer := tensor["buffer"]) != 0:
            self.one("buffer", buffer, self.buffers, "buffer")
        if (quantization := tensor["quantization"]) is None:
            return
        if "details_type" not in quantization or (details := quantization["details"]) is None:
            return
        for name in ("scales", "zero_points"):
            if name in details and details[name] != ABSENT:
                self.one(SEPARATOR.join(("quantization", name)), details[name], tensors, "tensor")
                self.charge(self.data_size(details[name]))

    def operator(self, operator: Table, index: int, tensors: int) -> None:
        self.one("opcode_index", operator["opcode_index"], self.operator_codes, "operator code")
        self.tensor_list(operator, "inputs", tensors)
        self.tensor_list(operator, "outputs", tensors)
        self.tensor_list(operator, "intermediates", tensors)
        if (span := options_range(operator)) is not None:
            self.span(span, "custom options")
            self.charge(span[1] - span[0])
        for field in ("builtin_options", "builtin_options_2"):
            if field in operator and (options := operator[field]) is not None:
                self.called_subgraphs(options)

    def called_subgraphs(self, options: Table) -> None:
        """Check the options by which IF, WHILE, CALL_ONCE and the like name subgraphs."""
        for name in options:
            if "subgraph" not in name:
                continue
            value = options[name]
            for index in value if isinstance(value, tuple) else (value or 0,):
                place = SEPARATOR.join(("options", name))
                self.one(place, index, len(self.subgraphs), "subgraph")

    def signature(self, signature: Table, index: int) -> None:
        subgraph = signature["subgraph_index"]
        self.one("subgraph_index", subgraph, len(self.subgraphs), "subgraph")
        for name in ("inputs", "outputs"):
            self.each(signature, name, self.tensor_map, self.tensors[subgraph])

    def tensor_map(self, entry: Table, index: int, tensors: int) -> None:
        self.one("tensor_index", entry["tensor_index"], tensors, "tensor")

    def metadata(self, metadata: Table, index: int) -> None:
        self.one("buffer", metadata["buffer"], self.buffers, "buffer")

    def tensor_list(self, table: Table, name: str, tensors: int) -> None:
        values = table[name]
        if not values or (min(values) >= ABSENT and max(values) < tensors):
            return
        for place, value in enumerate(values):
            if value != ABSENT:
                self.one(f"{name}[{place}]", value, tensors, "tensor")

    def data_size(self, tensor: int) -> int:
        """Return how many bytes of the file a tensor of the current subgraph holds."""
        index = self.tensor_tables[tensor]["buffer"]
        start, stop = self.spans[index] if index < self.buffers else (0, 0)
        return stop - start

    def charge(self, size: int) -> None:
        """Take the size of something that is decoded whole from the budget."""
        self.budget -= size
        if self.budget < 0:
            raise Malformed(
                f"its parts refer to the same data again and again: to more than {_READINGS} times"
                f" the {self.size} bytes of the file"
            )

    def one(self, place: str, index: int, count: int, kind: str) -> None:
        """Check one index."""
        if 0 <= index < count:
            return
        plural = kind if count == 1 else f"{kind}s"
        raise Malformed(f"{kind} index {index}, only {count} {plural}").within(place)
