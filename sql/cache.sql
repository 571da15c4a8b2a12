-- The semantic cache: what is given, what is not, who goes, who asks the model.

SET client_min_messages = warning;
SELECT agentmem.create_store('cache_store', dimensions => 3);
SELECT agentmem.create_store('cache_parts', dimensions => 3, partitions => 4);
SELECT agentmem.create_store('cache_text');
SELECT agentmem.create_store('cache_many');

-- The same prompt, byte for byte; else the nearest that is near enough; else no row.
SELECT * FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]', 'Who are you?');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Who are you?', '[1,0,0]', 'A cache', '{"model": "m"}');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Where are you?', '[0,1,0]', 'Here');
SELECT response, similarity, age >= '0' AS aged, id, attributes FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0,0,1]', 'Who are you?');
SELECT response, similarity::numeric(4,3), id FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0.3,0]', 'who are you?');
SELECT response, similarity::numeric(4,3), id FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0.1,1,0.1]');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0.6,0]');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', NULL, 'who are you?');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', NULL, 'Where are you?');
-- Another namespace, another category, a vector without direction.
SELECT response FROM agentmem.cache_get('cache_store', 'm', 'talk', '[1,0,0]', 'Who are you?');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'code', '[1,0,0]', 'Who are you?');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0,0,0]');
-- A new answer takes the place of the old one.
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Where are you?', NULL, 'There');
SELECT response, attributes FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0,1,0]', 'Where are you?');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0,1,0]');
SELECT id, prompt, response, embedding FROM cache_store.cache ORDER BY id;
-- Prompts are compared as they are, however long.
SELECT agentmem.cache_put('cache_store', 'long', 'talk', repeat('é', 100000), NULL, repeat('x', 300000)) > 0 AS kept, agentmem.cache_put('cache_store', 'long', 'talk', '', NULL, '') > 0 AS empty;
SELECT length(response) FROM agentmem.cache_get('cache_store', 'long', 'talk', NULL, repeat('é', 100000));
SELECT length(response) FROM agentmem.cache_get('cache_store', 'long', 'talk', NULL, '');
-- A store of text knows prompts only; another metric, other distances.
SELECT agentmem.cache_put('cache_text', 'n', 'talk', 'Who?', NULL, 'Me') > 0 AS kept;
SELECT response, similarity FROM agentmem.cache_get('cache_text', 'n', 'talk', NULL, 'Who?');
SELECT agentmem.create_store('cache_l2', dimensions => 2, metric => 'l2'), agentmem.create_store('cache_ip', dimensions => 2, metric => 'ip');
SELECT agentmem.set_cache_category(s, 'default', threshold => 0.5) FROM unnest('{cache_l2,cache_ip}'::name[]) s;
SELECT agentmem.cache_put(s, 'n', 'talk', 'Who?', '[1,0]', 'Me') > 0 AS kept FROM unnest('{cache_l2,cache_ip}'::name[]) s;
SELECT v, response, similarity FROM unnest('{"[1,0]","[1,1]","[1,1.1]"}'::agentmem.vector[]) v LEFT JOIN LATERAL agentmem.cache_get('cache_l2', 'n', 'talk', v) ON true;
SELECT v, response, similarity FROM unnest('{"[3,0]","[0.5,1]","[0.4,1]"}'::agentmem.vector[]) v LEFT JOIN LATERAL agentmem.cache_get('cache_ip', 'n', 'talk', v) ON true;
SELECT agentmem.set_cache_category('cache_l2', 'default', threshold => 0, threshold_min => 0);
SELECT response, similarity::numeric(7,6) FROM agentmem.cache_get('cache_l2', 'n', 'talk', '[1000,0]');
SELECT agentmem.drop_store(s) FROM unnest('{cache_l2,cache_ip}'::name[]) s;

