"""A slixmpp client that does what its standard input says and tells on standard output what happens to it.

Both are lines of JSON. A command is an object with `do` and an `id`; it is answered by one object with that `id`, and
`error` if it failed. What the client receives comes as objects with `event`.
"""

import asyncio
import json
import logging
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout


def tell(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, host, port):
        super().__init__(jid, password)
        self.place = (host, port)
        self.enable_direct_tls = False
        # The certificate is self-made: that the connection is encrypted is what counts here.
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in ("xep_0030", "xep_0054", "xep_0092", "xep_0199", "xep_0203", "xep_0313"):
            self.register_plugin(plugin)
        self.auto_authorize = None
        self.auto_subscribe = False
        self.ready = None
        self.add_event_handler("session_start", lambda _: self.succeed("new"))
        self.add_event_handler("session_resumed", lambda _: self.succeed("resumed"))
        self.add_event_handler("failed_all_auth", lambda _: self.fail("authentication failed"))
        self.add_event_handler("connection_failed", lambda why: self.fail(f"connection failed: {why}"))
        self.add_event_handler("message", self.got_message)
        for kind in ("available", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self.add_event_handler(f"presence_{kind}", self.got_presence)
        self.add_event_handler("roster_update", self.got_roster)
        self.add_event_handler("disconnected", lambda _: tell(event="disconnected"))

    def succeed(self, how):
        if self.ready and not self.ready.done():
            self.ready.set_result(how)

    def fail(self, why):
        if self.ready and not self.ready.done():
            self.ready.set_exception(RuntimeError(why))

    def got_message(self, message):
        delay = message.xml.find("{urn:xmpp:delay}delay")
        tell(event="message", sender=str(message["from"]), kind=message["type"], body=message["body"], is_delayed=delay is not None)

    def got_presence(self, presence):
        tell(event="presence", sender=str(presence["from"]), kind=presence["type"], status=presence["status"])

    def got_roster(self, iq):
        for jid, item in iq["roster"]["items"].items():
            tell(event="roster", jid=str(jid), subscription=item["subscription"], ask=item.get("ask", ""))

    # Commands

    async def do_connect(self, _):
        self.ready = asyncio.get_running_loop().create_future()
        self.connect(*self.place)
        session = await asyncio.wait_for(self.ready, 20)
        return {"jid": str(self.boundjid), "version": slixmpp.__version__, "session": session}

    async def do_manage_stream(self, _):
        """From the next connection on, with XEP-0198."""
        self.register_plugin("xep_0198")

    async def do_managed(self, _):
        """Waits until stream management is on; that comes after the session."""
        while not self.plugin["xep_0198"].enabled_in:
            await asyncio.sleep(0.01)

    async def do_lose(self, _):
        """Loses the connection, as in a tunnel."""
        gone = asyncio.get_running_loop().create_future()
        self.add_event_handler("disconnected", lambda _: gone.done() or gone.set_result(True), disposable=True)
        self.abort()
        await asyncio.wait_for(gone, 20)

    async def do_carbons(self, _):
        self.register_plugin("xep_0280")
        self.add_event_handler("carbon_received", self.got_carbon)
        await self.plugin["xep_0280"].enable()

    def got_carbon(self, message):
        copy = message["carbon_received"]
        tell(event="carbon", sender=str(copy["from"]), body=copy["body"])

    async def do_inactive(self, _):
        self.register_plugin("xep_0352")
        self.plugin["xep_0352"].send_inactive()

    async def do_disconnect(self, _):
        gone = asyncio.get_running_loop().create_future()
        self.add_event_handler("disconnected", lambda _: gone.done() or gone.set_result(True), disposable=True)
        self.disconnect()
        await asyncio.wait_for(gone, 20)

    async def do_roster(self, _):
        # The answer is empty where the client knows the version already.
        await self.get_roster()
        known = self.client_roster
        return {"items": {jid: known[jid]["subscription"] for jid in known if known[jid]["subscription"] != "none"}}

    async def do_presence(self, command):
        self.send_presence(pto=command.get("to"), ptype=command.get("kind"), pstatus=command.get("status"))

    async def do_message(self, command):
        self.send_message(mto=command["to"], mbody=command["body"], mtype=command.get("kind", "chat"))

    async def do_ping(self, command):
        await self.plugin["xep_0199"].ping(command["to"], timeout=20)

    async def do_version(self, command):
        answer = await self.plugin["xep_0092"].get_version(command["to"])
        return {"name": answer["software_version"]["name"]}

    async def do_features(self, command):
        answer = await self.plugin["xep_0030"].get_info(jid=command["to"])
        return {"features": sorted(answer["disco_info"]["features"])}

    async def do_publish_card(self, command):
        card = self.plugin["xep_0054"].make_vcard()
        card["FN"] = command["name"]
        await self.plugin["xep_0054"].publish_vcard(card)

    async def do_card(self, command):
        answer = await self.plugin["xep_0054"].get_vcard(command["of"], cached=False)
        return {"name": answer["vcard_temp"]["FN"]}

    async def do_archive(self, command):
        """All messages of the archive, page by page: the bodies in the order of the archive, and how often an id came twice."""
        page, ids, bodies = int(command["page"]), [], []
        backwards = command.get("direction") == "backwards"
        async for message in self.plugin["xep_0313"].iterate(
            with_jid=slixmpp.JID(command["with"]) if "with" in command else None, reverse=backwards, rsm={"max": page}
        ):
            result = message["mam_result"]
            ids.append(result["id"])
            bodies.append(result["forwarded"]["message"]["body"])
        # The plugin turns the pages round, too.
        return {"bodies": bodies[::-1] if backwards else bodies, "twice": len(ids) - len(set(ids))}


async def serve(client):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        try:
            answer = await getattr(client, "do_" + command["do"])(command) or {}
            tell(id=command["id"], **answer)
        except IqError as error:
            tell(id=command["id"], error=error.condition)
        except IqTimeout:
            tell(id=command["id"], error="timeout")
        except Exception as error:
            tell(id=command["id"], error=f"{type(error).__name__}: {error}")


async def main():
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    jid, password, host, port = sys.argv[1:]
    await serve(Client(jid, password, host, int(port)))


asyncio.run(main())
