"""Writes one page of HTML about .tflite files: verdicts, graph, plots and a table of every op.

The page is one file that needs no other and no network. Findings do not change the exit status:
that is for tfq lint.
"""

from __future__ import annotations

from absl import flags

from tfq import errors
from tfq.cli.files import expand

FLAGS = flags.FlagValues()
USAGE = "MODEL.tflite... --output=REPORT.html [flags]"

flags.DEFINE_string("output", None, "Where to write the page.", flag_values=FLAGS)
flags.DEFINE_list(
    "profiles",
    [],
    "The devices: names that `tfq profiles` lists, or files; by default those of --sweep.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "sweep",
    None,
    "A directory that `tfq sweep` wrote: shows its table and, if no model is named, the one that "
    "it recommends.",
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "comparison",
    [],
    "A file that `tfq compare --per_layer --format=json` printed of one of the models.",
    flag_values=FLAGS,
)


def run(arguments: list[str]) -> int:
    """Write the page, and print where it is and what the devices make of the models.

    Args:
        arguments: Paths and glob patterns of models.

    Returns:
        0.

    Raises:
        tfq.errors.ArgumentError: If models or the output are missing, or a file is not what its
            flag promises.
        tfq.errors.InvalidModelError: If a model cannot be read.
        tfq.errors.ProfileError: If there is no such profile, or it is broken.
        tfq.errors.MissingDependencyError: If fast-sugiyama is not installed.
    """
    from tfq.report.cells import size_text
    from tfq.report.html import write_report
    from tfq.terminal import printable

    if not FLAGS.output:
        raise errors.ArgumentError("expected --output=REPORT.html; see tfq report --help")
    if not arguments and FLAGS.sweep is None:
        raise errors.ArgumentError(
            "expected the path of a .tflite file, or --sweep=DIR; see tfq report --help"
        )
    written = write_report(
        expand(arguments),
        FLAGS.output,
        profiles=[each for each in FLAGS.profiles if each],
        sweep=FLAGS.sweep,
        comparisons=FLAGS.comparison,
    )
    count = len(written.models)
    models = f"{count} model{'' if count == 1 else 's'}"
    print(f"{printable(written.path)}: {size_text(written.size)}, {models}")
    for each in written.verdicts:
        verdict = "PASS" if each.ok else "FAIL"
        print(f"  {each.model}: {each.profile}: {verdict}, {each.counts}")
    return 0
