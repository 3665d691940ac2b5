"""Deliveries by HTTPS: the certificate must be of the name that was allowed, although an IP address is connected to.

Covers THREATS H14, T21.
"""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ledger.service import webhooks
from ledger.service.addresses import read_allowed
from tests.http.conftest import Served, found_with_keys, start, stop, wait_for
from tests.http.receivers import receiving
from tests.http.test_statements import post
from tests.ledgers import reopen


class Authority:
    """A certificate authority of this test alone."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        own = self.issue(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))
        self.file = folder / "authority.crt"
        self.file.write_bytes(own.public_bytes(Encoding.PEM))

    def issue(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        for extension in (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), authority_key, *extensions):
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs that is known by this name."""
        key, file = ec.generate_private_key(ec.SECP256R1()), self.folder / f"{host}.chain"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self.issue(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def test_a_certificate_must_be_of_the_allowed_name(tmp_path: Path) -> None:
    world = found_with_keys(tmp_path / "log")
    authority = Authority(tmp_path)
    right, wrong = authority.context("localhost"), authority.context("elsewhere.example")
    with reopen(tmp_path / "log") as ledger, receiving(tls=right) as good, receiving(tls=wrong) as bad:
        names = {one: one.url.replace("127.0.0.1", "localhost") for one in (good, bad)}
        options = [word for url in names.values() for word in ("--webhook-allow", f"private:{url}/")]
        owner = world.party_id("carrier")
        ids = {}
        for one, url in names.items():
            wanted = webhooks.Wanted(f"{url}/h")
            ids[one] = webhooks.subscribe(ledger, wanted, owner=owner, allowed=read_allowed([f"private:{url}/"])).id
        process, url = start(tmp_path / "log", *options, SSL_CERT_FILE=str(authority.file))
        served = Served(url, tmp_path / "log", world, process)
        assert post(served, world.claim(counted_by=("meter:tls",))).status_code == 201
        wait_for(lambda: webhooks.get(ledger, ids[good], owner=owner).delivered == 1)
        assert good.got[0].headers["Host"] == names[good].removeprefix("https://")
        wait_for(lambda: '"problem":"connection_failed"' in served.said.read_text())
        assert webhooks.get(ledger, ids[bad], owner=owner).delivered == 0
        assert bad.got == []
        stop(process)
