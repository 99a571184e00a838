"""How vendors sign a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac

__all__ = ("base64_signature", "hub_signature")


def hub_signature(secret: str, body: bytes) -> str:
    """Return ``sha256=`` and the hexadecimal HMAC-SHA256 of a body.

    Source: Atlassian, "Webhooks", Jira Cloud platform, on ``X-Hub-Signature``.

    Args:
        secret: The secret, as typed into the webhook's form.
        body: The raw body.

    Example:
        >>> hub_signature("It's a Secret to Everybody", b"Hello World!")[:23]
        'sha256=a4771c39fbe90f31'
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def base64_signature(secret: str, body: bytes) -> str:
    """Return the base64 form of the HMAC-SHA256 of a body.

    Source: ServiceNow, "GlideCertificateEncryption", on ``generateMac``.

    Args:
        secret: The secret, before the base64 form in which the script passes it.
        body: The raw body.
    """
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
