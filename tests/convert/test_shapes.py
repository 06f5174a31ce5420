import pytest

from tfq import errors
from tfq.convert import shapes
from tfq.convert.sources import InputSpec

IMAGE = InputSpec("image", (None, None, None, 3), "float32")
MASK = InputSpec("mask", (None, 10), "bool")


def dims(*specs: InputSpec) -> list[tuple[int | None, ...]]:
    return [spec.shape for spec in specs]


def test_an_open_batch_becomes_one_unless_asked_otherwise() -> None:
    assert dims(*shapes.resolve([MASK], 1, {})) == [(1, 10)]
    assert dims(*shapes.resolve([MASK], 4, {})) == [(4, 10)]
    assert dims(*shapes.resolve([MASK], None, {})) == [(None, 10)]


def test_a_fixed_batch_stays() -> None:
    fixed = InputSpec("x", (2, 3), "float32")
    assert dims(*shapes.resolve([fixed], 1, {})) == [(2, 3)]


def test_a_scalar_input_has_no_batch() -> None:
    assert dims(*shapes.resolve([InputSpec("t", (), "float32")], 1, {})) == [()]


def test_the_users_shape_is_taken_whole() -> None:
    resolved = shapes.resolve([IMAGE, MASK], 1, {"image": (1, 32, 48, 3)})
    assert dims(*resolved) == [(1, 32, 48, 3), (1, 10)]


def test_what_is_still_open_comes_from_the_samples() -> None:
    resolved = shapes.resolve([IMAGE], 1, {})
    assert dims(*shapes.fill(resolved, {"image": (1, 32, 48, 3)})) == [(1, 32, 48, 3)]


def test_a_batch_that_was_kept_open_stays_open_beside_samples() -> None:
    resolved = shapes.resolve([IMAGE], None, {})
    assert dims(*shapes.fill(resolved, {"image": (1, 32, 48, 3)})) == [(None, 32, 48, 3)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"picture": (1, 2, 2, 3)}, "no input is named 'picture'; the model has image"),
        ({"image": (1, 2, 3)}, "expected a shape that fits image"),
        ({"image": (1, 2, 2, 4)}, "expected a shape that fits image"),
        ({"image": (1, "a", 2, 3)}, "expected a shape that fits image"),
        ({"image": (1, 0, 2, 3)}, "expected a shape that fits image"),
        ({"image": 5}, "expected a shape that fits image.*; got 5"),
        (5, "expected shapes by input name; got int"),
    ],
)
def test_a_shape_that_contradicts_the_model_is_refused(asked: dict, message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        shapes.resolve([IMAGE], 1, asked)


def test_a_batch_of_nothing_is_refused() -> None:
    for size in (0, -1, "4", 1.5):
        with pytest.raises(errors.ArgumentError, match="batch_size: expected 1 or more"):
            shapes.resolve([MASK], size, {})  # type: ignore[arg-type]
