"""Logs in and compresses the stream (XEP-0138) with Python's zlib; what became of it is printed as JSON.

Arguments: port, `plain` or `tls`, user (whose password is the same), and what to do once the stream is compressed:
`message ADDRESS` sends one and prints the answer, `bomb` and `garbage` send what is too much, or wrong, and print the end.
"""

import base64
import json
import re
import socket
import ssl
import sys
import zlib

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
HEADER = (
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"
FEATURES = r"<stream:features>.*?</stream:features>"


def compress(method):
    return f"<compress xmlns='http://jabber.org/protocol/compress'><method>{method}</method></compress>"


class Stream:
    def __init__(self, port, is_secure):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        if is_secure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.text = ""
        self.deflater = self.inflater = None

    def receive(self):
        piece = self.socket.recv(65536)
        if self.inflater:
            piece = self.inflater.decompress(piece)
        self.text += piece.decode()
        return piece

    def read(self, pattern):
        while not (found := re.search(pattern, self.text, re.S)):
            if not self.receive():
                raise SystemExit(f"the server closed; it had sent {self.text!r}")
        self.text = self.text[found.end():]
        return found.group(0)

    def read_all(self):
        while self.receive():
            pass
        return self.text

    def pack(self, data):
        return self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)

    def send(self, text):
        self.socket.sendall(self.pack(text.encode()) if self.deflater else text.encode())


def log_in(port, is_secure, user):
    stream = Stream(port, is_secure)
    facts = {}
    stream.send(HEADER)
    facts["before"] = "compression" in stream.read(FEATURES)
    stream.send(compress("zlib"))
    facts["early"] = stream.read(r"<failure.*?</failure>")
    response = base64.b64encode(f"\0{user}\0{user}".encode()).decode()
    stream.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{response}</auth>")
    stream.read(r"<success[^>]*>")
    stream.send(HEADER)
    facts["offer"] = re.search(r"<compression.*?</compression>", stream.read(FEATURES)).group(0)
    stream.send(compress("lzw"))
    facts["other"] = stream.read(r"<failure.*?</failure>")
    # The new stream's header in one packet with the request: it counts as compressed.
    stream.deflater = zlib.compressobj()
    stream.socket.sendall(compress("zlib").encode() + stream.pack(HEADER.encode()))
    while not (found := re.search(r"<compressed[^>]*/>", stream.text)):
        stream.text += stream.socket.recv(1).decode()
    facts["answer"] = found.group(0)
    stream.text = ""
    stream.inflater = zlib.decompressobj()
    facts["after"] = "compression" in stream.read(FEATURES)
    return stream, facts


def main():
    port, mode, user, what, *rest = sys.argv[1:]
    stream, facts = log_in(int(port), mode == "tls", user)
    if what == "message":
        stream.send(BIND)
        stream.read(r"<jid>")
        stream.send("<presence/>")
        body = "hello " * 1000
        stream.send(f"<message to='{rest[0]}' type='chat'><body>{body}</body></message>")
        facts["outcome"] = re.search(r"<body>(.*)</body>", stream.read(r"<body>.*?</body>")).group(1)
        stream.send("</stream:stream>")
    elif what == "bomb":
        bomb = stream.pack(b" " * 100_000_000)  # white space between elements, which is legal
        try:
            stream.socket.sendall(bomb)
        except OSError:
            pass
    else:
        stream.socket.sendall(b"garbage")
    facts["end"] = stream.read_all()
    print(json.dumps(facts))


main()
