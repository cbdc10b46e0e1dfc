#!/usr/bin/env python3
"""Whole sessions against a running server: mutated stanzas of every namespace that it offers, with resumption on other workers,
PROXY headers, compression and connections that end anywhere. Starts the server itself; the standard library is enough.

    session_fuzz.py --programs .build/debug --seconds 15
    session_fuzz.py --programs .build/release --seconds 1800 --workers 3 --seed 7

Ends with status 1 and says why if a worker has died, a session is still on its way to another worker, the way between workers is
full, a turn of a loop took longer than --turn-ms (0: not looked at), or new clients cannot talk to each other. What is sent follows
from the seed; when it arrives does not. --keep leaves the server's directory with its log.
"""
import argparse, base64, json, os, random, re, select, shutil, signal, socket, struct, subprocess, sys, tempfile, time, zlib

HOST = "localhost"
USERS = [f"user{n}" for n in range(6)]
CLIENTS = 12
SM = "urn:xmpp:sm:3"
# Elements that clients send, one of each kind; what the server offers beside these is added to the dictionary.
STANZAS = [
    "<iq id='1' type='get'><query xmlns='jabber:iq:roster'/></iq>",
    "<iq id='2' type='set'><query xmlns='jabber:iq:roster'><item jid='user1@localhost' name='N'><group>g</group></item></query></iq>",
    "<iq id='3' type='set'><query xmlns='jabber:iq:roster'><item jid='user1@localhost' subscription='remove'/></query></iq>",
    "<iq id='4' type='get' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>",
    "<iq id='5' type='get' to='user1@localhost'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
    "<iq id='6' type='set'><block xmlns='urn:xmpp:blocking'><item jid='user2@localhost'/></block></iq>",
    "<iq id='7' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>",
    "<iq id='8' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>",
    "<iq id='9' type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
    "<iq id='10' type='set'><query xmlns='jabber:iq:private'><a xmlns='urn:a'>x</a></query></iq>",
    "<iq id='11' type='get'><query xmlns='jabber:iq:private'><a xmlns='urn:a'/></query></iq>",
    "<iq id='12' type='set'><vCard xmlns='vcard-temp'><FN>F</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO></vCard></iq>",
    "<iq id='13' type='get' to='user1@localhost'><vCard xmlns='vcard-temp'/></iq>",
    "<iq id='14' type='get' to='user1@localhost'><query xmlns='jabber:iq:last'/></iq>",
    "<iq id='15' type='get' to='localhost'><time xmlns='urn:xmpp:time'/></iq>",
    "<iq id='16' type='get' to='localhost'><query xmlns='jabber:iq:version'/></iq>",
    "<iq id='17' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq id='18' type='get'><query xmlns='jabber:iq:register'/></iq>",
    "<iq id='19' type='set'><query xmlns='urn:xmpp:mam:2' queryid='q'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
    "<value>urn:xmpp:mam:2</value></field><field var='with'><value>user1@localhost</value></field></x>"
    "<set xmlns='http://jabber.org/protocol/rsm'><max>10</max><before/></set></query></iq>",
    "<iq id='20' type='get'><query xmlns='urn:xmpp:mam:2'/></iq>",
    "<iq id='21' type='set'><prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>user1@localhost</jid></always></prefs></iq>",
    "<iq id='22' type='get'><metadata xmlns='urn:xmpp:mam:2'/></iq>",
    "<iq id='23' type='result' to='user1@localhost/r1'/>",
    "<message to='user1@localhost' type='chat' id='m1'><body>Wherefore art thou</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<message to='user2@localhost/r1'><body>text</body><request xmlns='urn:xmpp:receipts'/></message>",
    "<message to='user3@localhost' type='headline'><body>x</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>",
    "<message to='user1@localhost' type='chat'><retract xmlns='urn:xmpp:message-retract:1' id='m1'/><store xmlns='urn:xmpp:hints'/></message>",
    "<message to='user1@localhost'><private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/><body>p</body></message>",
    "<message to='nobody@localhost'><body>x</body></message>",
    "<presence/>", "<presence type='unavailable'/>", "<presence><priority>-1</priority><show>away</show><status>s</status></presence>",
    "<presence to='user1@localhost' type='subscribe'/>", "<presence to='user1@localhost' type='subscribed'/>",
    "<presence to='user2@localhost' type='unsubscribe'/>", "<presence to='user2@localhost' type='unsubscribed'/>",
    "<presence to='user1@localhost' type='probe'/>", "<presence to='user3@localhost/r1'/>",
    "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/><x xmlns='vcard-temp:x:update'><photo/></x></presence>",
    "<inactive xmlns='urn:xmpp:csi:0'/>", "<active xmlns='urn:xmpp:csi:0'/>",
    f"<r xmlns='{SM}'/>", f"<a xmlns='{SM}' h='0'/>", f"<enable xmlns='{SM}' resume='true'/>", f"<resume xmlns='{SM}' previd='x' h='0'/>",
]
WORDS = ["", "0", "-1", "999999999999", "4294967295", "user1@localhost", "user2@localhost/r0", "localhost", "@", "a@b@c", "\u30fb" * 40,
         "get", "set", "result", "error", "subscribe", "unavailable", "&lt;&gt;&amp;", "&#x10FFFF;", "2025-02-30T00:00:00Z", "e\u0301" * 30]


