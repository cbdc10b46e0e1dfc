#!/usr/bin/env python3
"""Two accounts log in with slixmpp, each on its own connection, and one writes to the other.

    login.py DOMAIN ONE OTHER [AUTHORITY]

The password is secret, the server is at 127.0.0.1:5222. With a file of an authority its certificate is verified.
"""
import asyncio
import ssl
import sys

import slixmpp


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, authority):
        super().__init__(jid + "/test", "secret")
        if authority:
            self.ca_certs = authority
        else:
            self.ssl_context.check_hostname, self.ssl_context.verify_mode = False, ssl.CERT_NONE
        self.is_in, self.heard = asyncio.Event(), asyncio.Queue()
        self.add_event_handler("session_start", self.start)
        self.add_event_handler("message", lambda message: self.heard.put_nowait(message["body"]))
        self.add_event_handler("failed_auth", lambda _: print("refused", jid, file=sys.stderr))

    async def start(self, _):
        self.send_presence()
        await self.get_roster()
        self.is_in.set()


async def main(domain, one, other, authority=None):
    clients = [Client(f"{name}@{domain}", authority) for name in (one, other)]
    for client in clients:
        client.connect("127.0.0.1", 5222)
        await asyncio.wait_for(client.is_in.wait(), 30)
    clients[0].send_message(clients[1].boundjid.bare, "Wherefore art thou?", mtype="chat")
    assert await asyncio.wait_for(clients[1].heard.get(), 30) == "Wherefore art thou?"
    for client in clients:
        await client.disconnect()


asyncio.run(main(*sys.argv[1:]))
