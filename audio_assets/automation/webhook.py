"""Short messages to a webhook, e.g. of a chat; its address is a secret and is never logged."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

_SECONDS = 10.0
_LENGTH = 600
# What stands behind the ? of an address may be a signature or a token.
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")


class WebhookError(Exception):
    """A message could not be posted; the text says why, without the address."""


def failure_message(task: str, reason: str, run_id: str) -> str:
    """What failed and why, in a few lines, without the queries of addresses."""
    return f"audio-assets: {task} failed (run {run_id[:8]})\n{shown(reason)}"


def shown(text: str) -> str:
    """A text as it may be posted: of bounded length, and without the queries of addresses."""
    plain = _QUERY.sub(r"\1?...", text.strip())
    return plain if len(plain) <= _LENGTH else plain[:_LENGTH] + " ..."


def post_message(url: str, text: str) -> None:
    """Post ``{"text": ...}`` as JSON, which Slack, Mattermost and others take.

    Raises
    ------
    WebhookError
        If the server does not answer within 10 s, or not with success.
    """
    try:
        request = urllib.request.Request(
            url,
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise WebhookError(f"the webhook answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise WebhookError(f"the webhook cannot be reached ({type(error).__name__})") from None
