"""Logs in with a client certificate (SASL EXTERNAL, XEP-0178) over TLS from the first byte.

Each line of standard input is a case: the port, files of certificate and key or null, and the identity to ask for or null.
What became of it is printed as JSON: the mechanisms that were offered, and the full address, the condition of the failure,
or `handshake` where there was no TLS.
"""

import base64
import json
import re
import socket
import ssl
import sys

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
HEADER = (
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


class Stream:
    def __init__(self, case):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if case["certificate"]:
            context.load_cert_chain(case["certificate"], case["key"])
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", case["port"]), timeout=30), server_hostname="localhost")
        self.text = ""

    def read(self, pattern):
        while not (found := re.search(pattern, self.text, re.S)):
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError(f"the server closed; it had sent {self.text!r}")
            self.text += piece.decode()
        self.text = self.text[found.end():]
        return found

    def send(self, text):
        self.socket.sendall(text.encode())


def log_in(case):
    stream = Stream(case)
    stream.send(HEADER)
    features = stream.read(r"<stream:features>.*?</stream:features>|<stream:features/>").group(0)
    mechanisms = re.findall(r"<mechanism>([^<]*)</mechanism>", features)
    text = base64.b64encode(case["authzid"].encode()).decode() if case["authzid"] else "="
    stream.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{text}</auth>")
    answer = stream.read(r"<success[^>]*>|<failure[^>]*><([a-z-]+)")
    if answer.group(1):
        return mechanisms, answer.group(1)
    stream.send(HEADER)
    stream.read(r"</stream:features>")
    stream.send(BIND)
    return mechanisms, stream.read(r"<jid>([^<]*)</jid>").group(1)


for line in sys.stdin:
    try:
        mechanisms, outcome = log_in(json.loads(line))
    except (ssl.SSLError, ConnectionError) as error:
        mechanisms, outcome = [], "handshake"
        print(error, file=sys.stderr)
    print(json.dumps({"mechanisms": mechanisms, "outcome": outcome}), flush=True)
