#!/usr/bin/env python3
"""What one account, or a stranger, may try against everybody else, one kind after the other, each against a server of its own and
beside two clients who talk to each other. Starts the servers itself; the standard library is enough.

    abuse.py --programs .build/release
    abuse.py --programs .build/release --only 'resume|search' --keep

A kind fails if a worker has died, a message of the two who talk took longer than --wait-ms, the workers still burn processor time or
have more than --memory-mb each when the attacker has left, a new client cannot log in, or what the kind itself says of its victim does
not hold. Ends with status 1 if one has failed. On a machine with other work the wait also measures that.
"""
import argparse, base64, os, random, re, select, sys, threading, time, zlib

from session_fuzz import HOST, SM, Client, Failure, Server

# Bytes of a stanza: a little less than the default of `listen.c2s.max_stanza_size`, 256 KiB.
SIZE = 250 * 1024
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TALKERS = ("user4", "user5")


class Talk(threading.Thread):
    """Two clients of other accounts; what they notice of the abuse is how long their messages take."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.worst, self.count, self.failure, self.is_over = 0.0, 0, None, threading.Event()
        self.sender, self.receiver = (run.log_in(user, "talk") for user in TALKERS)

    def run(self):
        try:
            while not self.is_over.is_set():
                self.count += 1
                began = time.monotonic()
                self.sender.send(f"<message to='{TALKERS[1]}@{HOST}/talk' type='chat'><body>number {self.count} of many</body></message>")
                self.receiver.wait(f"number {self.count} of many")
                self.worst = max(self.worst, time.monotonic() - began)
                time.sleep(0.01)
        except Failure as failure:
            self.failure = failure

    def end(self):
        self.is_over.set()
        self.join(30)
        return self.worst * 1000


class Run:
    """One kind of abuse against a server of its own."""

    def __init__(self, options):
        self.options, self.random = options, random.Random(1)
        self.server = Server(options)

    # What attackers need

    def connect(self, listener=0):
        return Client(self, self.server.ports[listener], 0)

    def log_in(self, user, resource, resumable=False, listener=0, compressed=False):
        client = self.connect(listener)
        client.authenticate(user, compressed)
        client.bind(resource, resumable)
        return client

    def authenticated(self, user):
        client = self.connect()
        client.authenticate(user, False)
        return client

    def ask(self, client, type, payload, to=""):
        """The answer to an IQ, and what came before it."""
        name = f"ask{self.random.randrange(1 << 40)}"
        client.send(f"<iq id='{name}' type='{type}'{to and f' to={to!r}'}>{payload}</iq>")
        return client.wait(f"'{name}'", f'"{name}"')[1]

    def settle(self, client):
        return self.ask(client, "get", "<ping xmlns='urn:xmpp:ping'/>", HOST)

    def read_all(self, client, seconds=1.5):
        """What comes until nothing has for so long; the second value is false at the end of the stream."""
        text = []
        while select.select([client.socket], [], [], seconds)[0]:
            data = client.socket.recv(1 << 20)
            if not data:
                return "".join(text), False
            text.append(data.decode("utf-8", "replace"))
        return "".join(text), True

    def together(self, count, body):
        threads = [threading.Thread(target=self.quietly, args=(body, number), daemon=True) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)

    @staticmethod
    def quietly(body, number):
        try:
            body(number)
        except (Failure, OSError):
            pass  # the server may well refuse an attacker

    def expect(self, holds, what):
        if not holds:
            raise Failure(what)

    # Sessions

    def sessions_that_end_while_they_move(self):
        for number in range(24):
            lost = self.log_in("user0", f"r{number}", resumable=True)
            lost.close()
            client = self.authenticated("user0")
            if number % 2:
                client.send(f"<resume xmlns='{SM}' h='0' previd='{lost.resumption}'/></stream:stream>")
            else:
                client.send(f"<resume xmlns='{SM}' h='999' previd='{lost.resumption}'/>")
                self.quietly(lambda _: client.wait("<failed", "</stream:stream>", "<resumed"), 0)
                client.close()
        self.log_in("user0", "present")
        time.sleep(2)
        self.expect(all(not worker.get("outgoing_migrations") for worker in self.server.status()["workers"]), "a session is still on its way")

    def resume_storm(self):
        lost = [self.log_in("user0", f"r{number}", resumable=True) for number in range(6)]
        for client in lost:
            client.close()

        def resume(number):
            for turn in range(60):
                client = self.authenticated("user0")
                name = lost[(number + turn) % len(lost)].resumption if turn % 3 else "unknown"
                client.send(f"<resume xmlns='{SM}' h='{self.random.choice((0, 1, 2 ** 32 - 1))}' previd='{name}'/>")
                client.take(0.02)
                client.close()
        self.together(8, resume)

    def acknowledgements_never_given(self):
        silent = [self.log_in("user1", f"r{number}", resumable=True) for number in range(6)]
        sender = self.log_in("user0", "sender")
        for number in range(60):
            sender.send(f"<message to='user1@{HOST}' type='chat'><body>{'y' * SIZE}</body></message>")
        self.read_all(sender)
        for client in silent:
            client.close()
        time.sleep(2)

    # Before login

    def passwords_hard_to_prepare(self):
        text = base64.b64encode(f"\0user0\0{chr(0x30fb) * 2700}{chr(0x30a2)}".encode()).decode()

        def attempt(_):
            client = self.connect()
            client.open()
            for _ in range(4):
                client.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")
            client.wait("</stream:stream>")
        self.together(30, attempt)

    def guessed_passwords(self):
        until, checked = time.monotonic() + 8, []

        def guess(number):
            while time.monotonic() < until:
                client = self.connect()
                client.open()
                for turn in range(50):
                    text = base64.b64encode(f"\0user0\0wrong{number}.{turn}".encode()).decode()
                    client.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")
                    _, answer = client.wait("</failure>")
                    if "not-authorized" in answer:
                        checked.append(number)
        self.together(8, guess)
        self.expect(len(checked) < 200, f"{len(checked)} passwords were tried in 8 s")
        self.log_in("user0", "owner").close()

    def absent_accounts_by_salt(self):
        def salt(user):
            client = self.connect()
            client.open()
            first = base64.b64encode(f"n,,n={user},r=abc".encode()).decode()
            client.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{first}</auth>")
            _, answer = client.wait("</challenge>")
            return base64.b64decode(re.search(">([^<]+)</challenge>", answer).group(1)).decode().split(",")[1]
        for user in ("user0", "nobody"):
            self.expect(len({salt(user) for _ in range(3)}) == 1, f"the salt of {user} changes")

    def connections_that_say_little(self):
        until, open_ones = time.monotonic() + 12, []

        def idle(number):
            while time.monotonic() < until:
                client = self.connect(number % 3)
                client.raw((b"<", b"P", b"\x16", b"<?xml version='1.0'?><stream:stream ")[number % 4])
                open_ones.append(client)
                time.sleep(0.02)
        self.together(12, idle)
        for client in open_ones:
            client.close()

    # Stored for others

    def big_messages_for_somebody_away(self):
        sender = self.log_in("user0", "sender")
        for _ in range(36):
            sender.send(f"<message to='user1@{HOST}' type='chat'><body>{'y' * SIZE}</body></message>")
        self.settle(sender)
        self.expect_to_get_in("user1")

    def requests_with_a_big_status(self):
        for user in ("user0", "user2", "user3"):
            client = self.log_in(user, "asks")
            client.send(f"<presence type='subscribe' to='user1@{HOST}'><status>{'y' * SIZE}</status></presence>")
            self.settle(client)
        self.expect_to_get_in("user1")

    def prefixes_for_somebody_away(self):
        sender, before = self.log_in("user0", "sender"), self.stored()
        for number in range(300):
            sender.send(f"<message xmlns:a='{'u' * 200}' to='user1@{HOST}' type='chat'><body>x</body>{'<a:b/>' * 600}</message>")
        self.settle(sender)
        self.expect_to_get_in("user1")
        grown = (self.stored() - before) >> 10
        self.expect(grown < 9 * 300 * 4, f"the database grew by {grown} KiB for some {300 * 4} KiB")

    def stored(self):
        return sum(os.path.getsize(self.server.path(name)) for name in os.listdir(self.server.directory) if name.startswith("db"))

    def expect_to_get_in(self, user):
        """The victim logs in, reads, and is still there."""
        client = self.log_in(user, "victim")
        text, is_open = self.read_all(client)
        self.expect(is_open, f"{user} was closed after {len(text)} bytes: {text[-200:]!r}")
        self.expect("<body>" in text or "subscribe" in text, f"{user} got nothing: {text[-300:]!r}")
        self.settle(client)

    # Work that others wait for

    def archive_search_of_references(self):
        sender = self.log_in("user0", "sender")
        for _ in range(60):
            sender.send(f"<message to='user1@{HOST}' type='chat'><body>{'&gt;' * (SIZE // 4)}</body></message>")
        self.settle(sender)
        form = ("<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value>"
                "</field><field var='{name}'><value>needle</value></field></x></query>")
        for name in ("full-text-search", "{urn:xmpp:fulltext:0}fulltext") * 3:
            sender.send(f"<iq id='search' type='set'>{form.replace('{name}', name)}</iq>")
        time.sleep(6)

    def archive_pages_nobody_reads(self):
        sender = self.log_in("user0", "sender")
        for _ in range(40):
            sender.send(f"<message to='user0@{HOST}' type='chat'><body>{'y' * SIZE}</body></message>")
        self.settle(sender)
        for number in range(8):
            reader = self.log_in("user0", f"reader{number}")
            for _ in range(20):
                reader.send("<iq id='page' type='set'><query xmlns='urn:xmpp:mam:2'/></iq>")
        time.sleep(5)

    def long_block_list(self):
        client = self.log_in("user0", "blocks")
        for turn, count in enumerate((SIZE // 40, 1900, 1900, 1900, 1900)):
            items = "".join(f"<item jid='u{turn}x{number}@example.org'/>" for number in range(count))
            client.send(f"<iq id='b{turn}' type='set'><block xmlns='urn:xmpp:blocking'>{items}</block></iq>")
            self.settle(client)

    def big_vcard_asked_for_by_many(self):
        self.ask(self.log_in("user0", "owner"), "set", f"<vCard xmlns='vcard-temp'>{'<a/>' * 16_000}{'x' * (SIZE - 64_000)}</vCard>")

        def read(number):
            client = self.log_in("user1" if number % 2 else "user2", f"reads{number // 2}")
            for _ in range(10):
                client.send(f"<iq id='v' type='get' to='user0@{HOST}'><vCard xmlns='vcard-temp'/></iq>")
            self.read_all(client)
        self.together(16, read)

    def compressed_emptiness(self):
        client = self.log_in("user0", "packed", listener=1, compressed=True)
        for _ in range(20):
            if not client.send(f"<message to='user1@{HOST}'><body>{' ' * SIZE}</body></message>"):
                break
        bomb = client.deflater.compress(b" " * (200 << 20)) + client.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.quietly(lambda _: client.raw(bomb), 0)
        time.sleep(2)

    def presence_storm(self):
        clients = [self.log_in("user0", f"r{number}") for number in range(9)]
        for client in clients:
            client.send("".join(f"<presence to='user1@{HOST}/r{number}'/>" for number in range(2000)))
        for turn in range(100):
            for client in clients:
                client.send("<presence><status>" + "s" * 1000 + f"</status><priority>{turn}</priority></presence>")
        for client in clients:
            client.close()
        time.sleep(2)

    def absent_accounts_by_error(self):
        client = self.log_in("user0", "asks")
        self.settle(client)
        for payload in ("<query xmlns='jabber:iq:last'/>", "<vCard xmlns='vcard-temp'/>", "<query xmlns='http://jabber.org/protocol/disco#info'/>",
                        "<query xmlns='urn:xmpp:mam:2'/>", "<query xmlns='jabber:iq:roster'/>", "<ping xmlns='urn:xmpp:ping'/>",
                        "<query xmlns='jabber:iq:private'><a xmlns='urn:a'/></query>", "<blocklist xmlns='urn:xmpp:blocking'/>",
                        "<query xmlns='urn:nobody:knows'/>"):
            for type in ("get", "set"):
                answers = {re.sub("user1|nobody|ask[0-9]+", "", self.ask(client, type, payload, f"{user}@{HOST}")) for user in ("user1", "nobody")}
                self.expect(len(answers) == 1, f"{type} of {payload} differs: {answers}")

    # Judgement

    kinds = [sessions_that_end_while_they_move, resume_storm, acknowledgements_never_given, passwords_hard_to_prepare, guessed_passwords,
             absent_accounts_by_salt, connections_that_say_little, big_messages_for_somebody_away, requests_with_a_big_status,
             prefixes_for_somebody_away, archive_search_of_references, archive_pages_nobody_reads, long_block_list,
             big_vcard_asked_for_by_many, compressed_emptiness, presence_storm, absent_accounts_by_error]

    def processor_time(self):
        """Seconds that the workers have used, user and system."""
        ticks = 0
        for process in self.server.pids:
            with open(f"/proc/{process}/stat") as file:
                ticks += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def judge(self, kind):
        """What is found against the server; nothing if it holds."""
        self.server.start()
        talk = Talk(self)
        talk.start()
        found = []
        try:
            kind(self)
        except (Failure, OSError) as failure:
            found.append(str(failure))
        wait = talk.end()
        try:
            workers = self.server.expect_same_workers()
            if talk.failure:
                found.append(f"those who talk: {talk.failure}")
            if wait > self.options.wait_ms:
                found.append(f"a message took {wait:.0f} ms")
            time.sleep(3)
            before = self.processor_time()
            time.sleep(2)
            if self.processor_time() - before > 0.5:
                found.append("the workers are busy with nobody there")
            workers = self.server.expect_same_workers()
            if max(worker["rss"] for worker in workers) >> 20 > self.options.memory_mb:
                found.append(f"memory in MiB: {[worker['rss'] >> 20 for worker in workers]}")
            self.log_in("user3", "after").close()
        except (Failure, OSError) as failure:
            found.append(str(failure))
        return found, wait


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="the directory of xmppd, xmppd-worker and xmppctl")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", help="a regular expression of the kinds to try")
    parser.add_argument("--wait-ms", type=float, default=300)
    parser.add_argument("--memory-mb", type=int, default=160)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.programs = os.path.abspath(options.programs)
    failures = 0
    for kind in Run.kinds:
        if options.only and not re.search(options.only, kind.__name__):
            continue
        run = Run(options)
        try:
            found, wait = run.judge(kind)
        except (Failure, OSError) as failure:
            found, wait = [str(failure)], 0
        finally:
            run.server.end()
        failures += bool(found)
        print(f"{'FAILS' if found else 'holds'} {kind.__name__.replace('_', ' ')}, longest wait {wait:.0f} ms", flush=True)
        for text in found:
            print(f"      {text[:400]}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
