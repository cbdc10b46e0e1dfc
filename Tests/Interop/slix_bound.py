"""Logs in with slixmpp's SCRAM bound to the TLS channel, and prints mechanism, TLS version and address, or why it cannot.

Arguments: address, password, port, mechanism, binding (tls-exporter or tls-server-end-point), and `wrong` for a binding of
another channel. What is bound is handed to slixmpp here, since Python's ssl has neither: the exporter is asked of the library below it.
"""

import asyncio
import ctypes
import hashlib
import ssl
import sys

import slixmpp
from slixmpp.util.sasl import mechanisms

LABEL = b"EXPORTER-Channel-Binding"
jid, password, port, mechanism, binding, *rest = sys.argv[1:]


def exporter(channel):
    library = ctypes.CDLL("libssl.so.3")
    library.SSL_export_keying_material.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
        ctypes.c_int]
    # Behind the head of the object and the socket lies the library's own.
    session = ctypes.c_void_p.from_address(id(channel._sslobj) + 3 * ctypes.sizeof(ctypes.c_void_p)).value
    room = ctypes.create_string_buffer(32)
    assert library.SSL_export_keying_material(session, room, 32, LABEL, len(LABEL), b"", 0, 1) == 1
    return room.raw


def bound(channel, cb_type="tls-unique"):
    if rest:
        return bytes(32)
    if binding == "tls-exporter":
        return exporter(channel)
    return hashlib.sha256(channel.getpeercert(True)).digest()


def named(self, challenge):
    """slixmpp names the binding after the TLS version; here it is the one that was asked for."""
    unnamed(self, challenge)
    for name in (b"tls-unique", b"tls-exporter"):
        self.gs2_header = self.gs2_header.replace(b"p=" + name + b",", b"p=" + binding.encode() + b",")
    self.client_first_message = self.gs2_header + self.client_first_message_bare
    return self.client_first_message


unnamed = mechanisms.SCRAM.process_1
mechanisms.SCRAM.process_1 = named
ssl.SSLObject.get_channel_binding = ssl.SSLSocket.get_channel_binding = bound
ssl.CHANNEL_BINDING_TYPES.append("tls-exporter")


async def main():
    client = slixmpp.ClientXMPP(jid, password, sasl_mech=mechanism)
    client.enable_direct_tls = False
    client.ssl_context.check_hostname = False
    client.ssl_context.verify_mode = ssl.CERT_NONE
    outcome = asyncio.get_running_loop().create_future()

    def tell(text):
        if not outcome.done():
            outcome.set_result(text)

    client.add_event_handler(
        "session_start",
        lambda _: tell(f"{client.plugin['feature_mechanisms'].mech.name} {client.socket.version()} {client.boundjid.bare}"))
    client.add_event_handler("failed_auth", lambda why: tell(why["condition"]))
    client.connect("127.0.0.1", int(port))
    print(await asyncio.wait_for(outcome, 30), flush=True)
    client.abort()


asyncio.run(main())
