from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from graphs import Graph, Op, T, conv

import tfq
from tfq import schemas
from tfq.lint import lint as lint_all
from tfq.lint.baseline import baseline_text, fingerprint
from tfq.model import Model, load
from tfq.profiles.validate import violations

Build = Callable[..., Model]
# Of these rules the tests know what they find.
lint = partial(lint_all, select=["Q10", "Q20"])


def write(path: Path, *reports: tfq.Report) -> Path:
    path.write_text(baseline_text(reports, str(path)))
    return path


def chain(names: list[str]) -> Graph:
    """Operators in float, one after the other, each named by what it makes."""
    tensors = [T(name, "float32") for name in ["x", *names]]
    operators = [Op("ADD", [a.name], [b.name]) for a, b in pairwise(tensors)]
    return Graph(tensors, operators, ["x"], [names[-1]])


def test_what_is_accepted_is_hidden_and_counted(shared_models: Path, tmp_path: Path) -> None:
    model = load(shared_models / "micro/hello_world_float.tflite")
    before = lint(model, "artpec8")
    path = write(tmp_path / "known.json", before)
    after = lint(model, "artpec8", baseline=path)
    assert after.ok
    assert after.findings == ()
    assert after.accepted == before.findings
    assert after.stale == 0
    assert after.summary.endswith("PASS, 0 errors, 0 warnings, 5 in the baseline")


def test_it_meets_its_schema(shared_models: Path, tmp_path: Path) -> None:
    models = ("hello_world_float", "hello_world_int8", "micro_speech_quantized")
    reports = [lint(shared_models / f"micro/{name}.tflite", "artpec8") for name in models]
    content = json.loads(write(tmp_path / "known.json", *reports).read_text())
    assert list(violations(content, schemas.load("baseline.schema"))) == []
    assert [len(model["accepted"]) for model in content["models"]] == [5, 0, 1]


def test_what_is_new_is_found(build: Build, tmp_path: Path) -> None:
    path = write(tmp_path / "known.json", lint(build(chain(["a", "b"])), "artpec8"))
    report = lint(build(chain(["a", "new", "b"])), "artpec8", baseline=path)
    (finding,) = report.findings
    assert finding.operator is not None
    assert finding.operator.outputs[0].name == "new"


def test_another_order_of_operators_changes_nothing(
    build: Build, edited: Callable[..., bytes], shared_models: Path, tmp_path: Path
) -> None:
    def shuffle(model: Any) -> None:
        subgraph = model.subgraphs[0]
        order = list(range(len(subgraph.tensors)))
        random.Random(1).shuffle(order)
        place = {old: new for new, old in enumerate(order)} | {-1: -1}
        subgraph.tensors = [subgraph.tensors[old] for old in order]
        for op in [subgraph, *subgraph.operators]:
            op.inputs = [place[each] for each in op.inputs]
            op.outputs = [place[each] for each in op.outputs]
        subgraph.operators.insert(0, subgraph.operators.pop())

    original = shared_models / "micro/hello_world_float.tflite"
    model = tmp_path / "model.tflite"
    model.write_bytes(original.read_bytes())
    path = write(tmp_path / "known.json", lint(model, "artpec8"))
    model.write_bytes(edited(original, shuffle))
    report = lint(model, "artpec8", baseline=path)
    assert len(report.accepted) == 5
    assert (report.findings, report.stale) == ((), 0)


def test_the_same_twice_needs_two_entries(build: Build, tmp_path: Path) -> None:
    names = [T("x", "float32"), T("", "float32"), T("y", "float32")]

    def graph(count: int) -> Graph:
        return Graph(names, [Op("ADD", ["x"], [""])] * count, ["x"], ["y"])

    path = write(tmp_path / "known.json", lint(build(graph(2)), "artpec8"))
    report = lint(build(graph(3)), "artpec8", baseline=path)
    assert [finding.rule for finding in report.findings] == ["Q101"]
    assert len(report.accepted) == 4


def test_entries_without_a_finding_are_stale(build: Build, tmp_path: Path) -> None:
    path = write(tmp_path / "known.json", lint(build(chain(["a", "b"])), "artpec8"))
    assert lint(build(conv()), "artpec8", baseline=path).stale == 4
    # What was not looked for may still be there.
    assert lint(build(conv()), "artpec8", baseline=path, select=["Q102"]).stale == 1
    assert lint(build(conv()), "artpec8", baseline=path, select=["Q20"]).stale == 0


