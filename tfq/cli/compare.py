"""Says how near a candidate's outputs and layers come to those of a reference.

The reference is a .tflite, quantized or not, or what `tfq convert` takes, which becomes a float32
.tflite first. The candidate is a .tflite with the same inputs and outputs, by their names or in
their order. With labels, both are scored.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from absl import flags

from tfq.cli import data_flags

if TYPE_CHECKING:
    from tfq.accuracy.comparison import Comparison

FLAGS = flags.FlagValues()
USAGE = "--reference=MODEL --candidate=FILE.tflite --data=DATA [--labels=FILE] [--per_layer]"

flags.DEFINE_string("reference", None, "What the candidate should be like.", flag_values=FLAGS)
flags.DEFINE_string("candidate", None, "The .tflite to compare.", flag_values=FLAGS)
flags.DEFINE_string(
    "data",
    None,
    f"Samples for the reference's inputs: {data_flags.FORMS}.",
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
data_flags.define_opening(FLAGS)
data_flags.define_scoring(FLAGS)
flags.DEFINE_enum("format", "text", ["text", "json"], "How to print.", flag_values=FLAGS)


def run(arguments: list[str]) -> int:
    """Compare, write the node data, print.

    Args:
        arguments: must be empty: everything has a flag.

    Returns:
        0.

    Raises:
        tfq.Error: for anything that the user can mend.
    """
    from tfq.format import check_apart, check_place
    from tfq.report.comparison import comparison_data
    from tfq.report.comparison_text import comparison_text
    from tfq.report.json_text import to_json

    required = ("reference", "candidate", "data")
    data_flags.check_given(f"compare {USAGE}", FLAGS, required, arguments)
    if FLAGS.node_data is not None:
        check_place(FLAGS.node_data)
    read = {f"--{name}": FLAGS[name].value for name in (*required, "labels")}
    check_apart({"--node_data": FLAGS.node_data}, read)
    from tfq.accuracy import compare

    with data_flags.one_line_warnings():
        comparison = compare(
            FLAGS.reference,
            FLAGS.candidate,
            FLAGS.data,
            per_layer=FLAGS.per_layer or FLAGS.node_data is not None,
            **data_flags.keywords(FLAGS),
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

    assert comparison.layers is not None
    content = node_data(load(FLAGS.candidate), comparison.layers)
    write_whole(path, [json.dumps(content, allow_nan=False).encode()])
