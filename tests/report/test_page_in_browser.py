from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tfq
from tfq.report.html import write_report

PROFILES = ["artpec8", "tidl-tda4vm"]
# Waits until what was asked for is drawn.
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def node(page: Any, operator: int) -> Any:
    return page.locator(f'g.node[data-node="op{operator}"]')


def test_every_section_is_there(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page)
    titles = page.locator("h2:visible").all_inner_texts()
    assert titles == ["Verdict", "Sweep", "Graph", "Plots", "Operators"]
    assert page.title().startswith(page.locator("h1").inner_text())
    figures = page.locator("#plots figcaption strong").all_inner_texts()
    assert figures == [
        "Error by layer",
        "Spread of the weights' ranges",
        "MACs by type",
        "Weight bytes by type",
    ]
    assert page.locator("svg.plot:not([aria-label])").count() == 0


def test_verdicts_are_words_and_signs(visit: Callable[..., Any], float_page: Path) -> None:
    badges = visit(float_page).locator(".verdicts .badge").all_inner_texts()
    assert badges == ["✗ artpec8: fail", "✗ tidl-tda4vm: fail"]


def test_a_click_on_an_operator_shows_its_scales(
    visit: Callable[..., Any], float_page: Path, digits: Callable[..., tfq.Model]
) -> None:
    page = visit(float_page)
    operator = digits(mode="full_integer", input_type="float32").operators[3]
    node(page, 3).click()
    details = page.locator("#details").inner_text()
    weights, output = operator.weights, operator.outputs[0]
    assert weights is not None and weights.quantization and output.quantization
    assert details.startswith(f"{operator.name} op 3")
    for tensor in (*operator.inputs, output):
        assert tensor is not None and tensor.name in details
        assert "×".join(map(str, tensor.shape)) in details
    for expected in (
        f"{len(weights.quantization.scales)} from",
        f"{output.quantization.scales[0]:.7g}",
        str(output.quantization.zero_point),
        "quantized dimension",
        "stride_w",
        f"{operator.macs:,}",
    ):
        assert expected in details
    figures = page.locator("#details figcaption strong").all_inner_texts()
    assert "Values" in figures and "Range of each channel" in figures
    page.get_by_text("All scales and zero points").first.click()
    rows = page.locator("#details table").first.locator("tbody tr")
    rows.first.wait_for()
    assert rows.count() == len(weights.quantization.scales)


def test_an_input_of_the_model_can_be_looked_at(
    visit: Callable[..., Any], float_page: Path
) -> None:
    page = visit(float_page)
    page.locator("g.node.input").click()
    details = page.locator("#details").inner_text()
    assert details.startswith("Input of the model") and "1×8×8×1" in details
    assert "Q102" in details


def test_search_finds_counts_and_cycles(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page)
    page.keyboard.press("/")
    page.keyboard.type("depthwise_conv")
    count = page.locator("g.node.match").count()
    said = page.locator("#found")
    assert count == 4 and said.inner_text() == "4 matches"
    assert said.get_attribute("aria-live") == "polite"
    found = []
    for turn in range(1, 6):
        page.keyboard.press("Enter")
        assert said.inner_text() == f"{(turn - 1) % 4 + 1} of 4"
        found.append(page.locator("g.node.found").get_attribute("data-node"))
    assert len(set(found)) == 4 and found[4] == found[0]
    page.keyboard.press("Shift+Enter")
    assert said.inner_text() == "4 of 4"
    page.fill("#search", "block3_pointwise")
    assert page.locator("g.node.match").count() >= 1
    page.fill("#search", "nothing is called so")
    assert said.inner_text() == "0 matches" and page.locator("g.node.match").count() == 0


def test_the_filter_fades_all_others(visit: Callable[..., Any], float_page: Path) -> None:
    page = visit(float_page)
    page.select_option("#filter-type", "MEAN")
    total = page.locator("g.node").count()
    assert page.locator("g.node.faded").count() == total - 1
    assert page.locator("#kept").inner_text() == "1 of 13 operators"
    page.select_option("#filter-type", "")
    page.select_option("#filter-compute", "float")
    assert page.locator("#kept").inner_text() == "1 of 13 operators"
    page.select_option("#filter-compute", "")
    assert page.locator("g.node.faded").count() == 0


