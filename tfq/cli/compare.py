"""Says how near a candidate's outputs and layers come to those of a reference.

The reference is a .tflite, quantized or not, or what `tfq convert` takes, which becomes a float32
.tflite first. The candidate is a .tflite with the same inputs and outputs, by their names or in
their order. With labels, both are scored.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from tfq.cli.data_flags import input_shapes, one_line_warnings
from tfq.errors import ArgumentError

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Comparison

FLAGS = flags.FlagValues()
USAGE = "--reference=MODEL --candidate=FILE.tflite --data=DATA [--labels=FILE] [--per_layer]"

flags.DEFINE_string("reference", None, "What the candidate should be like.", flag_values=FLAGS)
flags.DEFINE_string("candidate", None, "The .tflite to compare.", flag_values=FLAGS)
flags.DEFINE_string(
    "data",
    None,
    "Samples for the reference's inputs: .npy, .npz (one array, or one named after each input, and "
    "labels as y), a TFRecord, a directory of images, or FILE.py:FUNCTION that returns samples.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "labels",
    None,
    "One a sample: .npy, or .npz with y. By default those among the data.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "metric",
    None,
    "What the labels are for: top1, miou, map, mae, rmse, or module:function, which gets the list "
    "of outputs and the labels. By default seen from the shape of the labels.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "per_layer", False, "Look inside: the error of every tensor, worst first.", flag_values=FLAGS
)
flags.DEFINE_string(
    "node_data",
    None,
    "Where to write the errors by operator for Google's Model Explorer; looks inside, too.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "image_scale",
    None,
    "What pixels become: 0..1, -1..1, 0..255 or MEAN,STD in units of pixels.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "parse_function",
    None,
    "FILE.py:FUNCTION that makes a sample of a TFRecord's serialized example.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "batch_size",
    1,
    "For a reference that is converted and leaves the batch open; 0 keeps it open.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "input_shape",
    [],
    "NAME:1,224,224,3: a whole shape, where the reference leaves more than the batch open. May "
    "repeat.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "signature", None, "Which signature of a SavedModel or float .tflite.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "unsafe_load",
    False,
    "Load Keras files with Lambda layers, whose Python code then runs.",
    flag_values=FLAGS,
)
flags.DEFINE_enum("format", "text", ["text", "json"], "How to print.", flag_values=FLAGS)


def run(arguments: list[str]) -> int:
    """Compares, writes the node data, prints.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.convert.readers import load_function
    from tfq.format import check_apart, check_place
    from tfq.report.comparison import comparison_data
    from tfq.report.comparison_text import comparison_text
    from tfq.report.json_text import to_json

    if arguments:
        raise ArgumentError(f"expected flags only, got {arguments[0]!r}; the models are flags")
    for name in ("reference", "candidate", "data"):
        if not FLAGS[name].value:
            raise ArgumentError(f"--{name} is missing: tfq compare {USAGE}")
    if FLAGS.node_data is not None:
        check_place(FLAGS.node_data)
    names = ("reference", "candidate", "data", "labels")
    read = {f"--{name}": FLAGS[name].value for name in names}
    check_apart({"--node_data": FLAGS.node_data}, read)
    from tfq.accuracy import compare

    with one_line_warnings():
        comparison = compare(
            FLAGS.reference,
            FLAGS.candidate,
            FLAGS.data,
            labels=FLAGS.labels,
            metric=FLAGS.metric,
            per_layer=FLAGS.per_layer or FLAGS.node_data is not None,
            image_scale=FLAGS.image_scale,
            parse_function=load_function(FLAGS.parse_function) if FLAGS.parse_function else None,
            batch_size=FLAGS.batch_size or None,
            input_shapes=input_shapes(FLAGS.input_shape),
            signature=FLAGS.signature,
            unsafe_load=FLAGS.unsafe_load,
        )
    if FLAGS.node_data is not None:
        _write_node_data(FLAGS.node_data, comparison)
    as_json = FLAGS.format == "json"
    print(to_json(comparison_data(comparison)) if as_json else comparison_text(comparison))
    return 0


def _write_node_data(path: str, comparison: Comparison) -> None:
    from tfq.accuracy.node_data import node_data
    from tfq.format import write_whole
    from tfq.model import load

    if comparison.layers is None:
        raise AssertionError("compared without layers")
    content = node_data(load(Path(FLAGS.candidate)), comparison.layers)
    write_whole(path, [json.dumps(content, allow_nan=False).encode()])
