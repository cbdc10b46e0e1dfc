#!/usr/bin/env python3
"""Opens a stream at each port of 127.0.0.1, and waits for the server's features.

    greet.py [--tls] PORT …
"""
import socket
import ssl
import sys

ports = [word for word in sys.argv[1:] if word != "--tls"]
for port in ports:
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    if "--tls" in sys.argv:
        connection = ssl._create_unverified_context().wrap_socket(connection)
    connection.sendall(
        b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
    heard = b""
    while b"</stream:features>" not in heard:
        data = connection.recv(4096)
        if not data:
            sys.exit(f"port {port}: closed after {heard!r}")
        heard += data
    connection.close()
