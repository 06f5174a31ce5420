"""What can go wrong in a way that a user can mend.

Every error is one sentence that says what was expected, what was found, and where. The command
line prints it on one line of stderr and exits with status 2; a program catches `tfq.Error`.
"""


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
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
