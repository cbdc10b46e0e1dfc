#!/usr/bin/env python3
"""Pairs of clients that talk without a pause, and a stranger who connects again and again: what do they notice?

    steady.py --pairs 10 --domain localhost --password secret --report FILE

The accounts are steady0, steady1, … Each client sends numbered messages to its partner with stream management
(XEP-0198) on, resumes its session when the connection is lost, and sends what was not acknowledged once more. SIGTERM
ends it: what is under way may arrive, then the counts are written to FILE as JSON. FILE.up appears when all are in.
"""
import argparse
import asyncio
import base64
import json
import signal
import ssl
import sys
from collections import Counter, deque
from xml.etree.ElementTree import ParseError, XMLPullParser

SM = "urn:xmpp:sm:3"
COUNTS = (
    "sent", "acknowledged", "received", "missing", "twice", "out_of_order", "resumed", "sessions_lost", "connects", "refused",
    "unserved", "told_to_leave", "odd",
)


class Stream:
    """One connection: elements in, text out."""

    def __init__(self, reader, writer, domain):
        self.reader, self.writer, self.domain = reader, writer, domain
        self.waiting, self.is_closed, self.heard, self.rest = deque(), False, b"", b""

    def open(self):
        self.parser, self.depth, self.root = XMLPullParser(("start", "end")), 0, None
        self.send(
            f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' xmlns='jabber:client'"
            " xmlns:stream='http://etherx.jabber.org/streams'>")

    def send(self, text):
        self.writer.write(text.encode())

    async def element(self):
        while not self.waiting:
            if self.is_closed:
                raise ConnectionError("stream closed")
            data = self.rest or await self.reader.read(16384)
            if not data:
                raise ConnectionError("closed")
            # What stands behind it belongs to another stream, which a server that stops may open and close unasked.
            end = data.find(b"/>") + 2 if data.startswith(b"<success") else len(data)
            data, self.rest = data[:end], data[end:]
            self.heard = data
            self.parser.feed(data)
            for event, element in self.parser.read_events():
                if event == "start":
                    self.depth += 1
                    if self.depth == 1:
                        self.root = element
                else:
                    self.depth -= 1
                    if self.depth == 0:
                        self.is_closed = True
                    elif self.depth == 1:
                        self.waiting.append(element)
                        self.root.clear()
        return self.waiting.popleft()

    async def expect(self, *names):
        element = await self.element()
        if element.tag.rpartition("}")[2] not in names:
            raise ConnectionError(f"{element.tag} instead of {names[0]}")
        return element


