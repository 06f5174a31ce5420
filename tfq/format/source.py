"""Where the bytes of a model come from: a file that is mapped, or bytes that somebody holds."""

from __future__ import annotations

import os
import stat

from tfq.errors import InvalidModelError
from tfq.format.schema import tflite

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap

    from tfq.format.layout import Layout
    from tfq.format.table import Table

# A smaller file is read: that is as fast as mapping it, and a map holds a file descriptor for as
# long as the model lives.
_MAP_FROM_BYTES = 1 << 20
# Linux keeps a file that was written in one go in pieces of 2 MiB, and counts a whole piece as the
# process's memory where one byte of it is read. Whoever walks through the weights of a large file
# lets go of them from time to time; they stay readable.
_RELEASE_AFTER_BYTES = 2 << 20
_IDENTIFIER = slice(4, 8)


class Source:
    """The bytes of one .tflite file.

    Attributes:
        data: All of them, read-only.
        size: How many there are.
        name: What messages call the file.
        path: The path it was read from, or None.
        folder: Where the files beside it are, or None.
        layouts: What `verify` learned of the vtables, by (table name, position).
        tables: The vectors of tables that were read, by (position, table name).
        root: Where `verify` found the root table.
        spans: Where the data of each buffer stand, as `check_indices` found them.
        end: Where what the schema knows ends, as `trailing` found it; 0 before.
        files: What was mapped of the files beside it that hold its weights, by path.
    """

    __slots__ = (
        "_stepped",
        "data",
        "end",
        "files",
        "folder",
        "layouts",
        "name",
        "path",
        "root",
        "size",
        "spans",
        "tables",
    )

    def __init__(self, data: bytes | mmap.mmap, name: str, path: str | None = None) -> None:
        """Hold `data`, after a look at its beginning.

        Raises:
            InvalidModelError: If it does not begin like a .tflite file.
        """
        _check_beginning(data[:64], len(data), name)
        self.data = data
        self.size = len(data)
        self.name = name
        self.path = path
        self.folder = os.path.dirname(path) if path is not None else None  # noqa: PTH120
        self.layouts: dict[tuple[str, int], Layout] = {}
        self.tables: dict[tuple[int, str], tuple[Table, ...]] = {}
        self.root = 0
        self.end = 0
        self._stepped = 0
        self.spans: tuple[tuple[int, int], ...] = ()
        self.files: dict[str, bytes | mmap.mmap] = {}

    def step(self, position: int) -> None:
        """Note that a walk through the file has come to a position; see `_RELEASE_AFTER_BYTES`."""
        if abs(position - self._stepped) > _RELEASE_AFTER_BYTES:
            self._stepped = position
            if not isinstance(self.data, bytes) and hasattr(self.data, "madvise"):
                import mmap

                self.data.madvise(mmap.MADV_DONTNEED)

    def view(self, start: int, stop: int) -> memoryview:
        """Return the bytes from `start` to `stop` without a copy."""
        return memoryview(self.data)[start:stop]


def open_source(model: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Source:
    """Open a .tflite file, or take its bytes.

    Args:
        model: A path, or the content of a file. Content that can change is copied.

    Returns:
        Its bytes. They stay valid when the file is deleted or another one is renamed over it.

    Raises:
        InvalidModelError: If the file cannot be read or does not begin like a .tflite file.
    """
    if isinstance(model, bytes | bytearray | memoryview):
        return Source(bytes(model), "the given bytes")
    path = os.fspath(model)
    try:
        return Source(_read(path), path, path)
    except OSError as error:
        raise InvalidModelError(f"{path}: cannot be read: {_reason(error, path)}") from None
    except ValueError as error:
        # A NUL character in the path.
        raise InvalidModelError(f"{path!r}: cannot be read: {error}") from None


def at_once(path: str, flags: int) -> int:
    """Open a file without waiting: an `opener` for `open`.

    A pipe that nobody has opened for writing is then empty, where `open` waits for ever. One with
    a writer, such as a shell's `<(command)`, is read as it comes.

    Args:
        path: Of anything.
        flags: As `os.open` takes them.

    Returns:
        A file descriptor that waits for what a writer sends.
    """
    if not hasattr(os, "O_NONBLOCK"):  # Windows has no such pipes
        return os.open(path, flags)
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def _read(path: str) -> bytes | mmap.mmap:
    with open(path, "rb", opener=at_once) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            # A pipe or a device: look before reading what may never end.
            head = file.read(64)
            _check_beginning(head, len(head), path)
            return head + file.read()
        if state.st_size < _MAP_FROM_BYTES:
            return file.read()
        import mmap

        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _reason(error: OSError, path: str) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        if os.path.exists(os.path.join(path, "saved_model.pb")):  # noqa: PTH110, PTH118
            return "it is a SavedModel directory, expected a .tflite file (see `tfq convert`)"
        return "it is a directory, expected a .tflite file"
    return error.strerror or str(error)


def _check_beginning(head: bytes, size: int, name: str) -> None:
    identifier = tflite().identifier
    if head[_IDENTIFIER] == identifier:
        return
    if size == 0:
        raise InvalidModelError(f"{name}: is empty, expected a .tflite file")
    from tfq.format import kinds

    if looks := kinds.describe(head):
        raise InvalidModelError(f"{name}: looks like {looks}, expected a .tflite file")
    if size < _IDENTIFIER.stop:
        raise InvalidModelError(f"{name}: has only {size} bytes, expected a .tflite file")
    found = head[_IDENTIFIER]
    shown = repr(found.decode("ascii")) if found.isascii() else f"bytes {found.hex(' ')}"
    raise InvalidModelError(
        f"{name}: is not a .tflite file: expected {identifier.decode()!r} at byte 4, got {shown}"
    )
