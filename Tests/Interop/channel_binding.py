"""Logs in with SCRAM bound to the TLS channel (RFC 5802 §6, RFC 9266), by way of `openssl s_client`.

Each case is a connection of its own; what became of it is printed as JSON: `success`, or the condition of the failure.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import subprocess
import sys

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
HEADER = (
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)


class Channel:
    """A TLS connection whose keying material can be had, which Python's own does not give."""

    def __init__(self, port, version):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", version, "-nocommands",
             "-ign_eof", "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text = ""
        self.exporter = bytes.fromhex(self.read(r"Keying material: ([0-9A-F]{64})").group(1))

    def read(self, pattern):
        while not (found := re.search(pattern, self.text)):
            piece = self.receive()
            if not piece:
                raise SystemExit(f"the server closed; it had sent {self.text!r}")
            self.text += piece.decode()
        self.text = self.text[found.end():]
        return found

    def receive(self):
        return os.read(self.process.stdout.fileno(), 65536)

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.communicate()


class UniqueChannel(Channel):
    """A TLS connection by Python's own library, which has the one binding that `openssl s_client` does not print."""

    def __init__(self, port, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace("-tls", "TLSv")]
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        self.text = ""
        self.unique = self.socket.get_channel_binding("tls-unique")

    def receive(self):
        return self.socket.recv(65536)

    def send(self, text):
        self.socket.sendall(text.encode())

    def close(self):
        self.socket.close()


def encode(data):
    return base64.b64encode(data).decode()


def log_in(port, user, password, certificate, case):
    is_unique = case["binding"] == "tls-unique"
    channel = (UniqueChannel if is_unique else Channel)(port, case["version"])
    try:
        channel.send(HEADER)
        features = channel.read(r"<stream:features>.*</stream:features>").group(0)
        data = {
            "tls-exporter": lambda: channel.exporter,
            "tls-server-end-point": hashlib.sha256(certificate).digest,
            "tls-unique": lambda: channel.unique,
        }.get(case["binding"], bytes)()
        if case.get("wrong"):
            data = bytes(len(data))
        header = f"p={case['binding']},," if data else case["binding"] + ",,"
        first = f"n={user},r={encode(os.urandom(18))}"
        channel.send(f"<auth xmlns='{SASL}' mechanism='{case['mechanism']}'>{encode((header + first).encode())}</auth>")
        answer = channel.read(r"<challenge[^>]*>([^<]*)</challenge>|<failure[^>]*><([a-z-]+)")
        if answer.group(2):
            return answer.group(2), features
        challenge = base64.b64decode(answer.group(1)).decode()
        parts = dict(part.split("=", 1) for part in challenge.split(","))
        name = {"SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}[case["mechanism"].removeprefix("SCRAM-").removesuffix("-PLUS")]
        final = f"c={encode(header.encode() + data)},r={parts['r']}"
        salted = hashlib.pbkdf2_hmac(name, password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", name)
        message = f"{first},{challenge},{final}".encode()
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.new(name, key).digest(), message, name)))
        channel.send(f"<response xmlns='{SASL}'>{encode(f'{final},p={encode(proof)}'.encode())}</response>")
        answer = channel.read(r"<success[^>]*>([^<]*)</success>|<failure[^>]*><([a-z-]+)")
        if answer.group(2):
            return answer.group(2), features
        expected = hmac.digest(hmac.digest(salted, b"Server Key", name), message, name)
        is_right = base64.b64decode(answer.group(1)).decode() == "v=" + encode(expected)
        return ("success" if is_right else "wrong signature of the server"), features
    finally:
        channel.close()


def main():
    port, user, password, path = sys.argv[1:]
    with open(path) as file:
        certificate = ssl.PEM_cert_to_DER_cert(file.read())
    for line in sys.stdin:
        case = json.loads(line)
        outcome, features = log_in(port, user, password, certificate, case)
        print(json.dumps({"outcome": outcome, "features": features}))


main()
