"""The flags that the commands which open models and data have in common, and what they mean."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from absl import flags

from tfq.cli import print_warning
from tfq.errors import ArgumentError, ConversionWarning

FORMS = (
    ".npy, .npz (one array, or one named after each input), a TFRecord, a directory of images, or "
    "FILE.py:FUNCTION that returns samples"
)
"""What a flag for data takes, for its help."""
# Flags whose values are the API's arguments of the same names.
_PLAIN = (
    "labels",
    "metric",
    "image_scale",
    "signature",
    "unsafe_load",
    "allow_float_fallback",
    "allow_select_tf_ops",
    "allow_custom_ops",
)


def define_opening(values: flags.FlagValues) -> None:
    """Define the flags that say how data are read and models are opened.

    Args:
        values: A command's flags.
    """
    flags.DEFINE_string(
        "image_scale",
        None,
        "What pixels become: 0..1, -1..1, 0..255 or MEAN,STD in units of pixels.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "parse_function",
        None,
        "FILE.py:FUNCTION that makes a sample of a TFRecord's serialized example.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "batch_size",
        1,
        "For models to convert that leave the batch open; 0 keeps it open.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "input_shape",
        [],
        "NAME:1,224,224,3: a whole shape, where a model to convert leaves more than the batch "
        "open.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "signature", None, "Which signature of a SavedModel or .tflite.", flag_values=values
    )
    flags.DEFINE_bool(
        "unsafe_load",
        False,
        "Load Keras files with Lambda layers, whose Python code then runs.",
        flag_values=values,
    )


def define_scoring(values: flags.FlagValues) -> None:
    """Define the flags for labels and what is done with them.

    Args:
        values: A command's flags.
    """
    flags.DEFINE_string(
        "labels",
        None,
        "One a sample: .npy, or .npz with y. By default y among the data, if it is there.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "metric",
        None,
        "What the labels are for: top1, miou, map, mae, rmse, or module:function, which gets the "
        "list of outputs and the labels. By default seen from the shape of the labels.",
        flag_values=values,
    )


def define_conversion(values: flags.FlagValues) -> None:
    """Define the flags that say what a conversion may do.

    Args:
        values: A command's flags.
    """
    flags.DEFINE_bool(
        "allow_float_fallback",
        False,
        "Leave operators without integer kernels in float.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "allow_select_tf_ops",
        False,
        "Keep operators that LiteRT lacks as TensorFlow's own.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "allow_custom_ops", False, "Keep unknown operators as custom ones.", flag_values=values
    )
    flags.DEFINE_integer(
        "verbosity", 0, "1 lets TensorFlow's log through.", lower_bound=0, flag_values=values
    )


def keywords(values: flags.FlagValues) -> dict[str, Any]:
    """Say in the API's words what the flags of this module say.

    Args:
        values: A command's flags, parsed: those of `define_opening`, perhaps the others.

    Returns:
        Keyword arguments of `tfq.convert`, `compare`, `diagnose` or `sweep`.

    Raises:
        ArgumentError: If a shape or a function is none.
    """
    found: dict[str, Any] = {name: values[name].value for name in _PLAIN if name in values}
    found["parse_function"] = _function(values.parse_function)
    found["batch_size"] = values.batch_size or None
    found["input_shapes"] = input_shapes(values.input_shape)
    if "verbosity" in values:
        found["verbose"] = values.verbosity > 0
    return found


def check_given(
    usage: str, values: flags.FlagValues, required: Sequence[str], arguments: Sequence[str]
) -> None:
    """Check that a command line has the flags that it must have, and no files.

    Args:
        usage: The command's name and USAGE, for the message.
        values: The command's flags, parsed.
        required: Their names.
        arguments: The words that are not flags.

    Raises:
        ArgumentError: If one is missing or there is a word.
    """
    if arguments:
        raise ArgumentError(
            f"expected flags only, got {arguments[0]!r}; a model is --{required[0]}"
        )
    for name in required:
        if not values[name].value:
            raise ArgumentError(f"--{name} is missing: tfq {usage}")


def _function(place: str | None) -> Callable[..., Any] | None:
    # A sweep with nothing left to do does not even load NumPy.
    if not place:
        return None
    from tfq.convert.readers import load_function

    return load_function(place)


def input_shapes(texts: Iterable[str]) -> dict[str, tuple[int | None, ...]]:
    """Read the values of --input_shape.

    Args:
        texts: Such as `image:1,224,224,3`; `?` or `None` leaves a dimension open.

    Returns:
        Shapes by input name.

    Raises:
        ArgumentError: If a text is something else.
    """
    return dict(_input_shape(text) for text in texts)


def _input_shape(text: str) -> tuple[str, tuple[int | None, ...]]:
    name, _, dims = text.rpartition(":")
    try:
        shape = tuple(None if dim.strip() in ("?", "None") else int(dim) for dim in dims.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or any(dim is not None and dim < 1 for dim in shape):
        raise ArgumentError(f"--input_shape: expected NAME:1,224,224,3; got {text!r}")
    return name, shape


@contextlib.contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show tfq's warnings as it shows errors, nobody else's, and what is printed on stderr.

    Stdout is for the result, which may be JSON; the user's own code may print what it likes.
    """

    def show(message: Any, *_: Any, **__: Any) -> None:
        print_warning(str(message))

    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ConversionWarning)
        warnings.showwarning = show
        yield
