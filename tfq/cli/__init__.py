"""The command line: `tfq COMMAND [flags] [files]`.

Exit status: 0 fine; 1 findings at or above `--fail_on`; 2 wrong use or unreadable input, with one
line on stderr; 130 after Ctrl-C; 141 when the reader of the output went away; 143 after SIGTERM.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys

from tfq import errors

_OBJECTS_BEFORE_COLLECTION = 200_000
WRONG_USE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143

__all__ = ["main", "print_error", "print_warning"]


class _Termination(KeyboardInterrupt):
    """What SIGTERM raises, so that files that are being written go away.

    What lets Ctrl-C through, whatever else it catches, lets it through, too.
    """


def main(argv: list[str] | None = None) -> int:
    """Run one command; the entry point of `tfq` and of `python -m tfq`.

    Args:
        argv: The words after the program's name; those of the process if None.

    Returns:
        The exit status.
    """
    if argv is not None:
        return _run(list(argv))
    # A model is many objects at once, none of which is garbage: looking for some takes a tenth of
    # the time.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    signal.signal(signal.SIGTERM, _terminate)
    status = _run(sys.argv[1:])
    # What was asked is done or refused. TensorFlow takes a while to go, and a signal meanwhile
    # would say otherwise.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return status


def _terminate(*_: object) -> None:
    raise _Termination


def _run(words: list[str]) -> int:
    try:
        _accept_any_character()
        status = _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except errors.Error as error:
        print_error(str(error))
        return WRONG_USE
    except _Termination:
        _print_line("terminated")
        return TERMINATED
    except KeyboardInterrupt:
        _print_line("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _print_traceback_if_asked()
        print_error(": ".join(str(part) for part in (error.filename, error.strerror) if part))
        return WRONG_USE
    except Exception as error:
        _print_traceback_if_asked()
        print_error(
            f"unexpected {type(error).__name__}: {error} "
            "(this is a defect of tfq: please report it, with what TFQ_DEBUG=1 prints)"
        )
        return WRONG_USE


def print_error(message: str) -> None:
    """Write `message` as one line of stderr, whatever a file's name or contents put into it."""
    _print_line(f"error: {_folded(message)}")


def print_warning(message: str) -> None:
    """Likewise, for what does not end the command."""
    _print_line(f"warning: {_folded(message)}")


def print_note(message: str) -> None:
    """Likewise, for what is only said."""
    _print_line(_folded(message))


def _folded(message: str) -> str:
    from tfq.terminal import printable

    return printable(" ".join(message.split()))


def _print_line(text: str) -> None:
    # Nobody is left to tell where stderr is closed or full; the exit status still says it.
    with contextlib.suppress(OSError):
        if sys.stdout is not None:
            sys.stdout.flush()
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            print(f"tfq: {text}", file=sys.stderr)


def _dispatch(words: list[str]) -> int:
    if not words:
        raise errors.ArgumentError("expected a command; see tfq --help")
    name, *rest = words
    if name in ("--version", "-version", "version"):
        from importlib import metadata

        print(f"tfq {metadata.version('tfq')}")
        return 0
    from tfq.cli import commands

    if name in ("--help", "-h", "-help", "help") and not rest:
        print(_overview(commands.COMMANDS))
        return 0
    if name == "help":
        name, rest = rest[0], ["--help"]
    command = commands.load(name)
    from tfq.cli import arguments

    if arguments.asks_for_help(rest):
        print(arguments.help_text(name, command))
        return 0
    return command.run(arguments.parse(name, command.FLAGS, rest))


def _overview(table: dict[str, str]) -> str:
    width = max(map(len, table))
    return "\n".join(
        [
            "usage: tfq COMMAND [flags] [files]",
            "",
            "Turns Keras and TensorFlow models into .tflite files that a device runs in integers,",
            "and says whether a .tflite file is one.",
            "",
            "commands:",
            *(f"  {name:<{width}}  {text}" for name, text in table.items()),
            "",
            "tfq COMMAND --help shows a command's flags; tfq --version the version.",
        ]
    )


def _accept_any_character() -> None:
    # A terminal of another encoding than UTF-8 gets an escape, not a UnicodeEncodeError.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    # What is still in the buffer would be written, and fail again, when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _print_traceback_if_asked() -> None:
    if os.environ.get("TFQ_DEBUG") == "1":
        import traceback

        traceback.print_exc()
