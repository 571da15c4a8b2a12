-- What begin_space, enqueue_space, switch_space, cancel_space and the answers for a second space refuse.
\set SHOW_CONTEXT never
SELECT agentmem.create_store('space_store', dimensions => 2);
SELECT action FROM agentmem.remember('space_store', 'n', 'apple', 'fact', '[1,0]');
SELECT action FROM agentmem.remember('space_store', 'n', 'door code', 'secret', attributes => '{"value": "1234"}');

-- Nothing to fill, switch or give up.
SELECT agentmem.enqueue_space('space_store');
SELECT agentmem.switch_space('space_store');
SELECT agentmem.switch_space('space_store', force => true);
SELECT agentmem.cancel_space('space_store');
SELECT agentmem.enqueue_job('space_store', 'n', 'embed_next', '{1}');

-- Arguments.
SELECT agentmem.begin_space(NULL, 2, 'm');
SELECT agentmem.begin_space('space_store', NULL, 'm');
SELECT agentmem.begin_space('space_store', 2, NULL);
SELECT agentmem.begin_space('space_store', 2, 'm', history => NULL);
SELECT agentmem.begin_space('space_store', 0, 'm');
SELECT agentmem.begin_space('space_store', 16001, 'm');
SELECT agentmem.begin_space('space_store', 2, '');
SELECT agentmem.begin_space('space_store', 2, 'm', 'hamming');
SELECT agentmem.begin_space('space_none', 2, 'm');
SELECT agentmem.begin_space('public', 2, 'm');
SELECT agentmem.enqueue_space(NULL);
SELECT agentmem.enqueue_space('space_store', NULL);
SELECT agentmem.enqueue_space('space_store', 0);
SELECT agentmem.enqueue_space('space_none');
SELECT agentmem.space_progress(NULL);
SELECT agentmem.space_progress('space_none');
SELECT agentmem.switch_space(NULL);
SELECT agentmem.switch_space('space_store', NULL);
SELECT agentmem.switch_space('space_none');
SELECT agentmem.cancel_space(NULL);
SELECT agentmem.cancel_space('space_none');

-- Others' stores, and stores of which the owner does not see all.
CREATE ROLE regress_space_owner;
CREATE ROLE regress_space_other;
GRANT CREATE ON DATABASE :DBNAME TO regress_space_owner;
SET ROLE regress_space_owner;
SELECT agentmem.create_store('space_owned', dimensions => 2);
SELECT action FROM agentmem.remember('space_owned', 'n', 'apple', 'fact');
GRANT USAGE ON SCHEMA space_owned TO regress_space_other;
GRANT SELECT ON ALL TABLES IN SCHEMA space_owned TO regress_space_other;
SET ROLE regress_space_other;
SELECT agentmem.begin_space('space_owned', 2, 'm');
SET ROLE regress_space_owner;
SELECT agentmem.enable_row_security('space_owned');
SELECT agentmem.begin_space('space_owned', 2, 'm');
SELECT agentmem.disable_row_security('space_owned');
SELECT agentmem.begin_space('space_owned', 2, 'm');
SET ROLE regress_space_other;
SELECT model, memories, filled FROM agentmem.space_progress('space_owned');
SELECT agentmem.enqueue_space('space_owned');
SELECT agentmem.switch_space('space_owned', force => true);
SELECT agentmem.cancel_space('space_owned');
SET ROLE regress_space_owner;
SELECT agentmem.enable_row_security('space_owned');
SELECT agentmem.switch_space('space_owned');
SELECT agentmem.cancel_space('space_owned');
RESET ROLE;
-- A role that sees all may.
SELECT agentmem.switch_space('space_owned', force => true);
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'space_owned.memory'::regclass;
SELECT count(*), min(relowner::regrole::text), max(relowner::regrole::text) FROM pg_class WHERE relnamespace = 'space_owned'::regnamespace;
SELECT agentmem.drop_store('space_owned', cascade => true);

-- One at a time.
SELECT agentmem.begin_space('space_store', 3, 'new');
SELECT agentmem.begin_space('space_store', 4, 'newer');
SELECT agentmem.switch_space('space_store');

-- Answers are checked against the space that they are for.
SELECT job FROM agentmem.claim_jobs('space_store', '{embed_next}') \gset
SELECT agentmem.complete_job('space_store', 'n', :job, '{}');
SELECT agentmem.complete_job('space_store', 'n', :job, '{"embedding": [1,0]}');
SELECT agentmem.complete_job('space_store', 'n', :job, '{"embedding": [1,0,1], "model": "old"}');
SELECT agentmem.complete_job('space_store', 'n', :job, '{"embedding": "x"}');
SELECT agentmem.enqueue_job('space_store', 'n', 'embed_next', '{1}') = :job AS same;
SELECT agentmem.enqueue_job('space_store', 'n', 'embed_next', '{1,2}');
SELECT agentmem.complete_job('space_store', 'n', :job, '{"embedding": [1,0,1], "model": "new"}');
-- By hand, too, a vector is of the column's dimensions.
UPDATE space_store.memory SET embedding_next = '[1,0]' WHERE id = 1;

-- In a snapshot from before: what another session wrote meanwhile would not be seen.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SAVEPOINT s;
SELECT agentmem.switch_space('space_store', force => true);
ROLLBACK TO s;
SELECT agentmem.cancel_space('space_store');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SAVEPOINT s;
SELECT agentmem.switch_space('space_store');
ROLLBACK TO s;
SELECT agentmem.begin_space('space_store', 3, 'new');
ROLLBACK;

-- A view of the owner's is in the way; nothing is changed then.
CREATE VIEW space_view AS SELECT id, embedding FROM space_store.memory;
SELECT agentmem.switch_space('space_store');
SELECT value FROM space_store.setting WHERE name = 'next_model';
SELECT content FROM agentmem.recall('space_store', 'n', embedding => '[1,0]');
DROP VIEW space_view;

-- A vector of the old model.
SELECT agentmem.switch_space('space_store');
SELECT content FROM agentmem.recall('space_store', 'n', embedding => '[1,0]');

SELECT agentmem.drop_store('space_store', cascade => true);
REVOKE CREATE ON DATABASE :DBNAME FROM regress_space_owner;
DROP ROLE regress_space_owner;
DROP ROLE regress_space_other;
