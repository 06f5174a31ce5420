from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.runtime import Runner
from tfq.runtime.latency import cpu, latency, machine

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def sample(samples: Path) -> dict[str, np.ndarray]:
    with np.load(samples / "evaluation.npz") as data:
        return {"image": data["image"][:1]}


def test_it_is_the_time_of_one_run(
    digits: Callable[..., tfq.Model], sample: dict[str, np.ndarray]
) -> None:
    assert 0 < latency(digits(mode="float32"), sample) < 1


def test_a_slow_model_runs_once_and_others_so_often_as_there_is_time(
    digits: Callable[..., tfq.Model],
    sample: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = []
    again = Runner.run_again
    monkeypatch.setattr(Runner, "run_again", lambda self: (runs.append(1), again(self)))
    latency(digits(mode="float32"), sample, most_seconds=0.0)
    assert len(runs) == 1
    latency(digits(mode="float32"), sample, most_runs=3, most_seconds=60.0)
    assert len(runs) == 1 + 4


def test_running_again_gives_the_same_outputs(
    digits: Callable[..., tfq.Model], sample: dict[str, np.ndarray]
) -> None:
    model = digits(mode="full_integer")
    runner = Runner(model, every_tensor=True)
    (first,) = runner.run(sample)
    runner.run_again()
    np.testing.assert_array_equal(runner.tensor(model.outputs[0].index), first)


def test_a_sample_that_does_not_fit_is_refused(digits: Callable[..., tfq.Model]) -> None:
    with pytest.raises(tfq.ArgumentError, match="image"):
        latency(digits(mode="float32"), {"picture": np.zeros((1, 8, 8, 1), np.float32)})


def test_the_machine_names_threads_delegate_and_cpu() -> None:
    found = machine()
    assert found.threads == 1
    assert found.delegate.startswith("XNNPACK (ai-edge-litert ")
    assert found.cpu == cpu() != ""
