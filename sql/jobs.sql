-- The job queue: claiming, leases, completing, giving back.

SELECT agentmem.create_store('jobs_store', dimensions => 2);
INSERT INTO jobs_store.setting VALUES ('embedding_model', 'mini');
CREATE TEMP VIEW job AS
  SELECT namespace, kind, ids, priority, state, attempt, worker, error, run_at > now() AS later FROM jobs_store.job ORDER BY id;

-- Off by default; on, what has no embedding is queued, once, and no secret ever.
SELECT id, action FROM agentmem.remember('jobs_store', 'n', 'The kettle is blue', 'fact');
SELECT * FROM job;
INSERT INTO jobs_store.setting VALUES ('embed_jobs', 'on');
SELECT id, action FROM agentmem.remember('jobs_store', 'n', 'The tide is high', 'fact');
SELECT id, action FROM agentmem.remember('jobs_store', 'n', 'The tide is high', 'fact');
SELECT id, action FROM agentmem.remember('jobs_store', 'n', 'The moon is new', 'fact', '[1,0]', model => 'mini');
SELECT id, action FROM agentmem.remember('jobs_store', 'n', 'door code', 'secret', attributes => '{"value": "1234"}');
SELECT ordinal, id, action FROM agentmem.remember_many('jobs_store', 'm', '[{"content": "One"}, {"content": "Two", "embedding": [1, 1]}]');
SELECT * FROM job;
-- What was there before is queued by the namespace.
SELECT agentmem.enqueue_embeddings('jobs_store', 'n');
SELECT agentmem.enqueue_embeddings('jobs_store', 'n');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}', priority => 3) = (SELECT id FROM jobs_store.job WHERE ids = '{1}') AS same;

-- The most urgent first; a claimed one is not given twice.
SELECT namespace, kind, ids, payload, attempt, leased_until > now() AS leased, model, dimensions, jsonb_path_query_array(input, '$[*].content') AS input
FROM agentmem.claim_jobs('jobs_store', worker => 'w1');
SELECT namespace, ids, input -> 0 ->> 'content' AS content FROM agentmem.claim_jobs('jobs_store', '{embed}', n => 10, worker => 'w2');
SELECT count(*) FROM agentmem.claim_jobs('jobs_store', n => 10);
SELECT * FROM job;

-- Completing fills the embedding: no version, no operation; and is done once.
CREATE FUNCTION pg_temp.job_of(memory bigint) RETURNS bigint LANGUAGE sql AS
  'SELECT id FROM jobs_store.job WHERE ids = ARRAY[memory]';
SELECT pg_temp.job_of(1) AS job \gset
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [3, 4], "model": "mini"}', attempt => 1);
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [3, 4], "model": "mini"}', attempt => 1);
SELECT id, embedding, model FROM jobs_store.memory WHERE namespace = 'n' ORDER BY id;
SELECT count(*) FROM jobs_store.memory_history;
SELECT id, content FROM agentmem.recall('jobs_store', 'n', embedding => '[3,4]', k => 1);
SELECT action, count(*) FROM jobs_store.audit GROUP BY action ORDER BY action;

-- A vector of words that the memory does not have any more is not written: the job waits again.
SELECT pg_temp.job_of(2) AS job \gset
SELECT agentmem.revise('jobs_store', 'n', 2, content => 'The tide is low');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [1, 1]}') IS NULL AS nothing;
SELECT embedding IS NULL AS none FROM jobs_store.memory WHERE namespace = 'n' AND id = 2;
SELECT attempt, input -> 0 ->> 'content' AS content FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": "[1,1]"}');

-- A lease that is over: another has it, and the first is told so; without attempt whoever comes first.
SELECT ids, attempt FROM agentmem.claim_jobs('jobs_store');
SELECT pg_temp.job_of(5) AS job \gset
SELECT agentmem.heartbeat_job('jobs_store', 'm', :job, '10 min') AS held;
SELECT run_at > now() + interval '9 min' AS longer FROM jobs_store.job;
UPDATE jobs_store.job SET run_at = now() - interval '1 s';
SELECT agentmem.heartbeat_job('jobs_store', 'm', :job, attempt => 1) AS held;
UPDATE jobs_store.job SET run_at = now() - interval '1 s';
SELECT ids, attempt FROM agentmem.claim_jobs('jobs_store', worker => 'w3');
SELECT agentmem.heartbeat_job('jobs_store', 'm', :job, attempt => 1) AS held;
SELECT agentmem.fail_job('jobs_store', 'm', :job, 'too late', attempt => 1) IS NULL AS nothing;
SELECT agentmem.complete_job('jobs_store', 'm', :job, '{"embedding": [1, 2]}', attempt => 1) IS NULL AS nothing;
SELECT agentmem.complete_job('jobs_store', 'm', :job, '{"embedding": [1, 2]}');
SELECT count(*) FROM jobs_store.job;

