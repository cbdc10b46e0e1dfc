"""A web service that knows users, as MongooseIM's `auth.http` asks it. Arguments: port, file of the users, user:password.

Users are kept in the file, so that they outlive the service. Each request is told on standard output as a line.
"""

import base64
import http.server
import json
import sys
import urllib.parse

port, path, credentials = int(sys.argv[1]), sys.argv[2], sys.argv[3]
authorization = "Basic " + base64.b64encode(credentials.encode()).decode()


def read():
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def write(users):
    with open(path, "w") as file:
        json.dump(users, file)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def question(self, text):
        """The verb, the user and what is shown of the password; None after a refusal."""
        if self.headers.get("Authorization") != authorization:
            self.answer(401)
            return None
        fields = urllib.parse.parse_qs(text, keep_blank_values=True, strict_parsing=True)
        verb = urllib.parse.urlsplit(self.path).path.removeprefix("/service/v1/")
        user = f"{fields['user'][0]}@{fields['server'][0]}"
        print(self.command, verb, user, flush=True)
        return verb, user, fields["pass"][0]

    def do_GET(self):
        question = self.question(urllib.parse.urlsplit(self.path).query)
        if not question:
            return
        verb, user, password = question
        users = read()
        if verb == "user_exists":
            self.answer(200, "true" if user in users else "false")
        elif verb == "get_password":
            self.answer(200, users[user]) if user in users else self.answer(404)
        elif verb == "check_password":
            self.answer(200, "true" if users.get(user) == password else "false")
        else:
            self.answer(400, "what?")

    def do_POST(self):
        question = self.question(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if not question:
            return
        verb, user, password = question
        users = read()
        if verb == "register":
            if user in users:
                return self.answer(409)
            users[user] = password
            write(users)
            self.answer(201)
        elif verb == "set_password":
            users[user] = password
            write(users)
            self.answer(204)
        elif verb == "remove_user":
            known = users.pop(user, None)
            write(users)
            self.answer(204 if known else 404)
        else:
            self.answer(400, "what?")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", port), Handler).serve_forever()
