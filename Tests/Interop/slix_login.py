"""Logs in with slixmpp by one mechanism, over STARTTLS, and prints the full address, or why it cannot.

Arguments: address (a domain alone for ANONYMOUS), password, port, mechanism, and for EXTERNAL certificate and key.
"""

import asyncio
import logging
import ssl
import sys

import slixmpp


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, mechanism, certificate=None, key=None):
        super().__init__(jid, password, sasl_mech=mechanism)
        self.enable_direct_tls = False
        # The server's certificate is self-made; the client's is what counts here.
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.certfile, self.keyfile = certificate, key
        self.outcome = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: self.tell(str(self.boundjid)))
        self.add_event_handler("failed_all_auth", lambda _: self.tell("authentication failed"))
        self.add_event_handler("connection_failed", lambda why: self.tell(f"connection failed: {why}"))

    def tell(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)


async def main():
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    jid, password, port, *rest = sys.argv[1:]
    client = Client(jid, password, *rest)
    client.connect("127.0.0.1", int(port))
    print(await asyncio.wait_for(client.outcome, 30), flush=True)
    client.disconnect()


asyncio.run(main())
