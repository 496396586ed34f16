"""Signed HTTP as the Standard Webhooks have it: id, time and body under an HMAC of a shared secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from streams.errors import ConfigurationError

# A signature is good for so long, so that a recorded request can't be sent again much later.
GOOD_FOR_S = 300.0
PREFIX = "whsec_"
_SECOND = re.compile("[0-9]{1,15}")


class Signer:
    """Signs and checks with one secret.

    Args:
        secret: "whsec_" and base64 of at least 24 random bytes.

    Raises:
        ConfigurationError: It isn't one.
    """

    def __init__(self, secret: str) -> None:
        try:
            self._key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ConfigurationError(
                f"a webhook's secret is {PREFIX} and what `openssl rand -base64 32` gives: {error}"
            ) from error
        if len(self._key) < 24:
            raise ConfigurationError("a webhook's secret needs at least 24 bytes: openssl rand -base64 32")

    def headers(self, name: str, body: bytes, now: float) -> dict[str, str]:
        """Return the headers that go with a body; `name` is the same for every try to deliver it."""
        at = str(int(now))
        return {
            "webhook-id": name,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{self._signature(name, at, body)}",
        }

    def fault(self, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
        """Return what is wrong with a signed request, or None."""
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not (name.isascii() and name and _SECOND.fullmatch(at)):
            return "webhook-id and webhook-timestamp are missing, or aren't plain text and epoch seconds"
        if abs(now - int(at)) > GOOD_FOR_S:
            return f"webhook-timestamp is more than {GOOD_FOR_S:g} s from now: check both clocks"
        good = self._signature(name, at, body).encode()
        given = [part.partition(",") for part in headers.get("webhook-signature", "").split()]
        if any(
            version == "v1" and hmac.compare_digest(value.encode(errors="replace"), good)
            for version, _, value in given
        ):
            return None
        return "webhook-signature doesn't fit: is it the same secret?"

    def _signature(self, name: str, at: str, body: bytes) -> str:
        signed = b".".join((name.encode(), at.encode(), body))
        return base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
