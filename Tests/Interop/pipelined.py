"""Sends stanzas in plain text right behind <starttls/>, then does TLS and says which of them the server answered.

A server that took them for part of the encrypted stream would let a stranger speak before the user (RFC 6120 §5.3.3).
"""

import json
import re
import socket
import ssl
import sys

HEADER = (
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
INJECTED = HEADER + "<iq type='get' id='injected'><query xmlns='jabber:iq:register'/></iq>"


def read_until(channel, pattern):
    text = ""
    while not re.search(pattern, text):
        piece = channel.recv(65536)
        if not piece:
            raise SystemExit(f"the server closed; it had sent {text!r}")
        text += piece.decode()
    return text


def main():
    channel = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel.sendall(HEADER.encode())
    read_until(channel, "</stream:features>")
    channel.sendall(("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + INJECTED).encode())
    clear = read_until(channel, "<proceed[^>]*/>")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    secure = context.wrap_socket(channel, server_hostname="localhost")
    secure.sendall(HEADER.encode())
    encrypted = read_until(secure, "</stream:features>")
    secure.sendall(b"</stream:stream>")
    encrypted += read_until(secure, "</stream:stream>")
    print(json.dumps({"clear": clear, "encrypted": encrypted, "version": secure.version()}))


main()
