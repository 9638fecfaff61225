"""Post short messages to a webhook, e.g. of a chat; its address is a secret and never logged."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

_SECONDS = 10.0
_LENGTH = 600
# The query of an address may contain a signature or a token.
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")


class WebhookError(Exception):
    """A message could not be posted; the text contains the reason, but not the address."""


def failure_message(task: str, reason: str, run_id: str) -> str:
    """Describe a failure in a few lines, without the queries of addresses."""
    return f"audio-assets: {task} failed (run {run_id[:8]})\n{shown(reason)}"


def shown(text: str) -> str:
    """Prepare a text for posting: limit its length, and remove the queries of addresses."""
    plain = _QUERY.sub(r"\1?...", text.strip())
    return plain if len(plain) <= _LENGTH else plain[:_LENGTH] + " ..."


def post_message(url: str, text: str) -> None:
    """Post ``{"text": ...}`` as JSON, which Slack, Mattermost and others accept.

    Raises
    ------
    WebhookError
        If the server does not respond within 10 s, or responds with an error.
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
