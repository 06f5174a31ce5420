"""Makes the pictures of README and docs anew: `python scripts/screenshots.py`.

Sweeps the digits sample, writes a report of two of its models, and photographs it with Debian's
Chromium into docs/images/.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tfq.report.html import write_report
from tfq.sweep import sweep

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLES = CHECKOUT / "samples"
IMAGES = CHECKOUT / "docs" / "images"
SIZE = {"width": 1400, "height": 900}
SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
# What a device refuses makes a page that shows more.
REFUSED = "full_integer.per_channel.standard"


def main() -> None:
    """Write the pictures."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        report = _report(Path(folder))
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(SWITCHES)
        )
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce", color_scheme="light")
        page.goto(report.as_uri())
        _photograph(page, "report.png")
        _show(page, "sweep")
        _photograph(page, "report-sweep.png")
        page.goto("about:blank")
        page.goto(f"{report.as_uri()}#model=1&op=3")
        page.select_option("#colour", "error")
        _show(page, "graph")
        _photograph(page, "report-graph.png")
        browser.close()


def _report(folder: Path) -> Path:
    found = sweep(
        SAMPLES / "digits.keras",
        profiles=["artpec8", "tidl-tda4vm"],
        calibration_data=SAMPLES / "calibration.npz",
        evaluation_data=SAMPLES / "evaluation.npz",
        output=folder,
    )
    models = [f"{name}.tflite" for name in (REFUSED, found.recommended)]
    # The page shows paths as they are given.
    with contextlib.chdir(folder):
        write_report(models, "report.html", sweep=".")
    return folder / "report.html"


def _show(page: Any, section: str) -> None:
    page.locator(f"#{section}").evaluate("part => part.scrollIntoView()")
    page.mouse.move(5, 5)
    page.wait_for_timeout(200)


def _photograph(page: Any, name: str) -> None:
    from PIL import Image

    # 256 colours are enough for it, and take half the bytes.
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
