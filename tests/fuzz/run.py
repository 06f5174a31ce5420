"""Runs the fuzz test from the command line, as long as one likes: see --help."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cases import MODELS, Cases
from limits import limit_memory, limited_time
from walk import profile_names, walk
from workers import FAILED, IN_PART, READ, REFUSED, Summary, fuzz, walk_case

from tfq.errors import InvalidModelError
from tfq.model import load

_KEPT = Path(__file__).resolve().parents[2] / "build" / "fuzz"
_SECONDS_BETWEEN_LINES = 30


def main() -> int:
    """Run what the command line asks for; 1 if a case failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice (%(default)s)")
    parser.add_argument("--case", type=int, help="run only this one, and keep its file")
    parser.add_argument("files", type=Path, nargs="*", help="run these files instead of cases")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="(%(default)s)")
    compare = "read the same cases with LiteRT's object API, and print what it does beside"
    parser.add_argument("--compare", action="store_true", help=compare)
    parser.add_argument("--models", type=Path, default=MODELS, help="(%(default)s)")
    given = parser.parse_args()
    if given.case is not None or given.files:
        return _alone(given)
    start = time.monotonic()
    summary = fuzz(
        given.seed,
        given.models,
        range(given.cases),
        given.processes,
        compare=given.compare,
        report=_Progress(given.cases),
    )
    print(f"seed {given.seed}, {given.cases} cases, {time.monotonic() - start:.0f} s")
    print(_table(summary))
    for text in summary.failures.values():
        print(f"\n{text}")
    return 1 if summary.failures else 0


class _Progress:
    """Prints a line now and then."""

    def __init__(self, cases: int) -> None:
        self.cases = cases
        self.last = time.monotonic()

    def __call__(self, summary: Summary) -> None:
        if time.monotonic() - self.last > _SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            done, failed = summary.tfq.total(), summary.tfq[FAILED]
            print(f"{done} of {self.cases} cases, {failed} failed", file=sys.stderr)


def _alone(given: argparse.Namespace) -> int:
    """Run one case, or files, in this process and within the limits; a defect ends it."""
    if given.case is not None:
        case = Cases(given.seed, given.models).case(given.case)
        _KEPT.mkdir(parents=True, exist_ok=True)
        path = _KEPT / f"seed-{given.seed}-case-{given.case}.tflite"
        path.write_bytes(case.content)
        print(f"{case.origin}\n{path}, {len(case.content)} bytes")
        case.model.loaded  # noqa: B018 - not within the limits
        limit_memory()
        _print_outcome(lambda: walk_case(case))
    for path in given.files:
        limit_memory()
        content = path.read_bytes()
        _print_outcome(lambda content=content: walk(content, profile_names()[0], load(content)))
    return 0


def _print_outcome(look: Callable[[], list[InvalidModelError]]) -> None:
    start = time.process_time()
    try:
        with limited_time():
            refusals = look()
    except InvalidModelError as error:
        print(f"{REFUSED}: {error}")
    else:
        for refusal in refusals:
            print(f"{IN_PART}: {refusal}")
        print(f"{READ} in {time.process_time() - start:.3f} s")


def _table(summary: Summary) -> str:
    outcomes = [READ, IN_PART, REFUSED, FAILED]
    outcomes += [name for name, _ in summary.bindings.most_common() if name not in outcomes]
    lines = [f"{'':24}{'tfq':>10}" + (f"{'object API':>14}" if summary.bindings else "")]
    for name in outcomes:
        line = f"{name:24}{summary.tfq[name]:>10}"
        lines.append(line + (_cell(summary.bindings, name) if summary.bindings else ""))
    return "\n".join(lines)


def _cell(counts: Counter[str], name: str) -> str:
    return f"{counts[name]:>14}"


if __name__ == "__main__":
    raise SystemExit(main())
