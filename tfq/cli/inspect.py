"""Prints what is in a .tflite file: a summary, every op or tensor, or one of them in full.

Of two files it prints what differs: ops, types, quantization, weights, metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from tfq import errors, model

if TYPE_CHECKING:
    from tfq.model import Model

FLAGS = flags.FlagValues()
USAGE = "MODEL.tflite [OTHER.tflite] [flags]"

flags.DEFINE_enum(
    "format", "text", ["text", "json"], "Tables for people, or JSON.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "ops", False, "List every op, of two models those that differ.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "tensors", False, "List every tensor, of two models those that differ.", flag_values=FLAGS
)
flags.DEFINE_string(
    "show",
    None,
    "One op or tensor in full: a name, the index of an op (12), or op:12, tensor:12; in other "
    "subgraphs 1:12, tensor:1:12.",
    flag_values=FLAGS,
)


def run(arguments: list[str]) -> int:
    """Print one model, or what differs between two.

    Args:
        arguments: The paths of the models.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If there are not one or two paths, or what to show is not there.
        tfq.errors.InvalidModelError: If a model cannot be read.
    """
    if len(arguments) not in (1, 2):
        raise errors.ArgumentError(
            f"expected the path of one .tflite file, or of two to compare, got {len(arguments)};"
            " see tfq inspect --help"
        )
    if FLAGS.show is not None and len(arguments) == 2:
        raise errors.ArgumentError("--show takes one .tflite file, got 2")
    first, *others = [model.load(path) for path in arguments]
    if FLAGS.show is not None:
        print(_item(first, FLAGS.show))
    elif others:
        print(_difference(first, others[0]))
    else:
        print(_inspection(first))
    return 0


def _inspection(shown: Model) -> str:
    if FLAGS.format == "json":
        from tfq.report.inspection import inspection
        from tfq.report.json_text import to_json

        return to_json(inspection(shown))
    from tfq.report.inspection_text import inspection_text

    return inspection_text(shown, list_operators=FLAGS.ops, list_tensors=FLAGS.tensors)


def _difference(first: Model, second: Model) -> str:
    if FLAGS.format == "json":
        from tfq.report.difference import difference
        from tfq.report.json_text import to_json

        return to_json(difference(first, second))
    from tfq.report.difference_text import difference_text

    return difference_text(first, second, list_operators=FLAGS.ops, list_tensors=FLAGS.tensors)


def _item(shown: Model, wanted: str) -> str:
    from tfq.report.selection import select

    found = select(shown, wanted)
    if FLAGS.format == "json":
        from tfq.report.item import item_data
        from tfq.report.json_text import to_json
        from tfq.report.selection import only

        return to_json(item_data(only(found, wanted)))
    from tfq.report.item_text import items_text

    return items_text(found)
