#!/usr/bin/env python3
"""The longest turn of a worker and its memory under the worst that the limits let through, against a running server. Starts the
server itself; the standard library is enough.

    turn_bound.py --programs .build/release
    turn_bound.py --programs .build/release --only 'vCard|crowd' --keep
    turn_bound.py --programs .build/release --sessions 10000

Every request, element beside stanzas and child of a stanza that a handler looks for is sent with content of each of the worst shapes, as
large as a stanza may be; the requests stand in `handlers.json`, which a test compares with what all modules have registered. Then
many clients send at once what costs most, to accounts with as many resources as they may have, some of which nobody looks at and some
without a connection; strangers send what they may before they log in; and the control socket is asked for the longest lists, by many at
once and in frames that are none.

A step that has a turn above --turn-ms is done again by processes started anew, up to --tries times, and counts with its best: on a machine
with other work a turn also lasts as long as its process waits for a processor. Ends with status 1 if a step stays above --turn-ms, the
workers have more memory at the end than --memory-mb each, a worker has died, or new clients cannot talk to each other.
"""
import argparse, json, os, random, re, shutil, socket, sqlite3, struct, sys, threading, time

import session_fuzz
from session_fuzz import HOST, SM, STANZAS, USERS, Client, Failure, Server, readable

# Bytes of a stanza's content: the default of `listen.c2s.max_stanza_size` is 256 KiB.
SIZE = 250 * 1024
# Elements of a stanza's content: a client may send 16,384 at once (`Limits.mostElements`).
MOST_ELEMENTS = 16_000
# Bytes of the content before login, of which `before_login.max_stanza_size` lets 16 KiB through.
SIZE_BEFORE_LOGIN = 15 * 1024
# Sessions of one account where nothing else is said.
RESOURCES = 10
# Contacts of an account with a large roster, and accounts of a large server.
CONTACTS = 5000
ACCOUNTS = 100_000
# Groups of steps that cost little each.
TOGETHER = ("handlers", "strangers", "openings")


