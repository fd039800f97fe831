"""A hook for Handrail, with states in memory. What it must do is told in docs/backends/hook.md.

HOOK_SECRET holds its secret, or two with a space between; HOOK_STATES the first states as JSON, by key; HOOK_PORT its
port on 127.0.0.1. It answers one question at a time; a web server before it brings TLS and takes what is slow.
"""

import base64
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

SECRETS = [base64.b64decode(word.removeprefix("whsec_")) for word in os.environ["HOOK_SECRET"].split()]
STATES: dict[str, Any] = json.loads(os.environ["HOOK_STATES"])
DONE: set[tuple[str, str]] = set()  # idempotency keys, each with a change that was made under it


def sign(identifier: str, timestamp: str, body: bytes) -> list[str]:
    digests = [hmac.digest(secret, f"{identifier}.{timestamp}.".encode() + body, "sha256") for secret in SECRETS]
    return [f"v1,{base64.b64encode(digest).decode()}" for digest in digests]


def is_signed(signatures: str, ours: list[str]) -> bool:
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in ours for given in signatures.split())


def change(wanted: dict[str, Any], asked: dict[str, Any]) -> dict[str, str]:
    key, mark = wanted["key"], (asked["idempotency_key"], json.dumps(wanted, sort_keys=True))
    if STATES[key] != wanted["after"]:
        if STATES[key] != wanted["before"] or mark in DONE:
            return {"key": key, "reply": "refused", "detail": "it is not what it was when this was planned"}
        STATES[key] = wanted["after"]
        print(json.dumps([key, asked["run"], asked["person"], asked["reason"]]), flush=True)
    DONE.add(mark)
    return {"key": key, "reply": "accepted"}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    if asked["verb"] == "apply":
        return {"receipts": [change(wanted, asked) for wanted in asked["changes"]]}
    # To "rehearse" it has nothing to say, for it cannot pretend.
    return {"states": {key: STATES[key] for key in asked["keys"]}} if asked["verb"] == "observe" else {"findings": []}


class Hook(BaseHTTPRequestHandler):
    timeout = 5  # seconds of silence

    def do_POST(self) -> None:
        body = self.rfile.read(min(abs(int(self.headers["Content-Length"])), 4 * 1024 * 1024))
        identifier, timestamp = self.headers["webhook-id"] or "", self.headers["webhook-timestamp"] or ""
        is_known = is_signed(self.headers["webhook-signature"] or "", sign(identifier, timestamp, body))
        if not is_known or abs(time.time() - int(timestamp)) > 300:
            self.send_error(401)
            return
        said, now = json.dumps(answer(json.loads(body))).encode(), str(int(time.time()))
        self.send_response(200)
        self.send_header("webhook-id", identifier)
        self.send_header("webhook-timestamp", now)
        self.send_header("webhook-signature", " ".join(sign(identifier, now, said)))
        self.end_headers()
        self.wfile.write(said)


HTTPServer(("127.0.0.1", int(os.environ["HOOK_PORT"])), Hook).serve_forever()
