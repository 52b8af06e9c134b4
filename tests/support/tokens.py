# SPDX-License-Identifier: Apache-2.0
"""Keys made on the spot, and the tokens that they sign."""

import base64
import datetime
import functools
import hashlib
import hmac
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


def encode(data):
    """base64url of bytes, or of the JSON of anything else."""
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header, claims, signature=b""):
    return f"{encode(header)}.{encode(claims)}.{encode(signature)}"


def hmac_token(secret, header, claims):
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


class Signer:
    """An RSA key with a name."""

    def __init__(self, kid):
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, claims, **header):
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | header
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{encode(header)}.{encode(claims)}"
        return f"{signed}.{encode(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    @functools.cached_property
    def jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.kid, "n": encode(numbers.n.to_bytes(256, "big")), "e": "AQAB"}

    @functools.cached_property
    def certificate(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.kid)])
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), 1, now, now + datetime.timedelta(hours=1))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