def test_a_baseline_is_for_one_model_and_one_device(build: Build, tmp_path: Path) -> None:
    path = write(tmp_path / "known.json", lint(build(conv(scales=4)), "artpec8"))
    other = build(conv(scales=4), name="other.tflite")
    assert lint(other, "artpec8", baseline=path).count("error") == 1
    assert lint(other, "artpec8", baseline=path).stale == 0
    chip = tmp_path / "chip.json"
    chip.write_text('{"name": "chip", "extends": "artpec8"}')
    assert lint(build(conv(scales=4)), chip, baseline=path).count("error") == 1


def test_paths_are_relative_to_the_file(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(conv(scales=4))
    path = write(tmp_path / "known.json", lint(model, "artpec8"))
    assert json.loads(path.read_text())["models"][0]["model"] == "model.tflite"
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    report = lint("../model.tflite", "artpec8", baseline="../known.json")
    assert (len(report.accepted), report.findings) == (1, ())


def test_links_to_the_directory_do_not_matter_and_links_to_the_model_are_its_name(
    build: Build, tmp_path: Path
) -> None:
    store, place = tmp_path / "store", tmp_path / "place"
    store.mkdir()
    place.mkdir()
    (store / "0a1b").write_bytes(build(conv(scales=4)).bytes)
    (place / "net.tflite").symlink_to(store / "0a1b")
    (tmp_path / "link").symlink_to(place)
    path = write(place / "known.json", lint(place / "net.tflite", "artpec8"))
    assert json.loads(path.read_text())["models"][0]["model"] == "net.tflite"
    report = lint(tmp_path / "link/net.tflite", "artpec8", baseline=place / "known.json")
    assert report.findings == ()


def test_a_model_from_memory_has_a_baseline_too(build: Build, tmp_path: Path) -> None:
    content = build(conv(scales=4)).bytes
    path = write(tmp_path / "known.json", lint(load(content), "artpec8"))
    assert lint(content, "artpec8", baseline=path).findings == ()


def fingerprints(model: Model, device: str = "artpec8") -> set[str]:
    return {fingerprint(each) for each in lint_all(model, device).findings}


def test_numbers_do_not_count_but_names_do(build: Build) -> None:
    assert fingerprints(build(conv(scales=4))) == fingerprints(build(conv(scales=3)))
    other = conv(activations="int16", weights="int16")
    assert fingerprints(build(conv(activations="int16"))) != fingerprints(build(other))


def test_an_entry_outlives_a_new_training(build: Build, tmp_path: Path) -> None:
    def trained(point: int, scale: float, middle: int, scales: int) -> Model:
        kernel = T("k", "int8", scales, True, shape=(scales, 3, 3, 16), scale=scale)
        kernel = kernel._replace(zero_points=(middle,) * scales)
        made = T("y", scales=1, shape=(1, 2, 2, scales), scale=scale, zero_points=(point,))
        given = T("x", scales=1, shape=(1, 4, 4, 16), zero_points=(-point,))
        return build(Graph([given, kernel, made], [Op("CONV_2D", ["x", "k"], ["y"])], ["x"], ["y"]))

    before = lint_all(trained(5, 0.5, 2, 4), "artpec8")
    path = write(tmp_path / "known.json", before)
    after = lint_all(trained(-7, 1e-9, -3, 2000), "artpec8", baseline=path)
    assert before.findings
    assert len(after.accepted) == len(before.findings)


BROKEN = {
    "not JSON": (b"{", "expected JSON, got: Expecting"),
    "not text": (b"\xff\xfe\x00", "expected JSON in UTF-8"),
    "nothing": (b"", "expected JSON, got: "),
    "deep": (b"[" * 100_000, "expected JSON, got too many levels"),
    "a list": (b"[]", r"\$: expected object"),
    "of another version": (b'{"version": 2, "models": []}', r"\$\.version: expected 1, got 2"),
    "without models": (b'{"version": 1}', r"\$\.models: expected a value, got nothing"),
    "with a wrong count": (
        json.dumps(
            {
                "version": 1,
                "models": [
                    {
                        "model": "a",
                        "profile": "b",
                        "accepted": [{"rule": "Q101", "count": "2", "fingerprint": "0" * 16}],
                    }
                ],
            }
        ).encode(),
        r"\$\.models\[0\]\.accepted\[0\]\.count: expected integer, got '2'",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_baseline_is_one_error(build: Build, tmp_path: Path, kind: str) -> None:
    content, message = BROKEN[kind]
    path = tmp_path / "known.json"
    path.write_bytes(content)
    with pytest.raises(tfq.ArgumentError, match=message) as caught:
        lint(build(conv()), "artpec8", baseline=path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_absent_baseline_says_how_to_make_one(build: Build, tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match=re.escape("--write_baseline makes one")):
        lint(build(conv()), "artpec8", baseline=tmp_path / "absent.json")
