"""A headless browser for pages, and what it saw while it opened them."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 60
# Chromium's own services must stay quiet, or their requests would count as the page's.
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
)


@dataclass(frozen=True)
class OpenedPage:
    """A page after its charts are drawn.

    Attributes
    ----------
    errors
        Severe messages of the console.
    requests
        URLs asked for besides the file itself and what lies in it.
    """

    driver: Any
    errors: list[str]
    requests: list[str]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    chromedriver = shutil.which("chromedriver")
    if browser is None or chromedriver is None:
        pytest.skip("chromium or chromedriver is not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    driver.set_page_load_timeout(PATIENCE_SECONDS)
    yield driver
    driver.quit()


@pytest.fixture
def open_page(chromium: Any, tmp_path: Path) -> Callable[[str], OpenedPage]:
    """Opens HTML from disk and waits for its charts."""
    from selenium.webdriver.support.ui import WebDriverWait

    def open_html(html: str) -> OpenedPage:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        chromium.get("about:blank")
        for log in ("browser", "performance"):
            chromium.get_log(log)
        chromium.get(path.as_uri())
        WebDriverWait(chromium, PATIENCE_SECONDS).until(
            lambda driver: driver.execute_script(
                "return [...document.querySelectorAll('[data-specification]')]"
                ".every(place => place.querySelector('svg.marks') || place.textContent.trim())"
            )
        )
        severe = [e["message"] for e in chromium.get_log("browser") if e["level"] == "SEVERE"]
        sent = [
            message["params"]["request"]["url"]
            for entry in chromium.get_log("performance")
            for message in [json.loads(entry["message"])["message"]]
            if message["method"] == "Network.requestWillBeSent"
        ]
        assert path.as_uri() in sent, "requests are not being recorded"
        outside = [url for url in sent if url != path.as_uri() and not url.startswith("data:")]
        return OpenedPage(chromium, severe, outside)

    return open_html
