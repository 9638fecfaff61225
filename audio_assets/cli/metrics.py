"""Implement ``audio-assets metrics``: an exporter for Prometheus that runs beside the daemon.

The metrics are defined in :mod:`audio_assets.automation.metrics`.
"""

from __future__ import annotations

import signal
import threading

from prometheus_client import CollectorRegistry, start_http_server

from audio_assets.automation.metrics import Collected, parts_of
from audio_assets.cli.console import plain_console
from audio_assets.cli.instance import local_instance
from audio_assets.definitions import build_defs
from audio_assets.errors import SettingsError
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.settings import load_settings

# As for the doctor: a failing bucket is reported instead of waited for.
_PATIENCE_SECONDS = 10.0


def run_metrics(host: str, port: int, every: float, *, stop: threading.Event | None = None) -> None:
    """Serve scrapes until the process is stopped.

    Parameters
    ----------
    host, port
        Address to listen on; there is no authentication.
    every
        Seconds between two collections.
    stop
        Stops serving when set.

    Raises
    ------
    SettingsError
        If the address cannot be listened on.
    """
    if stop is None:
        stop = threading.Event()
        # The first process of a container ignores every signal that it does not handle.
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load_settings()
    plan = AssetPlan(settings, build_partitions(settings), patience=_PATIENCE_SECONDS)
    graph = build_defs(settings).resolve_asset_graph()
    with local_instance(settings.results_root) as instance:
        collected = Collected(parts_of(plan, instance, graph))
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collected)
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise SettingsError(
                f"Metrics cannot be served on {host}:{port}: {error}",
                "Pass an address of this machine with --host and a free port with --port.",
            ) from error
        console = plain_console(stderr=True)
        console.print(f"Metrics on http://{host}:{server.server_port}/metrics", soft_wrap=True)
        try:
            collected.refresh()
            while not stop.wait(every):
                collected.refresh()
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
