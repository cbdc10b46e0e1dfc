#!/usr/bin/env python3
"""The longest turn of a worker and its memory under the worst that the limits let through, against a running server. Starts the
server itself; the standard library is enough.

    turn_bound.py --programs .build/release
    turn_bound.py --programs .build/release --only 'vCard|crowd' --keep

Every element that `session_fuzz.py` knows is sent with content of each of the worst shapes, as large as a stanza may be, by one
client; then many clients send at once what costs most, to accounts with as many resources as they may have, some of which nobody
looks at and some without a connection. Ends with status 1 if a turn took longer than --turn-ms, the workers have more memory at the
end than --memory-mb each, a worker has died, or new clients cannot talk to each other. `longest_turn_us` is read after each step, so
that the step is named. On a machine with other work a turn also lasts as long as its process waits for a processor.
"""
import argparse, json, os, random, re, select, socket, struct, sys, threading, time

import session_fuzz
from session_fuzz import HOST, SM, STANZAS, USERS, Client, Failure, Server

# Bytes of a stanza's content: the default of `listen.c2s.max_stanza_size` is 256 KiB.
SIZE = 250 * 1024
# Bytes of the content before login, of which `before_login.max_stanza_size` lets 16 KiB through.
SIZE_BEFORE_LOGIN = 15 * 1024
# Sessions of one account where nothing else is said.
RESOURCES = 10


def filled(part, size):
    text, number, length = [], 0, 0
    while length < size:
        piece = part.replace("#", str(number))
        text.append(piece)
        length += len(piece.encode())
        number += 1
    return "".join(text)


def deep(size):
    return f"<a b='{'c' * (size // 120)}'>" * 120 + "</a>" * 120


