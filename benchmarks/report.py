"""How large a report is, and how long it takes to open: MobileNetV2 and graphs of many operators.

A page is open when its script has run and Chromium has drawn it once. Each number is the median of
several new pages of one running browser. A frame is one step of dragging the graph. Exits with 1
if a goal is missed.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tfq
from tfq.report.html import write_report

TURNS = 9
MOST_BYTES = 3_000_000
MOST_SECONDS = 2.0
CHAIN = 2_000
PROFILES = ("artpec8", "tidl-tda4vm")
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")

DRAWN = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
# Drags the graph by some pixels in each of 60 frames; returns milliseconds a frame.
DRAG = """async () => {
  const canvas = document.querySelector("svg.canvas");
  const box = canvas.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const send = (type, step) => canvas.dispatchEvent(new PointerEvent(type, {
    clientX: x, clientY: y - 8 * step, buttons: 1, pointerId: 1, bubbles: true }));
  canvas.setPointerCapture = () => {};
  send("pointerdown", 0);
  const began = performance.now();
  for (let step = 1; step <= 60; step++) {
    send("pointermove", step);
    await new Promise(requestAnimationFrame);
  }
  return (performance.now() - began) / 60;
}"""


class Opened(NamedTuple):
    """What was measured of one page."""

    size: int
    seconds: float
    frame: float


def main() -> int:
    """Print a table; return 1 if a page is too large or too slow."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(SWITCHES)
        )
        print(f"{'page':28} {'bytes':>10} {'open, ms':>9} {'frame, ms':>10}")
        rows: dict[str, Opened] = {}
        for name, model in _models().items():
            rows[name] = _measured(browser, model, Path(folder, "report.html"))
            size, seconds, frame = rows[name]
            print(f"{name:28} {size:10,} {seconds * 1000:9.0f} {frame:10.1f}", flush=True)
        browser.close()
    met = all(each.size <= MOST_BYTES and each.seconds <= MOST_SECONDS for each in rows.values())
    print(f"{MOST_BYTES:,} bytes and {MOST_SECONDS:g} s: {'met' if met else 'MISSED'}")
    return 0 if met else 1


def _models() -> dict[str, Any]:
    # Beside this script.
    from models import BLOCK_OPERATORS, Chain

    chain = Chain(16, True)
    for index in range(CHAIN // BLOCK_OPERATORS):
        chain.block(index)
    operators = len(chain.graph.operators)
    return {"MobileNetV2-224, int8": _mobilenet(), f"{operators:,} operators": chain.content()}


def _mobilenet() -> tfq.Model:
    import keras

    data = np.random.default_rng(0).random((8, 224, 224, 3), np.float32)
    model = keras.applications.MobileNetV2(weights=None)
    return tfq.convert(model, mode="full_integer", calibration_data=data)


def _measured(browser: Any, model: Any, path: Path) -> Opened:
    size = write_report(model, path, profiles=PROFILES).size
    seconds = []
    for _ in range(TURNS):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        began = time.perf_counter()
        page.goto(path.as_uri())
        page.evaluate(DRAWN)
        seconds.append(time.perf_counter() - began)
        frame = page.evaluate(DRAG)
        page.close()
    return Opened(size, statistics.median(seconds), frame)


if __name__ == "__main__":
    sys.exit(main())