-- As if they had come earlier.
CREATE FUNCTION pg_temp.age(which text, by interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE cache_store.cache_use u SET created = c.created - by FROM cache_store.cache c WHERE c.namespace = 'n' AND u.id = c.id AND c.prompt LIKE which;
  UPDATE cache_store.cache c SET created = c.created - by WHERE c.namespace = 'n' AND c.prompt LIKE which;
END $$;
-- A lifetime over; with load it is longer, and thresholds are lower, for a time.
SELECT agentmem.set_cache_category('cache_store', 'talk', threshold => 0.9, threshold_min => 0.8, ttl => '1 hour', ttl_max => '3 hours');
SELECT pg_temp.age('Who are you?', '90 min');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]', 'Who are you?');
SELECT agentmem.cache_load('cache_store', 0.5);
SELECT response, age > '89 min' AS old FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]', 'Who are you?');
SELECT response, similarity::numeric(4,3) FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0.58,0]');
SELECT agentmem.cache_load('cache_store', 1, category => 'talk');
SELECT response, similarity::numeric(4,3) FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0.7,0]');
SELECT agentmem.cache_load('cache_store', 1, lasts => '0');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]', 'Who are you?');
-- What is older than any load allows is removed by the next answer, or by a sweep.
SELECT agentmem.cache_sweep('cache_store', 'n');
SELECT pg_temp.age('Who are you?', '90 min');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Why?', '[0,0,1]', 'So') > 0 AS kept;
SELECT prompt FROM cache_store.cache WHERE namespace = 'n' ORDER BY id;
SELECT pg_temp.age('%', '4 hours');
SELECT agentmem.cache_sweep('cache_store', 'n', 1), agentmem.cache_sweep('cache_store', 'n'), agentmem.cache_sweep('cache_store', 'n');
-- Ten that are nearer are too old: the one behind them is found; with none behind them nothing is.
SELECT count(agentmem.cache_put('cache_store', 'n', 'talk', 'near' || i, format('[1,%s,0]', i / 1000.0)::agentmem.vector, 'old')) FROM generate_series(1, 10) i;
SELECT pg_temp.age('near%', '90 min');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'behind', '[1,0.1,0]', 'young') > 0 AS kept;
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[1,0,0]');
SELECT agentmem.cache_clear('cache_store', 'n');
-- A lifetime without end.
UPDATE cache_store.cache_category SET ttl = NULL, ttl_max = NULL WHERE name = 'talk';
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Why?', '[0,0,1]', 'So') > 0 AS kept;
SELECT pg_temp.age('%', '2000 years');
SELECT response FROM agentmem.cache_get('cache_store', 'n', 'talk', '[0,0,1]');
SELECT agentmem.cache_sweep('cache_store', 'n');

-- Counts: of gets that wrote nothing, once something is written.
SELECT agentmem.cache_clear('cache_store', 'n', 'talk'), agentmem.cache_clear('cache_store', 'n');
UPDATE cache_store.cache_state SET hits = 0, misses = 0, fills = 0, fill_us = 0 WHERE namespace = 'n';
SELECT count(*) FROM generate_series(1, 3) i, agentmem.cache_get('cache_store', 'n', 'talk', format('[%s,0,0]', i)::agentmem.vector, 'Who?');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Who?', '[1,0,0]', 'Me') > 0 AS kept;
SELECT count(*) FROM generate_series(1, 4) i, agentmem.cache_get('cache_store', 'n', 'talk', format('[%s,0,0]', i)::agentmem.vector, 'Who?');
SELECT hits, misses, hit_rate FROM cache_store.cache_stats WHERE namespace = 'n';
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Who?', '[1,0,0]', 'I') > 0 AS kept;
SELECT entries, hits, misses, round(hit_rate::numeric, 3) AS hit_rate, look_up > '0' AS took, answer > '0' AS took_too, break_even > 0 AS pays_from FROM cache_store.cache_stats WHERE namespace = 'n';
-- 256 entries that were hit are written at once; nothing in a read-only transaction.
UPDATE cache_store.cache_category SET quota = NULL;
SELECT count(agentmem.cache_put('cache_store', 'many', 'talk', 'p' || i, NULL, 'r')) FROM generate_series(1, 300) i;
SELECT count(response) FROM generate_series(1, 300) i, agentmem.cache_get('cache_store', 'many', 'talk', NULL, 'p' || i);
SELECT hits, cardinality(ids) FROM cache_store.cache_log;
SELECT hits, misses FROM cache_store.cache_stats WHERE namespace = 'many';
BEGIN READ ONLY;
SELECT count(response) FROM generate_series(1, 300) i, agentmem.cache_get('cache_store', 'many', 'talk', NULL, 'p' || i);
COMMIT;
SELECT agentmem.cache_put('cache_store', 'many', 'talk', 'p1', NULL, 'r') > 0 AS kept;
SELECT entries, fresh, hits, misses FROM cache_store.cache_state WHERE namespace = 'many';
SELECT phase, count(*) FROM cache_store.cache_use WHERE namespace = 'many' GROUP BY phase ORDER BY phase;
SELECT count(*) FROM cache_store.cache_log;

