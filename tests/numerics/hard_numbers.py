"""Strategies for ranges and values that are hard on float arithmetic."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

LIMIT = float(np.finfo(np.float32).max)
TINY = float(np.float32(2.0**-126))

# Ends that have tripped quantizers: zeros, denormals, the limits of float32, ties.
EDGES = [0.0, 1e-45, 1e-39, TINY, 2 * TINY, 1e-36, 0.5, 1.0, 127.0, 127.5, 128.0, 255.0, 65535.0]
EDGES += [1e30, LIMIT / 256, LIMIT / 2, LIMIT]

numbers = st.one_of(
    st.sampled_from(EDGES + [-edge for edge in EDGES]),
    st.floats(-1e6, 1e6, width=32),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)

# From the lower to the higher; without width now and then.
ranges = st.one_of(
    st.tuples(numbers, numbers).map(lambda ends: tuple(sorted(ends))),
    numbers.map(lambda end: (end, end)),
    numbers.map(lambda end: (min(end, 0.0), max(end, 0.0))),
    numbers.map(lambda end: (-abs(end), abs(end))),
)

# Those that float32 has room for.
mild = st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32)).map(
    lambda ends: tuple(sorted(ends))
)

seeds = st.integers(0, 2**32 - 1)


def values(low: float, high: float, steps: int, seed: int, count: int = 256) -> np.ndarray:
    """Numbers in and around a range: ties of its grid and those beside them, edges, noise.

    TensorFlow treats those left over from groups of values otherwise where it converts what no
    integer stands for, so their number is a multiple of any group's.
    """
    random = np.random.default_rng(seed)
    size = max(abs(low), abs(high), TINY)
    step = high / steps - low / steps
    with np.errstate(over="ignore"):
        ties = (low + (random.integers(-3, steps + 3, 64) + 0.5) * step).astype(np.float32)
        parts = [
            ties,
            np.nextafter(ties, np.float32(np.inf)),
            np.nextafter(ties, np.float32(-np.inf)),
            random.uniform(-1.2, 1.2, 32) * size,
            random.choice([-1, 1], 10) * 10.0 ** random.uniform(-46, 39, 10),
            [low, high, 0.0, -0.0, LIMIT, -LIMIT, np.inf, -np.inf],
        ]
        together = np.concatenate(parts).astype(np.float32)
    return random.permutation(np.resize(together, count))


def whole(low: int, high: int, seed: int, count: int = 256) -> np.ndarray:
    """Integers of a type, among them its limits."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.integers(low, high + 1, count - 3), [low, high, high - 1]])


def same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Assert that two arrays are the same to the last bit, but for kinds of NaN and signs of 0."""
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
