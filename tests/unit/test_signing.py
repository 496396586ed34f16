"""Signed requests: what a stranger sends is refused in words, whatever it is."""

from __future__ import annotations

import base64

import pytest

from streams.platforms.signing import Signer

NOW = 1_700_000_000.0
SIGNER = Signer("whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode())
GOOD = SIGNER.headers("e-1", b"{}", NOW)


def test_what_is_signed_is_taken_and_nothing_else() -> None:
    """Neither another body nor another id."""
    assert SIGNER.fault(GOOD, b"{}", NOW) is None
    assert SIGNER.fault(GOOD, b"{ }", NOW) is not None
    assert SIGNER.fault(GOOD | {"webhook-id": "e-2"}, b"{}", NOW) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "-1"},
        {"webhook-id": "\udcff"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,\udcff"},
    ],
)
def test_what_no_library_would_send_is_refused_like_the_rest(wrong: dict[str, str]) -> None:
    """It is no error of ours."""
    assert SIGNER.fault(GOOD | wrong, b"{}", NOW) is not None
