"""fake_postgres.py - what no real server does: a listener that hangs, closes, or answers garbage, and a pipe to a real
server that is cut or stalls after so many bytes of its answers."""

import os
import select
import socket
import struct
import threading
import time


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
        # close() alone would leave the thread in accept()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def hang(connection, ended):
    ended.wait(60)


def hang_up(connection, ended):
    connection.recv(4096)


def garbage(connection, ended):
    connection.recv(4096)
    connection.sendall(os.urandom(4096))
    ended.wait(0.2)


def web_server(connection, ended):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def huge_message(connection, ended):
    """A message that says it is 1 GiB, of which nothing comes."""
    connection.recv(4096)
    connection.sendall(b"R" + struct.pack("!I", 1 << 30) + b"\0" * 100)
    ended.wait(60)


def refuse_encryption_then(then):
    """As a server without TLS answers, before it does something else."""
    def behave(connection, ended):
        connection.recv(4096)
        connection.sendall(b"N")
        then(connection, ended)
    return behave


def endless(connection, ended):
    """Lets everybody in, and then tells parameter by parameter, for ever."""
    connection.recv(4096)
    connection.sendall(b"R" + struct.pack("!II", 8, 0))
    message = b"S" + struct.pack("!I", 4 + 4) + b"a\0b\0"
    while not ended.is_set():
        connection.sendall(message * 100)
        time.sleep(0.01)


def pipe(port, allowance, then):
    """To the real server at port; of what it answers `allowance` bytes pass, and then: "cut" or "stall"."""
    def behave(connection, ended):
        left = allowance
        with socket.create_connection(("127.0.0.1", port)) as server:
            while not ended.is_set():
                ready, _, _ = select.select([connection, server], [], [], 0.1)
                if connection in ready:
                    data = connection.recv(65536)
                    if not data:
                        return
                    server.sendall(data)
                if server in ready:
                    data = server.recv(65536)
                    if not data:
                        return
                    connection.sendall(data[:left])
                    left -= len(data)
                    if left < 0:
                        if then == "stall":
                            ended.wait(60)
                        return
    return behave
