-- What recall returned is noted, and written by the next call that writes (src/memory/README.md, "Access log").
SET client_min_messages = warning;
\set VERBOSITY terse
SET search_path = public, agentmem;
SELECT create_store('log', dimensions => 2);
SELECT count(*) FROM remember_many('log', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'number ' || i, 'kind', 'episode')) FROM generate_series(1, 6) i));
CREATE FUNCTION write() RETURNS text LANGUAGE sql AS $$ SELECT action FROM agentmem.remember('log', 'scribe', 'a word', 'fact') $$;
CREATE VIEW written AS SELECT namespace, id, sum(accesses) AS accesses, count(*) AS rows, bool_and(at BETWEEN now() - interval '1 hour' AND clock_timestamp()) AS now FROM log.access GROUP BY 1, 2 ORDER BY 1, 2;
SELECT write();

-- Nothing until somebody writes; then a row a memory. The text for a prompt counts too; lists, and what was known once, do not.
SELECT id FROM recall('log', 'n', 'number', k => 2) ORDER BY 1;
SELECT count(*) FROM recall('log', 'n', 'number', k => 2), recall_context('log', 'n', 'number 1', k => 1);
SELECT count(*) FROM list('log', 'n'), get('log', 'n', '{3}');
SELECT count(*) FROM recall('log', 'n', 'number', known_at => now());
SELECT * FROM written;
SELECT write();
SELECT * FROM written;
-- Once only.
SELECT write();
SELECT * FROM written;
-- The newest count as well; whatever writes takes it along, at its commit.
DELETE FROM log.access;
BEGIN;
SELECT id FROM recall('log', 'n', k => 1);
SELECT feedback('log', 'n', 6, true);
SELECT * FROM written;
COMMIT;
SELECT * FROM written;
DELETE FROM log.access;

-- Rolled back: what was noted stays.
BEGIN;
SELECT id FROM recall('log', 'n', k => 1);
SELECT write();
ROLLBACK;
SELECT * FROM written;
SELECT write();
SELECT * FROM written;
DELETE FROM log.access;
-- Noted where nothing can be written.
BEGIN READ ONLY;
SELECT id FROM recall('log', 'n', k => 1);
COMMIT;
SELECT * FROM written;
SELECT write();
SELECT * FROM written;
DELETE FROM log.access;
-- A memory of this very transaction; one that is forgotten by then.
BEGIN;
SELECT id, action FROM remember('log', 'n', 'number 7', 'episode');
SELECT id FROM recall('log', 'n', k => 2);
SELECT forget('log', 'n', 6);
COMMIT;
SELECT * FROM written;
DELETE FROM log.access;

