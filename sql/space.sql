-- A second space of embeddings: filled by jobs while the first serves, then in its place.
SET jit = off;

SELECT agentmem.create_store('space_store', dimensions => 2, metric => 'l2');
INSERT INTO space_store.setting VALUES ('embedding_model', 'old');
CREATE TEMP VIEW job AS
  SELECT namespace, kind, ids, version IS NOT NULL AS of_version, state FROM space_store.job ORDER BY id;
CREATE TEMP VIEW progress AS SELECT * FROM agentmem.space_progress('space_store');
-- A vector of three dimensions that tells the content: a model.
CREATE FUNCTION pg_temp.answer(content text) RETURNS jsonb LANGUAGE sql AS
  $$SELECT jsonb_build_object('model', 'new', 'embedding', jsonb_build_array(ascii(content), length(content), 1))$$;
CREATE FUNCTION pg_temp.work(kinds text[]) RETURNS bigint LANGUAGE sql VOLATILE AS
  $$SELECT count(agentmem.complete_job('space_store', c.namespace, c.job, pg_temp.answer(c.input -> 0 ->> 'content'), c.attempt))
    FROM agentmem.claim_jobs('space_store', kinds, 100) c$$;

SELECT action FROM agentmem.remember('space_store', 'n', 'apple', 'fact', '[1,0]', key => 'a', model => 'old');
SELECT action FROM agentmem.remember('space_store', 'n', 'bread', 'fact', '[0,1]', key => 'b');
SELECT action FROM agentmem.remember('space_store', 'm', 'cheese', 'fact');
SELECT action FROM agentmem.remember('space_store', 'n', 'door code', 'secret', attributes => '{"value": "1234"}');
SELECT agentmem.revise('space_store', 'n', 2, title => 'of rye');
SELECT clock_timestamp() AS then \gset
SELECT agentmem.revise('space_store', 'n', 2, content => 'butter', embedding => '[1,1]');
SELECT agentmem.add_kind('space_store', 'recipe', 'semantic', 'How to cook') IS NOT NULL AS added;
-- Fewer bits where the one that serves has fewer.
UPDATE space_store.memory SET embedding = agentmem.quantize(embedding, 8) WHERE id = 1;

-- Nothing yet.
SELECT * FROM progress;
SELECT agentmem.begin_space('space_store', 3, 'new', 'cosine') AS queued;
SELECT * FROM job;
SELECT name, value FROM space_store.setting WHERE name LIKE 'next%' ORDER BY name;
SELECT * FROM progress;
SELECT agentmem.enqueue_space('space_store') AS more;

-- The first space serves as ever, and takes what it took.
SELECT id, content FROM agentmem.recall('space_store', 'n', embedding => '[1,0]', k => 2);
SELECT action FROM agentmem.remember('space_store', 'n', 'dates', 'fact', '[0,2]', model => 'old');
INSERT INTO space_store.setting VALUES ('embed_jobs', 'on');
SELECT action FROM agentmem.remember('space_store', 'n', 'eggs', 'fact');
SELECT count(*) FROM agentmem.remember_many('space_store', 'n', '[{"content": "flour"}, {"content": "ginger"}, {"content": "honey"}, {"content": "ice"}]');
SELECT kind, count(*) FROM space_store.job GROUP BY kind ORDER BY kind;
INSERT INTO space_store.memory (namespace, kind, content) VALUES ('n', 'fact', 'jam');
SELECT agentmem.enqueue_space('space_store') AS more;

-- A consumer is told which model, and answers go where the kind of the job says.
SELECT kind, model, dimensions, input -> 0 ->> 'content' AS content FROM agentmem.claim_jobs('space_store', '{embed}', 1);
SELECT kind, model, dimensions, input -> 0 ->> 'content' AS content, job FROM agentmem.claim_jobs('space_store', '{embed_next}', 1) \gset
\echo :kind :model :dimensions :content
SELECT agentmem.complete_job('space_store', 'm', :job, '{"embedding": [99, 6, 1]}');
SELECT embedding, model, embedding_next, model_next FROM space_store.memory WHERE content = 'cheese';
SELECT pg_temp.work('{embed_next}') AS done;
SELECT * FROM progress;
SELECT namespace, content, embedding, embedding_next, model_next FROM space_store.memory ORDER BY namespace, id;
SELECT content, title, embedding, embedding_next FROM space_store.memory_history ORDER BY system_period;

