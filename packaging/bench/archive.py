#!/usr/bin/env python3
"""Pages through an archive of a million messages and says how long a page takes.

usage: packaging/bench/archive.py [--programs DIR] [--messages N] [--page N] [--pages N] [--dir DIR]

Starts a server of its own on the loopback interface, fills the archive of one user behind its back, and asks for pages as a client
does: all of them in order, then some from random places, the newest, and those with one of many contacts. The programs are those
of `packaging/dev build`. Not part of the tests: figures depend on the machine.
"""

import argparse
import base64
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIGURATION = """
[general]
  loglevel = "warning"
  hosts = ["localhost"]
  default_server_domain = "localhost"
[auth.internal]
[access]
  c2s = [{{ acl = "all", value = "allow" }}]
[[listen.c2s]]
  port = {port}
  ip_address = "127.0.0.1"
[modules.mod_roster]
[modules.mod_presence]
[modules.mod_mam]
  pm = {{}}
[xmppd]
  workers = 2
  control_socket = "{dir}/control.sock"
  pid_file = "{dir}/xmppd.pid"
  worker_program = "{programs}/xmppd-worker"
  storage.path = "{dir}/xmppd.sqlite"
"""
# 18 minutes of ids, see archive_contact.
PERIOD = 38


# Messages of a chunk, entries of a block: as the server makes them.
IN_CHUNK = 64
CHUNK_BYTES = 8192
IN_BLOCK = 64


