"""An embedding endpoint that knows no model: vectors are bytes of a SHA-256, and what a text says
makes it fail.  usage: embed_stub.py LOG.  Prints its port; writes a line of JSON for each request.

"stub-N" is a model of N dimensions.  A text with "busy once" is answered 429 the first time,
"broken once" 500 and a zero byte, "garbled once" with what is no JSON, "truncated once" with less than it announces, "garbage once"
with what is no HTTP, "stalled once" 500 whose body does not come for ten seconds; "slow" takes four seconds; "refused" is
400, with all that came along; "short" has one dimension less.
"""

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = set()
lock = threading.Lock()


def vector(model, text):
    n = int(model.rpartition("-")[2]) - ("short" in text)
    return [(b + 1) / 256 for b in hashlib.sha256(text.encode()).digest()[:n]]


class Handler(BaseHTTPRequestHandler):
    def once(self, texts, word):
        with lock:
            new = {t for t in texts if word in t} - seen
            seen.update(new)
        return bool(new)

    def answer(self, status, body, missing=0, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = asked["input"]
        with lock, open(sys.argv[1], "a") as log:
            log.write(json.dumps({"path": self.path, "key": self.headers["Authorization"], "n": len(texts)}) + "\n")
        if self.once(texts, "busy once"):
            return self.answer(429, b"too many requests", Retry_After="1")
        if self.once(texts, "broken once"):
            return self.answer(500, b"out of\0 order")
        if self.once(texts, "garbled once"):
            return self.answer(200, b"<html>")
        if self.once(texts, "truncated once"):
            return self.answer(200, b'{"data": [', missing=100)
        if self.once(texts, "garbage once"):
            return self.wfile.write(b"\x00\x01 no HTTP\r\n\r\n")
        if self.once(texts, "stalled once"):
            self.answer(500, b"out of", missing=100)
            return time.sleep(10)
        if any("refused" in t for t in texts):
            return self.answer(400, b"a text is too long")
        if any("slow" in t for t in texts):
            time.sleep(4)
        # In another order than asked: what counts is the index.
        data = [{"index": i, "embedding": vector(asked["model"], t)} for i, t in enumerate(texts)]
        return self.answer(200, json.dumps({"data": data[::-1]}).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
