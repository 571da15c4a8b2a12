-- What the semantic cache refuses; nothing is changed by any of it.

SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT agentmem.create_store('cache_store', dimensions => 2);
SELECT agentmem.create_store('cache_text');
CREATE SCHEMA cache_none;
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Who?', '[1,0]', 'Me') > 0 AS kept;

-- NULL.
SELECT agentmem.cache_put(NULL, 'n', 'talk', 'p', NULL, 'r');
SELECT agentmem.cache_put('cache_store', NULL, 'talk', 'p', NULL, 'r');
SELECT agentmem.cache_put('cache_store', 'n', NULL, 'p', NULL, 'r');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', NULL, NULL, 'r');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', NULL, NULL);
SELECT agentmem.cache_get(NULL, 'n', 'talk', '[1,0]');
SELECT agentmem.cache_get('cache_store', NULL, 'talk', '[1,0]');
SELECT agentmem.cache_get('cache_store', 'n', NULL, '[1,0]');
SELECT agentmem.cache_get('cache_store', 'n', 'talk', NULL);
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', NULL);
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', lease => NULL);
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', wait => NULL);
SELECT agentmem.cache_release('cache_store', 'n', 'talk', 'p', NULL);
SELECT agentmem.cache_forget('cache_store', 'n', 'talk', NULL);
SELECT agentmem.cache_clear('cache_store', NULL);
SELECT agentmem.cache_sweep('cache_store', 'n', NULL);
SELECT agentmem.cache_sweep('cache_store', NULL);

-- Stores, namespaces and categories that are none.
SELECT agentmem.cache_put('nowhere', 'n', 'talk', 'p', NULL, 'r');
SELECT agentmem.cache_get('nowhere', 'n', 'talk', '[1,0]');
SELECT agentmem.cache_get('cache_none', 'n', 'talk', '[1,0]');
SELECT agentmem.cache_get('cache_store', '', 'talk', '[1,0]');
SELECT agentmem.cache_put('cache_store', E'a\nb', 'talk', 'p', NULL, 'r');
SELECT agentmem.cache_get('cache_store', 'n', '', '[1,0]');
SELECT agentmem.cache_put('cache_store', 'n', repeat('x', 513), 'p', NULL, 'r');
SELECT agentmem.cache_put('cache_store', 'n', E'a\x01', 'p', NULL, 'r');
SELECT agentmem.set_cache_category('nowhere', 'talk');
SELECT agentmem.cache_load('cache_none', 0.5);

-- Vectors.
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', '[1,0,0]', 'r');
SELECT agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]');
-- ... even where the same prompt is there.
SELECT agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]', 'Who?');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', '[NaN,0]', 'r');
SELECT agentmem.cache_put('cache_text', 'n', 'talk', 'p', '[1,0]', 'r');
SELECT agentmem.cache_get('cache_text', 'n', 'talk', '[1,0]', 'p');

-- Numbers and times.
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', NULL, 'r', claim => 0);
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', NULL, 'r', claim => 999999) IS NULL AS refused;
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', lease => '0');
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', lease => '-1 s');
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', wait => '-1 s');
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p', wait => '00:01:01');
SELECT agentmem.cache_release('cache_store', 'n', 'talk', 'p', -1);
SELECT agentmem.cache_sweep('cache_store', 'n', 0);
SELECT agentmem.cache_sweep('cache_store', 'n', 1000001);

-- Policies.
SELECT agentmem.set_cache_category('cache_store', NULL);
SELECT agentmem.set_cache_category('cache_store', '');
SELECT agentmem.set_cache_category('cache_store', 'talk', threshold => 'NaN');
SELECT agentmem.set_cache_category('cache_store', 'talk', threshold => -0.1);
SELECT agentmem.set_cache_category('cache_store', 'talk', threshold => 0.5, threshold_min => 0.6);
SELECT agentmem.set_cache_category('cache_store', 'talk', ttl => '-1 hour');
SELECT agentmem.set_cache_category('cache_store', 'talk', ttl => '0');
SELECT agentmem.set_cache_category('cache_store', 'talk', ttl => '2 hours', ttl_max => '1 hour');
SELECT agentmem.set_cache_category('cache_store', 'talk', ttl_max => '1001 years');
SELECT agentmem.set_cache_category('cache_store', 'talk', quota => -1);
SELECT agentmem.cache_load('cache_store', NULL);
SELECT agentmem.cache_load('cache_store', 0.5, NULL);
SELECT agentmem.cache_load('cache_store', 1.5);
SELECT agentmem.cache_load('cache_store', 'NaN');
SELECT agentmem.cache_load('cache_store', 0.5, '-1 min');
SELECT agentmem.cache_load('cache_store', 0.5, category => 'talk');
SELECT count(*) FROM cache_store.cache_category;
BEGIN;
DELETE FROM cache_store.cache_category;
SELECT agentmem.cache_get('cache_store', 'n', 'talk', '[1,0]');
ROLLBACK;

-- Read-only transactions read.
BEGIN READ ONLY;
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0]');
SAVEPOINT s;
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', NULL, 'r');
ROLLBACK TO s;
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p');
ROLLBACK TO s;
SELECT agentmem.cache_clear('cache_store', 'n');
ROLLBACK;