-- Another content has another vector, and a job; what is no content keeps it.
SELECT agentmem.revise('space_store', 'n', 1, title => 'red');
SELECT agentmem.revise('space_store', 'n', 5, content => 'figs');
SELECT content, embedding_next FROM space_store.memory WHERE id IN (1, 5) ORDER BY id;
UPDATE space_store.memory SET content = 'bagel' WHERE namespace = 'n' AND id = 2;
SELECT namespace, ids FROM space_store.job WHERE kind = 'embed_next';
SELECT agentmem.enqueue_space('space_store') AS more;
SELECT memories, filled, versions, versions_filled, queued FROM progress;
SELECT agentmem.switch_space('space_store');
SELECT pg_temp.work('{embed_next}') AS done;
SELECT memories - filled AS missing, versions - versions_filled AS missing_versions, share FROM progress;
SELECT restored FROM agentmem.restore('space_store', 'n', 5) restored;
SELECT pg_temp.work('{embed_next}') AS done;

-- The switch: what was built on the columns goes along.
CREATE ROLE regress_space_reader;
GRANT USAGE ON SCHEMA space_store TO regress_space_reader;
GRANT SELECT ON space_store.kind_fact TO regress_space_reader;
PREPARE nearest AS SELECT content FROM agentmem.recall('space_store', 'n', embedding => $1, k => 1);
EXECUTE nearest('[1,0]');
EXECUTE nearest('[1,0]');
SELECT count(agentmem.cache_put('space_store', 'n', 'c', 'What grows on trees?', '[1,0]', 'apples')) AS cached;
GRANT SELECT (embedding) ON space_store.cache TO regress_space_reader WITH GRANT OPTION;
ALTER INDEX space_store.cache_embedding_idx SET (list_size = 300);
SELECT agentmem.switch_space('space_store');
SELECT count(*) AS cached FROM space_store.cache;
SELECT has_column_privilege('regress_space_reader', 'space_store.cache', 'embedding', 'SELECT WITH GRANT OPTION') AS granted, c.reloptions
FROM pg_class c WHERE c.oid = 'space_store.cache_embedding_idx'::regclass;
ALTER INDEX space_store.cache_embedding_idx RESET (list_size);
SELECT count(agentmem.cache_put('space_store', 'n', 'c', 'What grows on trees?', '[1,0,1]', 'pears')) AS cached;
SELECT response FROM agentmem.cache_get('space_store', 'n', 'c', '[1,0.1,1]');
SELECT name, value FROM space_store.setting WHERE name NOT IN ('version', 'language') ORDER BY name;
SELECT dimensions, metric FROM agentmem.stores WHERE store = 'space_store';
SELECT * FROM job;
SELECT * FROM progress;
EXECUTE nearest('[97,5,1]');
EXECUTE nearest('[1,0]');
SELECT content FROM agentmem.recall('space_store', 'n', embedding => '[97,5,1]', mode => 'exact', k => 1);
SELECT content FROM agentmem.recall('space_store', 'n', embedding => '[98,5,1]', known_at => :'then', k => 1);
SELECT content, embedding, agentmem.precision(embedding) AS bits, model FROM space_store.kind_fact WHERE namespace = 'n' ORDER BY id;
SELECT has_table_privilege('regress_space_reader', 'space_store.kind_fact', 'SELECT') AS granted;
INSERT INTO space_store.kind_fact (namespace, content, embedding) VALUES ('n', 'kale', '[1,2,3]');
SELECT action FROM agentmem.remember('space_store', 'n', 'lemon', 'fact', '[108,5,1]', model => 'new');
SELECT agentmem.forget('space_store', 'n', 1);
SELECT content, embedding FROM space_store.memory_history WHERE content = 'apple' ORDER BY system_period;
-- It has what a new store has, in another order.
SELECT agentmem.create_store('space_fresh', dimensions => 3);
CREATE TEMP VIEW shape AS
  SELECT n.nspname AS store, c.relname || coalesce('.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || coalesce(' ' || col_description(c.oid, a.attnum), ''), '')
         || coalesce(replace(pg_get_indexdef(i.indexrelid), n.nspname, ''), '') || coalesce(' ' || array_to_string(c.reloptions, ','), '') AS part
  FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid LEFT JOIN pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'p')
  WHERE n.nspname IN ('space_store', 'space_fresh')
  UNION ALL
  SELECT n.nspname, c.relname || ' ' || t.tgname || ' ' || encode(t.tgargs, 'escape') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('space_store', 'space_fresh') AND t.tgname LIKE 'memory%';
