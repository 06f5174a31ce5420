"""What tests of the report's page share: a browser, and pages to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tfq
from tfq.report.html import write_report

PROFILES = ["artpec8", "tidl-tda4vm"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's Chromium; without it tests are skipped before their pages are made."""
    pytest.importorskip("fast_sugiyama", reason="its wheels begin with Python 3.11")
    absent = pytest.fail if os.environ.get("CI") else pytest.skip
    program = shutil.which("chromium")
    if program is None:
        absent("there is no chromium: apt-get install chromium")
    if find_spec("playwright") is None:
        absent("there is no playwright: pip install playwright")
    return program


# Closed after each file: while it runs, no other test can run an event loop of its own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A running browser."""
    from playwright.sync_api import sync_playwright

    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += [
        f"--disable-{each}" for each in ("background-networking", "component-update", "sync")
    ]
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium, args=switches)
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end nothing may have gone wrong in it, and nothing have left it."""
    contexts, wrong = [], []

    def visit(path: Path, mark: str = "", **options: Any) -> Any:
        size = {"width": 1400, "height": 900}
        context = browser.new_context(**{"viewport": size, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        # Violations of the Content-Security-Policy are printed there too.
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"ran: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        asked: list[str] = []
        page.goto(path.as_uri() + mark)
        if [url.partition("#")[0] for url in asked] != [path.as_uri()]:
            wrong.append(f"asked for {asked}")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture(scope="session")
def swept(chromium: str, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of the digits sample over some modes."""
    from tfq.sweep import sweep

    folder = tmp_path_factory.mktemp("swept")
    sweep(
        samples / "digits.keras",
        profiles=PROFILES,
        calibration_data=samples / "calibration.npz",
        evaluation_data=samples / "evaluation.npz",
        modes=["float*", "full_integer.per_*.standard", "full_integer.per_tensor.power_of_two"],
        output=folder,
    )
    return folder


@pytest.fixture(scope="session")
def report_page(swept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the sweep's recommended model, which has everything that a page can have."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report([], path, sweep=swept)
    return path


@pytest.fixture(scope="session")
def float_page(
    chromium: str, digits: Callable[..., tfq.Model], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The report of an integer model with float inputs: findings of all severities."""
    path = tmp_path_factory.mktemp("report") / "hybrid.html"
    model = digits(mode="full_integer", input_type="float32")
    write_report(model, path, profiles=PROFILES)
    return path