def test_the_table_filters_sorts_and_selects(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page)
    table = page.locator("#operators table")
    page.fill("#filter", "depthwise")
    assert table.locator("tbody tr:visible").count() == 4
    assert page.locator("#rows").inner_text() == "4 of 12 operators"
    page.fill("#filter", "")
    head = table.locator("th", has_text="MACs")
    orders = []
    for order in ("ascending", "descending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        column = table.locator("thead th").all_inner_texts().index(head.inner_text())
        orders.append(table.locator(f"tbody td:nth-child({column + 1})").all_inner_texts())
    assert table.locator("th[aria-sort]").count() == 1
    largest = table.locator("tbody tr").first.locator("td").first.inner_text()
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0][-1] == orders[1][0] != orders[0][0]
    table.locator("tbody tr").first.locator("td").last.click()
    selected = page.locator("g.node.selected").get_attribute("data-node")
    assert selected == f"op{largest}"
    assert page.locator("#details h3").inner_text().endswith(f"op {largest}")


def test_the_sweeps_rows_have_decibels_beside_the_accuracy(
    visit: Callable[..., Any], report_page: Path
) -> None:
    table = visit(report_page).locator("#sweep .scroller table").first
    heads = [each.split("\n")[0].strip(" ↕") for each in table.locator("th").all_inner_texts()]
    place = heads.index("SQNR")
    assert heads[place - 2] == "top1"
    cells = table.locator(f"tbody td:nth-child({place + 1})").all_inner_texts()
    assert cells[0] == "exact" and all(each.endswith(" dB") for each in cells[1:])


def test_all_columns_of_a_sweep_are_seen_at_1280_pixels(
    visit: Callable[..., Any], report_page: Path
) -> None:
    page = visit(report_page, viewport={"width": 1280, "height": 900})
    room, needed = page.locator("#sweep .scroller").first.evaluate(
        "node => [node.clientWidth, node.scrollWidth]"
    )
    assert needed <= room


def test_colours_show_compute_placement_and_error(
    visit: Callable[..., Any], report_page: Path
) -> None:
    page = visit(report_page)
    choices = page.locator("#colour option").all_inner_texts()
    assert choices == ["compute", *(f"placement: {each}" for each in PROFILES), "error (SQNR)"]
    assert page.locator("g.node.integer").count() == 12
    page.select_option("#colour", "placement artpec8")
    assert page.locator("g.node.accelerator").count() == 11
    assert page.locator("g.node.cpu").count() == 1
    assert page.locator(".legend").inner_text().split("\n") == ["on the accelerator", "on the CPU"]
    page.select_option("#colour", "error")
    details = page.locator("g.node.op text.detail").all_text_contents()
    assert details and all(each.endswith(" dB") for each in details)


def test_a_finding_leads_to_its_operator_and_rule(
    visit: Callable[..., Any], float_page: Path
) -> None:
    page = visit(float_page)
    group = page.locator("#verdict article").first.locator("details", has_text="Q201").first
    group.locator("summary").first.click()
    group.locator(".findings li").first.wait_for()
    assert group.locator(".findings li").count() == 10
    group.locator("summary", has_text="About rule Q201").click()
    text = group.locator(".text")
    text.wait_for()
    assert text.locator("h5", has_text="Why is this bad?").count() == 1
    assert text.locator("code", has_text="tfq retarget").count() >= 1
    links = text.locator("a").evaluate_all("links => links.map(link => link.protocol)")
    assert links and set(links) == {"https:"}
    group.locator(".findings button").nth(1).click()
    assert page.locator("#details h3").inner_text() == "DEPTHWISE_CONV_2D op 2"
    assert page.locator("#details h3").evaluate("node => node === document.activeElement")


def test_a_rule_in_the_details_shows_its_text(visit: Callable[..., Any], float_page: Path) -> None:
    page = visit(float_page)
    node(page, 3).click()
    page.locator("#details summary", has_text="findings").click()
    page.locator("#details").get_by_role("button", name="Q201").first.click()
    shown = page.get_by_role("dialog")
    assert shown.locator("h5").first.inner_text() == "Q201 per-channel-weights"
    assert "Why is this bad?" in shown.inner_text()
    page.keyboard.press("Escape")
    shown.wait_for(state="detached")


def test_the_sweep_is_a_table_with_its_advice(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page)
    rows = page.locator("#sweep table.sortable tbody tr")
    assert rows.count() == 5
    chosen = page.locator("#sweep tr.chosen td").first.locator("> *").all_inner_texts()
    name = "full_integer.per_tensor.power_of_two"
    assert chosen == [name, "recommended"]
    assert page.locator(".advice").inner_text().startswith(f"Recommended: {name}.")
    figure = page.locator("#sweep figure").first
    assert figure.locator("path.front").count() == 1
    assert name in figure.locator("text.name").all_text_contents()
    figure.locator("summary").click()
    figure.locator("tbody tr").first.wait_for()
    assert figure.locator("tbody tr").count() == 5


