"""A slixmpp component that echoes messages and answers pings and discovery, until its standard input ends.

    slix_component.py DOMAIN PASSWORD HOST PORT
"""

import asyncio
import logging
import sys

import slixmpp


class Component(slixmpp.ComponentXMPP):
    def __init__(self, domain, password, host, port):
        super().__init__(domain, password, host, port)
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self["xep_0030"].add_identity(category="gateway", itype="irc", name="Echo")
        self.add_event_handler("message", self.echo)
        self.add_event_handler("presence_subscribe", self.subscribed)
        self.add_event_handler("session_start", lambda _: self.tell("ready"))
        self.add_event_handler("disconnected", lambda why: self.tell(f"disconnected {why}"))
        self.add_event_handler("stream_error", lambda error: self.tell(f"error {error['condition']}"))

    def tell(self, text):
        print(text, flush=True)

    def echo(self, message):
        if message["type"] in ("chat", "normal"):
            self.send_message(message["from"], "echo: " + message["body"], mtype=message["type"], mfrom=message["to"])

    def subscribed(self, presence):
        self.send_presence(pto=presence["from"].bare, pfrom=presence["to"].bare, ptype="subscribed")
        self.send_presence(pto=presence["from"].bare, pfrom=presence["to"].bare + "/here", pstatus="here")


async def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    domain, password, host, port = sys.argv[1:]
    component = Component(domain, password, host, int(port))
    component.connect()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    component.disconnect()


asyncio.run(main())
