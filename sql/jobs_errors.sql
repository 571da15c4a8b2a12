-- What the job queue refuses; nothing is changed by any of it.

\set SHOW_CONTEXT never
SELECT agentmem.create_store('jobs_store', dimensions => 2);
SELECT agentmem.create_store('jobs_text');
INSERT INTO jobs_store.setting VALUES ('embedding_model', 'mini');
SELECT id FROM agentmem.remember('jobs_store', 'n', 'The kettle is blue', 'fact');
SELECT id FROM agentmem.remember('jobs_text', 'n', 'The kettle is blue', 'fact');
CREATE SCHEMA jobs_none;

-- Queuing.
SELECT agentmem.enqueue_job(NULL, 'n', 'embed', '{1}');
SELECT agentmem.enqueue_job('jobs_store', NULL, 'embed', '{1}');
SELECT agentmem.enqueue_job('jobs_store', 'n', NULL, '{1}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}', priority => NULL);
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}', attempts => NULL);
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}', attempts => 0);
SELECT agentmem.enqueue_job('jobs_none', 'n', 'embed', '{1}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'dance', '{1}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1,2}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{NULL}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{2}');
SELECT agentmem.enqueue_job('jobs_store', 'm', 'extract', '{1}');
SELECT agentmem.enqueue_job('jobs_text', 'n', 'embed', '{1}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'adjudicate');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'adjudicate', payload => '{"conflict": "1"}');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'adjudicate', payload => '{"conflict": 1}');
SELECT agentmem.enqueue_embeddings('jobs_text', 'n');
SELECT agentmem.enqueue_embeddings('jobs_store', 'n', 0);
SELECT agentmem.enqueue_embeddings('jobs_store', 'n', NULL);
SELECT count(*) FROM jobs_store.job;

-- Claiming.
SELECT agentmem.claim_jobs(NULL);
SELECT agentmem.claim_jobs('jobs_store', n => NULL);
SELECT agentmem.claim_jobs('jobs_store', n => 0);
SELECT agentmem.claim_jobs('jobs_store', n => 10001);
SELECT agentmem.claim_jobs('jobs_store', lease => NULL);
SELECT agentmem.claim_jobs('jobs_store', lease => '0');
SELECT agentmem.claim_jobs('jobs_store', lease => '-1 min');
SELECT agentmem.claim_jobs('jobs_store', lease => '400000 years');
SELECT agentmem.claim_jobs('jobs_store', worker => repeat('w', 1025));
SELECT count(*) FROM agentmem.claim_jobs('jobs_store', worker => repeat('w', 1024));
SELECT agentmem.claim_jobs('jobs_store', '{dance}');
SELECT agentmem.claim_jobs('jobs_store', '{embed,NULL}');
SELECT agentmem.claim_jobs('nowhere');

-- Completing.
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}') AS job \gset
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [1,2]}') IS NULL AS "not leased";
SELECT agentmem.heartbeat_job('jobs_store', 'n', :job) AS "not leased";
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'x') IS NULL AS "not leased";
SELECT kind FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', 0, '{"embedding": [1,2]}') IS NULL AS "no such job";
SELECT agentmem.complete_job('jobs_store', 'm', :job, '{"embedding": [1,2]}') IS NULL AS "not here";
SELECT agentmem.complete_job('jobs_store', 'n', NULL, '{}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, NULL);
SELECT agentmem.complete_job('jobs_store', 'n', :job, '[]');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": null}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [1,2,3]}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": ["a","b"]}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"embedding": [1,2], "model": "maxi"}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"vector": [1,2]}');
SELECT agentmem.heartbeat_job('jobs_store', 'n', :job, '0');
SELECT agentmem.heartbeat_job('jobs_store', 'n', :job, NULL);
SELECT agentmem.heartbeat_job('jobs_store', 'n', NULL);
SELECT agentmem.fail_job('jobs_store', 'n', :job, NULL);
SELECT agentmem.fail_job('jobs_store', 'n', NULL, 'x');
SELECT state, attempt FROM jobs_store.job;
SELECT agentmem.enqueue_job('jobs_store', 'n', 'extract', '{1}') AS job \gset
SELECT kind FROM agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '"text"');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": {}}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [1]}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [{"content": "One"}, {"content": ""}]}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [{"content": "One", "kind": "dance"}]}');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": [{"content": "One", "parent": 77}]}');
SELECT agentmem.count('jobs_store', 'n');

-- What a role may do is what it may do with the tables.
CREATE ROLE jobs_reader;
GRANT USAGE ON SCHEMA jobs_store TO jobs_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA jobs_store TO jobs_reader;
SET ROLE jobs_reader;
SELECT agentmem.claim_jobs('jobs_store');
SELECT agentmem.complete_job('jobs_store', 'n', :job, '{"memories": []}');
SELECT agentmem.heartbeat_job('jobs_store', 'n', :job);
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'x');
SELECT agentmem.retry_jobs('jobs_store', 'n');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}');
RESET ROLE;
BEGIN READ ONLY;
SELECT agentmem.claim_jobs('jobs_store');
ROLLBACK;

-- A store without the table.
ALTER TABLE jobs_store.job RENAME TO job_away;
SELECT agentmem.claim_jobs('jobs_store');
SELECT agentmem.enqueue_job('jobs_store', 'n', 'embed', '{1}');
SELECT agentmem.fail_job('jobs_store', 'n', :job, 'x');
ALTER TABLE jobs_store.job_away RENAME TO job;

DROP SCHEMA jobs_none;
SELECT agentmem.drop_store('jobs_store', cascade => true);
SELECT agentmem.drop_store('jobs_text', cascade => true);
DROP OWNED BY jobs_reader;
DROP ROLE jobs_reader;
