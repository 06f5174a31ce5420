"""Runs cases in processes of their own, which a case may end without ending the test."""

from __future__ import annotations

import multiprocessing
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from cases import Case, Cases
from limits import TooSlow, limit_memory, limited_time
from walk import check_message, profile_names, walk

from tfq.errors import InvalidModelError

READ, IN_PART, REFUSED, FAILED = "read", "read in part", "refused", "failed"
_CASES_BETWEEN_REPORTS = 250
# One of so many is linted, another one compared and written; of the rest there is no need.
_TURNS = 3


@dataclass
class Summary:
    """What became of many cases.

    Attributes:
        seed: The seed of the dice.
        tfq: Outcome of tfq → number of cases.
        bindings: The same of LiteRT's own object API, by the name of the exception.
        failures: A line for each kind of failure → a whole description of the first such case.
    """

    seed: int
    tfq: Counter[str] = field(default_factory=Counter)
    bindings: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, other: Summary) -> None:
        """Add other cases of the same seed."""
        self.tfq += other.tfq
        self.bindings += other.bindings
        self.failures = other.failures | self.failures

    def fail(self, kind: str, case: int, text: str) -> None:
        """Note a case that failed."""
        self.tfq[FAILED] += 1
        again = f"python tests/fuzz/run.py --seed={self.seed} --case={case}"
        self.failures.setdefault(kind, f"seed {self.seed} case {case}: {text}\n  again: {again}")


def fuzz(
    seed: int,
    folder: Path,
    numbers: range,
    processes: int = 2,
    *,
    compare: bool = False,
    report: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Run cases.

    Args:
        seed: The seed of the dice.
        folder: Where the intact models are.
        numbers: Which cases.
        processes: How many processes share the work.
        compare: Whether LiteRT's object API reads the same cases, for comparison.
        report: Is called with what is known whenever there is news.

    Returns:
        What became of them.
    """
    summary = Summary(seed)
    crews = [
        _Worker(seed, folder, numbers[first::processes], compare) for first in range(processes)
    ]
    workers = {worker.connection: worker for worker in crews}
    try:
        while workers:
            for connection in wait(list(workers)):
                worker = workers[connection]  # type: ignore[index]
                try:
                    summary.add(worker.connection.recv())
                except EOFError:
                    del workers[worker.connection]
                    follower = worker.follower(summary)
                    if follower is not None:
                        workers[follower.connection] = follower
            report(summary)
    finally:
        for worker in workers.values():
            worker.process.kill()
    return summary


class _Worker:
    """A process and the cases it has been given."""

    def __init__(self, seed: int, folder: Path, numbers: range, compare: bool) -> None:
        self.given = (seed, folder, numbers, compare)
        # Not a fork: what called may hold threads, and memory that would count.
        context = multiprocessing.get_context("spawn")
        self.current = context.Value("q", -1)
        self.connection, end = context.Pipe(duplex=False)
        arguments = (*self.given, self.current, end)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        end.close()

    def follower(self, summary: Summary) -> _Worker | None:
        """Return who goes on behind the case that ended this process, if one did."""
        self.process.join()
        if self.process.exitcode == 0:
            return None
        seed, folder, numbers, compare = self.given
        case = self.current.value
        if case < 0:
            raise RuntimeError("the process of the fuzz test did not start; see above")
        kind = f"the process ended with {self.process.exitcode}"
        summary.fail(kind, case, kind)
        return _Worker(seed, folder, numbers[numbers.index(case) + 1 :], compare)


def _work(
    seed: int, folder: Path, numbers: range, compare: bool, current: Any, connection: Connection
) -> None:
    """Run cases in this process, and tell what became of them in portions."""
    cases = Cases(seed, folder)
    for model in cases.models:
        # What they import and keep is there before memory is counted.
        walk(model.content, profile_names()[0], model.loaded)
    read = _object_api() if compare else None
    limit_memory()
    for portion in _portions(numbers):
        summary = Summary(seed)
        for number in portion:
            current.value = number
            case = cases.case(number)
            _try_tfq(case, summary)
            if read is not None:
                summary.bindings[_outcome(read, case.content)] += 1
        connection.send(summary)
    connection.close()


def _portions(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _CASES_BETWEEN_REPORTS):
        yield numbers[start : start + _CASES_BETWEEN_REPORTS]


def walk_case(case: Case) -> list[InvalidModelError]:
    """Walk a case: some are linted, each for another device, some compared with the original."""
    names = profile_names()
    turn = case.number % _TURNS
    profile = names[case.number // _TURNS % len(names)] if turn == 0 else None
    return walk(case.content, profile, case.model.loaded if turn == 1 else None)


def _try_tfq(case: Case, summary: Summary) -> None:
    try:
        with limited_time():
            refusals = walk_case(case)
        summary.tfq[IN_PART if refusals else READ] += 1
    except InvalidModelError as error:
        check_message(error)
        summary.tfq[REFUSED] += 1
    except (Exception, TooSlow) as error:
        frames = traceback.extract_tb(error.__traceback__)
        # Where a signal came upon it, not where the signal is dealt with.
        place = [frame for frame in frames if not frame.filename.endswith("limits.py")][-1]
        kind = f"{type(error).__name__} in {Path(place.filename).name}:{place.name}"
        whole = "".join(traceback.format_exception(error, limit=-6))
        summary.fail(kind, case.number, f"{case.origin}\n{whole}")


def _outcome(read: Callable[[bytes, int], object], content: bytes) -> str:
    try:
        with limited_time():
            read(content, 0)
    except (Exception, TooSlow) as error:
        kind = type(error)
        return (
            kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        )
    return READ


def _object_api() -> Callable[[bytes, int], object]:
    from ai_edge_litert import schema_py_generated

    read: Callable[[bytes, int], object] = schema_py_generated.ModelT.InitFromPackedBuf
    return read
