"""Opens a .tflite file in Netron, in the browser, until Ctrl-C.

Needs the package netron: pip install netron
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from tfq import errors, model
from tfq.terminal import printable

if TYPE_CHECKING:
    from typing import Any

FLAGS = flags.FlagValues()
USAGE = "MODEL.tflite [flags]"

flags.DEFINE_bool(
    "browse", True, "Open the browser; without, only serve the page.", flag_values=FLAGS
)


def run(arguments: list[str]) -> int:
    """Serve one model until somebody interrupts.

    Args:
        arguments: The path of the model.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If there is not exactly one path.
        tfq.errors.InvalidModelError: If the model cannot be read.
        tfq.errors.MissingDependencyError: If netron is not installed.
    """
    if len(arguments) != 1:
        raise errors.ArgumentError(
            f"expected the path of one .tflite file, got {len(arguments)}; see tfq view --help"
        )
    (path,) = arguments
    model.load(path)
    netron = _netron()
    host, port = netron.start(path, browse=FLAGS.browse)
    # Whoever waits for the address gets it now.
    print(f"{printable(path)}: http://{host}:{port} (Ctrl-C ends)", flush=True)
    netron.wait()
    return 0


def _netron() -> Any:
    import importlib

    try:
        netron = importlib.import_module("netron")
    except ModuleNotFoundError:
        raise errors.MissingDependencyError(
            "tfq view needs a package: pip install netron"
        ) from None
    import logging

    # It would say once more what is printed here.
    logging.getLogger("netron").setLevel(logging.WARNING)
    return netron
