import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest

from tfq import errors
from tfq.convert import calibration, readers
from tfq.convert.sources import InputSpec

IMAGE = InputSpec("image", (1, 4, 4, 3), "float32")
AGE = InputSpec("age", (1, 2), "float32")
RNG = np.random.default_rng(0)
IMAGES = RNG.random((30, 4, 4, 3), np.float32)
AGES = RNG.random((30, 2), np.float32)


def read(data: object, *inputs: InputSpec, **options: object) -> calibration.Samples:
    return calibration.read(data, inputs or (IMAGE,), **options)


def assert_holds(samples: calibration.Samples, **columns: np.ndarray) -> None:
    assert len(samples) == len(next(iter(columns.values())))
    for index, sample in enumerate(samples):
        assert list(sample) == list(columns)
        for name, column in columns.items():
            np.testing.assert_array_equal(sample[name], column[index : index + 1])


class TestForms:
    def test_an_array(self) -> None:
        assert_holds(read(IMAGES), image=IMAGES)

    def test_a_dictionary_of_arrays(self) -> None:
        assert_holds(read({"age": AGES, "image": IMAGES}, IMAGE, AGE), image=IMAGES, age=AGES)

    def test_the_one_array_of_a_dictionary_may_have_any_name(self) -> None:
        assert_holds(read({"x": IMAGES}), image=IMAGES)

    def test_labels_are_kept_apart(self) -> None:
        samples = read({"image": IMAGES, "y": np.arange(30)})
        assert_holds(samples, image=IMAGES)
        assert samples.labels is not None
        assert samples.labels.tolist() == list(range(30))

    def test_an_input_may_be_called_y(self) -> None:
        y = InputSpec("y", (1, 2), "float32")
        assert_holds(read({"y": AGES, "image": IMAGES}, IMAGE, y), image=IMAGES, y=AGES)

    def test_npy_and_npz_files(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", IMAGES)
        np.savez(tmp_path / "a.npz", image=IMAGES, age=AGES, y=np.arange(30))
        assert_holds(read(tmp_path / "a.npy"), image=IMAGES)
        assert_holds(read(str(tmp_path / "a.npz"), IMAGE, AGE), image=IMAGES, age=AGES)

    def test_a_generator_of_samples_without_a_batch_axis(self) -> None:
        assert_holds(read(image for image in IMAGES), image=IMAGES)

    def test_a_function_as_tflite_converter_takes_it(self) -> None:
        assert_holds(read(lambda: ([image[None]] for image in IMAGES)), image=IMAGES)

    def test_lists_of_arrays_for_several_inputs(self) -> None:
        pairs = list(zip(IMAGES, AGES, strict=True))
        assert_holds(read(pairs, IMAGE, AGE), image=IMAGES, age=AGES)

    def test_dictionaries_for_several_inputs(self) -> None:
        rows = [{"age": a, "image": i} for i, a in zip(IMAGES, AGES, strict=True)]
        assert_holds(read(rows, IMAGE, AGE), image=IMAGES, age=AGES)

    def test_batches_with_labels(self) -> None:
        batches = [(IMAGES[:16], np.zeros(16, int)), (IMAGES[16:], np.ones(14, int))]
        samples = read(batches)
        assert_holds(samples, image=IMAGES)
        assert samples.labels is not None
        assert samples.labels.sum() == 14

    def test_features_as_dictionaries_with_labels(self) -> None:
        rows = (({"image": i, "age": a}, 1) for i, a in zip(IMAGES, AGES, strict=True))
        assert_holds(read(rows, IMAGE, AGE), image=IMAGES, age=AGES)

    def test_a_stream_without_end_is_read_up_to_the_limit(self) -> None:
        endless = itertools.cycle(IMAGES)
        assert len(read(endless)) == calibration.STREAM_LIMIT

    def test_double_precision_is_rounded(self) -> None:
        assert_holds(read(IMAGES.astype(np.float64)), image=IMAGES)

    def test_integers_of_another_width_are_fine_where_they_fit(self) -> None:
        ids = InputSpec("ids", (1, 2), "int32")
        numbers = np.arange(60).reshape(30, 2)
        assert_holds(read(numbers, ids), ids=numbers.astype(np.int32))

    def test_images_as_integers_are_scaled_as_stated(self) -> None:
        pixels = RNG.integers(0, 256, (30, 4, 4, 3), np.uint8)
        expected = (pixels / 127.5 - 1).astype(np.float32)
        samples = read(pixels, image_scale="-1..1")
        for sample, wanted in zip(samples, expected, strict=True):
            np.testing.assert_allclose(sample["image"][0], wanted, atol=1e-6)


class TestBatches:
    """What is fed to a model, whatever its first axis means."""

    def fed(self, data: object, *inputs: InputSpec) -> list[dict[str, np.ndarray]]:
        return list(read(data, *inputs).batches(inputs))

    def test_a_fixed_batch_is_filled_and_the_last_from_the_first(self) -> None:
        four = InputSpec("image", (4, 4, 4, 3), "float32")
        for data in (IMAGES, iter(IMAGES)):
            batches = self.fed(data, four)
            assert [batch["image"].shape for batch in batches] == [(4, 4, 4, 3)] * 8
            np.testing.assert_array_equal(batches[-1]["image"][1], IMAGES[29])
            np.testing.assert_array_equal(batches[-1]["image"][2], IMAGES[0])

    def test_whole_batches_stay_whole(self) -> None:
        four = InputSpec("image", (4, 4, 4, 3), "float32")
        whole = IMAGES[:28].reshape(7, 4, 4, 4, 3)
        for data in (whole, iter(whole)):
            np.testing.assert_array_equal([b["image"] for b in self.fed(data, four)], whole)

    def test_an_input_without_a_batch_axis(self) -> None:
        signal = InputSpec("signal", (160,), "float32")
        data = RNG.random((30, 160), np.float32)
        for form in (data, iter(data)):
            np.testing.assert_array_equal([b["signal"] for b in self.fed(form, signal)], data)

    def test_a_scalar_beside_an_image(self) -> None:
        time = InputSpec("time", (), "float32")
        data = {"image": IMAGES, "time": np.arange(30, dtype=np.float32)}
        batches = self.fed(data, IMAGE, time)
        assert [batch["time"].shape for batch in batches] == [()] * 30
        assert batches[7]["time"] == 7

    def test_samples_that_bring_their_batch_axis(self) -> None:
        np.testing.assert_array_equal(
            [batch["image"] for batch in self.fed(IMAGES[:, None], IMAGE)], IMAGES[:, None]
        )


class TestImages:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        image = pytest.importorskip("PIL.Image")
        (tmp_path / "more").mkdir()
        image.new("RGB", (8, 6), (255, 0, 51)).save(tmp_path / "b.png")
        image.new("L", (4, 4), 102).save(tmp_path / "more" / "c.jpg")
        image.new("RGBA", (4, 4), (0, 255, 0, 0)).save(tmp_path / "a.png")
        (tmp_path / "notes.txt").write_text("no image")
        return tmp_path

    def test_a_directory_is_read_in_the_order_of_names_and_resized(self, directory: Path) -> None:
        first, second, third = read(directory, image_scale="0..1")
        np.testing.assert_allclose(first["image"][0, 0, 0], [0, 1, 0])
        np.testing.assert_allclose(second["image"][0, 3, 3], [1, 0, 0.2], atol=1e-6)
        np.testing.assert_allclose(third["image"][0, 1, 1], [0.4] * 3, atol=0.01)

    def test_a_model_of_one_channel_gets_grey(self, directory: Path) -> None:
        grey = InputSpec("image", (1, 4, 4, 1), "float32")
        assert next(iter(read(directory, grey, image_scale="0..1")))["image"].shape == (1, 4, 4, 1)

    def test_the_scaling_must_be_stated(self, directory: Path) -> None:
        with pytest.raises(errors.CalibrationDataError, match="image_scale"):
            read(directory)

    def test_a_broken_image_is_named(self, directory: Path) -> None:
        (directory / "b.png").write_bytes((directory / "b.png").read_bytes()[:40])
        with pytest.raises(errors.CalibrationDataError, match=r"b\.png: not a readable image"):
            read(directory, image_scale="0..1")

    def test_more_than_eight_bits_are_refused_rather_than_clipped(self, directory: Path) -> None:
        image = pytest.importorskip("PIL.Image")
        image.fromarray(np.full((4, 4), 40000, np.uint16)).save(directory / "deep.png")
        with pytest.raises(errors.CalibrationDataError, match=r"deep\.png.*expected 8 bits"):
            read(directory, image_scale="0..1")

    def test_numbers_beside_images_are_not_scaled(self) -> None:
        data = {"image": (IMAGES * 255).astype(np.uint8), "age": (AGES * 9).astype(np.int64)}
        with pytest.raises(errors.CalibrationDataError, match="'age', got int64; give floats"):
            read(data, IMAGE, AGE, image_scale="0..1")

    def test_a_model_that_takes_pixels_needs_no_scaling(self, directory: Path) -> None:
        pixels = InputSpec("image", (1, 4, 4, 3), "uint8")
        assert len(read(directory, pixels)) == len(read(directory, pixels, image_scale="0..255"))
        with pytest.raises(errors.CalibrationDataError, match="takes pixels as they are"):
            read(directory, pixels, image_scale="0..1")

    def test_six_numbers_need_three_channels(self, directory: Path) -> None:
        grey = InputSpec("image", (1, 4, 4, 1), "float32")
        with pytest.raises(errors.ArgumentError, match="a mean for 1 or 1 channels; got 3"):
            read(directory, grey, image_scale="1,2,3,4,5,6")

    def test_a_directory_without_images(self, tmp_path: Path) -> None:
        with pytest.raises(errors.CalibrationDataError, match="expected images"):
            read(tmp_path)

    def test_a_model_that_takes_no_image(self, directory: Path) -> None:
        with pytest.raises(errors.CalibrationDataError, match="images fit an input of"):
            read(directory, AGE, image_scale="0..1")


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (None, "got NoneType"),
            (IMAGES[:0], "expected samples for image: float32 [1, 4, 4, 3]; got none"),
            ([], "expected samples for"),
            (IMAGES[0], "expected float32 [samples, 4, 4, 3] for 'image', got float32 [4, 4, 3]"),
            (IMAGES[:, :3], "got float32 [30, 3, 4, 3]"),
            (np.full_like(IMAGES, np.nan), "has NaN or infinity in sample 0"),
            (IMAGES.astype(np.float64) * 1e300, "has NaN or infinity"),
            ((IMAGES * 255).astype(np.uint8), "expected float32 for 'image', got uint8; state how"),
            (np.full((30, 4, 4, 3), "x"), "expected float32 for 'image', got <U1"),
            (IMAGES.reshape(15, 2, 4, 4, 3), "got float32 [15, 2, 4, 4, 3]"),
            (42, "got int"),
            ([IMAGES[0], IMAGES[0, :2]], "in sample 1"),
            ({"image": IMAGES, "y": np.arange(3)}, "expected as many samples of each"),
            ({"a": IMAGES, "b": IMAGES}, "expected an array for each of image"),
        ],
    )
    def test_what_does_not_fit_says_what_was_expected_and_found(
        self, data: object, message: str
    ) -> None:
        with pytest.raises(errors.CalibrationDataError) as caught:
            read(data)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_an_input_that_takes_no_numbers(self) -> None:
        for dtype in ("string", "resource"):
            with pytest.raises(errors.CalibrationDataError, match=f"words: {dtype} .1, 2.; expect"):
                read(np.full((30, 2), "x"), InputSpec("words", (1, 2), dtype))

    def test_nothing_in_endless_batches(self) -> None:
        with pytest.raises(errors.CalibrationDataError, match="got none"):
            read(np.zeros((0, 4, 4, 3), np.float32) for _ in itertools.count())
        with pytest.raises(errors.CalibrationDataError, match="got none"):
            read(np.zeros((10**12, 0, 4, 3), np.float32))

    def test_one_array_for_two_inputs(self) -> None:
        with pytest.raises(errors.CalibrationDataError, match="one array for each of"):
            read(IMAGES, IMAGE, AGE)

    def test_integers_that_overflow(self) -> None:
        with pytest.raises(errors.CalibrationDataError, match="sample 2 overflows ids: int8"):
            read(np.arange(126, 132).reshape(6, 1), InputSpec("ids", (1, 1), "int8"))

    def test_an_error_in_the_users_generator_is_named(self) -> None:
        def broken() -> object:
            yield IMAGES[0]
            raise KeyError("filename")

        with pytest.raises(errors.CalibrationDataError, match="KeyError: 'filename'"):
            read(broken)

    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    def test_pickles_are_never_loaded(self, tmp_path: Path, suffix: str) -> None:
        class Bomb:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return (Path.touch, (tmp_path / "boom",))  # type: ignore[return-value]

        array = np.array([Bomb()], object)
        save = np.save if suffix == ".npy" else np.savez
        save(tmp_path / f"bomb{suffix}", array, allow_pickle=True)
        with pytest.raises(errors.CalibrationDataError, match="never loaded"):
            read(tmp_path / f"bomb{suffix}")
        assert not (tmp_path / "boom").exists()

    @pytest.mark.parametrize(
        ("place", "byte", "message"),
        [
            (6, b"\x01", "is encrypted"),
            (8, b"\x63", "compression method is not supported"),
            (None, b"\xff", "while decompressing"),
        ],
    )
    def test_broken_archives(
        self, tmp_path: Path, place: int | None, byte: bytes, message: str
    ) -> None:
        np.savez_compressed(tmp_path / "a.npz", image=IMAGES)
        content = bytearray((tmp_path / "a.npz").read_bytes())
        if place is None:
            content[200:400] = byte * 200
        else:  # once before the array and once in the directory, two bytes further on
            for at in (place, content.index(b"PK\x01\x02") + place + 2):
                content[at : at + 1] = byte
        (tmp_path / "a.npz").write_bytes(content)
        spec = InputSpec("y", (), "float32")
        with pytest.raises(
            errors.CalibrationDataError, match=f"NumPy arrays of numbers.*{message}"
        ):
            readers.open_path(tmp_path / "a.npz", [spec], None, "labels")

    def test_an_array_beyond_memory(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", image=IMAGES)
        content = (tmp_path / "a.npz").read_bytes()
        huge = content.replace(b"(30, 4, 4, 3), }            ", b"(30000000000000, 4, 4, 3), }")
        assert huge != content and len(huge) == len(content)
        (tmp_path / "a.npz").write_bytes(huge)
        with pytest.raises(errors.CalibrationDataError, match=r"a\.npz: too large"):
            read(tmp_path / "a.npz")

    @pytest.mark.parametrize("name", ["a.npy", "a.npz"])
    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"x" * 99])
    def test_broken_files(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(errors.CalibrationDataError, match="expected NumPy arrays"):
            read(tmp_path / name)

    def test_a_header_that_promises_more_than_the_file_holds(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", IMAGES)
        content = (tmp_path / "a.npy").read_bytes().replace(b"(30, 4", b"(30000000000, 4")
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(errors.CalibrationDataError):
            read(tmp_path / "a.npy")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(errors.CalibrationDataError, match="no such file"):
            read(tmp_path / "none.npz")

    def test_a_file_of_another_kind(self) -> None:
        with pytest.raises(errors.CalibrationDataError, match=r"found a file named \*\.py"):
            read(__file__)


class TestRanges:
    def test_a_constant_input_measures_nothing(self) -> None:
        samples = read({"image": IMAGES, "age": np.ones_like(AGES)}, IMAGE, AGE)
        with pytest.warns(errors.ConversionWarning, match="input 'age' never changes"):
            calibration.check_ranges(samples, (IMAGE, AGE))
        still = read(np.ones_like(IMAGES))
        with pytest.raises(errors.CalibrationDataError, match="input 'image' never changes"):
            calibration.check_ranges(still, (IMAGE,))

    def test_few_samples_are_a_warning(self) -> None:
        with pytest.warns(errors.ConversionWarning, match="only 5 samples"):
            calibration.check_ranges(read(IMAGES[:5]), (IMAGE,))

    def test_enough_samples_are_not(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            calibration.check_ranges(read(IMAGES), (IMAGE,))


def test_a_users_file_is_imported_as_python_would(tmp_path: Path) -> None:
    (tmp_path / "beside_mine.py").write_text("COUNT = 20\n")
    (tmp_path / "mine_too.py").write_text(
        "from __future__ import annotations\n"
        "import dataclasses, numpy as np, beside_mine\n"
        "@dataclasses.dataclass\n"
        "class Setting:\n"
        "    value: dataclasses.KW_ONLY\n"
        "def samples():\n"
        "    return np.random.rand(beside_mine.COUNT, 4, 4, 3).astype('float32')\n"
    )
    assert len(read(f"{tmp_path}/mine_too.py:samples")) == 20


def test_a_users_function_by_reference(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "def samples():\n"
        "    for index in range(30):\n"
        "        yield np.full((4, 4, 3), index, np.float32)\n"
    )
    assert len(read(f"{tmp_path}/mine.py:samples")) == 30
    with pytest.raises(errors.ArgumentError, match="no_such"):
        read(f"{tmp_path}/mine.py:no_such")