def test_a_mode_that_failed_is_a_row_with_its_reason(
    visit: Callable[..., Any], samples: Path, tmp_path: Path
) -> None:
    from tfq.sweep import sweep

    folder = tmp_path / "swept"
    sweep(samples / "digits.keras", modes=["float32", "full_integer*standard"], output=folder)
    write_report([], tmp_path / "report.html", sweep=folder)
    page = visit(tmp_path / "report.html")
    failed = page.locator("#sweep tr.failed")
    assert failed.count() == 2
    assert "calibration" in failed.first.inner_text()


def test_the_keyboard_alone_reaches_and_opens_an_operator(
    visit: Callable[..., Any], report_page: Path
) -> None:
    page = visit(report_page)
    focused = "document.activeElement"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(f"{focused}.matches('g.node')"):
            break
    assert page.evaluate(f"{focused}.dataset.node") == "input0"
    for key, expected in [("ArrowDown", "op0"), ("ArrowDown", "op1"), ("ArrowUp", "op0")]:
        page.keyboard.press(key)
        assert page.evaluate(f"{focused}.dataset.node") == expected
    page.keyboard.press("End")
    assert page.evaluate(f"{focused}.dataset.node") == "output0"
    page.evaluate(DRAWN)
    box = page.locator('g.node[data-node="output0"]').bounding_box()
    frame = page.locator(".frame").bounding_box()
    assert frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focused}.innerText") == "SOFTMAX op 11"
    page.keyboard.press("Escape")
    assert page.evaluate(f"{focused}.dataset.node") == "op11"
    assert page.locator("g.node[tabindex='0']").count() == 1


def test_arrows_go_sideways_between_branches(
    visit: Callable[..., Any], shared_models: Path, tmp_path: Path
) -> None:
    write_report(shared_models / "edgetpu_pairs" / "split_concat.tflite", tmp_path / "r.html")
    page = visit(tmp_path / "r.html")
    page.locator("g.node.op").first.focus()
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.dataset.node")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.node") == first


def test_keys_and_skip_link(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog").is_visible()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_wheel_buttons_keys_and_drags_move_the_graph(
    visit: Callable[..., Any], report_page: Path
) -> None:
    page = visit(report_page)
    page.locator("#graph").scroll_into_view_if_needed()
    page.wait_for_timeout(400)  # a wheel just after the page scrolled is still the page's

    def moved(act: Callable[[], object]) -> bool:
        before = page.locator("g.layer").get_attribute("transform")
        act()
        page.evaluate(DRAWN)
        return bool(page.locator("g.layer").get_attribute("transform") != before)

    frame = page.locator(".frame").bounding_box()
    x, y = frame["x"] + 40, frame["y"] + 60

    def drag() -> None:
        page.mouse.down()
        page.mouse.move(x + 80, y + 50, steps=4)
        page.mouse.up()

    page.mouse.move(x, y)
    assert moved(drag)
    assert moved(lambda: page.mouse.wheel(0, -200))
    assert moved(lambda: page.get_by_role("button", name="Zoom out").click())
    page.locator("svg.canvas").focus()
    for key in ("+", "-", "ArrowLeft", "ArrowDown"):
        assert moved(lambda key=key: page.keyboard.press(key)), key
    page.keyboard.press("0")
    boxes = page.locator("g.node").evaluate_all(
        "all => all.map(n => n.getBoundingClientRect().top)"
    )
    assert min(boxes) >= frame["y"] - 1


def test_the_address_remembers_the_operator(visit: Callable[..., Any], report_page: Path) -> None:
    page = visit(report_page, "#op=4")
    assert page.locator("#details h3").inner_text().endswith("op 4")
    node(page, 2).click()
    assert page.url.endswith("#op=2")
    for strange in ("#op=9999", "#model=7&op=x", "#%ff"):
        assert visit(report_page, strange).locator("g.node.selected").count() == 0


def test_the_page_never_makes_elements_of_text() -> None:
    folder = Path(tfq.__file__).parent / "report" / "html"
    scripts = {path.name: path.read_text("utf-8") for path in folder.glob("*.js")}
    assert len(scripts) > 10
    for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        users = [
            name for name, text in scripts.items() if banned in text.replace("no innerHTML", "")
        ]
        assert not users, banned