-- Given back: later each time, then dead; retried.
SELECT agentmem.enqueue_job('jobs_store', 'n', 'extract', '{3,1,1}', '{"prompt": "facts"}', attempts => 3) AS job \gset
SELECT attempt, ids, payload, jsonb_path_query_array(input, '$[*].id') AS input FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'no answer');
SELECT count(*) FROM agentmem.claim_jobs('jobs_store');
SELECT run_at - now() BETWEEN '9 s' AND '11 s' AS backoff FROM jobs_store.job;
UPDATE jobs_store.job SET run_at = now();
SELECT attempt FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'no answer', 2);
SELECT run_at - now() BETWEEN '19 s' AND '21 s' AS backoff FROM jobs_store.job;
UPDATE jobs_store.job SET run_at = now();
SELECT attempt FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'still none', retry_after => '3 min');
SELECT * FROM job;
SELECT count(*) FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.retry_jobs('jobs_store', 'n', '{0}'), agentmem.retry_jobs('jobs_store', 'n'), agentmem.retry_jobs('jobs_store', 'n');
-- retry_after instead of the backoff.
SELECT attempt FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'busy', retry_after => '3 min');
SELECT run_at - now() BETWEEN '170 s' AND '190 s' AS backoff FROM jobs_store.job;
-- The last lease runs out: the next claim finds it dead, and goes on.
UPDATE jobs_store.job SET run_at = now(), attempts = 2;
SELECT attempt FROM agentmem.claim_jobs('jobs_store');
UPDATE jobs_store.job SET run_at = now(), error = NULL;
SELECT agentmem.enqueue_job('jobs_store', 'n', 'reflect', '{1,2}', priority => -1) > 0 AS queued;
SELECT kind FROM agentmem.claim_jobs('jobs_store');
SELECT * FROM job;

-- What was made of memories is remembered by the usual rules, and tied to them.
SELECT agentmem.retry_jobs('jobs_store', 'n', ARRAY[:job]);
SELECT kind, attempt FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [
  {"content": "Ann likes the blue kettle", "subject": "Ann", "embedding": [0, 1]},
  {"content": "the KETTLE is blue"},
  {"content": "Ann is in", "kind": "observation", "provenance": "observed", "embedding": [0, 2]}]}') AS written;
SELECT id, kind, content, provenance, confirmations FROM agentmem.get('jobs_store', 'n', '{1,7,8}');
SELECT source, target, type FROM jobs_store.edge ORDER BY source, target, type;
SELECT id AS job FROM jobs_store.job WHERE kind = 'reflect' \gset
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [{"content": "Ann looks after things", "embedding": [1,1]}]}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'summarize', '{7,8}') AS job \gset
SELECT count(*) FROM agentmem.claim_jobs('jobs_store', '{summarize}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": []}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'summarize', '{7,8}') AS job \gset
SELECT count(*) FROM agentmem.claim_jobs('jobs_store', '{summarize}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [{"content": "All of Ann", "embedding": [1,1]}]}');
SELECT source, target, type FROM jobs_store.edge WHERE source > 8 ORDER BY source, target, type;
SELECT kind, provenance FROM agentmem.get('jobs_store', 'n', '{9,10}');

-- A conflict is settled as resolve() does; one that a person has settled leaves nothing to do.
SELECT (agentmem.remember('jobs_store', 'n', 'The lamp is red', 'fact', '[5,5]')).id AS a,
       (agentmem.remember('jobs_store', 'n', 'The lamp is green', 'fact', '[5,5.1]')).id AS b \gset
SELECT conflict FROM agentmem.conflicts('jobs_store', 'n') WHERE a = :a AND b = :b \gset
SELECT agentmem.enqueue_job('jobs_store', 'n', 'adjudicate', payload => jsonb_build_object('conflict', :conflict)) AS job \gset
SELECT jsonb_path_query_array(input, '$[*].content') AS input FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"resolution": "annotate", "note": "both lamps"}') = ARRAY[:a, :b]::bigint[] AS sides;
SELECT resolution, note FROM jobs_store.conflict WHERE id = :conflict;
SELECT agentmem.enqueue_job('jobs_store', 'n', 'adjudicate', payload => jsonb_build_object('conflict', :conflict)) AS job \gset
SELECT count(*) FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"resolution": "retain"}') IS NOT NULL AS done;
SELECT resolution FROM jobs_store.conflict WHERE id = :conflict;

