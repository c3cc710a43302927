"""Keyless signing of in-toto statements through sigstore-python's public API; the only file that signs with it.

An identity token is exchanged for a short-lived certificate (Fulcio), and the signature is logged (Rekor) and time-stamped where
the instance has an authority. Nothing here says that anybody may believe the result: it is judged like everything else.
sigstore-python is imported when first asked, because that takes a third of a second.
"""

from __future__ import annotations

import json
import logging
import warnings
from typing import TYPE_CHECKING

from supplychain.errors import InvalidKeyError, InvalidTrustRootError, TransparencyLogUnavailableError
from supplychain.trust_root import parse_trust_root

if TYPE_CHECKING:
    from supplychain.trust_root import TrustRoot

__all__ = ["KeylessSession", "ambient_token"]


def ambient_token() -> str | None:
    """Take the identity token of the CI job that this runs in; None where there is none.

    Raises:
        InvalidKeyError: this is a CI job, and it may not have one.
    """
    from sigstore.oidc import IdentityError, detect_credential  # noqa: PLC0415 — see the module's text

    try:
        return detect_credential()
    except IdentityError as exc:
        raise InvalidKeyError("the environment gives no identity token", got=_short(exc)) from exc


class KeylessSession:
    """Signs statements as one identity, each with a key and a certificate of its own, which live for minutes."""

    def __init__(self, *, token: str, config: str, name: str) -> None:
        """Read token and instance; `config` is a ClientTrustConfig as JSON, called `name`.

        Raises:
            InvalidKeyError: the token cannot be used, or not any more.
            InvalidTrustRootError: the configuration names no instance to sign with.
        """
        from sigstore.models import ClientTrustConfig  # noqa: PLC0415 — see the module's text
        from sigstore.oidc import IdentityError, IdentityToken  # noqa: PLC0415
        from sigstore.sign import SigningContext  # noqa: PLC0415

        logging.getLogger("sigstore").setLevel(logging.CRITICAL)
        try:
            self._token = IdentityToken(token.strip())
        except IdentityError as exc:
            raise InvalidKeyError("the identity token cannot be used", got=_short(exc)) from exc
        try:
            self._context = SigningContext.from_trust_config(ClientTrustConfig.from_json(config))
            self.root: TrustRoot = parse_trust_root(json.dumps(json.loads(config)["trustedRoot"]).encode(), name=name)
        except Exception as exc:
            # pydantic's and its own: the file is the user's
            what = "the file names no Sigstore instance to sign with"
            raise InvalidTrustRootError(what, expected="a ClientTrustConfig", got=_short(exc), where=f"`{name}`") from exc

    def sign(self, statement: bytes) -> bytes:
        """Sign the statement as it is and return the Sigstore bundle as JSON.

        Raises:
            TransparencyLogUnavailableError: a part of the instance did not do what it should.
        """
        from sigstore.dsse import Statement  # noqa: PLC0415 — see the module's text

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with self._context.signer(self._token) as signer:
                    return signer.sign_dsse(Statement(statement)).to_json().encode()
            except Exception as exc:
                # it lets exceptions of requests and of other libraries through
                raise TransparencyLogUnavailableError(
                    "the Sigstore instance did not sign", got=_short(exc), hint="try again with a fresh identity token"
                ) from exc


def _short(exc: Exception) -> str:
    text = str(exc).strip().partition("\n")[0][:200]
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__
