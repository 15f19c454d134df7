"""A passkey: an authenticator in software, as far as allauth's server asks."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

#: User present, user verified.
_PRESENT, _VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


class Passkey:
    """One credential.

    Args:
        synced: whether it is copied to the user's other devices.
        origin: what the browser or the system says of the page or the app that asks.
    """

    def __init__(self, *, synced: bool, origin: str = "http://testserver") -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = sha256(str(id(self)).encode()).digest()
        self.flags = _PRESENT | _VERIFIED | (_BACKUP_ELIGIBLE | _BACKED_UP if synced else 0)
        self.user_handle = ""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what ``navigator.credentials.create()`` resolves to."""
        chosen = options["publicKey"]
        self.user_handle = chosen["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = AuthenticatorData.create(
            _hash(chosen["rp"]["id"]), self.flags | _ATTESTED, 0, attested
        )
        attestation = AttestationObject.create("none", data, {})
        return self._credential(
            {
                "clientDataJSON": self._client_data("webauthn.create", chosen["challenge"]),
                "attestationObject": websafe_encode(bytes(attestation)),
            },
            {"credProps": {"rk": True}},
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what ``navigator.credentials.get()`` resolves to."""
        chosen = options["publicKey"]
        data = bytes(AuthenticatorData.create(_hash(chosen["rpId"]), self.flags, 1))
        client_data = self._client_data("webauthn.get", chosen["challenge"])
        signed = data + sha256(websafe_decode(client_data)).digest()
        return self._credential(
            {
                "clientDataJSON": client_data,
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(self.key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": self.user_handle,
            },
            {},
        )

    def _credential(self, response: dict[str, Any], extensions: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "public-key",
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "authenticatorAttachment": "platform",
            "response": response,
            "clientExtensionResults": extensions,
        }

    def _client_data(self, kind: str, challenge: str) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin}
        return websafe_encode(json.dumps(said).encode())


def _hash(relying_party: str) -> bytes:
    return sha256(relying_party.encode()).digest()