def packed(number):
    """A number in seven bits a byte, see NumberWriter."""
    result = bytearray()
    while number >= 0x80:
        result.append(number & 0x7f | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


def step(start, end):
    return packed(2 * (end - start) if end >= start else 2 * (start - end) - 1)


def fill(path, messages, contacts):
    """A message each second up to now, each in the archives of both sides, indexed as the server does it."""
    database = sqlite3.connect(path)
    first = int(time.time()) - messages
    archives = [("localhost", f"c{number}", number + 2) for number in range(contacts)]
    database.execute("INSERT INTO archive_owner VALUES ('localhost', 'juliet', 1)")
    database.executemany("INSERT INTO archive_owner VALUES (?, ?, ?)", archives)
    database.execute("INSERT INTO archive_peer VALUES ('localhost', 'juliet', 1)")
    database.executemany("INSERT INTO archive_peer VALUES (?, ?, ?)", archives)
    text = "<body>" + "It is the east, and Juliet is the sun. " * 4
    chunk, count, last_id = 1, 0, 0
    facts, stanzas = bytearray(), bytearray()
    blocks, periods = {}, set()

    def write_chunk():
        nonlocal chunk, count, last_id
        database.execute("INSERT INTO archive_chunk VALUES (?, ?, ?)", (chunk, bytes(facts), bytes(stanzas)))
        chunk, count, last_id = chunk + 1, 0, 0
        facts.clear()
        stanzas.clear()

    def write_block(archive):
        entries, (last_id, last_place) = bytearray(), (0, 0)
        for id, place, peer in blocks[archive]:
            entries += packed(id - last_id) + step(last_place, place) + packed(2 * peer)
            last_id, last_place = id, place
        database.execute("INSERT INTO archive_block VALUES (?, ?, ?)", (archive, blocks[archive][0][0], bytes(entries)))
        del blocks[archive]

    for number in range(messages):
        other = number * 7919 % contacts
        address = f"c{other}@localhost/phone"
        stanza = f"<message type='chat' id='m{number}' from='{address}' to='juliet@localhost'>{text}{number}</body></message>".encode()
        id = (first + number) * 1000000 << 8
        # Both sides are there.
        facts += step(last_id, id) + packed(len(stanza) << 3 | 6) + packed(other + 2) + packed(1) + packed(1) + packed(other + 2)
        stanzas += stanza
        for archive, peer in ((1, other + 2), (other + 2, 1)):
            blocks.setdefault(archive, []).append((id, chunk << 6 | count, peer))
            periods.add((archive, peer, id >> PERIOD))
            if len(blocks[archive]) == IN_BLOCK:
                write_block(archive)
        last_id, count = id, count + 1
        if count == IN_CHUNK or len(stanzas) >= CHUNK_BYTES:
            write_chunk()
    if count:
        write_chunk()
    for archive in list(blocks):
        write_block(archive)
    database.executemany("INSERT INTO archive_contact VALUES (?, ?, ?)", sorted(periods))
    database.execute(
        "UPDATE archive_state SET next_archive = ?, next_peer = ?, next_chunk = ?, indexed = ?",
        (contacts + 2, contacts + 2, chunk, chunk - 1))
    database.commit()
    database.close()


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
        self.say(header, b"</stream:features>")
        secret = base64.b64encode(b"\0juliet\0secret").decode()
        self.say(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>", b"<success")
        self.say(header, b"</stream:features>")
        self.say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", b"</iq>")

    def say(self, text, end):
        self.socket.sendall(text.encode())
        answer = b""
        while end not in answer[-65536:]:
            piece = self.socket.recv(1 << 20)
            if not piece:
                sys.exit("the server closed the stream: " + answer.decode())
            answer += piece
        return answer

    def page(self, size, place="", fields=""):
        """Asks for a page; gives the seconds, the number of messages, the last id, and whether it was the last one."""
        self.number += 1
        form = ""
        if fields:
            form = ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
                    + fields + "</x>")
        query = (f"<iq type='set' id='q{self.number}'><query xmlns='urn:xmpp:mam:2'>{form}"
                 f"<set xmlns='http://jabber.org/protocol/rsm'><max>{size}</max>{place}</set></query></iq>")
        begin = time.perf_counter()
        answer = self.say(query, b"</iq>")
        seconds = time.perf_counter() - begin
        last = re.search(rb"<last>(\w+)</last>", answer)
        if b"<fin" not in answer:
            sys.exit("no page: " + answer.decode())
        return seconds, answer.count(b"<forwarded"), last and last.group(1).decode(), b"complete='true'" in answer


def report(what, times):
    times = sorted(1000 * seconds for seconds in times)
    place = lambda part: times[min(len(times) - 1, int(part * len(times)))]
    print(f"{what}: {len(times)} pages, p50 {place(0.5):.2f} ms, p99 {place(0.99):.2f} ms, worst {times[-1]:.2f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Pages through a large archive.")
    parser.add_argument("--programs", default=f"{ROOT}/.build/release")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--page", type=int, default=50)
    parser.add_argument("--pages", type=int, default=2000, help="of each kind, but for those in order")
    parser.add_argument("--dir", default=tempfile.gettempdir())
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="xmppd-bench-", dir=options.dir)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open(f"{directory}/xmppd.toml", "w") as file:
        file.write(CONFIGURATION.format(port=port, dir=directory, programs=options.programs)
                   .replace("[xmppd]", "[xmppd]\n  allow_plain_before_tls = true"))

    def start():
        server = subprocess.Popen([f"{options.programs}/xmppd", "--config", f"{directory}/xmppd.toml"])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return server
            except OSError:
                time.sleep(0.05)
        sys.exit("the server does not start")

    server = start()
    try:
        time.sleep(1)
        control = dict(os.environ, XMPPD_CONTROL_SOCKET=f"{directory}/control.sock")
        subprocess.run([f"{options.programs}/xmppctl", "account", "add", "juliet@localhost", "--password", "secret"],
                       env=control, check=True)
        server.terminate()
        server.wait()
        begin = time.time()
        fill(f"{directory}/xmppd.sqlite", options.messages, options.contacts)
        print(f"{options.messages} messages with {options.contacts} contacts filled in in {time.time() - begin:.0f} s, "
              f"{os.path.getsize(directory + '/xmppd.sqlite') >> 20} MiB")
        server = start()
        client = Client(port)
        times, ids, found, place = [], [], 0, ""
        while True:
            seconds, count, last, is_complete = client.page(options.page, place)
            times.append(seconds)
            found += count
            if last:
                ids.append(last)
                place = f"<after>{last}</after>"
            if is_complete:
                break
        if found != options.messages:
            sys.exit(f"{found} messages were found of {options.messages}")
        report("in order", times)
        chance = random.Random(1)
        report("after a random message", [
            client.page(options.page, f"<after>{chance.choice(ids)}</after>")[0] for _ in range(options.pages)])
        report("before a random message", [
            client.page(options.page, f"<before>{chance.choice(ids)}</before>")[0] for _ in range(options.pages)])
        report("the newest", [client.page(options.page, "<before/>")[0] for _ in range(options.pages)])
        report("with one contact, the newest", [
            client.page(options.page, "<before/>", "<field var='with'><value>"
                        f"c{chance.randrange(options.contacts)}@localhost</value></field>")[0] for _ in range(options.pages // 4)])
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(directory)


main()