-- Who goes.  Quota 10, one of it for those never hit; the seed makes the choice the same.
SELECT agentmem.set_cache_category('cache_store', 'ten', quota => 10, ttl => '1 day');
CREATE FUNCTION pg_temp.ask(store name, prompts text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p text;
  answers text := '';
BEGIN
  FOREACH p IN ARRAY prompts LOOP
    IF EXISTS (SELECT FROM agentmem.cache_get(store, 'e', 'ten', NULL, p)) THEN
      answers := answers || '+';
    ELSE
      answers := answers || '-';
      PERFORM agentmem.cache_put(store, 'e', 'ten', p, NULL, 'r');
    END IF;
  END LOOP;
  RETURN answers;
END $$;
SELECT pg_temp.ask('cache_store', '{a}'), agentmem.cache_clear('cache_store', 'e');
UPDATE cache_store.cache_state SET seed = 42, evicted = 0 WHERE namespace = 'e';
-- Nine are hit, others pass through the tenth place.
SELECT pg_temp.ask('cache_store', '{a,b,c,d,e,f,g,h,i,a,b,c,d,e,f,g,h,i,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f,g,h,i}');
SELECT string_agg(c.prompt, ' ' ORDER BY c.prompt COLLATE "C") AS held, s.entries, s.fresh, s.evicted FROM cache_store.cache c JOIN cache_store.cache_state s USING (namespace, category) WHERE namespace = 'e' GROUP BY s.entries, s.fresh, s.evicted;
-- New favourites get in: one that is hit while it is there, at the cost of one that was not hit in the phase.
SELECT pg_temp.ask('cache_store', '{x,x,y,y}');
SELECT phase, entries, fresh, evicted FROM cache_store.cache_state WHERE namespace = 'e';
SELECT string_agg(c.prompt, ' ' ORDER BY c.prompt COLLATE "C") AS held FROM cache_store.cache c WHERE namespace = 'e';
SELECT pg_temp.ask('cache_store', '{x,y,x,z,z,z}');
SELECT count(*) FILTER (WHERE prompt IN ('x', 'y', 'z')) AS favourites, count(*) FROM cache_store.cache WHERE namespace = 'e';
-- The same seed and the same questions: the same entries go.
SELECT agentmem.create_store('cache_again', dimensions => 3);
SELECT agentmem.set_cache_category('cache_again', 'ten', quota => 10, ttl => '1 day');
DO $$ BEGIN
  FOR n IN 1 .. 2 LOOP
    PERFORM pg_temp.ask('cache_again', '{a}');
    PERFORM agentmem.cache_clear('cache_again', 'e');
    PERFORM setval('cache_again.operation_seq', 1, false);
    UPDATE cache_again.cache_state SET seed = 7, phase = 1, evicted = 0;
    PERFORM pg_temp.ask('cache_again', (SELECT array_agg('p' || (i * i) % 23 ORDER BY i) FROM generate_series(1, 300) i));
    EXECUTE format('CREATE TEMP TABLE held%s AS SELECT prompt FROM cache_again.cache', n);
  END LOOP;
END $$;
SELECT count(*), (SELECT count(*) FROM held1) AS held FROM held1 JOIN held2 USING (prompt);
SELECT agentmem.drop_store('cache_again');
-- A smaller quota: the next answer makes room, and a sweep; 0 keeps nothing.
SELECT agentmem.set_cache_category('cache_store', 'ten', quota => 4);
SELECT agentmem.cache_put('cache_store', 'e', 'ten', 'new', NULL, 'r') > 0 AS kept;
SELECT entries FROM cache_store.cache_state WHERE namespace = 'e';
SELECT agentmem.set_cache_category('cache_store', 'ten', quota => 0);
SELECT agentmem.cache_put('cache_store', 'e', 'ten', 'newer', NULL, 'r') IS NULL AS not_kept;
SELECT agentmem.cache_sweep('cache_store', 'e');
SELECT entries, fresh FROM cache_store.cache_state WHERE namespace = 'e';
-- Rows that were removed by hand are found out.
SELECT agentmem.set_cache_category('cache_store', 'ten', quota => 4);
SELECT pg_temp.ask('cache_store', '{a,b,c,d}');
DELETE FROM cache_store.cache WHERE namespace = 'e';
DELETE FROM cache_store.cache_use WHERE namespace = 'e';
SELECT pg_temp.ask('cache_store', '{a,b,c,d,a,b,c,d}');
SELECT entries, (SELECT count(*) FROM cache_store.cache WHERE namespace = 'e') FROM cache_store.cache_state WHERE namespace = 'e';

-- One filler a prompt.
SELECT state, claim IS NOT NULL AS claimed, leased_until > now() AS leased FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'How?');
SELECT state, claim IS NOT NULL AS claimed, leased_until > now() AS leased FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'How?');
SELECT state FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'How?', wait => '30 ms');
SELECT state FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'When?');
SELECT claim AS how FROM cache_store.cache_claim ORDER BY claim LIMIT 1 \gset
-- A lease that is over is another's; the first one's answer is not taken then.
UPDATE cache_store.cache_claim SET leased_until = now() WHERE claim = :how;
SELECT state, claim > :how AS another FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'How?');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'How?', NULL, 'late', claim => :how) IS NULL AS refused;
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'How?', NULL, 'So', claim => max(claim)) > 0 AS kept FROM cache_store.cache_claim;
SELECT state, claim, leased_until FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'How?');
-- An answer ends the claim of its prompt, whoever has it; so does who gives it up.
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'When?', NULL, 'Now') > 0 AS kept;
SELECT count(*) FROM cache_store.cache_claim;
SELECT state, claim FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'Whence?') \gset
SELECT agentmem.cache_release('cache_store', 'n', 'talk', 'Whence?', :claim + 1), agentmem.cache_release('cache_store', 'n', 'talk', 'Whence?', :claim), agentmem.cache_release('cache_store', 'n', 'talk', 'Whence?', :claim);
-- What is forgotten or cleared is not put under a claim of before.
SELECT state, claim FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'Whence?') \gset
SELECT agentmem.cache_forget('cache_store', 'n', 'talk', 'Whence?'), agentmem.cache_forget('cache_store', 'n', 'talk', 'When?'), agentmem.cache_forget('cache_store', 'n', 'talk', 'When?');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Whence?', NULL, 'x', claim => :claim) IS NULL AS refused;
SELECT state, claim FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'Whence?') \gset
SELECT agentmem.cache_clear('cache_store', 'n');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Whence?', NULL, 'x', claim => :claim) IS NULL AS refused;
-- A sweep takes claims that nobody ended long ago.
SELECT state FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'Whence?');
SELECT agentmem.cache_sweep('cache_store', 'n');
SELECT count(*) FROM cache_store.cache_claim;
UPDATE cache_store.cache_claim SET leased_until = now() - interval '2 hours';
SELECT agentmem.cache_sweep('cache_store', 'n');
SELECT count(*) FROM cache_store.cache_claim;

