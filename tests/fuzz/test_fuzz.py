"""Broken on purpose, in many ways and always in the same: what tfq makes of them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import Cases
from limits import TooSlow, limited_time
from mutations import AIMED, BLIND
from walk import _names
from workers import FAILED, IN_PART, READ, REFUSED, fuzz

from tfq.errors import InvalidModelError
from tfq.model import Operator, Quantization, load

_CASES = 12_000
_SEED = 20_261


def test_every_broken_model_is_read_or_refused_in_one_line_within_a_second_and_200_mib(
    shared_models: Path,
) -> None:
    summary = fuzz(_SEED, shared_models, range(_CASES))

    assert not summary.failures, "\n\n".join(
        [f"{summary.tfq[FAILED]} of {_CASES} cases failed", *summary.failures.values()]
    )
    assert summary.tfq.total() == _CASES
    # All happen often, or the mutations miss what they are made for.
    assert summary.tfq[REFUSED] > _CASES / 4
    assert summary.tfq[READ] > _CASES / 8
    assert summary.tfq[IN_PART] > _CASES / 100


def test_every_mutation_leaves_some_models_readable(shared_models: Path) -> None:
    cases = Cases(_SEED, shared_models)
    readable = set()
    for number in range(2000):
        case = cases.case(number)
        with contextlib.suppress(InvalidModelError):
            load(case.content)
            readable.add(case.steps)

    assert readable.issuperset(mutate.__name__ for mutate in (*BLIND, *AIMED))


def test_every_model_gets_its_share_of_the_cases(shared_models: Path) -> None:
    cases = Cases(_SEED, shared_models)

    names = Counter(cases.case(number).model.name for number in range(3000))

    assert set(names) == {model.name for model in cases.models}
    assert min(names.values()) > 3000 / len(cases.models) / 4


def test_a_case_is_the_same_whatever_was_made_before(shared_models: Path) -> None:
    cases = Cases(_SEED, shared_models)
    first = [cases.case(number).content for number in range(50)]

    cases = Cases(_SEED, shared_models)
    again = [cases.case(number).content for number in reversed(range(50))]

    assert again == first[::-1]
    assert Cases(_SEED + 1, shared_models).case(0).content != first[0]


def test_a_block_that_takes_more_than_a_second_is_ended() -> None:
    with pytest.raises(TooSlow), limited_time():
        while True:
            pass


@pytest.mark.parametrize(("mebibytes", "status"), [(150, 0), (250, 1)])
def test_a_process_gets_no_more_than_200_mib(mebibytes: int, status: int) -> None:
    code = f"import limits; limits.limit_memory(); bytearray({mebibytes} << 20)"

    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=False
    )

    assert run.returncode == status
    assert (b"MemoryError" in run.stderr) is (status == 1)


def test_a_file_can_be_run_alone(shared_models: Path, tmp_path: Path) -> None:
    content = (shared_models / "micro/conv0.tflite").read_bytes()
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(content[:1000])
    command = [sys.executable, str(Path(__file__).with_name("run.py"))]

    run = subprocess.run([*command, str(broken)], capture_output=True, text=True, check=True)

    assert run.stdout.startswith("refused: the given bytes: ")


def test_the_walk_knows_what_views_compute() -> None:
    assert {"scales", "granularity"} <= set(_names(Quantization))
    assert {"options", "custom_options", "macs"} <= set(_names(Operator))
