-- What erasing refuses.
SET client_min_messages = warning;
SELECT agentmem.create_store('erase_errors');
SELECT id FROM agentmem.remember('erase_errors', 'n', 'The kettle is on', 'fact');

-- One selector.
SELECT agentmem.erase('erase_errors', 'n');
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}', subject => 'kettle');
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}', everything => true);
SELECT agentmem.erase('erase_errors', 'n', everything => NULL);
SELECT agentmem.erase('erase_errors', 'n', ids => '{1,NULL}');
SELECT agentmem.erase('erase_errors', 'n', subject => ' ');
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}', derived => 'some');
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}', derived => NULL);
SELECT agentmem.erase(NULL, 'n', ids => '{1}');
SELECT agentmem.erase('erase_errors', NULL, ids => '{1}');
SELECT agentmem.erase('erase_errors', '', ids => '{1}');
SELECT agentmem.erase('no_store', 'n', ids => '{1}');
SELECT agentmem.erase('pg_catalog', 'n', ids => '{1}');

-- SQLSTATEs.
CREATE FUNCTION state_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE command;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END
$$;
SELECT state_of($$SELECT agentmem.erase('erase_errors', 'n')$$);
SELECT state_of($$SELECT agentmem.erase('erase_errors', 'n', ids => '{1}', subject => 'kettle')$$);
SELECT agentmem.hold('erase_errors', 'n', 'case 1');
SELECT state_of($$SELECT agentmem.erase('erase_errors', 'n', ids => '{1}')$$);
SELECT agentmem.release('erase_errors', 'n');

-- Receipts.
SELECT * FROM agentmem.erase_verify('erase_errors', '{}');
SELECT * FROM agentmem.erase_verify('erase_errors', '[]');
SELECT * FROM agentmem.erase_verify('erase_errors', '{"namespace": "n", "ids": 5}');
SELECT * FROM agentmem.erase_verify('erase_errors', NULL);
SELECT * FROM agentmem.erase_verify('no_store', '{"namespace": "n", "ids": []}');

-- Holds.
SELECT agentmem.hold('erase_errors', 'nobody', 'case 1');
SELECT agentmem.hold('erase_errors', 'n', NULL);
SELECT agentmem.hold('erase_errors', 'n', '');

-- Read only.
BEGIN READ ONLY;
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}');
ROLLBACK;

-- Who may write and not delete erases nothing, and no history either.
CREATE ROLE regress_agentmem_eraser;
GRANT USAGE ON SCHEMA erase_errors TO regress_agentmem_eraser;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA erase_errors TO regress_agentmem_eraser;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA erase_errors TO regress_agentmem_eraser;
SET ROLE regress_agentmem_eraser;
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}');
RESET ROLE;
-- Nor who is not let by a policy.
GRANT DELETE ON ALL TABLES IN SCHEMA erase_errors TO regress_agentmem_eraser;
ALTER TABLE erase_errors.memory ENABLE ROW LEVEL SECURITY;
CREATE POLICY looks ON erase_errors.memory FOR SELECT USING (true);
SET ROLE regress_agentmem_eraser;
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}');
RESET ROLE;
CREATE POLICY deletes ON erase_errors.memory FOR DELETE USING (true);
SET ROLE regress_agentmem_eraser;
SELECT agentmem.erase('erase_errors', 'n', ids => '{1}') -> 'ids' AS ids;
RESET ROLE;

DROP FUNCTION state_of;
SELECT agentmem.drop_store('erase_errors', cascade => true);
DROP ROLE regress_agentmem_eraser;
