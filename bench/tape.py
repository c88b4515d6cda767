"""An answer of the mock, recorded once and written down with its schedule, for bench/target.c to play."""
import socket

from schedule import Schedule

def record(port, schedule):
    """The answer's bytes as they come from the wire, made without any waiting."""
    body = '{"inputs":{},"query":"请简单介绍一下你自己","response_mode":"streaming","user":"tape"}'.encode()
    head = ("POST /v1/chat-messages HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer app-simple\r\n"
            f"X-Mock-Plan: {schedule.at_once()}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(head.encode() + body)
        while not got.endswith(b"\r\n0\r\n\r\n"):
            more = peer.recv(65536)
            if not more:
                raise ValueError(f"the mock's answer ended early: {got[:200]!r}")
            got += more
    if not got.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"the mock does not answer with a stream: {got[:200]!r}")
    return got


def cut(answer):
    """The head, and each chunk with its framing."""
    at = answer.index(b"\r\n\r\n") + 4
    parts = [answer[:at]]
    while at < len(answer):
        line_end = answer.index(b"\r\n", at)
        end = line_end + 2 + int(answer[at:line_end], 16) + 2
        parts.append(answer[at:end])
        at = end
    return parts


def steps(parts, schedule: Schedule):
    """(due in ms after the request, events, bytes): what is due together is one step. docs/mock.md has the order."""
    due_ms, tokens, out = 0, 0, []
    for part in parts:
        if b'"event":"message"' in part:
            due_ms += schedule.gap_ms if tokens else schedule.first_ms
            tokens += 1
        if out and out[-1][0] == due_ms:
            out[-1] = (due_ms, out[-1][1] + part.count(b"data: "), out[-1][2] + part)
        else:
            out.append((due_ms, part.count(b"data: "), part))
    if tokens != schedule.tokens:
        raise ValueError(f"{tokens} tokens were recorded, {schedule.tokens} were asked for")
    return out


def write(path, port, schedule):
    with open(path, "wb") as file:
        for due_ms, events, part in steps(cut(record(port, schedule)), schedule):
            file.write(f"{round(due_ms * 1000)} {events} {len(part)}\n".encode() + part)
