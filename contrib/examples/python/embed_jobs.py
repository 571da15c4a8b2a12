#!/usr/bin/env python3
"""Does the embed jobs of an agentmem store with any OpenAI-compatible /v1/embeddings endpoint.

usage: embed_jobs.py [--once]

--once ends when no job is due.  SIGTERM and SIGINT end the program when the batch at hand is done.
The database is libpq's: PGHOST, PGDATABASE, PGUSER ...  The rest:

  AGENTMEM_STORE   the store (mem)
  EMBED_BASE_URL   the endpoint without /embeddings (https://api.openai.com/v1)
  EMBED_API_KEY    its key, if it wants one
  EMBED_MODEL      the model, for jobs that name none
  EMBED_KINDS      kinds of jobs: embed, embed_next (of a second space), or both (embed)
  EMBED_BATCH      texts in a request (64)
  EMBED_TIMEOUT    seconds that a request may take (60)
  EMBED_LEASE      seconds of a lease, extended while the request runs (120)
  EMBED_POLL       seconds after which to look for jobs that nobody announced (30)

One connection, each statement a transaction of its own: none is open while the model works.
"""

import http.client
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

STORE = os.environ.get("AGENTMEM_STORE", "mem")
URL = os.environ.get("EMBED_BASE_URL", "https://api.openai.com/v1").rstrip("/") + "/embeddings"
KEY = os.environ.get("EMBED_API_KEY")
MODEL = os.environ.get("EMBED_MODEL")
KINDS = os.environ.get("EMBED_KINDS", "embed").split(",")
BATCH = int(os.environ.get("EMBED_BATCH", "64"))
TIMEOUT = float(os.environ.get("EMBED_TIMEOUT", "60"))
LEASE = float(os.environ.get("EMBED_LEASE", "120"))
POLL = float(os.environ.get("EMBED_POLL", "30"))
WORKER = f"{socket.gethostname()}/{os.getpid()}"
PAUSE_MAX = 60

stopping = False


def log(text):
    print(f"embed_jobs: {text}", file=sys.stderr, flush=True)


class EndpointError(Exception):
    """The endpoint gave no vectors.  status: of HTTP, None if there was no answer."""

    def __init__(self, text, status=None, retry_after=None):
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after

    def by_input(self):
        """Whether the texts are at fault; else other texts would fail too."""
        return self.status in (400, 413, 422)


def embed(model, texts):
    """The vectors of the texts, in their order."""
    headers = {"Content-Type": "application/json"}
    if KEY:
        headers["Authorization"] = f"Bearer {KEY}"
    body = json.dumps({"model": model, "input": texts, "encoding_format": "float"}).encode()
    request = urllib.request.Request(URL, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            data = json.load(response)["data"]
        vectors = {item["index"]: item["embedding"] for item in data}
        return [vectors[i] for i in range(len(texts))]
    except urllib.error.HTTPError as error:
        try:
            text = error.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            text = error.reason
        after = error.headers.get("Retry-After", "")
        raise EndpointError(
            f"HTTP {error.code}: {text}", error.code, float(after) if after.isdigit() else None
        ) from error
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise EndpointError(f"{type(error).__name__}: {error}") from error


class Heartbeat:
    """Extends the leases of jobs while the block runs."""

    def __init__(self, connection, jobs):
        self.connection, self.jobs = connection, jobs
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def beat(self):
        while not self.done.wait(LEASE / 3):
            try:
                # A lease that is lost is noticed by complete_job(), which then does nothing.
                self.connection.execute(
                    "SELECT agentmem.heartbeat_job(%s, j.namespace, j.job, make_interval(secs => %s), j.attempt)"
                    " FROM unnest(%s::text[], %s::bigint[], %s::int[]) j(namespace, job, attempt)",
                    [STORE, LEASE, *map(list, zip(*((j.namespace, j.job, j.attempt) for j in self.jobs)))],
                )
            except psycopg.Error as error:
                log(f"heartbeat: {error}")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


class Consumer:
    def __init__(self, connection):
        self.connection = connection
        self.heard = False
        self.failures = 0  # requests that failed, one after the other
        self.pause = 0
        connection.add_notify_handler(self.hear)
        connection.execute("LISTEN agentmem_job")

    def hear(self, notification):
        self.heard |= notification.payload == STORE

    def claim(self):
        cursor = self.connection.cursor(row_factory=namedtuple_row)
        return cursor.execute(
            "SELECT * FROM agentmem.claim_jobs(%s, %s, %s, make_interval(secs => %s), %s)",
            [STORE, KINDS, BATCH, LEASE, WORKER],
        ).fetchall()

    def fail(self, job, error, retry_after=None):
        text = str(error).replace("\0", "")  # no text of PostgreSQL's has one
        log(f"job {job.job}: {text}")
        self.connection.execute(
            "SELECT agentmem.fail_job(%s, %s, %s, %s, %s, make_interval(secs => %s))",
            [STORE, job.namespace, job.job, text, job.attempt, retry_after],
        )

    def complete(self, job, model, vector):
        result = Jsonb({"embedding": vector, "model": model})
        for _ in range(10):
            try:
                self.connection.execute(
                    "SELECT agentmem.complete_job(%s, %s, %s, %s, %s)",
                    [STORE, job.namespace, job.job, result, job.attempt],
                )
                return
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
                failure = error  # another wrote the memory at the same time
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                failure = error  # another model or other dimensions than the store's, most of the time
                break
        self.fail(job, failure.diag.message_primary or failure)

    def work(self, model, jobs):
        """All of one model.  Whatever happens each job is completed or failed."""
        if not model:
            for job in jobs:
                self.fail(job, "no model: set EMBED_MODEL, or the store's embedding_model")
            return
        try:
            vectors = embed(model, [job.input[0]["content"] for job in jobs])
        except EndpointError as error:
            if error.by_input() and len(jobs) > 1:
                for job in jobs:  # one text spoils the request
                    self.work(model, [job])
                return
            if not error.by_input():
                self.failures += 1
                self.pause = error.retry_after or min(PAUSE_MAX, 2**self.failures)
            for job in jobs:
                self.fail(job, error, error.retry_after)
            return
        self.failures = 0
        for job, vector in zip(jobs, vectors):
            self.complete(job, model, vector)

    def step(self):
        """Does a batch; False: none was there."""
        self.heard = False
        jobs = self.claim()
        if not jobs:
            return False
        models = {}
        for job in jobs:
            models.setdefault(job.model or MODEL, []).append(job)
        with Heartbeat(self.connection, jobs):
            for model, some in models.items():
                self.work(model, some)
        return True


def run(wake, once):
    with psycopg.connect(autocommit=True, application_name="agentmem embed_jobs") as connection:
        consumer = Consumer(connection)
        while not stopping:
            found = consumer.step()
            if consumer.pause:
                log(f"waiting for {consumer.pause} s")
                select.select([wake], [], [], consumer.pause)  # the endpoint's rest
                consumer.pause = 0
            elif not found and once:
                return
            elif not found and not consumer.heard and not stopping:
                # Whatever wakes us, the next claim reads it.
                select.select([connection, wake], [], [], POLL)


def stop(signum, _frame):
    global stopping
    stopping = True
    signal.signal(signum, signal.SIG_DFL)  # the second time at once


def main():
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    failures = 0
    while not stopping:
        try:
            started = time.monotonic()
            run(wake, "--once" in sys.argv[1:])
            return
        except psycopg.OperationalError as error:
            if time.monotonic() - started > PAUSE_MAX:
                failures = 0
            failures += 1
            log(error)
            select.select([wake], [], [], min(PAUSE_MAX, 2**failures))


main()