-- Nobody's: of a memory that was forgotten.
SELECT (agentmem.remember('jobs_store', 'n', 'Soon forgotten', 'fact')).id AS gone,
       (agentmem.remember('jobs_store', 'n', 'Kept', 'fact')).id AS kept \gset
SELECT agentmem.forget('jobs_store', 'n', :gone);
SELECT input -> 0 ->> 'content' AS content FROM agentmem.claim_jobs('jobs_store');
SELECT ids = ARRAY[:kept]::bigint[] AS kept FROM jobs_store.job;

-- Erasing takes jobs along, and looks for them; export leaves them out.
SELECT agentmem.enqueue_job('jobs_store', 'n', 'extract', ARRAY[1, :kept]) > 0 AS queued;
SELECT count(*) FROM agentmem.export('jobs_store', 'n') line WHERE line::text LIKE '%extract%';
SELECT receipt, receipt -> 'erased' -> 'job' AS jobs FROM agentmem.erase('jobs_store', 'n', ids => ARRAY[:kept]) receipt \gset
SELECT :jobs AS jobs;
SELECT remaining FROM agentmem.erase_verify('jobs_store', :'receipt') WHERE relation = 'jobs_store.job';
INSERT INTO jobs_store.job (namespace, kind, ids) VALUES ('n', 'extract', ARRAY[:kept]);
SELECT remaining FROM agentmem.erase_verify('jobs_store', :'receipt') WHERE relation = 'jobs_store.job';
-- Everything: one without memories too.
SELECT agentmem.enqueue_job('jobs_store', 'n', 'reflect', payload => '{"about": "Ann"}') > 0 AS queued;
SELECT agentmem.enqueue_job('jobs_store', 'm', 'reflect') > 0 AS queued;
SELECT kind, ids, payload, input FROM agentmem.claim_jobs('jobs_store', '{reflect}');
SELECT receipt FROM agentmem.erase('jobs_store', 'n', everything => true) receipt \gset
SELECT namespace, count(*) FROM jobs_store.job GROUP BY namespace;
SELECT sum(remaining) FROM agentmem.erase_verify('jobs_store', :'receipt');

DROP VIEW job;
SELECT agentmem.drop_store('jobs_store', cascade => true);

-- Partitioned; row security shows each consumer its own.
SELECT agentmem.create_store('jobs_store', dimensions => 2, partitions => 4);
INSERT INTO jobs_store.setting VALUES ('embed_jobs', 'on'), ('job_notify', 'off');
SELECT count(*) FROM generate_series(1, 8) i, agentmem.remember('jobs_store', 'ns' || i, 'Number ' || i);
CREATE ROLE jobs_worker;
GRANT USAGE ON SCHEMA jobs_store TO jobs_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs_store TO jobs_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs_store TO jobs_worker;
SELECT agentmem.enable_row_security('jobs_store');
SET ROLE jobs_worker;
SELECT count(*) FROM agentmem.claim_jobs('jobs_store', n => 10);
SET agentmem.namespace = 'ns3,ns5';
SELECT namespace, input -> 0 ->> 'content' AS content FROM agentmem.claim_jobs('jobs_store', n => 10) ORDER BY 1;
SELECT namespace, agentmem.complete_job('jobs_store', namespace, id, '{"embedding": [1,2]}') IS NOT NULL AS done FROM jobs_store.job ORDER BY 1;
SELECT count(*) FROM jobs_store.job;
RESET ROLE;
SELECT agentmem.disable_row_security('jobs_store');
SELECT count(*) FROM jobs_store.job;
SELECT namespace, id, embedding FROM jobs_store.memory WHERE embedding IS NOT NULL ORDER BY id;
RESET agentmem.namespace;
SELECT agentmem.drop_store('jobs_store', cascade => true);
DROP ROLE jobs_worker;