-- Erasing anything of a namespace clears its cache, and no other.
SELECT id FROM agentmem.remember('cache_store', 'n', 'Nina is from Nice', 'fact');
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Whence is Nina?', '[1,0,0]', 'Nice') > 0 AS kept, agentmem.cache_put('cache_store', 'm', 'talk', 'Whence?', '[1,0,0]', 'Rome') > 0 AS too;
SELECT state, claim FROM agentmem.cache_claim('cache_store', 'n', 'talk', 'Who is Nina?') \gset
SELECT agentmem.erase('cache_store', 'n', ids => '{1}') AS receipt \gset
SELECT key, value FROM jsonb_each(:'receipt'::jsonb -> 'erased') WHERE key LIKE 'cache%' ORDER BY key COLLATE "C";
SELECT * FROM agentmem.erase_verify('cache_store', :'receipt') WHERE remaining > 0 OR relation LIKE '%.cache%' ORDER BY relation COLLATE "C";
SELECT agentmem.cache_put('cache_store', 'n', 'talk', 'Who is Nina?', NULL, 'From Nice', claim => :claim) IS NULL AS refused;
SELECT namespace FROM cache_store.cache WHERE namespace IN ('n', 'm');
-- A look-up that was counted beside it has left numbers.
INSERT INTO cache_store.cache_log (namespace, category, created, hits, misses, get_us, ids) VALUES ('n', 'talk', now() - interval '1 min', 1, 0, 1, '{1}');
SELECT count(*), sum(remaining) FROM agentmem.erase_verify('cache_store', :'receipt');
DELETE FROM cache_store.cache_log WHERE namespace = 'n';
-- What is there although it should not be is counted.
INSERT INTO cache_store.cache (namespace, category, created, prompt_hash, prompt, response) VALUES ('n', 'talk', now() - interval '1 min', gen_random_uuid(), 'x', 'Nice');
SELECT * FROM agentmem.erase_verify('cache_store', :'receipt') WHERE remaining > 0;