class Failure(Exception):
    pass


def readable(sockets, timeout):
    """Those of the sockets that can be read, after so many seconds at most; of any number, which `select` could not tell."""
    poll, by_number = select.poll(), {each.fileno(): each for each in sockets}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(1000 * timeout)]


class Client:
    """One connection: raw bytes both ways, inflated where compression is on. Waits only to log in."""

    def __init__(self, run, port, proxy):
        self.run, self.inbox, self.news, self.handled, self.resumption = run, "", "", 0, None
        self.deflater = self.inflater = None
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        if proxy == 1:
            self.raw(b"PROXY TCP4 192.0.2.%d 192.0.2.1 4000 5222\r\n" % run.random.randrange(1, 250))
        elif proxy == 2:
            address = struct.pack("!4B4BHH", 192, 0, 2, run.random.randrange(1, 250), 192, 0, 2, 1, 4000, 5222)
            self.raw(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(address)) + address)

    def raw(self, data):
        self.socket.sendall(data)

    def send(self, text):
        data = text.encode("utf-8", "replace") if isinstance(text, str) else text
        if self.deflater:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        try:
            self.socket.settimeout(0.2)
            self.raw(data)
        except OSError:
            return False
        return True

    def take(self, timeout=0.0):
        """Reads what there is; false at the end of the stream."""
        if not readable([self.socket], timeout):
            return True
        try:
            data = self.socket.recv(1 << 16)
        except OSError:
            return False
        if not data:
            return False
        if self.inflater:
            data = self.inflater.decompress(data)
        text = data.decode("utf-8", "replace")
        self.handled += len(re.findall(r"<(?:message|iq|presence)[ />]", text))
        self.news = self.inbox + text
        self.inbox = self.news[-4000:]
        return True

    def wait(self, *words):
        limit = time.monotonic() + 20
        while True:
            found = next((word for word in words if word in self.inbox), None)
            if found:
                answer, self.inbox = self.inbox, ""
                return found, answer
            if time.monotonic() > limit or not self.take(0.1):
                raise Failure(f"no {words} in {self.inbox[-300:]!r}")

    def open(self):
        self.send(f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        self.wait("</stream:features>", "<stream:features/>")

    def authenticate(self, user, compressed):
        self.open()
        text = base64.b64encode(f"\0{user}\0secret".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{text}</auth>")
        self.wait("<success")
        self.open()
        if compressed:
            self.send("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")
            self.wait("<compressed")
            self.deflater, self.inflater = zlib.compressobj(), zlib.decompressobj()
            self.open()

    def bind(self, resource, resumable):
        self.send(f"<iq id='bind' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind></iq>")
        self.wait("<jid>")
        if resumable:
            self.send(f"<enable xmlns='{SM}' resume='true'/>")
            _, answer = self.wait("<enabled", "<failed")
            name = re.search(r"\bid=['\"]([^'\"]+)", answer)
            self.resumption, self.handled = name and name.group(1), 0
        self.send("<presence/>")

    def close(self):
        self.socket.close()


class Server:
    """The programs under test with a directory of their own."""

    def __init__(self, options):
        self.options, self.directory = options, tempfile.mkdtemp(prefix="xmppd-fuzz-")
        modules = "".join(f"[modules.mod_{name}]\n" for name in (
            "roster presence offline carboncopy blocking disco caps csi ping last time version private vcard register stream_management").split())
        listeners = "".join(f'[[listen.c2s]]\n port = 0\n ip_address = "127.0.0.1"\n access = "c2s"\n {more}\n'
                            for more in ("", "zlib = 100000", "proxy_protocol = true"))
        if getattr(options, "tls", False):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={HOST}",
                            "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, capture_output=True)
            listeners += (f'[[listen.c2s]]\n port = 0\n ip_address = "127.0.0.1"\n access = "c2s"\n tls.mode = "tls"\n tls.verify_mode = "none"\n'
                          f' tls.certfile = "{self.path("cert.pem")}"\n tls.keyfile = "{self.path("key.pem")}"\n')
        account = ' user = "root"\n' if os.geteuid() == 0 else ""
        with open(self.path("xmppd.toml"), "w") as file:
            file.write(f'[general]\n hosts = ["{HOST}"]\n default_server_domain = "{HOST}"\n loglevel = "notice"\n'
                       f' registration_timeout = "infinity"\n[auth.internal]\n[auth.password]\n format = "plain"\n{listeners}'
                       f'[access]\n c2s = [{{ acl = "all", value = "allow" }}]\n{modules}[modules.mod_mam.pm]\n[xmppd]\n'
                       f' workers = {options.workers}\n watchdog_timeout = 60\n control_socket = "{self.path("socket")}"\n'
                       f' pid_file = "{self.path("pid")}"\n storage.path = "{self.path("db")}"\n{account}')
        self.log, self.master = open(self.path("log"), "w"), None

    def start(self):
        self.launch()
        for user in USERS:
            self.control("account", "add", f"{user}@{HOST}", "--password", "secret")

    def launch(self):
        options = self.options
        self.master = subprocess.Popen([f"{options.programs}/xmppd", "--config", self.path("xmppd.toml")], stdout=self.log,
                                       stderr=self.log, env=self.environment)
        self.until("the server to be up", 60, lambda: (self.try_status() or {}).get("state") == "running")
        status = self.status()
        self.ports = [listener["port"] for listener in status["listeners"]]
        self.pids = [worker["pid"] for worker in status["workers"]]

    @property
    def environment(self):
        return dict(os.environ, XMPPD_CONTROL_SOCKET=self.path("socket"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def control(self, *arguments, input=""):
        run = subprocess.run([f"{self.options.programs}/xmppctl", *arguments], input=input, capture_output=True, text=True,
                             env=self.environment)
        if run.returncode != 0:
            raise Failure(f"xmppctl {' '.join(arguments)}: {run.stderr.strip()}")
        return run.stdout

    def status(self):
        return json.loads(self.control("status", "--json"))

    def try_status(self):
        if self.master.poll() is not None:
            raise Failure(f"xmppd ended with status {self.master.returncode}: {open(self.path('log')).read()[-2000:]}")
        try:
            return self.status()
        except Failure:
            return None

    def until(self, what, seconds, condition):
        limit = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > limit:
                raise Failure(f"waited {seconds} s for {what}: {self.try_status()}")
            time.sleep(0.1)

    def expect_same_workers(self):
        workers = self.status()["workers"]
        if [worker["pid"] for worker in workers] != self.pids:
            raise Failure(f"a worker has died: {open(self.path('log')).read()[-3000:]}")
        return workers

    def stop(self):
        if self.master:
            self.master.send_signal(signal.SIGTERM)
            try:
                self.master.wait(30)
            except subprocess.TimeoutExpired:
                self.master.kill()

    def end(self):
        self.stop()
        self.log.close()
        if not self.options.keep:
            shutil.rmtree(self.directory)


class Run:
    def __init__(self, options):
        self.options, self.random, self.server = options, random.Random(options.seed), Server(options)
        self.clients, self.lost, self.words, self.done = [], [], list(WORDS), {}

    # Making input

    def mutated(self):
        r, text = self.random, self.random.choice(STANZAS)
        for _ in range(r.choice((0, 1, 1, 1, 2, 4))):
            text = r.choice((self.replace_value, self.replace_namespace, self.double, self.drop, self.splice, self.grow, self.flip))(text)
        return text

    def pick(self, pattern, text):
        places = list(re.finditer(pattern, text, re.S))
        return self.random.choice(places) if places else None

    def replace_value(self, text):
        place = self.pick(r"='([^']*)'", text)
        return text if not place else text[:place.start(1)] + self.random.choice(self.words) + text[place.end(1):]

    def replace_namespace(self, text):
        place = self.pick(r"xmlns='([^']*)'", text)
        return text if not place else text[:place.start(1)] + self.random.choice(self.words) + text[place.end(1):]

    def double(self, text):
        place = self.pick(r"<([\w-]+)[^<>]*/>|<([\w-]+)[^<>]*>[^<]*</\2>", text)
        return text if not place else text[:place.start()] + place.group() * self.random.choice((2, 5, 100)) + text[place.end():]

    def drop(self, text):
        place = self.pick(r" [\w:]+='[^']*'|<[\w-]+[^<>]*/>", text)
        return text if not place or not place.start() else text[:place.start()] + text[place.end():]

    def splice(self, text):
        place = self.pick(r"(?<=/>)|(?<=[\w\"]>)", text)
        return text if not place else text[:place.end()] + self.random.choice(STANZAS) + text[place.end():]

    def grow(self, text):
        place, filler = self.pick(r">([^<]*)</", text), self.random.choice(("x", "&gt;", "\u30fb", "<a/>", "<b c='d'>e</b>"))
        return text if not place else text[:place.start(1)] + filler * self.random.choice((10, 1000, 10000)) + text[place.end(1):]

    def flip(self, text):
        """Seldom: what is not well-formed ends the stream."""
        if self.random.random() > 0.1:
            return text
        at = self.random.randrange(len(text))
        return text[:at] + self.random.choice("<>&'\"/\0 \u00ff") + text[at + 1:]

    # Steps

    def connect(self):
        place = self.random.randrange(4)
        client = Client(self, self.server.ports[min(place, 2)], 0 if place < 2 else place - 1)
        client.user = self.random.choice(USERS)
        try:
            client.authenticate(client.user, compressed=place == 1 and self.random.random() < 0.8)
        except Failure:
            client.close()
            raise
        return client

    def log_in(self):
        client = self.connect()
        client.bind(f"r{self.random.randrange(3)}", self.random.random() < 0.7)
        self.clients.append(client)

    def resume(self):
        """On whichever worker the system chooses; often with a wrong count, often gone again in the same packet."""
        if not self.lost:
            return self.log_in()
        user, name, handled = self.lost.pop(self.random.randrange(len(self.lost)))
        client = self.connect_as(user)
        handled = self.random.choice((handled, handled, 0, 1, 999, 4294967295))
        end = self.random.choice(("", "", "</stream:stream>", "<presence/></stream:stream>", "<presence/>" + self.mutated()))
        client.send(f"<resume xmlns='{SM}' previd='{name}' h='{handled}'/>{end}")
        client.resumption = name
        self.clients.append(client)
        if self.random.random() < 0.3:
            self.lose()

    def connect_as(self, user):
        client = Client(self, self.server.ports[0], 0)
        client.user = user
        client.authenticate(user, compressed=False)
        return client

    def lose(self):
        if not self.clients:
            return
        client = self.clients.pop(self.random.randrange(len(self.clients)))
        if client.resumption:
            self.lost = self.lost[-20:] + [(client.user, client.resumption, client.handled)]
        if self.random.random() < 0.3:
            client.send(self.mutated()[:self.random.randrange(40)])
        client.close()

    def leave(self):
        if self.clients:
            client = self.clients.pop(self.random.randrange(len(self.clients)))
            client.send("</stream:stream>")
            client.close()

    def speak(self):
        if not self.clients:
            return self.log_in()
        client = self.random.choice(self.clients)
        if not client.send("".join(self.mutated() for _ in range(self.random.choice((1, 1, 3, 20))))):
            self.clients.remove(client)
            client.close()

    def stranger(self):
        """Before login."""
        client = Client(self, self.server.ports[self.random.randrange(2)], 0)
        client.send(self.random.choice(("", "<stream:stream", f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' "
                    "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")) + self.mutated())
        client.take(0.05)
        client.close()

    def listen(self):
        for client in list(self.clients):
            if not client.take():
                self.clients.remove(client)
                client.close()

    def learn(self):
        """What the server says that it offers goes into the dictionary, so that a new handler is met without being named."""
        client = self.connect_as(USERS[0])
        client.bind("learner", False)
        for target in (HOST, f"{USERS[0]}@{HOST}"):
            client.send(f"<iq id='learn' type='get' to='{target}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
            _, answer = client.wait("</query></iq>", "type='error'", 'type="error"')
            self.words += re.findall(r"var=['\"]([^'\"]+)", answer)
        client.close()

    # The run

    def go(self):
        self.learn()
        steps = [self.speak] * 30 + [self.listen] * 10 + [self.lose] * 3 + [self.resume] * 4 + [self.log_in, self.leave, self.stranger]
        limit, looked = time.monotonic() + self.options.seconds, time.monotonic()
        while time.monotonic() < limit:
            step = self.log_in if len(self.clients) < 4 else self.lose if len(self.clients) > CLIENTS else self.random.choice(steps)
            try:
                step()
            except (Failure, OSError) as refusal:
                self.done["refused"] = self.done.get("refused", 0) + 1
                self.refusal = refusal
            self.done[step.__name__] = self.done.get(step.__name__, 0) + 1
            if time.monotonic() - looked > 5:
                self.server.expect_same_workers()
                looked = time.monotonic()

    def judge(self):
        for client in self.clients:
            client.close()
        self.server.until("sessions to arrive and ways between workers to be free", 90, lambda: all(
            not worker["outgoing_migrations"] and not worker["mesh_congested_peers"] for worker in self.server.status()["workers"]))
        time.sleep(1.5)  # the workers tell their counts once a second
        workers = self.server.expect_same_workers()
        for number in range(2 * self.options.workers):
            one, other = self.connect_as(USERS[4]), self.connect_as(USERS[5])
            one.bind("last", False)
            other.bind("last", False)
            one.send(f"<iq id='u' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>")
            other.send(f"<iq id='u' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>")
            one.wait("id='u'", 'id="u"')
            other.wait("id='u'", 'id="u"')
            one.send(f"<message to='{USERS[5]}@{HOST}/last' type='chat'><body>at last {number}</body></message>")
            other.wait(f"at last {number}")
            one.close()
            other.close()
        longest = max(worker["longest_turn_us"] for worker in workers) / 1000
        if self.options.turn_ms and longest > self.options.turn_ms:
            raise Failure(f"a turn of a loop took {longest:.0f} ms: {open(self.server.path('log')).read()[-3000:]}")
        return {"longest_turn_ms": round(longest), "long_turns": sum(worker["long_turns"] for worker in workers),
                "rss_mib": [worker["rss"] >> 20 for worker in workers], **self.done}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the directory of xmppd, xmppd-worker and xmppctl")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--turn-ms", type=float, default=0)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    again = f"--programs {options.programs} --seconds {options.seconds:g} --workers {options.workers} --seed {options.seed}"
    print(f"seed {options.seed}", flush=True)
    run = Run(options)
    try:
        run.server.start()
        run.go()
        print(json.dumps(run.judge()))
    except Failure as failure:
        print(f"FAILED: {failure}\nagain: {sys.argv[0]} {again}", file=sys.stderr)
        return 1
    finally:
        run.server.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
