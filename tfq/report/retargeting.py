"""What a retargeting changed, what it cost and what is left: for people, and as JSON."""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import TYPE_CHECKING, Any

from tfq.lint.formats import load as load_format
from tfq.report.cells import INDENT
from tfq.report.json_text import number
from tfq.report.table import table
from tfq.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.lint import Report
    from tfq.passes import Change, Changes, Cost
    from tfq.retarget import RetargetedModel

# Two scales and zero points take more than other cells do.
_WIDEST = 80
_COLUMNS = ["place", "change", "worst error", "mean error", "SQNR", "worst channel"]
_ALIGN = "<<>>>>"


def retargeting_text(model: RetargetedModel, path: str, *, colour: bool) -> str:
    """Describe a retargeted model.

    Args:
        model: What `tfq.retarget` returned.
        path: Where it was written.
        colour: Whether the verdict may have colours.

    Returns:
        What each pass changed and left alone, the verdict, and why errors are left; without a line
        break at the end.
    """
    blocks = ["\n".join(_pass_lines(changes)) for changes in model.changes]
    if not model.modified:
        blocks.append(printable(f"{path}: nothing changed"))
    report = copy(model.report)
    report.name = path
    blocks.append(load_format("text").render([report], [], colour=colour))
    left = [f"{INDENT}{rule}: {reason}" for rule, reason in model.unrepaired.items()]
    if left:
        blocks.append("\n".join(["not repaired:", *left]))
    return "\n\n".join(blocks)


def retargeting_content(model: RetargetedModel, path: str) -> dict[str, Any]:
    """Describe a retargeted model as `schemas/retarget.schema.json` says.

    Args:
        model: What `tfq.retarget` returned.
        path: Where it was written.

    Returns:
        What JSON has.
    """
    report = model.report
    return {
        "model": model.before.name,
        "output": path,
        "profile": report.profile.name,
        "verdict": report.verdict,
        "passes": [
            {
                "name": changes.name,
                "changed": [_change(each) for each in changes.changed],
                "kept": [each._asdict() for each in changes.kept],
            }
            for changes in model.changes
        ],
        "unrepaired": [
            {"rule": rule, "findings": count, "reason": model.unrepaired[rule]}
            for rule, count in _errors(report).items()
        ],
    }


def _pass_lines(changes: Changes) -> Iterator[str]:
    sqnr = changes.sqnr
    loss = f"; SQNR worst {sqnr[0]:.1f} dB, mean {sqnr[1]:.1f} dB" if sqnr is not None else ""
    yield f"{changes.name}: {len(changes.changed)} changed, {len(changes.kept)} left alone{loss}"
    if changes.changed:
        rows = [[each.place, each.what, *_cost_cells(each.cost)] for each in changes.changed]
        # Inputs and outputs have no values that could lose anything.
        columns = len(_COLUMNS) if any(each.cost for each in changes.changed) else 2
        shown = [row[:columns] for row in rows]
        yield table(
            _COLUMNS[:columns], shown, align=_ALIGN[:columns], widest=_WIDEST, indent=INDENT
        )
    for reason, count in Counter(each.why for each in changes.kept).items():
        first = next(each.place for each in changes.kept if each.why == reason)
        more = f" and {count - 1} more" if count > 1 else ""
        yield printable(f"{INDENT}left alone: {first}{more}: {reason}")


def _cost_cells(cost: Cost | None) -> list[str]:
    if cost is None:
        return ["", "", "", ""]
    ratios = [
        "exact" if each is None else f"{each:.1f} dB" for each in (cost.sqnr, cost.channel_sqnr)
    ]
    return [f"{cost.worst:.3g}", f"{cost.mean:.3g}", *ratios]


def _change(change: Change) -> dict[str, Any]:
    cost = change.cost
    numbers = None
    if cost is not None:
        # A broken file may hold a scale that is not finite.
        numbers = {
            name: None if value is None else number(value) for name, value in cost._asdict().items()
        }
    return {"place": change.place, "what": change.what, "cost": numbers}


def _errors(report: Report) -> Counter[str]:
    return Counter(finding.rule for finding in report.findings if finding.severity == "error")
