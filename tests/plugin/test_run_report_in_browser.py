"""The report in a real browser: it opens, filters, expands, fits a phone, and nothing that is in it runs."""

from __future__ import annotations

import dataclasses
import os
import shutil
import types
import typing
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_modssl.report.whole.html import as_html
from pytest_modssl.report.whole.value import run
from pytest_modssl.report.whole.value.host import Accepted, Answer, Host, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

T = TypeVar("T")

HOSTILE = "</script></style></textarea><img src=x onerror=alert(1)><script>alert(2)</script>'\"&{{ 7*7 }}"
SUITES = ("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")


def hostile(kind: Any) -> Any:
    """A value whose every text is hostile, with all that it may have."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{one.name: hostile(hints[one.name]) for one in dataclasses.fields(kind)})
    if isinstance(kind, types.UnionType):
        return hostile(typing.get_args(kind)[0])
    if typing.get_origin(kind) is tuple:
        return (hostile(typing.get_args(kind)[0]),)
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)[0]
    return {str: HOSTILE, int: 443, float: 0.0123, bool: False}[kind]


def _hosts() -> tuple[Host, ...]:
    accepted = Accepted(
        protocols=(Protocol(name="TLSv1.3", suites=SUITES, server_order=True, groups=(HOSTILE,)),),
        dh_bits=2048,
        compression=HOSTILE,
        asked_as=HOSTILE,
    )
    worst = dataclasses.replace(hostile(Host), accepted=accepted)
    alike = [Host(name=f"site{at}.example.test", port=443, answers=(_answer(at),)) for at in range(100)]
    return (worst, *alike)


def _answer(at: int) -> Answer:
    return Answer(method="GET", url=f"https://site{at}.example.test/", status=200)


def _report() -> run.Report:
    worst = dataclasses.replace(hostile(run.Test), outcome="failed", servers=("s",))
    passed = [run.Test(id=f"test_site.py::test_{at}", test="t", target=HOSTILE, outcome="passed") for at in range(50)]
    skipped = run.Test(id="test_site.py::test_skipped", test="t", outcome="skipped", reason="not today")
    server = dataclasses.replace(hostile(run.Server), id="s", hosts=_hosts())
    targets = (hostile(run.Target), dataclasses.replace(hostile(run.Target), name="docker"))
    worst_report: run.Report = hostile(run.Report)
    return dataclasses.replace(
        worst_report, tests=(*passed, worst, skipped), servers=(server,), targets=targets, root="/srv"
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        if "chromium" in os.environ.get("PYTEST_MODSSL_REQUIRE", ""):
            pytest.fail("PYTEST_MODSSL_REQUIRE names chromium, and there is none: tools/programs installs it")
        pytest.skip("needs chromium: tools/programs installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's own sandbox is to be had neither by root nor in a container, and the file is ours.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(as_html(_report()), encoding="utf-8")
    return file


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture(params=[(1200, "light"), (360, "dark")], ids=["desk", "phone"])
def page(browser: Browser, file: Path, complaints: list[str], request: pytest.FixtureRequest) -> Iterator[Page]:
    """The report, opened; what the browser complains of, or asks others for, is noted."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda asked: complaints.append(asked.url) if asked.url != file.as_uri() else None)
    page.goto(file.as_uri())
    yield page
    context.close()


def test_it_opens_filters_and_expands_and_nothing_that_is_in_it_runs(page: Page, complaints: list[str]) -> None:
    assert page.inner_text("#shown") == "52 of 52 tests shown"
    assert page.locator("details.test").first.inner_text().startswith("failed")
    page.fill("#text", "test_7")
    assert page.inner_text("#shown") == "1 of 52 tests shown"
    assert page.locator("details.test:visible").count() == 1
    page.fill("#text", "site42")
    page.locator("details.server > summary").click()
    assert page.locator("[data-host] [data-host]:not([hidden])").count() == 1
    page.fill("#text", "")
    for box in page.locator("form.filter input[type=checkbox]").all():
        box.uncheck()
    assert page.inner_text("#shown") == "0 of 52 tests shown"
    page.get_by_label("skipped (1)").check()
    assert page.locator("details.test:visible").inner_text().startswith("skipped")
    page.get_by_label("failed (1)").check()
    # By the keyboard alone.
    page.locator("details.test:visible > summary").first.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("heading", name="What failed").is_visible()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("img, iframe, script:not(:last-of-type)").count() == 0
    assert "49" not in page.inner_text("title")
    page.locator("button.copy").first.click()
    page.wait_for_function("['Copied', 'Selected'].includes(document.querySelector('button.copy').textContent)")
    page.evaluate("location.hash = '#server0'")
    assert complaints == []


def test_it_can_be_read_by_its_structure_and_without_colour(page: Page) -> None:
    for landmark in ("banner", "navigation", "main", "contentinfo", "search"):
        assert page.get_by_role(landmark).count() >= 1, landmark
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert page.evaluate("[...document.querySelectorAll('svg')].every(one => one.getAttribute('aria-label'))")
    assert page.evaluate("[...document.querySelectorAll('table')].every(one => one.querySelector('th[scope=col]'))")
    assert page.evaluate("[...document.querySelectorAll('input')].every(one => one.labels.length === 1)")
    # WCAG 2.2, 1.4.3: the ratio of text that is read, on its card.
    ratio = page.evaluate(
        """() => {
            const probe = (name) => {
                const one = document.createElement('i');
                one.style.cssText = `color:var(${name})`;
                document.body.append(one);
                const [r, g, b] = getComputedStyle(one).color.match(/[0-9.]+/g).map((c) => c / 255)
                    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const back = probe('--card');
            return Object.fromEntries(['--text', '--soft', '--good', '--bad', '--odd', '--accent'].map((name) => {
                const one = probe(name);
                return [name, (Math.max(one, back) + 0.05) / (Math.min(one, back) + 0.05)];
            }));
        }"""
    )
    assert min(ratio.values()) >= 4.5, ratio


def test_a_report_of_a_run_without_anything_opens(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "empty.html"
    file.write_text(
        as_html(run.Report(began="", seconds=0.0, program="p", root="/", targets=(), tests=(), servers=())),
        encoding="utf-8",
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.get_by_text("No test ran").is_visible()
    page.close()
