"""A receiver of notices: verifies each by Standard Webhooks, prints it once, and believes nothing else.

    NOTICE_SECRET=whsec_... python notice_receiver.py 8080

Standard library only. Put it behind TLS; it prints one line of JSON for each notice.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["NOTICE_SECRET"].removeprefix("whsec_"))
# In seconds, between the sender's clock and ours; in bytes, of one notice.
TOLERANCE, LARGEST = 300, 64 * 1024
# Ids of what was printed. One that serves for long keeps them in a database, for some days.
seen: set[str] = set()


def is_genuine(identifier: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether somebody who knows the secret has sent it, and not long ago."""
    if not timestamp.isascii() or not timestamp.isdigit() or abs(time.time() - int(timestamp[:12])) > TOLERANCE:
        return False
    digest = hmac.digest(KEY, f"{identifier}.{timestamp}.".encode() + body, "sha256")
    ours = f"v1,{base64.b64encode(digest).decode()}".encode()
    return any(hmac.compare_digest(ours, given.encode()) for given in signatures.split())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        identifier = self.headers.get("webhook-id", "")
        given = self.headers.get("webhook-timestamp", ""), self.headers.get("webhook-signature", "")
        if not is_genuine(identifier, *given, body):
            self.answer(401)
            return
        if identifier not in seen:
            seen.add(identifier)
            print(json.dumps(json.loads(body)), flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """What it prints are notices only."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
