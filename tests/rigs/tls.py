"""A TLS front for a plain port, with certificates made when it is asked for."""

from __future__ import annotations

import ssl
import subprocess
from enum import StrEnum
from pathlib import Path

from tests.rigs.forwarder import TcpForwarder
from tests.rigs.processes import LOOPBACK, RigError

_REQUEST_CONFIG = """
[req]
prompt = no
distinguished_name = name
[name]
CN = chtui test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[ca]
default_ca = issuing
[issuing]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = none
unique_subject = no
[any]
commonName = supplied
"""


class Certificate(StrEnum):
    """What the server certificate is like, seen by a client that trusts `ca_file`."""

    GOOD = "good"
    EXPIRED = "expired"
    OTHER_CA = "other-ca"
    """Signed by an authority that is not in `ca_file`."""
    SELF_SIGNED = "self-signed"
    WRONG_HOST = "wrong-host"


class TlsProxy(TcpForwarder):
    """Terminates TLS 1.2 or later on a port of its own and forwards what is inside to a plain port.

    It can be cut and stalled like any forwarder; while stalled it still answers the handshake.
    """

    def __init__(
        self,
        target_port: int,
        directory: Path,
        certificate: Certificate = Certificate.GOOD,
        target_host: str = LOOPBACK,
    ) -> None:
        """Make the certificates in the directory; `ca_file` is then what clients are to trust."""
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate_file, self.key_file, self.ca_file = _make_certificates(directory, certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate_file, self.key_file)
        super().__init__(target_host, target_port, context)


def _make_certificates(directory: Path, kind: Certificate) -> tuple[Path, Path, Path]:
    names = "DNS:elsewhere.invalid" if kind is Certificate.WRONG_HOST else f"IP:{LOOPBACK}, DNS:localhost"
    (directory / "openssl.cnf").write_text(_REQUEST_CONFIG.format(names=names))
    (directory / "index.txt").write_text("")
    _self_sign(directory, "ca", "authority")
    if kind is Certificate.SELF_SIGNED:
        _self_sign(directory, "server", "server")
    else:
        issuer = "ca"
        if kind is Certificate.OTHER_CA:
            issuer = "other-ca"
            _self_sign(directory, issuer, "authority")
        _sign(directory, issuer, expired=kind is Certificate.EXPIRED)
    return directory / "server.pem", directory / "server.key", directory / "ca.pem"


def _self_sign(directory: Path, name: str, extensions: str) -> None:
    arguments = ["-x509", "-days", "2", "-extensions", extensions, "-subj", f"/CN=chtui test {name}"]
    _openssl(directory, "req", *arguments, *_new_key(name), "-out", f"{name}.pem")


def _sign(directory: Path, issuer: str, expired: bool) -> None:
    _openssl(directory, "req", "-new", *_new_key("server"), "-subj", f"/CN={LOOPBACK}", "-out", "server.csr")
    dates = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] if expired else ["-days", "2"]
    signing = [
        "-batch",
        "-notext",
        "-cert",
        f"{issuer}.pem",
        "-keyfile",
        f"{issuer}.key",
        "-extensions",
        "server",
    ]
    _openssl(directory, "ca", *signing, *dates, "-in", "server.csr", "-out", "server.pem")


def _new_key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def _openssl(directory: Path, command: str, *arguments: str) -> None:
    done = subprocess.run(
        ["openssl", command, "-config", "openssl.cnf", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise RigError(f"openssl {command} failed: {done.stderr.strip()}")
