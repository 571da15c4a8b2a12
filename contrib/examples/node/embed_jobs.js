#!/usr/bin/env node
// Does the embed jobs of an agentmem store with any OpenAI-compatible /v1/embeddings endpoint.
//
// usage: embed_jobs.js [--once]
//
// --once ends when no job is due.  SIGTERM and SIGINT end the program when the batch at hand is done.
// The database is PGHOST, PGDATABASE, PGUSER ...  The rest:
//
//   AGENTMEM_STORE   the store (mem)
//   EMBED_BASE_URL   the endpoint without /embeddings (https://api.openai.com/v1)
//   EMBED_API_KEY    its key, if it wants one
//   EMBED_MODEL      the model, for jobs that name none
//   EMBED_KINDS      kinds of jobs: embed, embed_next (of a second space), or both (embed)
//   EMBED_BATCH      texts in a request (64)
//   EMBED_TIMEOUT    seconds that a request may take (60)
//   EMBED_LEASE      seconds of a lease, extended while the request runs (120)
//   EMBED_POLL       seconds after which to look for jobs that nobody announced (30)
//
// One connection, each statement a transaction of its own: none is open while the model works.
'use strict';

const os = require('os');
const pg = require('pg');

const env = process.env;
const STORE = env.AGENTMEM_STORE || 'mem';
const URL = `${(env.EMBED_BASE_URL || 'https://api.openai.com/v1').replace(/\/+$/, '')}/embeddings`;
const KEY = env.EMBED_API_KEY;
const MODEL = env.EMBED_MODEL;
const KINDS = (env.EMBED_KINDS || 'embed').split(',');
const BATCH = Number(env.EMBED_BATCH || 64);
const TIMEOUT = Number(env.EMBED_TIMEOUT || 60);
const LEASE = Number(env.EMBED_LEASE || 120);
const POLL = Number(env.EMBED_POLL || 30);
const WORKER = `${os.hostname()}/${process.pid}`;
const PAUSE_MAX = 60;
const ONCE = process.argv.includes('--once');

const log = (text) => console.error(`embed_jobs: ${text}`);

let stopping = false;
let wake = () => {};

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => { // the second time at once
    stopping = true;
    wake();
  });
}

// Seconds, or until something wakes us.
function sleep(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

// The endpoint gave no vectors.  status: of HTTP, undefined if there was no answer.
class EndpointError extends Error {
  constructor(text, status, retryAfter) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter;
    // Whether the texts are at fault; else other texts would fail too.
    this.byInput = [400, 413, 422].includes(status);
  }
}

// The vectors of the texts, in their order.
async function embed(model, texts) {
  const headers = { 'Content-Type': 'application/json' };
  if (KEY) headers.Authorization = `Bearer ${KEY}`;
  const body = JSON.stringify({ model, input: texts, encoding_format: 'float' });
  let response;
  let vectors;
  try {
    response = await fetch(URL, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT * 1000) });
    if (response.ok) vectors = new Map((await response.json()).data.map((item) => [item.index, item.embedding]));
  } catch (error) {
    throw new EndpointError(`${error.name}: ${error.message}`);
  }
  if (!response.ok) {
    const after = response.headers.get('Retry-After') || '';
    const text = (await response.text().catch(() => '')).slice(0, 500);
    throw new EndpointError(`HTTP ${response.status}: ${text}`, response.status, /^\d+$/.test(after) ? Number(after) : undefined);
  }
  if (texts.some((_, i) => !vectors.has(i))) throw new EndpointError('fewer vectors than texts');
  return texts.map((_, i) => vectors.get(i));
}

// Errors of the server's that end a statement and leave the connection.
const answered = (error) => error instanceof pg.DatabaseError && !/^(57P|08|53)/.test(error.code || '');

class Consumer {
  constructor(client) {
    this.client = client;
    this.heard = false;
    this.failures = 0; // requests that failed, one after the other
    this.pause = 0;
    client.on('notification', (message) => {
      if (message.payload !== STORE) return;
      this.heard = true;
      if (!this.pause) wake();
    });
  }

  async claim() {
    const result = await this.client.query(
      "SELECT namespace, job, attempt, model, input FROM agentmem.claim_jobs($1, $2, $3, make_interval(secs => $4), $5)",
      [STORE, KINDS, BATCH, LEASE, WORKER]);
    return result.rows;
  }

