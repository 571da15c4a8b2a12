-- Remembers and recalls with plain psql, in the database that PGDATABASE names: psql -f memory.sql
-- The same as ../python/memory.py and ../node/memory.js. Run it again: nothing is there twice.
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS agentmem;
SELECT agentmem.create_store('example', dimensions => 26) WHERE to_regnamespace('example') IS NULL \g /dev/null

-- Stands for your model, which an application asks before it calls: here letters are counted, which is enough to see what is near.
CREATE FUNCTION pg_temp.embed(source text) RETURNS agentmem.vector LANGUAGE sql
RETURN (SELECT array_agg(length(source) - length(replace(lower(source), chr(letter), '')) ORDER BY letter)::agentmem.vector FROM generate_series(ascii('a'), ascii('z')) letter);

\set fact 'Alice lives in Lisbon'
SELECT agentmem.remember('example', 'user/42', :'fact', 'fact', pg_temp.embed(:'fact'),
  subject => 'Alice', predicate => 'lives in', object => 'Lisbon', valid_from => '2024-01-01 00:00+00') \g /dev/null
-- Another value of the same subject and predicate: the first ends where this one begins.
\set fact 'Alice lives in Porto'
SELECT agentmem.remember('example', 'user/42', :'fact', 'fact', pg_temp.embed(:'fact'),
  subject => 'Alice', predicate => 'lives in', object => 'Porto', valid_from => '2025-01-01 00:00+00') \g /dev/null
\set fact 'Bob plays the cello'
SELECT agentmem.remember('example', 'user/42', :'fact', 'fact', pg_temp.embed(:'fact'),
  subject => 'Bob', predicate => 'plays', object => 'the cello', valid_from => '2024-03-01 00:00+00') \g /dev/null

-- By words and by meaning, as it is now; by words, as it was then; and as text for a prompt.
\set question 'Where does Alice live?'
SELECT content FROM agentmem.recall('example', 'user/42', :'question', pg_temp.embed(:'question'), k => 1);
SELECT content FROM agentmem.recall('example', 'user/42', :'question', valid_at => '2024-06-01 00:00+00', k => 1);
\set question 'Who plays the cello?'
SELECT rtrim(agentmem.recall_context('example', 'user/42', :'question', pg_temp.embed(:'question'), k => 1, max_tokens => 200), E'\n');