-- Who may what: nothing without USAGE; a reader reads and is not counted; a writer needs the tables of the cache only.
CREATE ROLE agm_cacher;
SET ROLE agm_cacher;
SELECT agentmem.cache_get('cache_store', 'n', 'talk', '[1,0]');
RESET ROLE;
GRANT USAGE ON SCHEMA cache_store TO agm_cacher;
SET ROLE agm_cacher;
SELECT agentmem.cache_get('cache_store', 'n', 'talk', '[1,0]');
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA cache_store TO agm_cacher;
SET ROLE agm_cacher;
SELECT count(response) FROM generate_series(1, 300) i, agentmem.cache_get('cache_store', 'n', 'talk', format('[%s,0]', i)::agentmem.vector);
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', NULL, 'r');
SELECT agentmem.cache_claim('cache_store', 'n', 'talk', 'p');
SELECT agentmem.cache_clear('cache_store', 'n');
SELECT agentmem.set_cache_category('cache_store', 'talk', quota => 1);
SELECT agentmem.cache_load('cache_store', 1);
RESET ROLE;
SELECT hits FROM cache_store.cache_stats;
SELECT count(*) FROM cache_store.cache;
GRANT SELECT, INSERT, UPDATE, DELETE ON cache_store.cache, cache_store.cache_use, cache_store.cache_state, cache_store.cache_log, cache_store.cache_claim TO agm_cacher;
GRANT USAGE ON SEQUENCE cache_store.operation_seq TO agm_cacher;
SET ROLE agm_cacher;
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'p', '[0,1]', 'r') > 0 AS kept;
SELECT state FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'q');
SELECT count(response) FROM generate_series(1, 3) i, agentmem.cache_get('cache_store', 'n', 'talk', format('[%s,0]', i)::agentmem.vector);
SELECT agentmem.cache_sweep('cache_store', 'n'), agentmem.cache_forget('cache_store', 'n', 'talk', 'p'), agentmem.cache_clear('cache_store', 'n');
RESET ROLE;

-- Row security: another's namespace has no cache, and nothing is counted about it.
SELECT agentmem.cache_put('cache_store', n, 'talk', 'Who?', '[1,0]', n) > 0 AS kept FROM unnest('{a,b}'::text[]) n;
SELECT action FROM unnest('{a,b}'::text[]) n, agentmem.remember('cache_store', n, 'The kettle is on', 'fact');
SELECT agentmem.enable_row_security('cache_store');
REVOKE SELECT ON cache_store.namespace FROM agm_cacher;
SET agentmem.namespace = 'a';
SET ROLE agm_cacher;
SELECT agentmem.cache_put('cache_store', 'a', 'talk', 'p', NULL, 'r');
RESET ROLE;
GRANT SELECT ON cache_store.namespace TO agm_cacher;
SET ROLE agm_cacher;
SELECT response FROM unnest('{a,b}'::text[]) n, agentmem.cache_get('cache_store', n, 'talk', '[1,0]');
SELECT count(*) FROM generate_series(1, 300) i, agentmem.cache_get('cache_store', 'b', 'talk', format('[%s,0]', i)::agentmem.vector);
SELECT agentmem.cache_put('cache_store', 'b', 'talk', 'p', NULL, 'r');
SELECT state FROM agentmem.cache_claim('cache_store', 'b', 'talk', 'p');
SELECT agentmem.cache_clear('cache_store', 'b'), agentmem.cache_sweep('cache_store', 'b'), agentmem.cache_forget('cache_store', 'b', 'talk', 'Who?');
SELECT agentmem.cache_put('cache_store', 'b', 'talk', 'p', NULL, 'r', claim => 1);
SELECT agentmem.cache_put('cache_store', 'a', 'talk', 'p', NULL, 'r') > 0 AS kept;
SELECT namespace, entries, hits, misses FROM cache_store.cache_stats;
RESET ROLE;
-- ... nor is its row locked, which would keep erase waiting.
SELECT n.namespace, n.xmax::text <> '0' AS locked FROM cache_store.namespace n ORDER BY n.namespace;
RESET agentmem.namespace;
SELECT agentmem.disable_row_security('cache_store');
SELECT namespace, entries, hits, misses FROM cache_store.cache_stats WHERE namespace IN ('a', 'b') ORDER BY namespace;
SELECT count(*) FROM cache_store.cache_log;

-- A table that is no longer what it was.
ALTER TABLE cache_store.cache ALTER response TYPE bytea USING response::bytea;
SELECT agentmem.cache_get('cache_store', 'n', 'talk', NULL, 'Who?');
SELECT agentmem.cache_get('cache_store', 'a', 'talk', NULL, 'Who?');
DROP VIEW cache_store.cache_stats;
DROP TABLE cache_store.cache;
SELECT agentmem.cache_get('cache_store', 'a', 'talk', NULL, 'Who?');
SELECT agentmem.drop_store('cache_store', cascade => true);
SELECT agentmem.drop_store('cache_text');
DROP SCHEMA cache_none;
DROP ROLE agm_cacher;