  // A lease that is lost is noticed by complete_job(), which then does nothing.
  beat(jobs) {
    this.client.query(
      `SELECT agentmem.heartbeat_job($1, j.namespace, j.job, make_interval(secs => $2), j.attempt)
         FROM unnest($3::text[], $4::bigint[], $5::int[]) j(namespace, job, attempt)`,
      [STORE, LEASE, jobs.map((j) => j.namespace), jobs.map((j) => j.job), jobs.map((j) => j.attempt)],
    ).catch((error) => log(`heartbeat: ${error.message}`));
  }

  async fail(job, error, retryAfter) {
    const text = error.replaceAll('\0', ''); // no text of PostgreSQL's has one
    log(`job ${job.job}: ${text}`);
    await this.client.query('SELECT agentmem.fail_job($1, $2, $3, $4, $5, make_interval(secs => $6))',
      [STORE, job.namespace, job.job, text, job.attempt, retryAfter ?? null]);
  }

  async complete(job, model, embedding) {
    let failure;
    for (let i = 0; i < 10; i++) {
      try {
        await this.client.query('SELECT agentmem.complete_job($1, $2, $3, $4, $5)',
          [STORE, job.namespace, job.job, JSON.stringify({ embedding, model }), job.attempt]);
        return;
      } catch (error) {
        if (!answered(error)) throw error;
        failure = error;
        // Another wrote the memory at the same time; else another model or other dimensions than the store's, most of the time.
        if (error.code !== '40001' && error.code !== '40P01') break;
      }
    }
    await this.fail(job, failure.message);
  }

  // All of one model.  Whatever happens each job is completed or failed.
  async work(model, jobs) {
    if (!model) {
      for (const job of jobs) await this.fail(job, "no model: set EMBED_MODEL, or the store's embedding_model");
      return;
    }
    let vectors;
    let failure;
    try {
      vectors = await embed(model, jobs.map((job) => job.input[0].content));
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      failure = error;
    }
    if (failure && failure.byInput && jobs.length > 1) {
      for (const job of jobs) await this.work(model, [job]); // one text spoils the request
    } else if (failure) {
      if (!failure.byInput) {
        this.failures += 1;
        this.pause = failure.retryAfter || Math.min(PAUSE_MAX, 2 ** this.failures);
      }
      for (const job of jobs) await this.fail(job, failure.message, failure.retryAfter);
    } else {
      this.failures = 0;
      for (const [i, job] of jobs.entries()) await this.complete(job, model, vectors[i]);
    }
  }

  // Does a batch; false: none was there.
  async step() {
    this.heard = false;
    const jobs = await this.claim();
    const models = new Map();
    for (const job of jobs) {
      const model = job.model || MODEL;
      models.set(model, [...(models.get(model) || []), job]);
    }
    const heartbeat = setInterval(() => this.beat(jobs), (LEASE / 3) * 1000);
    try {
      for (const [model, some] of models) await this.work(model, some);
    } finally {
      clearInterval(heartbeat);
    }
    return jobs.length > 0;
  }
}

async function run() {
  const client = new pg.Client({ application_name: 'agentmem embed_jobs' });
  let lost = false;
  client.on('error', (error) => { // the connection ended while nothing ran
    lost = error;
    wake();
  });
  try {
    await client.connect();
    const consumer = new Consumer(client);
    await client.query('LISTEN agentmem_job');
    while (!stopping) {
      if (lost) throw lost;
      const found = await consumer.step();
      if (stopping) break;
      if (consumer.pause) {
        log(`waiting for ${consumer.pause} s`);
        await sleep(consumer.pause); // the endpoint's rest
        consumer.pause = 0;
      } else if (!found && ONCE) return;
      else if (!found && !consumer.heard && !lost) await sleep(POLL);
    }
  } finally {
    await client.end().catch(() => {});
  }
}

async function main() {
  let failures = 0;
  while (!stopping) {
    const started = Date.now();
    try {
      await run();
      return;
    } catch (error) {
      if (answered(error)) throw error; // no such store, no privilege
      if (Date.now() - started > PAUSE_MAX * 1000) failures = 0;
      failures += 1;
      log(error.message);
      await sleep(Math.min(PAUSE_MAX, 2 ** failures));
    }
  }
}

main().catch((error) => {
  log(error.stack);
  process.exit(1);
});
