"""Devices that a page is opened on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def shown_as(driver: Any, width: int, scheme: str) -> Iterator[None]:
    """A window of this width on a device whose user prefers this scheme."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
