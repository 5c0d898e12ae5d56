#!/usr/bin/env python3
"""How long a sequence outlives its client: closes the connection of a running request and polls /metrics until nothing runs.

Usage: leave.py PORT [ROUNDS]; the server best runs with --backend reference, so that a request takes seconds.
"""
import json
import socket
import statistics
import sys
import time


def running(port):
    with socket.create_connection(("127.0.0.1", port)) as metrics:
        metrics.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = b""
        while chunk := metrics.recv(65536):
            text += chunk
    line = next(l for l in text.decode().splitlines() if l.startswith("vllm:num_requests_running"))
    return float(line.split()[-1])


def leave(port, stream):
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": 500, "ignore_eos": True, "stream": stream}).encode()
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                   + str(len(body)).encode() + b"\r\n\r\n" + body)
    while running(port) == 0:
        pass
    client.close()
    start = time.monotonic()
    while running(port) > 0:
        pass
    return (time.monotonic() - start) * 1000


def main():
    port, rounds = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    for stream in (True, False):
        times = [leave(port, stream) for _ in range(rounds)]
        print(f"{'streamed' if stream else 'plain'}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {rounds}")


main()
