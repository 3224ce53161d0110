"""turns.py - counts round trips: a door in front of a server, which passes on what comes and counts how often the client
has said something after the server had.

    with Turns(port) as door:
        ...                        # clients of 127.0.0.1:door.port
        door.count, door.connections"""

import socket
import threading


class Turns:
    def __init__(self, port):
        self.to, self.count, self.connections = port, 0, 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def reset(self):
        self.count = self.connections = 0

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
            last = {"from": server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, target, source is client, last), daemon=True).start()

    def _pass(self, source, target, of_client, last):
        try:
            while data := source.recv(65536):
                if of_client and last["from"] is not source:
                    with self._lock:
                        self.count += 1
                last["from"] = source
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if of_client:
            source.close()