(SELECT part FROM shape WHERE store = 'space_store' AND part !~ '^(cache|kind_recipe)' EXCEPT SELECT part FROM shape WHERE store = 'space_fresh' ORDER BY 1)
UNION ALL (SELECT 'missing: ' || part FROM (SELECT part FROM shape WHERE store = 'space_fresh' EXCEPT SELECT part FROM shape WHERE store = 'space_store') m ORDER BY 1);

-- By force: what has no vector yet is found by its words, and its job goes on.
SELECT agentmem.begin_space('space_store', 2, 'newer', history => false) AS queued;
SELECT pg_temp.work('{extract}') AS done;
SELECT job FROM agentmem.claim_jobs('space_store', '{embed_next}') \gset
SELECT versions, versions_filled FROM progress;
SELECT agentmem.switch_space('space_store', force => true) AS missing;
SELECT kind, state, count(*) FROM space_store.job GROUP BY kind, state ORDER BY kind, state;
SELECT count(*) AS found, count(*) FILTER (WHERE channels ? 'semantic') AS by_meaning FROM agentmem.recall('space_store', 'n', 'butter lemon', '[1,1]', k => 100);
SELECT cardinality(agentmem.complete_job('space_store', 'm', :job, '{"embedding": [4, 2], "model": "newer"}')) AS done;
SELECT embedding, model FROM space_store.memory WHERE namespace = 'm';
SELECT agentmem.drop_store('space_fresh');

-- Given up: nothing of it is left.
SELECT agentmem.begin_space('space_store', 5, 'newest', 'ip') > 0 AS begun;
SELECT agentmem.cancel_space('space_store');
SELECT kind, count(*) FROM space_store.job GROUP BY kind;
SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'space_store' AND NOT a.attisdropped AND (c.relkind = 'r' AND a.attname LIKE '%\_next' OR c.relname ~ '_next_idx|_space_idx');
SELECT count(*) FROM space_store.setting WHERE name LIKE 'next%';
SELECT action FROM agentmem.remember('space_store', 'n', 'mint', 'fact', '[1,9]');
SELECT agentmem.drop_store('space_store', cascade => true);

-- A store of text only comes to have embeddings; partitions.
SELECT agentmem.create_store('space_store', partitions => 2);
SELECT count(*) FROM agentmem.remember_many('space_store', 'n', '[{"content": "apple", "kind": "fact"}, {"content": "bread", "kind": "fact"}]');
SELECT action FROM agentmem.remember('space_store', 'm', 'cheese', 'fact');
SELECT agentmem.begin_space('space_store', 3, 'new') AS queued;
SELECT action FROM agentmem.remember('space_store', 'm', 'dates', 'fact');
SELECT pg_temp.work('{embed_next}') AS done;
SELECT agentmem.switch_space('space_store');
SELECT content FROM agentmem.recall('space_store', 'n', embedding => '[98,5,1]', k => 1);
SELECT content, embedding FROM space_store.kind_fact ORDER BY content;
SELECT agentmem.create_store('space_fresh', dimensions => 3, partitions => 2);
(SELECT part FROM shape WHERE store = 'space_store' AND part !~ '^(cache|kind_recipe)' EXCEPT SELECT part FROM shape WHERE store = 'space_fresh' ORDER BY 1)
UNION ALL (SELECT 'missing: ' || part FROM (SELECT part FROM shape WHERE store = 'space_fresh' EXCEPT SELECT part FROM shape WHERE store = 'space_store') m ORDER BY 1);

SELECT agentmem.drop_store('space_fresh');
SELECT agentmem.drop_store('space_store', cascade => true);
DROP ROLE regress_space_reader;
