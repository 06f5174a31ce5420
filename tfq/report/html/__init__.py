"""One self-contained page about models: verdicts, the graph, plots, a table of operators.

Nothing heavy is imported here: `import tfq` imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from tfq.model import Model
    from tfq.profiles import Profile
    from tfq.sweep.result import Sweep

    Path_: TypeAlias = str | os.PathLike[str]
    Given: TypeAlias = Model | Path_ | bytes

__all__ = ["Verdict", "Written", "write_report"]


class Verdict(NamedTuple):
    """What the page says of one model and one device.

    Attributes:
        model: The model's path, or "model".
        profile: The profile's name.
        ok: Whether no finding is an error.
        counts: How many findings there are, such as `9 errors, 0 warnings`.
    """

    model: str
    profile: str
    ok: bool
    counts: str


class Written(NamedTuple):
    """What `write_report` wrote.

    Attributes:
        path: The file.
        size: Its bytes.
        models: What the models are called, in order.
        verdicts: One for each model and device.
    """

    path: str
    size: int
    models: tuple[str, ...]
    verdicts: tuple[Verdict, ...]


def write_report(
    models: Given | Iterable[Given],
    output: Path_,
    *,
    profiles: Iterable[Profile | Path_] = (),
    sweep: Sweep | Path_ | None = None,
    comparisons: Iterable[Any] = (),
) -> Written:
    """Write a page that shows what models are and what devices make of them.

    Args:
        models: A model or several: models, or what `tfq.load` takes. May be empty with a sweep: it
            is then the one that the sweep recommends, else the best of those that it made.
        output: Where to write the page: one file of HTML, which needs no other and no network.
        profiles: The devices: profiles, names or the paths of files; by default those of the sweep.
        sweep: What `tfq.sweep` returned, or the directory that it wrote.
        comparisons: What `tfq.compare` returned, or files that `tfq compare --format=json` printed,
            of the models. That of the sweep is found without.

    Returns:
        What was written.

    Raises:
        ArgumentError: If there is no model; a comparison is of none of the models; or sweep,
            comparisons or output cannot be what they are named.
        InvalidModelError: If a model cannot be read.
        ProfileError: If there is no such profile, or it is broken.
        MissingDependencyError: If fast-sugiyama is not installed.

    Example:
        >>> tfq.write_report("mobilenet_int8.tflite", "report.html", profiles=["artpec8"])
    """
    from tfq.report.html.writing import write

    return write(models, output, profiles, sweep, comparisons)
