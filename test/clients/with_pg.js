// A program written for pgvector, with its library for node and pg.  As with_psycopg.py:
// prints what it got, which test/clients/expected has as it is over pgvector.
'use strict';

const pg = require('pg');
const pgvector = require('pgvector/pg');

function show(step, value) {
  const rounded = (_, v) => (typeof v === 'number' ? Number(v.toPrecision(5)) : v);
  console.log(`${step}: ${JSON.stringify(value, rounded)}`);
}

async function error(step, client, query, values) {
  try {
    await client.query(query, values);
    show(step, 'no error');
  } catch (e) {
    show(step, [e.code, e.message]);
  }
}

async function main() {
  const client = new pg.Client({ host: process.env.PGHOST });
  await client.connect();
  await client.query('SET client_min_messages = warning');
  await client.query('DROP TABLE IF EXISTS item');
  await client.query('CREATE TABLE item (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3), code bit(3))');
  await pgvector.registerTypes(client);

  const insert = 'INSERT INTO item (embedding, half, code) VALUES ($1, $2, $3) RETURNING embedding, half, code';
  for (const values of [[[1, 2, 3], [1, 2, 3], '000'], [[4.5, -5, 1e-5], [4.5, -5, 0.25], '101'], [[0, -0, 1], [0, 0, 1], '111']]) {
    const result = await client.query(insert, [pgvector.toSql(values[0]), pgvector.toSql(values[1]), values[2]]);
    show('inserted', result.rows);
  }
  show('null', (await client.query(insert, [null, null, null])).rows);
  for (const operator of ['<->', '<#>', '<=>', '<+>']) {
    const text = `SELECT id, (embedding ${operator} $1)::real AS distance FROM item WHERE embedding IS NOT NULL ORDER BY embedding ${operator} $1, id LIMIT 2`;
    show(operator, (await client.query(text, [pgvector.toSql([1, 2, 2])])).rows);
    // A named statement is prepared.
    show(`${operator} half`, (await client.query({ name: `half ${operator}`, text: text.replace(/embedding/g, 'half') },
      [pgvector.toSql([1, 2, 2])])).rows);
  }
  show('<~>', (await client.query("SELECT id FROM item WHERE code IS NOT NULL ORDER BY code <~> $1 LIMIT 2", ['101'])).rows);
  show('avg', (await client.query('SELECT avg(embedding), avg(half) AS half FROM item')).rows);
  await error('two of three', client, insert, [pgvector.toSql([1, 2]), null, null]);
  await error('half, two of three', client, insert, [null, pgvector.toSql([1, 2]), null]);
  await error('not a number', client, insert, ['[1,x,3]', null, null]);
  await client.end();
}

main().catch((e) => {
  console.error(e);
  process.exit(1); // the connection would keep it alive
});
