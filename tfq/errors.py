"""What can go wrong in a way that a user can mend.

Every error is one sentence that says what was expected, what was found, and where. The command
line prints it on one line of stderr and exits with status 2; a program catches `tfq.Error`.
"""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Error(Exception):
    """Base of every error that a user of tfq can cause."""


class ArgumentError(Error, ValueError):
    """An argument has a value that tfq does not know, or that contradicts another argument."""


class InvalidModelError(Error):
    """A file is not the model that its place promises: broken, truncated, of another kind."""


class ConversionError(Error):
    """A model cannot be converted as asked, or what came out is not what was asked."""


class CalibrationDataError(Error):
    """Calibration or evaluation data do not fit the model."""


class ProfileError(Error):
    """A device profile is unknown or breaks its schema."""


class MissingDependencyError(Error, ImportError):
    """A package that this job needs is not installed, or is installed in a version that fails."""


class ConversionWarning(UserWarning):
    """Something works, but probably not as well as it could."""


def one_line(error: object, limit: int = 300) -> str:
    """An error's first words, on one line."""
    try:
        text = " ".join(str(error).split())
    except Exception as failure:  # a user's own class may do anything
        text = f"its text fails with {type(failure).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def reason(error: BaseException) -> str:
    """An error of any kind: its kind, unless it is tfq's own, and its first words."""
    text = one_line(error)
    if isinstance(error, Error):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def users_code(what: str, kind: type[Error]) -> Iterator[None]:
    """Turn whatever the user's own code raises into an error of one line.

    It may do anything, `sys.exit` among it; only Ctrl-C and SIGTERM (see `tfq.cli`) end the work.

    Args:
        what: What the message begins with.
        kind: Of the error that is raised.

    Raises:
        Error: If the code in the `with` block raises; one of tfq's own stays what it is.
    """
    try:
        yield
    except (Error, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise kind(f"{what}: {reason(error)}") from error