def prefixes(size):
    declared = "".join(f" xmlns:p{n}='urn:{'n' * 1000}{n}'" for n in range(50))
    children = "".join(f"<p{n % 50}:a p{(n + 1) % 50}:b='c'/>" for n in range(size // 32))
    return f"<w xmlns='urn:w'{declared}>{children}</w>"


FORM = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>%s</x>"
SHAPES = {
    "empty children": lambda size: filled("<a/>", size),
    "text between children": lambda size: filled("x<a/>", size),
    "namespaces": lambda size: filled("<a xmlns='urn:example:#'/>", size),
    "items": lambda size: filled("<item jid='user#@example.org' name='n'/>", size),
    "long addresses": lambda size: filled(f"<item jid='{'u' * 900}#@example.org/{'r' * 900}'/>", size),
    "addresses hard to prepare": lambda size: filled("<item jid='\u30fb\uff71\uff71\uff71#@b\u00fccher#.example'/>", size),
    "addresses as text": lambda size: "<always>" + filled("<jid>user#@example.org/#</jid>", size) + "</always><never/>",
    "fields": lambda size: FORM % filled("<field var='f#'><value>#</value></field>", size),
    "one field again": lambda size: FORM % filled("<field var='with'><value>a@example.org</value></field>", size),
    "values": lambda size: FORM % ("<field var='ids'>" + filled("<value>#</value>", size) + "</field>"),
    "long text": lambda size: "x" * size,
    "blanks": lambda size: " " * size,
    "hard password": lambda size: f"<username>{chr(0x30fb) * (size // 6)}</username><password>{chr(0x30fb) * (size // 6)}</password>",
    "accents": lambda size: "<status>a" + "\u0301\u0316" * (size // 4) + "</status>",
    "references": lambda size: filled("&gt;", size),
    "sections": lambda size: filled("<![CDATA[<&]]>", size),
    "groups": lambda size: "<item jid='a@example.org'>" + filled("<group>g#</group>", size) + "</item>",
    "deep": deep,
    "attributes": lambda size: filled("<a " + " ".join(f"a{n}='{'b' * 20}'" for n in range(120)) + "/>", size),
    "prefixes": prefixes,
}


class Run:
    def __init__(self, options):
        self.options, self.server = options, Server(options)
        self.longest, self.long_turns, self.found, self.steps = [0] * options.workers, 0, {}, 0
        # What a client of `session_fuzz` asks of its run.
        self.random = random.Random(1)

    def log_in(self, user, resource, resumable=False):
        client = Client(self, self.server.ports[0], 0)
        client.user = user
        client.authenticate(user, compressed=False)
        client.bind(resource, resumable)
        return client

    def step(self, name, body):
        """Does one thing, and notes the longest turn if there was none as long before."""
        if self.options.only and not re.search(self.options.only, name):
            return
        self.steps += 1
        body()
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            time.sleep(1.2)  # the workers tell their counts once a second, unless a turn lasts longer
            if all(worker["heartbeat_age_ms"] < 1200 for worker in self.server.status()["workers"]):
                break
        workers = self.server.expect_same_workers()
        now = [worker["longest_turn_us"] for worker in workers]
        for place, turn in enumerate(now):
            if turn > self.longest[place]:
                self.found[name] = max(self.found.get(name, 0), turn)
        self.longest = now

    # One client

    def elements(self):
        """Name and namespace of each payload that is known, and the stanza around it."""
        known = {}
        for stanza in STANZAS:
            for name, namespace in re.findall(r"<([\w-]+) xmlns='([^']+)'", stanza):
                known[name, namespace] = stanza.split(" ", 1)[0][1:]
        return sorted(known.items())

    def handlers(self):
        for shape, make in SHAPES.items():
            content = make(SIZE)
            self.step(f"handlers, {shape}", lambda: self.say_all(content))

    def say_all(self, content):
        client = self.log_in(USERS[0], "worst")
        for (name, namespace), kind in self.elements():
            payload = f"<{name} xmlns='{namespace}'>{content}</{name}>"
            if kind == "iq":
                stanzas = [f"<iq id='w' type='{type}'{to}>{payload}</iq>" for type in ("get", "set")
                           for to in ("", f" to='{HOST}'", f" to='{USERS[1]}@{HOST}'")]
            elif kind == "message":
                stanzas = [f"<message to='{to}@{HOST}' type='chat' id='w'><body>b</body>{payload}</message>" for to in (USERS[1], "nobody")]
            elif kind == "presence":
                stanzas = [f"<presence>{payload}</presence>", f"<presence type='subscribe' to='{USERS[2]}@{HOST}'>{payload}</presence>"]
            else:
                stanzas = [payload]
            for stanza in stanzas:
                if not self.say(client, stanza):
                    client.close()
                    client = self.log_in(USERS[0], "worst")
        client.close()

    def say(self, client, stanza):
        """Says something and waits until it has been handled. False: the stream has ended."""
        client.inbox = ""
        done = f"done{time.monotonic_ns()}"
        ping = f"<iq id='{done}' type='get' to='{HOST}'><ping xmlns='urn:xmpp:ping'/></iq>"
        data, limit = memoryview((stanza + ping).encode()), time.monotonic() + 30
        client.socket.settimeout(0.0)
        while time.monotonic() < limit:
            try:
                if data:
                    data = data[client.socket.send(data[:1 << 16]):]
            except BlockingIOError:
                pass
            except OSError:
                return False
            if not client.take(0.0 if data else 0.05):
                return False
            if done in client.inbox:
                return True
        raise Failure(f"no answer for 30 s after {stanza[:200]}")

    # Before login

    def strangers(self):
        elements = ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
                    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>",
                    "<iq id='w' type='set'><query xmlns='jabber:iq:register'>%s</query></iq>", "<starttls xmlns='x'>%s</starttls>"]
        for shape, make in SHAPES.items():
            content = make(SIZE_BEFORE_LOGIN)
            self.step(f"strangers, {shape}", lambda: self.stranger_says([element % content for element in elements]))

    def stranger_says(self, elements):
        clients = []
        for element in elements * 10:
            client = Client(self, self.server.ports[0], 0)
            client.open()
            client.send(element)
            clients.append(client)
        for client in clients:
            client.take(0.2)
            client.close()

    # Many clients

    def crowd(self):
        """Accounts with all the resources they may have, and a sender to both: what one stanza costs is multiplied."""
        clients = [self.log_in(USERS[1], f"r{number}", resumable=number >= 4) for number in range(RESOURCES)]
        clients += [self.log_in(USERS[0], f"r{number}") for number in range(RESOURCES - 1)]
        for number, client in enumerate(clients):
            client.send("<iq id='c' type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
            if number % 2:
                client.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        for client in clients[RESOURCES - 3:RESOURCES]:
            self.reset(client)
        del clients[RESOURCES - 3:RESOURCES]
        with Readers(clients):
            for shape in ("empty children", "references", "namespaces", "prefixes", "long text"):
                message = f"<message to='{USERS[1]}@{HOST}' type='chat' id='m'><body>b</body>{SHAPES[shape](SIZE)}</message>"
                def body():
                    sender = self.log_in(USERS[0], "sender")
                    for _ in range(4):
                        self.say(sender, message)
                    sender.close()
                self.step(f"crowd, {shape}", body)
        for client in clients:
            client.close()

    def unacknowledged(self):
        """Eight megabytes that a client has not acknowledged when its session ends."""
        message = f"<message to='{USERS[3]}@{HOST}' type='chat' id='m#'>{SHAPES['empty children'](SIZE)}</message>"

        def body():
            receiver, sender = self.log_in(USERS[3], "r", resumable=True), self.log_in(USERS[0], "sender")
            with Readers([receiver]):
                for number in range(30):
                    self.say(sender, message.replace("#", str(number)))
            receiver.send("</stream:stream>")
            sender.close()
            receiver.close()
        self.step("crowd, what is left of a session", body)

    def stored(self):
        """What is stored in as large pieces as may be, asked for by many at once."""
        payloads = {
            "vCard": "<vCard xmlns='vcard-temp'>%s</vCard>",
            "private": "<query xmlns='jabber:iq:private'><a xmlns='urn:a'>%s</a></query>",
        }
        for name, payload in payloads.items():
            owner = self.log_in(USERS[0], "owner")
            self.say(owner, f"<iq id='s' type='set'>{payload % SHAPES['empty children'](SIZE)}</iq>")
            owner.close()
            question = f"<iq id='g' type='get' to='{USERS[0]}@{HOST}'>{payload % ''}</iq>"
            self.step(f"crowd, {name}", lambda: self.ask_at_once(question))

    def ask_at_once(self, question):
        clients = [self.log_in(USERS[number % len(USERS)], f"c{number // len(USERS)}") for number in range(48)]
        with Readers(clients):
            for _ in range(10):
                for client in clients:
                    client.send(question)
            time.sleep(1)
        for client in clients:
            client.close()

    def lists(self):
        """A roster and a block list of the largest size."""
        def fill(stanza, count, step):
            owner = self.log_in(USERS[4], "owner")
            for number in range(0, count, step):
                self.say(owner, "".join(stanza.replace("#", str(number + place)) for place in range(step)))
            owner.close()
        item = "<item jid='contact#@example.org' name='%s'/>" % ("n" * 380)
        fill(f"<iq id='r#' type='set'><query xmlns='jabber:iq:roster'>{item}</query></iq>", 5000, 100)
        blocked = "".join(f"<item jid='b#x{number}@example.org'/>" for number in range(2000))
        fill(f"<iq id='b#' type='set'><block xmlns='urn:xmpp:blocking'>{blocked}</block></iq>", 5, 1)
        for name, question in (("roster", "<query xmlns='jabber:iq:roster'/>"), ("block list", "<blocklist xmlns='urn:xmpp:blocking'/>"),
                               ("unblock", "<unblock xmlns='urn:xmpp:blocking'/>")):
            type = "set" if name == "unblock" else "get"

            def body():
                clients = [self.log_in(USERS[4], f"c{number}") for number in range(RESOURCES)]
                with Readers(clients):
                    for client in clients * 3:
                        client.send(f"<iq id='l' type='{type}'>{question}</iq>")
                    time.sleep(2)
                for client in clients:
                    client.close()
            self.step(f"crowd, {name}", body)

    def flood(self):
        """Many clients at once, with what costs most for its size and with as many small stanzas as they can; some are reset."""
        large = f"<iq id='x' type='get'><query xmlns='jabber:iq:private'><a xmlns='urn:a'>{SHAPES['empty children'](SIZE)}</a></query></iq>"
        small = f"<message to='{USERS[5]}@{HOST}/gone' type='chat'><body>b</body></message>" * 100
        for name, text in (("large", large), ("small", small)):
            def body():
                clients = [self.log_in(USERS[number % len(USERS)], f"f{number // len(USERS)}") for number in range(60)]
                with Readers(clients):
                    threads = [threading.Thread(target=self.pour, args=(client, text.encode())) for client in clients]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()
                for client in clients:
                    self.reset(client)
            self.step(f"crowd, flood of {name} stanzas", body)

    def pour(self, client, data):
        try:
            client.socket.settimeout(5)
            for _ in range(3 if len(data) > 100_000 else 100):
                client.socket.sendall(data)
        except OSError:
            pass

    def reset(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    # The end

    def judge(self):
        time.sleep(3)
        workers = self.server.expect_same_workers()
        one, other = self.log_in(USERS[2], "last"), self.log_in(USERS[3], "last")
        one.send(f"<message to='{USERS[3]}@{HOST}/last' type='chat'><body>at last</body></message>")
        other.wait("at last")
        longest = max(worker["longest_turn_us"] for worker in workers) / 1000
        memory = [round(worker["pss"] / 2**20) for worker in workers]
        result = {"longest_turn_ms": round(longest, 1), "long_turns": sum(worker["long_turns"] for worker in workers),
                  "pss_mib": memory, "steps": self.steps,
                  "longest": {name: round(turn / 1000, 1) for name, turn in sorted(self.found.items(), key=lambda found: -found[1])[:12]}}
        print(json.dumps(result))
        if longest > self.options.turn_ms:
            raise Failure(f"a turn of a loop took {longest:.0f} ms")
        if max(memory) > self.options.memory_mb:
            raise Failure(f"a worker has {max(memory)} MiB")


class Readers:
    """Reads what comes for some clients, so that nothing waits for them, and throws it away."""

    def __init__(self, clients):
        self.clients, self.isOver = clients, False
        self.thread = threading.Thread(target=self.read, daemon=True)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.isOver = True
        self.thread.join()

    def read(self):
        sockets = [client.socket for client in self.clients]
        while not self.isOver and sockets:
            for ready in select.select(sockets, [], [], 0.1)[0]:
                try:
                    if ready.recv(1 << 18):
                        continue
                except OSError:
                    pass
                sockets.remove(ready)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the directory of xmppd, xmppd-worker and xmppctl")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turn-ms", type=float, default=50)
    parser.add_argument("--memory-mb", type=float, default=96)
    parser.add_argument("--only", help="a regular expression of the steps' names")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    run = Run(options)
    try:
        run.server.start()
        for part in (run.handlers, run.strangers, run.crowd, run.unacknowledged, run.stored, run.lists, run.flood):
            part()
        run.judge()
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        run.server.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
