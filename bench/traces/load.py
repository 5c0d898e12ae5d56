"""Concurrent streams of completions by one thread, cheap enough to leave the processors to the server."""

import json
import random
import selectors
import socket
import time

EVENT = b"data: {"
END = b"0\r\n\r\n"


class Stream:
    """One connection that asks again as soon as its answer has ended."""

    def __init__(self, port, seed, max_tokens):
        self.chance = random.Random(seed)
        self.max_tokens = max_tokens
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tail = b""
        self.busy = False
        self.sampled = None

    def ask(self):
        body = json.dumps(
            {
                "prompt": f"Once upon a time there was a {self.chance.randrange(10**6)}",
                # Of one length all streams would end together, and a window would count whole rounds of them.
                "max_tokens": self.chance.randint(self.max_tokens // 2, self.max_tokens + self.max_tokens // 2),
                "ignore_eos": True,
                "stream": True,
            }
        ).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: bench\r\n{self.context()}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        self.tail = b""
        self.busy = True

    def context(self):
        """A caller's context, which says whether the request is traced; without one the server decides."""
        if self.sampled is None:
            return ""
        trace, span = self.chance.getrandbits(128), self.chance.getrandbits(64)
        return f"traceparent: 00-{trace:032x}-{span:016x}-{int(self.sampled):02x}\r\n"

    def read(self):
        """Events that came."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed a stream")
        seen = self.tail + data
        # What a read cut in two is counted with the next.
        self.tail = seen[-(len(EVENT) - 1) :]
        if seen.endswith(END):
            self.busy = False
        return seen.count(EVENT)


class Load:
    """Endless streams to one server or several; who is paused meanwhile sends nothing."""

    def __init__(self, ports, streams, max_tokens):
        self.selector = selectors.DefaultSelector()
        self.tokens = dict.fromkeys(ports, 0)
        for port in ports:
            for seed in range(streams):
                stream = Stream(port, seed, max_tokens)
                stream.ask()
                self.selector.register(stream.socket, selectors.EVENT_READ, (stream, port))

    def max_tokens(self, count):
        """How long answers are that are asked for from now on."""
        for key in self.selector.get_map().values():
            key.data[0].max_tokens = count

    def sampled(self, port, yes):
        """Whether callers have traced what they ask this server from now on; None: there are no callers with a context."""
        for key in self.selector.get_map().values():
            stream, asked = key.data
            if asked == port:
                stream.sampled = yes

    def run(self, seconds):
        """Reads for so long; the tokens that came are added to those of their server."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                stream, port = key.data
                self.tokens[port] += stream.read()
                if not stream.busy:
                    stream.ask()