-- maintain sweeps it: in namespaces that have memories.
SELECT action FROM agentmem.remember('cache_store', 'n', 'Nina is from Nice');
UPDATE cache_store.cache_category SET ttl = '1 second', ttl_max = '1 second' WHERE name = 'default';
SELECT agentmem.cache_put('cache_store', 'n', 'old', 'How old?', NULL, 'Old') > 0 AS kept;
UPDATE cache_store.cache SET created = now() - interval '1 min' WHERE category = 'old';
UPDATE cache_store.cache_use SET created = now() - interval '1 min' WHERE category = 'old';
SELECT step, changed FROM agentmem.maintain('cache_store', 'n', dry_run => true) WHERE step = 'cache';
SELECT step, changed FROM agentmem.maintain('cache_store', 'n') WHERE step IN ('cache', 'statistics');
SELECT step, changed FROM agentmem.maintain('cache_store', 'n') WHERE step IN ('cache', 'statistics');
CREATE ROLE regress_cache_maintainer;
GRANT USAGE ON SCHEMA cache_store TO regress_cache_maintainer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cache_store TO regress_cache_maintainer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA cache_store TO regress_cache_maintainer;
REVOKE ALL ON cache_store.cache, cache_store.cache_claim FROM regress_cache_maintainer;
SET ROLE regress_cache_maintainer;
SELECT step, changed FROM agentmem.maintain('cache_store', 'n') WHERE step IN ('cache', 'statistics');
RESET ROLE;
DROP OWNED BY regress_cache_maintainer;
DROP ROLE regress_cache_maintainer;

-- A partitioned store.
SELECT agentmem.cache_put('cache_parts', n, 'talk', 'Who?', '[1,0,0]', n) > 0 AS kept FROM unnest('{a,b,c}'::text[]) n;
SELECT n, response FROM unnest('{a,b,c,d}'::text[]) n LEFT JOIN LATERAL agentmem.cache_get('cache_parts', n, 'talk', '[1,0.1,0]') ON true;
SELECT response FROM agentmem.cache_get('cache_parts', 'a', 'talk', NULL, 'Who?');
SELECT state FROM agentmem.cache_claim('cache_parts', 'a', 'talk', 'Where?');
SELECT agentmem.set_cache_category('cache_parts', 'talk', quota => 1);
SELECT agentmem.cache_put('cache_parts', 'a', 'talk', 'Where?', '[1,0,0]', 'there') > 0 AS kept;
SELECT namespace, entries, evicted, hits FROM cache_parts.cache_stats ORDER BY namespace;
SELECT agentmem.cache_clear('cache_parts', 'a'), agentmem.cache_sweep('cache_parts', 'b');

