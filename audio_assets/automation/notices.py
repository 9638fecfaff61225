"""Receive a bucket's notifications for the sensor on the audio, and acknowledge them.

A message is acknowledged by the tick after the one that pulled it: only then is it certain that
Dagster has stored the cursor that contains the species named in it. If that tick failed, or its
process is gone, the message is delivered again, which does no harm.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from audio_assets.environment import pubsub_emulator
from audio_assets.errors import AudioAssetsError, SettingsError, TransientStorageError
from audio_assets.objects.files import is_local
from audio_assets.objects.notifications import Named, Subscription, named_in
from audio_assets.objects.roots import open_subscription
from audio_assets.pipeline.plan import AssetPlan

_TICKS_KEPT = 4


@dataclass(frozen=True)
class Heard:
    """The notifications received at a tick.

    Attributes
    ----------
    named
        Objects named in the messages.
    messages
        Number of messages.
    token
        Token for the cursor: the tick that finds it there acknowledges the messages.
    fault
        Reason for a failure; empty if there was none.
    passes
        Whether the failure is transient.
    """

    named: Named = Named()
    messages: int = 0
    token: str = ""
    fault: str = ""
    passes: bool = False


class Listener:
    """Pulls the notifications of the audio bucket, if the settings name a subscription."""

    def __init__(self, plan: AssetPlan) -> None:
        self._plan = plan
        self._pulled: dict[str, list[str]] = {}

    def hear(self, token: str, log: logging.Logger) -> Heard | None:
        """Pull new notifications; None if they are not configured.

        Parameters
        ----------
        token
            Token in the cursor.
        """
        settings = self._plan.settings
        if not settings.notifications:
            return None
        subscription = open_subscription(settings.notifications, pubsub_emulator())
        try:
            if is_local(self._plan.roots.audio):
                raise SettingsError(
                    f"AUDIO_ASSETS_NOTIFICATIONS is set, and the audio root {settings.audio_root} "
                    "is not in a bucket",
                    "Leave it empty.",
                )
            return self._hear(subscription, token, log)
        except AudioAssetsError as error:
            log.warning(f"{error} Meanwhile, audio is listed as if there were no notifications.")
            return Heard(fault=str(error), passes=isinstance(error, TransientStorageError))

    def _hear(self, subscription: Subscription, token: str, log: logging.Logger) -> Heard:
        noted = self._pulled.get(token, [])
        # Messages that other ticks pulled were never recorded, and will be delivered again.
        self._pulled.clear()
        if noted:
            subscription.acknowledge(noted)
        notices = subscription.pull(_TICKS_KEPT * self._plan.settings.sensor_seconds)
        named = named_in(self._plan.roots.audio, notices)
        if named.unknown:
            log.warning(
                f"{named.unknown} messages of {subscription.name} name no object: only the "
                "bucket's notifications should be published to its topic."
            )
        if not notices:
            return Heard(named)
        new = uuid.uuid4().hex
        self._pulled[new] = [notice.receipt for notice in notices]
        return Heard(named, len(notices), new)