class Client:
    def __init__(self, number, options, counts):
        self.name, self.partner = f"steady{number}", f"steady{number ^ 1}"
        self.options, self.counts = options, counts
        self.stream = self.previous = None
        self.step = "no connection"
        self.handled = self.acknowledged = self.sent = self.last = 0
        self.unacknowledged = deque()
        self.got = set()
        self.is_in = asyncio.Event()

    async def run(self):
        while True:
            try:
                async with asyncio.timeout(20):
                    await self.connect()
                await self.listen()
            except asyncio.TimeoutError:
                self.counts["unserved"] += 1
                print(f"{self.name}: not served: {self.step}", file=sys.stderr)
            except (OSError, ssl.SSLError, asyncio.IncompleteReadError) as error:
                if isinstance(error, ConnectionRefusedError):
                    self.counts["refused"] += 1
            except (ParseError, ValueError, AttributeError) as error:
                self.counts["odd"] += 1
                print(f"{self.name}: {error!r}; {self.step}; heard {self.stream and self.stream.heard}", file=sys.stderr)
            self.is_in.clear()
            if self.stream:
                self.stream.writer.transport.abort()
                self.stream = None
            await asyncio.sleep(0.05)

    async def connect(self):
        context = ssl._create_unverified_context()
        self.step = "connects"
        stream = Stream(*await asyncio.open_connection(self.options.host, self.options.port, ssl=context), self.options.domain)
        self.stream = stream
        self.step = f"logs in from {stream.writer.get_extra_info('sockname')}"
        stream.open()
        await stream.expect("features")
        plain = base64.b64encode(f"\0{self.name}\0{self.options.password}".encode()).decode()
        stream.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>")
        await stream.expect("success")
        stream.open()
        await stream.expect("features")
        self.step += ", is logged in"
        if self.previous:
            stream.send(f"<resume xmlns='{SM}' h='{self.handled}' previd='{self.previous}'/>")
            answer = await stream.expect("resumed", "failed")
            if answer.tag == f"{{{SM}}}resumed":
                self.counts["resumed"] += 1
                self.acknowledge(answer)
                for text in self.unacknowledged:
                    stream.send(text)
                stream.send(f"<r xmlns='{SM}'/>")
                self.is_in.set()
                return
            self.counts["sessions_lost"] += 1
            print(f"{self.name}: not resumed: {[child.tag for child in answer]}", file=sys.stderr)
        stream.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>steady</resource></bind></iq>")
        await stream.expect("iq")
        stream.send(f"<enable xmlns='{SM}' resume='true'/>")
        self.previous = (await stream.expect("enabled")).get("id")
        self.handled, self.acknowledged = 0, 0
        again, self.unacknowledged = self.unacknowledged, deque()
        self.put("<presence/>")
        for text in again:
            if text.startswith("<message"):
                self.put(text)
        self.is_in.set()

    def put(self, text):
        self.unacknowledged.append(text)
        self.stream.send(text)

    def acknowledge(self, element):
        new = (int(element.get("h")) - self.acknowledged) & 0xFFFFFFFF
        for _ in range(min(new, len(self.unacknowledged))):
            text = self.unacknowledged.popleft()
            self.counts["acknowledged"] += text.startswith("<message")
        self.acknowledged = int(element.get("h"))

    async def listen(self):
        while True:
            element = await self.stream.element()
            namespace, _, name = element.tag[1:].rpartition("}")
            if namespace == SM:
                if name == "r":
                    self.stream.send(f"<a xmlns='{SM}' h='{self.handled}'/>")
                elif name == "a":
                    self.acknowledge(element)
            elif name in ("message", "presence", "iq"):
                self.handled = (self.handled + 1) & 0xFFFFFFFF
                body = element.find("{jabber:client}body")
                if name == "message" and body is not None and element.get("type") != "error":
                    self.receive(int(body.text))
            elif name == "error":
                raise ConnectionError("stream error")

    def receive(self, number):
        self.counts["received"] += 1
        self.counts["twice"] += number in self.got
        self.counts["out_of_order"] += number not in self.got and number < self.last
        self.got.add(number)
        self.last = max(self.last, number)

    async def talk(self):
        while True:
            await self.is_in.wait()
            if len(self.unacknowledged) < 100 and not self.stream.writer.is_closing():
                self.sent += 1
                self.counts["sent"] += 1
                self.put(f"<message to='{self.partner}@{self.options.domain}' type='chat' id='{self.name}-{self.sent}'><body>{self.sent}</body></message>")
                self.stream.send(f"<r xmlns='{SM}'/>")
            await asyncio.sleep(self.options.pause)


async def probe(options, counts):
    """Somebody who connects, and waits for the server's first words."""
    while True:
        writer = None
        try:
            reader, writer = await asyncio.open_connection(options.host, options.plain_port)
            stream = Stream(reader, writer, options.domain)
            stream.open()
            async with asyncio.timeout(20):
                answer = await stream.expect("features", "error")
            is_told = answer.find("{urn:ietf:params:xml:ns:xmpp-streams}system-shutdown") is not None
            counts["told_to_leave" if is_told else "connects"] += 1
        except ConnectionRefusedError:
            counts["refused"] += 1
        except (OSError, asyncio.TimeoutError) as error:
            counts["unserved"] += 1
            print(f"a connection was not served: {error!r}", file=sys.stderr)
        if writer:
            writer.transport.abort()
        await asyncio.sleep(0.005)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5223, help="TLS from the first byte")
    parser.add_argument("--plain-port", type=int, default=5222)
    parser.add_argument("--domain", default="localhost")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds from one message of a client to its next")
    parser.add_argument("--password", required=True)
    parser.add_argument("--report", required=True)
    options = parser.parse_args()

    counts, done = Counter({name: 0 for name in COUNTS}), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    clients = [Client(number, options, counts) for number in range(2 * options.pairs)]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    for client in clients:
        async with asyncio.timeout(60):
            await client.is_in.wait()
    talking = [asyncio.create_task(client.talk()) for client in clients]
    probing = asyncio.create_task(probe(options, counts))
    open(options.report + ".up", "w").close()

    await done.wait()
    for task in talking + [probing]:
        task.cancel()
    partner = {client.name: client for client in clients}
    missing = lambda: sum(client.sent - len(partner[client.partner].got) for client in clients)
    for _ in range(600):
        if not missing() and not any(client.unacknowledged for client in clients):
            break
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    counts["missing"] = missing()
    for client in clients if counts["missing"] else []:
        late = partner[client.partner].sent - len(client.got)
        print(f"{client.name}: {late} not received, {len(client.unacknowledged)} not acknowledged; {client.step}", file=sys.stderr)
    with open(options.report, "w") as file:
        json.dump(counts, file)
    print(", ".join(f"{name} {counts[name]}" for name in COUNTS))


asyncio.run(main())
