"""Tells what a file that is no .tflite looks like: people give the file next to it by mistake."""

from __future__ import annotations

# How a file begins → what to call it. The first match counts, so longer beginnings stand first.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a Keras .h5?)"),
    (b"PK\x03\x04", "a ZIP archive (a .keras model, a zipped SavedModel or a .task bundle?)"),
    (b"\x1f\x8b", "a gzip archive (pack it out first)"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
    (b"<!DOCTYPE", "an HTML page (a download that failed?)"),
    (b"<!doctype", "an HTML page (a download that failed?)"),
    (b"<html", "an HTML page (a download that failed?)"),
    (b"<?xml", "an XML file"),
    (b"LITERTLM", "a LiteRT-LM bundle"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x7fELF", "a program or shared library"),
    (b"{", "a JSON file"),
    # SavedModel: schema version 1, then the first meta graph.
    (b"\x08\x01\x12", "the protobuf of a SavedModel (give its directory to `tfq convert`)"),
)
# ir_version as a varint, then producer_name or the graph.
_ONNX_VERSIONS = range(2, 30)
_ONNX_NEXT_FIELDS = (0x12, 0x1A, 0x22, 0x32, 0x3A, 0x42)
_PICKLE_PROTOCOLS = range(2, 6)


def describe(head: bytes) -> str | None:
    """Say what a file looks like from its beginning.

    Args:
        head: The first bytes, some dozens.

    Returns:
        Words that fit after "looks like", or None if nothing is recognized.
    """
    for beginning, words in _BEGINNINGS:
        if head.startswith(beginning):
            return words
    if len(head) < 3:
        return None
    if head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS:
        return "a Python pickle (a PyTorch checkpoint?)"
    if head[0] == 0x08 and head[1] in _ONNX_VERSIONS and head[2] in _ONNX_NEXT_FIELDS:
        return "an ONNX model"
    if head[0] == 0x0A and len(head) > 3 and 0x0A in head[2:5]:
        return "a protobuf of TensorFlow (a frozen graph, .pb?)"
    if not head.strip(b"\0"):
        return "a file of zeros (a download that was cut off?)"
    return None
