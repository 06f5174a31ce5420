"""Weights in files of their own beside the model: `external_buffer`.

LiteRT takes a group's name for a path, relative to the model's directory
(https://github.com/google-ai-edge/LiteRT/blob/main/docs/, "weight storage"). A model is untrusted:
here the path must not lead out of that directory. Links in it are followed, as caches of downloads
are made of them: they are the user's, not the model's.
"""

from __future__ import annotations

import os

from tfq.errors import Error, InvalidModelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap

    from tfq.format.table import Table


def external_buffer(model: Table, identity: int) -> Table:
    """Return the table of an external buffer.

    Args:
        model: The root table.
        identity: The buffer's id, which is no index.

    Raises:
        InvalidModelError: If the model has no such buffer.
    """
    for buffer in model["external_buffers"] or ():
        if buffer["id"] == identity:
            return buffer  # type: ignore[no-any-return]
    raise InvalidModelError(f"{model.source.name}: there is no external buffer {identity}")


def external_data(model: Table, identity: int) -> memoryview:
    """Return the bytes of an external buffer, mapped and not copied.

    Args:
        model: The root table.
        identity: The buffer's id.

    Raises:
        InvalidModelError: If there is no such buffer or group, the group's name leads out of the
            model's directory, or the buffer is not inside its file.
        Error: If the model was not read from a file, or the file with the data cannot be read.
    """
    buffer = external_buffer(model, identity)
    name = model.source.name
    groups = model["external_buffer_groups"] or ()
    if buffer["group"] >= len(groups):
        raise InvalidModelError(
            f"{name}: external buffer {identity}: there are only {len(groups)} groups,"
            f" got {buffer['group']}"
        )
    path = _path(model, groups[buffer["group"]]["name"] or "")
    data = _mapped(model, path)
    start, stop = buffer["offset"], buffer["offset"] + buffer["length"]
    if stop > len(data):
        raise InvalidModelError(
            f"{name}: external buffer {identity} is bytes {start} to {stop} of {path}, which has"
            f" only {len(data)}"
        )
    return memoryview(data)[start:stop]


def _path(model: Table, group: str) -> str:
    source = model.source
    parts = group.replace("\\", "/").split("/")
    if not group or os.path.isabs(group) or ".." in parts or "\0" in group:  # noqa: PTH117
        raise InvalidModelError(
            f"{source.name}: its weights are in {group[:200]!r}, expected a file beside the model"
        )
    if source.folder is None:
        raise Error(f"{source.name}: its weights are in {group!r}: give the model's path instead")
    return os.path.join(source.folder, group)  # noqa: PTH118


def _mapped(model: Table, path: str) -> bytes | mmap.mmap:
    files = model.source.files
    if path not in files:
        try:
            files[path] = _map(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Error(f"{model.source.name}: its weights in {path}: {reason}") from None
    return files[path]


def _map(path: str) -> bytes | mmap.mmap:
    if not os.path.isfile(path):  # noqa: PTH113
        raise FileNotFoundError(0, "there is no such file")
    with open(path, "rb") as file:  # noqa: PTH123
        if os.fstat(file.fileno()).st_size == 0:
            return b""
        import mmap

        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