def filled(part, size, most=MOST_ELEMENTS):
    """The part again and again, with its number, as long as there is room for it, and text in what is left."""
    text, number, length, elements = [], 0, 0, len(re.findall(r"<[a-z]", part))
    while length < size and (number + 1) * elements < most:
        piece = part.replace("#", str(number))
        text.append(piece)
        length += len(piece.encode())
        number += 1
    return "".join(text) + "x" * (size - length)


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
        self.found, self.steps, self.memory, self.group = {}, 0, 0.0, None
        # The longest turn since the processes were started, as last read, in microseconds.
        self.longest = 0
        # What a client of `session_fuzz` asks of its run.
        self.random = random.Random(1)

    def log_in(self, user, resource, resumable=False):
        client = Client(self, self.server.ports[0], 0)
        client.user = user
        client.authenticate(user, compressed=False)
        client.bind(resource, resumable)
        return client

    def is_wanted(self, name):
        return not self.options.only or re.search(self.options.only, name)

    def step(self, name, body):
        """One thing to do; with --together the turns of a group of cheap ones are looked at once, behind the last."""
        if not self.is_wanted(name):
            return
        self.steps += 1
        group = name.split(",")[0]
        if self.group and self.group[0] != group:
            self.end_group()
        if not self.options.together or group not in TOGETHER:
            return self.measure(name, body)
        if not self.group:
            self.restart_after_long_turns()
            self.group = (group, [])
        body()
        self.group[1].append((name, body))

    def end_group(self):
        """Looks at the turns of a group; where one was too long, at those of each of its things."""
        (group, done), self.group = self.group, None
        longest = self.longest_now()
        if longest <= 1000 * self.options.turn_ms:
            return self.note(f"{group}, all", longest)
        for name, body in done:
            self.measure(name, body)

    def measure(self, name, body):
        """Does one thing, more than once if need be, and notes the longest turn of its best try."""
        self.restart_after_long_turns()
        longest = None
        for left in reversed(range(self.options.tries)):
            body()
            longest = min(longest or 1 << 60, self.longest_now())
            if longest <= 1000 * self.options.turn_ms or not left:
                break
            self.restart()
        self.note(name, longest)

    def note(self, name, longest):
        self.found[name] = longest
        if self.options.verbose:
            print(f"{longest / 1000:8.1f} ms  {name}", file=sys.stderr, flush=True)

    def restart_after_long_turns(self):
        """Only the longest turn since the start of a process is known, so it is started anew before it hides others."""
        if self.longest > 1000 * self.options.turn_ms / 3:
            self.restart()

    def restart(self):
        self.note_memory()
        self.server.expect_same_workers()
        self.server.stop()
        self.server.launch()
        self.longest = 0

    def note_memory(self):
        self.memory = max(self.memory, max(worker["pss"] for worker in self.server.status()["workers"]) / 2**20)

    def longest_now(self):
        """The longest turn of the workers since they were started, in microseconds."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            time.sleep(1.2)  # the workers tell their counts once a second, unless a turn lasts longer
            if all(worker["heartbeat_age_ms"] < 1200 for worker in self.server.status()["workers"]):
                break
        self.longest = max(worker["longest_turn_us"] for worker in self.server.expect_same_workers())
        return self.longest

    # One client

    def elements(self):
        """Name and namespace of each payload that is known, and the stanza around it."""
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "handlers.json")) as file:
            known = {(name, namespace): kind for kind, name, namespace in json.load(file)}
        for stanza in STANZAS:
            for name, namespace in re.findall(r"<([\w-]+) xmlns='([^']+)'", stanza):
                known.setdefault((name, namespace), stanza.split(" ", 1)[0][1:])
        return sorted(known.items())

    def handlers(self):
        for shape, make in SHAPES.items():
            content = make(SIZE)
            self.step(f"handlers, {shape}", lambda content=content: self.say_all(content))

        self.step("handlers, too many elements", lambda: self.say_too_much())

    def say_too_much(self):
        for _ in range(20):
            client = self.log_in(USERS[0], "worst")
            if self.say(client, f"<message to='{USERS[1]}@{HOST}'>{'<a/>' * (SIZE // 4)}</message>"):
                raise Failure("a stanza of too many elements was taken")
            client.close()

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
        client.inbox = client.news = ""
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
            if done in client.news:
                return True
        raise Failure(f"no answer for 30 s after {stanza[:200]}")

    # Before login

    def strangers(self):
        elements = ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>",
                    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>",
                    "<iq id='w' type='set'><query xmlns='jabber:iq:register'>%s</query></iq>", "<starttls xmlns='x'>%s</starttls>"]
        for shape, make in SHAPES.items():
            content = make(SIZE_BEFORE_LOGIN)
            self.step(f"strangers, {shape}", lambda content=content: self.stranger_says([element % content for element in elements]))

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

    def openings(self):
        """Connections that do not get as far as a stream, and streams that begin as no client's does."""
        header = f"<stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        size = SIZE_BEFORE_LOGIN - 300
        rows = {
            "header, namespaces": (0, header + "".join(f" xmlns:p{n}='urn:{n}'" for n in range(size // 20)) + ">"),
            "header, attributes": (0, header + "".join(f" a{n}='b'" for n in range(size // 10)) + ">"),
            "header, one attribute": (0, header + f"from='{'x' * size}'>"),
            "header, an address hard to prepare": (0, header.replace(f"'{HOST}'", "'" + "\u30fb\uff71." * (size // 8) + "'") + ">"),
            "no header": (0, "<a " * (size // 3)),
            "blanks": (0, " " * (1 << 20)),
            "tags without an end": (0, header + ">" + "<a><b><c>" * (size // 9)),
            "many elements": (0, header + ">" + "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" * (size // 50)),
            "PROXY, a long line": (2, "PROXY TCP4 " + "1" * 100_000),
            "PROXY, without an end": (2, "PROXY TCP4 192.0.2.1"),
            "PROXY, long values": (2, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + bytes(65535)),
            "PROXY, a hello of TLS": (2, b"\x16\x03\x01\xff\xff" + bytes(65535)),
            "a hello of TLS": (0, b"\x16\x03\x01\xff\xff" + bytes(65535)),
            "TLS, no hello": (3, b"\x16\x03\x01\x40\x00" + bytes(16384)),
            "TLS, noise": (3, bytes(random.Random(1).randrange(256) for _ in range(20000))),
        }
        for name, (place, data) in rows.items():
            if place < len(self.server.ports):
                self.step(f"openings, {name}", lambda place=place, data=data: self.open_at_once(self.server.ports[place], data))

    def open_at_once(self, port, data):
        data = data if isinstance(data, bytes) else data.encode()
        sockets = []
        for _ in range(100):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.setblocking(False)
            try:
                connection.send(data)
            except OSError:
                pass
            sockets.append(connection)
        time.sleep(0.5)
        for connection in sockets:
            connection.close()

    # Many clients

    def crowd(self):
        """Accounts with all the resources they may have, and a sender to both: what one stanza costs is multiplied."""
        for shape in ("empty children", "references", "namespaces", "prefixes", "long text"):
            message = f"<message to='{USERS[1]}@{HOST}' type='chat' id='m'><body>b</body>{SHAPES[shape](SIZE)}</message>"
            self.step(f"crowd, {shape}", lambda: self.say_to_crowd(message))

    def say_to_crowd(self, message):
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
            sender = self.log_in(USERS[0], "sender")
            for _ in range(4):
                self.say(sender, message)
            sender.close()
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

    def resumed(self):
        """A session that is resumed again and again with megabytes that its client has not acknowledged."""
        message = f"<message to='{USERS[3]}@{HOST}' type='chat' id='m#'>{SHAPES['empty children'](SIZE)}</message>"

        def body():
            receiver, sender = self.log_in(USERS[3], "r", resumable=True), self.log_in(USERS[0], "sender")
            with Readers([receiver]):
                for number in range(30):
                    self.say(sender, message.replace("#", str(number)))
            for _ in range(4):
                again = Client(self, self.server.ports[0], 0)
                again.authenticate(USERS[3], compressed=False)
                again.send(f"<resume xmlns='{SM}' previd='{receiver.resumption}' h='0'/>")
                with Readers([again]):
                    time.sleep(1)
                again.close()
            sender.close()
            receiver.close()
        self.step("crowd, a session that is resumed", body)

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
        if not any(self.is_wanted(f"crowd, {name}") for name in ("roster", "block list", "unblock")):
            return

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

    def presence(self):
        """Presence of all the resources of an account to thousands of contacts, some of whom are there, and its end."""
        if not any(self.is_wanted(f"crowd, presence to many, {size}") for size in ("small", "large")):
            return
        self.fill_roster(USERS[0], [f"{USERS[1]}@{HOST}"] + [f"contact{number}@{HOST}" for number in range(CONTACTS)])
        self.fill_roster(USERS[1], [f"{USERS[0]}@{HOST}"])
        payload = f"<status>{'s' * (SIZE // 4)}</status>"
        for name, told in (("small", "<presence><status>#</status></presence>"), ("large", f"<presence>{payload}</presence>")):
            def body():
                contacts = [self.log_in(USERS[1], f"r{number}") for number in range(RESOURCES)]
                contacts += [self.log_in(f"contact{number}", "r") for number in range(40)]
                with Readers(contacts):
                    clients = [self.log_in(USERS[0], f"r{number}", resumable=number > 4) for number in range(RESOURCES)]
                    with Readers(clients):
                        for number in range(20 if name == "small" else 3):
                            for client in clients:
                                client.send(told.replace("#", str(number)))
                        time.sleep(3)
                    for client in clients:
                        self.reset(client)
                    time.sleep(1)
                for client in contacts:
                    client.close()
            self.step(f"crowd, presence to many, {name}", body)

    def fill_roster(self, user, contacts):
        with sqlite3.connect(self.server.path("db"), timeout=30) as database:
            database.executemany(
                "INSERT OR REPLACE INTO roster_item (domain, username, contact, in_groups, subscription, pending_out, pending_in, approved, listed) "
                "VALUES (?, ?, ?, '', 3, 0, 0, 0, 1)", [(HOST, user, contact) for contact in contacts])

    def control(self):
        """An administrator's verbs: the longest lists, many at once, and what is no request."""
        with sqlite3.connect(self.server.path("db"), timeout=30) as database:
            database.executemany("INSERT OR IGNORE INTO account (domain, username, plain, created) VALUES (?, ?, 'secret', 0)",
                                 [(HOST, f"contact{number}") for number in range(ACCOUNTS)])
            database.execute("UPDATE account_count SET accounts = (SELECT count(*) FROM account WHERE domain = ?) WHERE domain = ?", (HOST, HOST))
        request = control_request
        long = "x" * 100_000
        rows = {
            "status": request("status"), "account list": request("account.list", limit=10_000),
            "account count": request("account.count"), "account exists": request("account.exists", jid=f"contact1@{HOST}"),
            "long arguments": request("account.exists", jid=long) + request(long) + request("account.list", **{long: long}),
            "an address hard to prepare": request("account.exists", jid="\u30fb\uff71" * 100_000 + "@" + HOST),
            "zeros": bytes(1 << 20), "a frame without an end": struct.pack("<I", 1 << 20) + bytes(1000),
            "a length beyond every limit": b"\xff" * 1000, "a stream header": b"<stream:stream to='localhost'>" * 1000,
            "a request cut short": struct.pack("<IHQ", 10, 201, 1), "deep": deep_request(), "options": request("config.options"),
            "configuration": request("config.show"),
        }
        for name, data in rows.items():
            self.step(f"control, {name}", lambda data=data: self.ask_control(data))

        def sessions():
            clients = [self.log_in(f"contact{number // RESOURCES}", f"r{number % RESOURCES}") for number in range(self.options.sessions)]
            for name, data in (("list", request("session.list", limit=10_000)), ("count", request("session.count"))):
                self.ask_control(data, times=20)
            for number in range(0, self.options.sessions, RESOURCES):
                self.ask_control(request("session.kick", jid=f"contact{number // RESOURCES}@{HOST}"), times=1)
            for client in clients:
                client.close()
        self.step("control, sessions", sessions)

    def ask_control(self, data, times=50):
        sockets = []
        for _ in range(times):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(2)
            try:
                connection.connect(self.server.path("socket"))
                connection.sendall(data)
            except OSError:
                pass
            sockets.append(connection)
        limit = time.monotonic() + (2 if times > 1 else 0.2)
        waiting = list(sockets)
        while waiting and time.monotonic() < limit:
            for ready in readable(waiting, 0.2):
                try:
                    if ready.recv(1 << 20) and times > 1:
                        continue
                except OSError:
                    pass
                waiting.remove(ready)
        for connection in sockets:
            connection.close()

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
        if self.group:
            self.end_group()
        time.sleep(3)
        self.server.expect_same_workers()
        one, other = self.log_in(USERS[2], "last"), self.log_in(USERS[3], "last")
        one.send(f"<message to='{USERS[3]}@{HOST}/last' type='chat'><body>at last</body></message>")
        other.wait("at last")
        self.note_memory()
        longest = max(self.found.values(), default=0) / 1000
        result = {"longest_turn_ms": round(longest, 1), "pss_mib": round(self.memory), "steps": self.steps,
                  "longest": {name: round(turn / 1000, 1) for name, turn in sorted(self.found.items(), key=lambda found: -found[1])[:12]}}
        print(json.dumps(result))
        if longest > self.options.turn_ms:
            raise Failure(f"a turn of a loop took {longest:.0f} ms")
        if self.memory > self.options.memory_mb:
            raise Failure(f"a worker has {self.memory:.0f} MiB")


def text_value(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def control_request(verb, **arguments):
    """A request as `xmppctl` sends it."""
    body = struct.pack("<Q", 1) + text_value(verb) + b"\x07" + struct.pack("<I", len(arguments))
    for name, value in arguments.items():
        body += text_value(name) + (b"\x03" + struct.pack("<q", value) if isinstance(value, int) else b"\x05" + text_value(value))
    return struct.pack("<IH", len(body) + 2, 201) + body


def deep_request():
    body = struct.pack("<Q", 1) + text_value("status") + (b"\x06" + struct.pack("<I", 1)) * 100_000
    return struct.pack("<IH", len(body) + 2, 201) + body


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
            for ready in readable(sockets, 0.1):
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
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=1000, help="how many there are while they are listed")
    parser.add_argument("--together", action="store_true", help="look at cheap steps once for all of a kind: half the time")
    parser.add_argument("--verbose", action="store_true", help="say the longest turn of each step")
    parser.add_argument("--only", help="a regular expression of the steps' names")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    options.tls = shutil.which("openssl") is not None
    run = Run(options)
    try:
        run.server.start()
        for part in (run.handlers, run.strangers, run.openings, run.crowd, run.unacknowledged, run.resumed, run.stored, run.lists, run.control,
                     run.presence, run.flood):
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
