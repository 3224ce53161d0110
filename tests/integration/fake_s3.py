"""fake_s3.py - what no real S3 server does: a listener that hangs, closes, or answers garbage; and a door in front of a
real server that changes one answer."""

import http.client
import http.server
import socket
import threading


class Listener:
    """Accepts on .port; behave(connection) runs in a thread for each."""

    def __init__(self, behave):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        self.behave, self.ended = behave, threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self.behave(connection, self.ended)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.socket.close()


def request(connection):
    """Reads one, with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            left = int(line.split(b":")[1]) - len(body)
            while left > 0:
                left -= len(connection.recv(65536) or b"x" * left)
    return data


def hangs(connection, ended):
    request(connection)
    ended.wait(60)


def hangs_unread(connection, ended):
    ended.wait(60)


def closes(connection, ended):
    request(connection)


def drips(connection, ended):
    """A byte now and then, for ever."""
    request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not ended.wait(0.2):
        connection.sendall(b"x")


def says(text):
    def behave(connection, ended):
        while request(connection):
            connection.sendall(text)

    return behave


def answer(status, body=b"", headers=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def endless(connection, ended):
    request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
    while not ended.is_set():
        connection.sendall(chunk)


def endless_headers(connection, ended):
    request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not ended.is_set():
        connection.sendall(b"x-a: " + b"y" * 1000 + b"\r\n")


class Door:
    """Passes requests on to a real server. change(number, method, path) is asked for each and answers None, or
    "before" or "behind" with bytes for an answer in place of the server's (b"": the connection is closed): before or
    after the server got the request."""

    def __init__(self, port, change):
        self.change, self.count, self.lock = change, 0, threading.Lock()
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with door.lock:
                    door.count += 1
                    number = door.count
                changed = door.change(number, self.command, self.path)
                if changed and changed[0] == "before":
                    return self.instead(changed[1])
                server = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        server.putheader(name, value)
                server.endheaders(body)
                answer = server.getresponse()
                data = answer.read()
                server.close()
                if changed:
                    return self.instead(changed[1])
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.headers.get("Content-Length") or str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def instead(self, text):
                self.wfile.write(text)
                self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
