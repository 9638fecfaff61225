"""What a bucket's notifications tell the sensor over the audio, and when they may be forgotten.

A message is acknowledged by the tick after the one that pulled it: only then is it sure that
Dagster has kept the cursor in which the species that it named were noted. If that tick failed, or
its process is gone, the message comes again, which does no harm.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass

from audio_assets.errors import AudioAssetsError, SettingsError, TransientStorageError
from audio_assets.objects.files import is_local
from audio_assets.objects.notifications import Named, Subscription, named_in
from audio_assets.objects.roots import open_subscription
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.settings import pubsub_emulator

_TICKS_KEPT = 4


@dataclass(frozen=True)
class Heard:
    """What was heard at a tick.

    Attributes
    ----------
    named
        What the messages name.
    messages
        How many they were.
    token
        To be kept in the cursor: the tick that finds it there acknowledges the messages.
    fault
        Why notifications could not be had; empty if they could.
    passes
        Whether the fault may pass by itself.
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
        """What is new; None if notifications are not wanted.

        Parameters
        ----------
        token
            That was kept in the cursor.
        """
        settings = self._plan.settings
        if not settings.notifications:
            return None
        subscription = open_subscription(settings.notifications, pubsub_emulator())
        try:
            if is_local(self._plan.roots.audio):
                raise SettingsError(
                    f"AUDIO_ASSETS_NOTIFICATIONS is set, and the audio root {settings.audio_root} "
                    "is in no bucket",
                    "Leave it empty.",
                )
            return self._hear(subscription, token, log)
        except AudioAssetsError as error:
            log.warning(f"{error} Meanwhile audio is listed as without notifications.")
            return Heard(fault=str(error), passes=isinstance(error, TransientStorageError))

    def _hear(self, subscription: Subscription, token: str, log: logging.Logger) -> Heard:
        noted = self._pulled.get(token, [])
        # What other ticks pulled was never noted, and comes again.
        self._pulled.clear()
        if noted:
            subscription.acknowledge(noted)
        notices = subscription.pull(_TICKS_KEPT * self._plan.settings.sensor_seconds)
        named = named_in(self._plan.roots.audio, notices)
        if named.unknown:
            log.warning(
                f"{named.unknown} messages of {subscription.name} name no object: nothing but the "
                "bucket's notifications should be published to its topic."
            )
        if not notices:
            return Heard(named)
        new = uuid.uuid4().hex
        self._pulled[new] = [notice.receipt for notice in notices]
        return Heard(named, len(notices), new)
