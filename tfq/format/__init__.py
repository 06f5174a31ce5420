"""The .tflite file as bytes: the schema, and a reader that trusts nothing.

`read(path)` gives the root `Table` of a file in which every offset and index was checked. What the
tables mean is the business of `tfq.model`.
"""

from __future__ import annotations

import os

from tfq.format.buffers import options_data
from tfq.format.draft import Draft
from tfq.format.editor import Editor, NotInPlace
from tfq.format.external import external_buffer, external_data
from tfq.format.flexbuffers import decode
from tfq.format.indices import ABSENT, check_indices
from tfq.format.malformed import SEPARATOR
from tfq.format.output import check_apart, check_place, source_chunks, write_whole
from tfq.format.schema import Field, Schema, TableSchema, builtin_operators, tflite
from tfq.format.source import Source, at_once, open_source
from tfq.format.table import Table
from tfq.format.verify import verify
from tfq.format.writer import write

__all__ = [
    "ABSENT",
    "SEPARATOR",
    "Draft",
    "Editor",
    "Field",
    "NotInPlace",
    "Schema",
    "Source",
    "Table",
    "TableSchema",
    "at_once",
    "builtin_operators",
    "check_apart",
    "check_place",
    "decode",
    "external_buffer",
    "external_data",
    "options_data",
    "read",
    "source_chunks",
    "tflite",
    "write",
    "write_whole",
]


def read(
    model: str | os.PathLike[str] | bytes | bytearray | memoryview, *, like: Source | None = None
) -> Table:
    """Read a .tflite file and check all of its structure and indices.

    Args:
        model: A path, or the content of a file.
        like: The file that the content was made from: messages call it the same, and it has the
            same files beside it.

    Returns:
        The root table, of kind `Model`.

    Raises:
        InvalidModelError: If the file cannot be read, is none, or is broken; one line says where.
    """
    source = open_source(model)
    if like is not None:
        source.name, source.folder = like.name, like.folder
    verify(source)
    root = Table(source, tflite().table(tflite().root), source.root)
    check_indices(root)
    return root
