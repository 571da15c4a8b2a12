-- Facts into a fresh store, two thousand at a time, and ten thousand in the transaction that
-- made the store: kept plans must not stay as they were when the table was empty.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT agentmem.drop_store(store, cascade => true) FROM agentmem.stores WHERE store IN ('grow', 'grow2');
SELECT agentmem.create_store('grow', 3);
\echo growth: four times 2,000 calls of remember for new facts, one transaction each time
\timing on
DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM agentmem.remember('grow', 'n', 'fact number ' || i, 'fact'); END LOOP; END $$;
DO $$ BEGIN FOR i IN 2001..4000 LOOP PERFORM agentmem.remember('grow', 'n', 'fact number ' || i, 'fact'); END LOOP; END $$;
DO $$ BEGIN FOR i IN 4001..6000 LOOP PERFORM agentmem.remember('grow', 'n', 'fact number ' || i, 'fact'); END LOOP; END $$;
DO $$ BEGIN FOR i IN 6001..8000 LOOP PERFORM agentmem.remember('grow', 'n', 'fact number ' || i, 'fact'); END LOOP; END $$;
\timing off
BEGIN;
SELECT agentmem.create_store('grow2', 3);
\echo growth: twice 5,000 facts by remember_many, in the transaction that made the store
\timing on
SELECT count(*) FROM agentmem.remember_many('grow2', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'fact number ' || i, 'kind', 'fact')) FROM generate_series(1, 5000) i));
SELECT count(*) FROM agentmem.remember_many('grow2', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'fact number ' || i, 'kind', 'fact')) FROM generate_series(5001, 10000) i));
\timing off
COMMIT;
SELECT agentmem.drop_store('grow', true), agentmem.drop_store('grow2', true);
