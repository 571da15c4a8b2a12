#!/usr/bin/env node
// Remembers and recalls with pg, in the database that PGDATABASE and the like name.
// The same as ../python/memory.py and ../psql/memory.sql. Run it again: nothing is there twice.
'use strict';

const pg = require('pg');

// Stands for your model: here letters are counted, which is enough to see what is near.
const embed = (text) => JSON.stringify([...'abcdefghijklmnopqrstuvwxyz'].map((letter) => text.toLowerCase().split(letter).length - 1));

const FACTS = [
  ['Alice lives in Lisbon', 'Alice', 'lives in', 'Lisbon', '2024-01-01T00:00Z'],
  // Another value of the same subject and predicate: the first ends where this one begins.
  ['Alice lives in Porto', 'Alice', 'lives in', 'Porto', '2025-01-01T00:00Z'],
  ['Bob plays the cello', 'Bob', 'plays', 'the cello', '2024-03-01T00:00Z'],
];

async function main() {
  const db = new pg.Client({ host: process.env.PGHOST });
  await db.connect();
  await db.query('SET client_min_messages = warning');
  await db.query('CREATE EXTENSION IF NOT EXISTS agentmem');
  await db.query("SELECT agentmem.create_store('example', dimensions => 26) WHERE to_regnamespace('example') IS NULL");
  for (const [content, ...rest] of FACTS) {
    await db.query(
      `SELECT agentmem.remember('example', 'user/42', $1, 'fact', $2::text::agentmem.vector,
         subject => $3, predicate => $4, object => $5, valid_from => $6)`,
      [content, embed(content), ...rest]);
  }

  // By words and by meaning, as it is now; by words, as it was then; and as text for a prompt.
  const recall = "SELECT content FROM agentmem.recall('example', 'user/42', $1, $2::text::agentmem.vector, valid_at => $3, k => 1)";
  const question = 'Where does Alice live?';
  console.log((await db.query(recall, [question, embed(question), null])).rows[0].content);
  console.log((await db.query(recall, [question, null, '2024-06-01T00:00Z'])).rows[0].content);
  const context = `SELECT agentmem.recall_context('example', 'user/42', $1, $2::text::agentmem.vector, k => 1, max_tokens => 200) AS text`;
  process.stdout.write((await db.query(context, ['Who plays the cello?', embed('Who plays the cello?')])).rows[0].text);
  await db.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1); // the connection would keep it alive
});