-- Others' counts are added up by a put a few at a time, by a sweep all of them; what is cleared is not marked.
SELECT agentmem.cache_put('cache_many', 'log', 'talk', 'p' || i, NULL, 'r') > 0 AS kept FROM generate_series(1, 2) i;
INSERT INTO cache_many.cache_log
SELECT 'log', 'talk', timestamptz '2000-01-01 00:00Z' + i * interval '1 s', 3, 2, 1, ARRAY[c.id, c.id, -1]
FROM generate_series(1, 300) i, cache_many.cache c WHERE c.namespace = 'log' AND c.prompt = 'p1';
SELECT agentmem.cache_put('cache_many', 'log', 'talk', 'p2', NULL, 'r') > 0 AS kept;
SELECT count(*), min(created) AT TIME ZONE 'UTC' AS first FROM cache_many.cache_log WHERE namespace = 'log';
SELECT entries, fresh, hits, misses FROM cache_many.cache_state WHERE namespace = 'log';
SELECT agentmem.cache_sweep('cache_many', 'log');
SELECT entries, fresh, hits, misses, get_us, (SELECT count(*) FROM cache_many.cache_log WHERE namespace = 'log') AS left FROM cache_many.cache_state WHERE namespace = 'log';
INSERT INTO cache_many.cache_log SELECT 'log', 'talk', timestamptz '2000-01-01 00:00Z', 1, 0, 0, ARRAY[i] FROM generate_series(1, 300) i;
SELECT agentmem.cache_clear('cache_many', 'log', 'talk');
SELECT entries, fresh, hits, (SELECT count(*) FROM cache_many.cache_log WHERE namespace = 'log') AS left FROM cache_many.cache_state WHERE namespace = 'log';

-- A backend counts in many namespaces; where it keeps too much, what it was asked for longest ago is written.
SELECT count(agentmem.cache_put('cache_many', 'ns/' || i, 'talk', 'p', NULL, 'r')) FROM generate_series(1, 200) i;
SELECT count(response) FROM generate_series(1, 200) i, agentmem.cache_get('cache_many', 'ns/' || i, 'talk', NULL, 'p');
SELECT count(*) FROM cache_many.cache_log WHERE namespace LIKE 'ns/%';
SELECT count(agentmem.cache_put('cache_many', 'ns/' || i, 'talk', 'q', NULL, 'r')) FROM generate_series(1, 200) i;
SELECT sum(hits), sum(fresh) FROM cache_many.cache_state WHERE namespace LIKE 'ns/%';
SELECT count(agentmem.cache_put('cache_many', lpad(i::text, 500, '_'), repeat('c', 500), 'p', NULL, 'r')) FROM generate_series(1, 1200) i;
SELECT count(response) FROM generate_series(1, 1200) i, agentmem.cache_get('cache_many', lpad(i::text, 500, '_'), repeat('c', 500), NULL, 'p');
SELECT count(*) BETWEEN 300 AND 600 AS written, max(hits), max(cardinality(ids)), count(*) FILTER (WHERE ltrim(namespace, '_')::int > 600) AS late
FROM cache_many.cache_log WHERE category = repeat('c', 500);
SELECT count(agentmem.cache_put('cache_many', lpad(i::text, 500, '_'), repeat('c', 500), 'q', NULL, 'r')) FROM generate_series(1, 1200) i;
SELECT sum(hits), sum(fresh) FROM cache_many.cache_state WHERE category = repeat('c', 500);
-- The ids of one hardly fit beside the others'.
SELECT count(agentmem.cache_put('cache_many', 'many', 'talk', 'p' || i, NULL, 'r')) FROM generate_series(1, 300) i;
SELECT count(response) FROM generate_series(1, 1200) i, agentmem.cache_get('cache_many', lpad(i::text, 500, '_'), repeat('c', 500), NULL, 'p');
UPDATE cache_many.cache_state SET hits = 0 WHERE namespace = 'many';
SELECT count(response) FROM generate_series(1, 300) i, agentmem.cache_get('cache_many', 'many', 'talk', NULL, 'p' || i);
SELECT agentmem.cache_put('cache_many', 'many', 'talk', 'p1', NULL, 'r') > 0 AS kept;
SELECT hits, fresh FROM cache_many.cache_state WHERE namespace = 'many';

-- The look-up by likeness is the index's.
SET jit = off;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF)
SELECT response FROM cache_store.cache c WHERE c.namespace = 'n' AND c.category = 'talk' ORDER BY c.embedding OPERATOR(agentmem.<=>) '[1,0,0]' LIMIT 8;
RESET jit;
RESET enable_seqscan;

SELECT agentmem.drop_store('cache_store', cascade => true);
SELECT agentmem.drop_store('cache_parts');
SELECT agentmem.drop_store('cache_text');
SELECT agentmem.drop_store('cache_many');
