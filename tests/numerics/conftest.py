"""Those who know the right answers."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import pytest
from tensorflow_worker import TensorFlow


@pytest.fixture(scope="session")
def workers() -> Iterator[dict[bool, TensorFlow]]:
    """TensorFlow without and with its oneDNN kernels."""
    pytest.importorskip("tensorflow")
    if platform.machine() != "x86_64":
        pytest.skip("what C++ leaves undefined, other processors do otherwise")
    both = {onednn: TensorFlow(onednn=onednn) for onednn in (False, True)}
    yield both
    for worker in both.values():
        worker.close()


@pytest.fixture(scope="session")
def tensorflow(workers: dict[bool, TensorFlow]) -> TensorFlow:
    return workers[False]