-- Who only reads writes by himself, but seldom: with 200 recalls behind him, however short the interval.
CREATE PROCEDURE read_often(n int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. n LOOP
    PERFORM FROM agentmem.recall('log', 'n', k => 1);
    COMMIT;
  END LOOP;
END $$;
SET agentmem.access_log_interval = 0;
SELECT write();
CALL read_often(170);
SELECT count(*) FROM written;
CALL read_often(30);
SELECT * FROM written;
CALL read_often(199);
SELECT * FROM written;
CALL read_often(1);
SELECT * FROM written;
-- Not before the interval is over.
SET agentmem.access_log_interval = '1h';
CALL read_often(250);
SELECT * FROM written;
-- A serializable reader is not to fail for it, and leaves it to others.
SET agentmem.access_log_interval = 0;
SET default_transaction_isolation = 'serializable';
CALL read_often(2);
SELECT * FROM written;
RESET default_transaction_isolation;
CALL read_often(1);
SELECT * FROM written;
RESET agentmem.access_log_interval;
DELETE FROM log.access;

-- No more than 1,024.
SELECT count(*) FROM remember_many('log', 'many', (SELECT jsonb_agg(jsonb_build_object('content', 'thing ' || i, 'kind', 'episode')) FROM generate_series(1, 1200) i));
SELECT count(*) FROM recall('log', 'many', k => 1100);
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT count(*) FROM recall('log', 'many', k => 5);
SELECT write();
SELECT namespace, count(*), min(accesses), max(accesses) FROM written GROUP BY 1;
DELETE FROM log.access;
-- Several namespaces at once.
SELECT count(*) FROM recall('log', 'n', 'number thing word', k => 20, shared => '{many,scribe}');
SELECT write();
SELECT namespace, count(*) > 0 AS some FROM written GROUP BY 1 ORDER BY 1;
DELETE FROM log.access;

-- Off: by the session, by the store.
SET agentmem.access_log = off;
SELECT count(*) FROM recall('log', 'n', k => 1);
RESET agentmem.access_log;
INSERT INTO log.setting VALUES ('access_log', 'off');
SELECT count(*) FROM recall('log', 'n', k => 1);
DELETE FROM log.setting WHERE name = 'access_log';
SELECT write();
SELECT count(*) FROM written;
-- Where nobody maintains there is nothing to be kept for.
UPDATE log.namespace SET created = now() - interval '31 days' WHERE namespace = 'n';
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT write();
SELECT count(*) FROM written;
UPDATE log.namespace SET maintained = now() - interval '29 days' WHERE namespace = 'n';
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT write();
SELECT * FROM written;
DELETE FROM log.access;

-- Who may only read leaves no trace, unless he is granted it; who may write memories needs nothing more.
CREATE ROLE agm_log_reader;
CREATE ROLE agm_log_writer;
GRANT USAGE ON SCHEMA log TO agm_log_reader, agm_log_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA log TO agm_log_reader, agm_log_writer;
GRANT INSERT, UPDATE ON log.memory, log.activity, log.namespace, log.key_lock, log.edge, log.conflict TO agm_log_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA log TO agm_log_writer;
SET ROLE agm_log_reader;
SELECT count(*) FROM recall('log', 'n', k => 1);
RESET ROLE;
SELECT write();
SELECT * FROM written;
GRANT INSERT ON log.access TO agm_log_reader;
SET ROLE agm_log_reader;
SELECT count(*) FROM recall('log', 'n', k => 1);
SET ROLE agm_log_writer;
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT action FROM remember('log', 'scribe', 'another word', 'fact');
RESET ROLE;
SELECT * FROM written;
DELETE FROM log.access;

-- What the owner does to the table is no reader's affair: a trigger of his, a column that is not there.
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON log.access FOR EACH ROW EXECUTE FUNCTION fail();
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT write();
DROP TRIGGER fail ON log.access;
DROP FUNCTION fail();
VACUUM log.access;
ALTER TABLE log.access RENAME at TO sometime;
SET agentmem.access_log_interval = 0;
CALL read_often(200);
RESET agentmem.access_log_interval;
ALTER TABLE log.access RENAME sometime TO at;
SELECT count(*) FROM written;
SELECT count(*) FROM recall('log', 'n', k => 1);
SELECT write();
SELECT * FROM written;
DELETE FROM log.access;

-- Erased before it was written, and after.
SELECT id FROM recall('log', 'n', k => 2);
SELECT write();
SELECT id FROM recall('log', 'n', k => 2);
SELECT erase('log', 'n', ids => '{5}') AS receipt \gset
SELECT :'receipt'::jsonb -> 'erased' -> 'access' AS rows;
SELECT id, accesses FROM written;
SELECT sum(remaining) FROM erase_verify('log', :'receipt');
SELECT count(*) FROM recall('log', 'n');
SELECT write();
SELECT count(*) FROM recall('log', 'n');
SELECT erase('log', 'n', everything => true) -> 'erased' -> 'access' AS rows;
SELECT write();
SELECT count(*) FROM written WHERE namespace = 'n';
DELETE FROM log.access;

-- In partitions, under row security.
SELECT create_store('parted', partitions => 3);
SELECT enable_row_security('parted', 'role');
SELECT count(*) FROM remember('parted', 'agm_log_writer', 'mine', 'fact') a, remember('parted', 'agm_log_reader', 'not mine', 'fact') b;
GRANT USAGE ON SCHEMA parted TO agm_log_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA parted TO agm_log_writer;
GRANT INSERT, UPDATE ON parted.memory, parted.activity, parted.namespace, parted.key_lock, parted.edge, parted.conflict TO agm_log_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA parted TO agm_log_writer;
SET ROLE agm_log_writer;
SELECT content FROM recall('parted', 'agm_log_writer', shared => '{agm_log_reader}');
SELECT action FROM remember('parted', 'agm_log_writer', 'mine too', 'fact');
SELECT namespace, id, accesses FROM parted.access;
RESET ROLE;
SELECT tableoid::regclass::text ~ 'access_p' AS in_partition, namespace, id FROM parted.access;
-- Dropped while something was noted; the next of the same name has nothing of it.
SELECT count(*) FROM recall('parted', 'agm_log_writer');
SELECT drop_store('parted', cascade => true);
SELECT create_store('parted');
SELECT action FROM remember('parted', 'agm_log_writer', 'mine', 'fact');
SELECT count(*) FROM parted.access;
DELETE FROM parted.memory;
SELECT drop_store('parted');
BEGIN;
SELECT count(*) FROM recall('log', 'many', k => 3);
SELECT write();
SELECT drop_store('log', cascade => true);
COMMIT;

DROP OWNED BY agm_log_reader, agm_log_writer;
DROP ROLE agm_log_reader, agm_log_writer;
DROP PROCEDURE read_often(int);
DROP FUNCTION write();
