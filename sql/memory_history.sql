-- Versions of memories: what writes them, as_of, history, changes, known_at of get, list and count; on a store
-- of ordinary tables and on one of partitions.  The instants asked for are noted in variables on the way.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE ROLE agm_history_reader;
CREATE ROLE agm_history_writer;

CREATE PROCEDURE tell(mem name) LANGUAGE plpgsql AS $$
DECLARE
  t timestamptz[];
  r record;
BEGIN
  PERFORM create_store(mem, dimensions => 2, partitions => CASE mem WHEN 'split' THEN 4 ELSE 0 END);
  EXECUTE format('GRANT USAGE ON SCHEMA %1$I TO agm_history_reader, agm_history_writer;
                  GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO agm_history_reader, agm_history_writer;
                  GRANT INSERT, UPDATE, DELETE ON %1$I.memory, %1$I.activity, %1$I.namespace, %1$I.key_lock, %1$I.conflict, %1$I.edge TO agm_history_writer;
                  GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$I TO agm_history_writer', mem);
END
$$;
CALL tell('plain');
CALL tell('split');
-- One line a version of namespace u.
CREATE FUNCTION versions(mem name) RETURNS TABLE (id bigint, content text, tags text[], is text, follows boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT v.id, v.content, v.tags, CASE WHEN upper_inf(v.system_period) THEN ''now'' ELSE ''was'' END,
            lower(v.system_period) = lag(upper(v.system_period)) OVER (PARTITION BY v.id ORDER BY lower(v.system_period))
     FROM (SELECT m.* FROM %1$I.memory m UNION ALL SELECT * FROM %1$I.memory_history) v
     WHERE v.namespace = ''u'' ORDER BY v.id, lower(v.system_period)', mem);
END
$$;

-- The last transaction's instant: everything before it is known then.
CREATE TABLE instant (name text PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());
CREATE VIEW asked AS SELECT i.name, i.at, s.mem FROM instant i, (VALUES ('plain'::name), ('split')) s(mem);
GRANT SELECT ON instant, asked TO PUBLIC;
CREATE FUNCTION at(what text) RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT i.at FROM public.instant i WHERE i.name = what';
INSERT INTO instant VALUES ('nothing');

-- By someone who may not write the history.
SET ROLE agm_history_writer;
SELECT m.id FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'Alice lives in Rome', 'fact', '[1,0]', key => 'home', valid_from => '2020-01-01') m;
SELECT m.id FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'Bob bakes bread', 'fact', '[0,1]', valid_from => '2020-01-01') m;
SELECT m.id FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'A storm', 'event', '[1,1]', valid_from => '2020-02-01', valid_to => '2020-02-02') m;
SELECT m.id FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'v', 'Another namespace', 'fact', '[1,1]', valid_from => '2020-01-01') m;
RESET ROLE;
INSERT INTO instant VALUES ('first');

SET ROLE agm_history_writer;
-- Confirmed only: no version.  A tag more: a version.  A filled embedding or key: none.
SELECT m.action FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'Bob bakes bread', 'fact', valid_from => '2020-01-01') m;
SELECT m.action FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'Bob bakes bread', 'fact', valid_from => '2020-01-01', key => 'bob') m;
SELECT * FROM versions('plain');
SELECT m.action FROM (VALUES ('plain'), ('split')) s(mem), remember(s.mem, 'u', 'Bob bakes bread', 'fact', valid_from => '2020-01-01', tags => '{food}') m;
RESET ROLE;
INSERT INTO instant VALUES ('second');
SET ROLE agm_history_writer;
-- By hand, several times in one transaction.
BEGIN;
UPDATE plain.memory SET content = 'Alice lives in Paris', lexemes = lexemes('english', 'Alice lives in Paris'), system_period = '[2000-01-01,)' WHERE namespace = 'u' AND id = 1;
UPDATE plain.memory SET valid_period = '[2024-01-01,)' WHERE namespace = 'u' AND id = 1;
UPDATE split.memory SET content = 'Alice lives in Paris', lexemes = lexemes('english', 'Alice lives in Paris') WHERE namespace = 'u' AND id = 1;
UPDATE split.memory SET valid_period = '[2024-01-01,)' WHERE namespace = 'u' AND id = 1;
COMMIT;
DELETE FROM plain.memory WHERE id = 3 AND namespace = 'u';
DELETE FROM split.memory WHERE id = 3 AND namespace = 'u';
RESET ROLE;
INSERT INTO instant VALUES ('third');
SELECT * FROM versions('plain');
SELECT * FROM versions('plain') EXCEPT ALL SELECT * FROM versions('split');
-- The history is nobody's to write but the owner's.
SET ROLE agm_history_writer;
UPDATE plain.memory_history SET content = 'forged';
DELETE FROM plain.memory_history;
INSERT INTO plain.memory_history SELECT * FROM plain.memory;

-- Read by who may only read, in a transaction that may not write.
SET ROLE agm_history_reader;
SET default_transaction_read_only = on;
SELECT name, mem, id, content, tags FROM asked, as_of(mem, 'u', known_at => at) ORDER BY at, mem, id;
SELECT mem, id, content, upper_inf(system_period) AS current FROM (VALUES ('plain'::name), ('split')) s(mem), as_of(mem, 'u') ORDER BY mem, id;

-- Both clocks: what is true at an instant as it was known at another.
SELECT id, content FROM as_of('plain', 'u', valid_at => '2021-01-01', known_at => at('first'));
SELECT id, content FROM as_of('plain', 'u', valid_at => '2021-01-01', known_at => at('third'));
SELECT id, content FROM as_of('plain', 'u', valid_at => '2020-02-01 12:00', known_at => at('second'));
SELECT id, content FROM as_of('split', 'u', valid_at => '2020-02-01 12:00', known_at => at('third'), kinds => '{event}');
SELECT id, content FROM as_of('split', 'u', known_at => at('first'), kinds => '{event}');
-- A memory that was not yet true when the store first held it: at that instant it is not.
SELECT id, content FROM as_of('plain', 'u', known_at => '2019-01-01');
SELECT id FROM as_of('plain', 'u', known_at => 'infinity');
SELECT id FROM as_of('plain', 'u', known_at => '-infinity');
SELECT id FROM as_of('plain', 'u', known_at => '4713-01-01 BC');
SELECT id FROM as_of('plain', 'nowhere', known_at => now());

-- Every version, newest first; also of one that is gone; none of what never was.
SELECT mem, id, content, tags, upper_inf(system_period) AS current FROM (VALUES ('plain'::name), ('split')) s(mem), (VALUES (1), (2), (3)) i(i), history(mem, 'u', i) h
ORDER BY mem, id, lower(system_period) DESC;
SELECT content, confirmations FROM history('plain', 'u', 2);
SELECT count(*) FROM history('plain', 'u', 99);
SELECT count(*) FROM history('plain', 'v', 1);

-- What changed; keys are arguments of remember().
SELECT id, change, before ->> 'content' AS before, after ->> 'content' AS after, before -> 'tags' AS tags_before, after -> 'tags' AS tags
FROM changes('plain', 'u', at('nothing'));
SELECT id, change FROM changes('split', 'u', at('nothing'), at('first'));
SELECT id, change FROM changes('split', 'u', at('first'), at('second'));
SELECT id, change FROM changes('split', 'u', at('second'), at('third'));
SELECT id, change FROM changes('split', 'u', at('third'));
SELECT after - 'confidence' AS after FROM changes('plain', 'u', at('first'), at('third')) WHERE id = 1;
-- After since, up to and including until: what was known at since, changed so, is what was known at until.
SELECT change FROM history('plain', 'u', 2) h, changes('plain', 'u', lower(h.system_period), lower(h.system_period));
SELECT c.id, change FROM history('plain', 'u', 2) h, changes('plain', 'u', lower(h.system_period) - interval '1 us', lower(h.system_period)) c WHERE upper_inf(h.system_period);
WITH before AS (SELECT id FROM as_of('plain', 'u', known_at => at('first'))),
     c AS (SELECT * FROM changes('plain', 'u', at('first'), at('third')))
SELECT id FROM (SELECT id FROM before UNION SELECT id FROM c WHERE change = 'inserted' EXCEPT SELECT id FROM c WHERE change = 'deleted') x
EXCEPT SELECT id FROM as_of('plain', 'u', known_at => at('third'));

-- get, list, count.
SELECT id, content FROM get('plain', 'u', '{1,2,3,9}', known_at => at('first'));
SELECT id, content FROM get('split', 'u', '{1,2,3,9}', known_at => at('third'));
SELECT id, content FROM get('split', 'u', keys => '{home,bob}', known_at => at('first'));
SELECT id, content FROM get('split', 'u', '{3}', '{home}', at('second'));
SELECT name, mem, count(mem, 'u', known_at => at), count(mem, 'u', tags => '{food}', known_at => at) AS tagged, count(mem, 'u', kinds => '{event}', known_at => at) AS events
FROM asked ORDER BY at, mem;
SELECT id, content FROM list('split', 'u', known_at => at('second'), n => 2);
SELECT id, content FROM list('split', 'u', known_at => at('second'), n => 2, after => 2);
SELECT id FROM list('plain', 'u', states => NULL, known_at => at('first'));
SELECT id FROM list('plain', 'u', states => '{archived}', known_at => at('first'));
SELECT id FROM list('plain', 'u', during => '[2020-01-15,2020-02-15)', known_at => at('first'));

-- Errors.
SELECT * FROM history('plain', 'u', NULL);
SELECT * FROM changes('plain', 'u', NULL);
SELECT * FROM changes('plain', 'u', now(), NULL);
SELECT * FROM changes('plain', 'u', '2021-01-01', '2020-01-01');
SELECT * FROM as_of('plain', NULL);
SELECT * FROM as_of('nowhere', 'u');
SELECT * FROM as_of('plain', 'u', kinds => '{unknown}');
RESET default_transaction_read_only;
RESET ROLE;

-- The own writes of a transaction: now, and at an instant from its beginning on.
BEGIN;
DELETE FROM plain.memory WHERE namespace = 'u' AND id = 2;
SELECT id FROM as_of('plain', 'u');
SELECT id FROM as_of('plain', 'u', known_at => at('third'));
SELECT change FROM changes('plain', 'u', at('third'));
ROLLBACK;

-- Expired then is not expired now.
UPDATE plain.memory SET expires_at = at('third') WHERE namespace = 'u' AND id = 2;
SELECT id FROM as_of('plain', 'u');
SELECT id FROM as_of('plain', 'u', known_at => at('second'));

-- 1,000 confirmations make no version and move no index of the wide tables.
SELECT pg_relation_size('split.memory') + pg_relation_size('split.memory_history') + sum(pg_relation_size(indexrelid)) AS size
FROM pg_index WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('split.memory'::regclass, 'split.memory_history'::regclass)) \gset
DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM agentmem.remember('split', 'u', 'Bob bakes bread', 'fact'); END LOOP; END $$;
SELECT pg_relation_size('split.memory') + pg_relation_size('split.memory_history') + sum(pg_relation_size(indexrelid)) = :size AS same
FROM pg_index WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('split.memory'::regclass, 'split.memory_history'::regclass));
SELECT count(*) FROM history('split', 'u', 2);

-- How the index of time is told how long a period is.
SELECT history_level(p) FROM (VALUES (1, tstzrange('2026-01-01', '2026-01-01 00:00:01')), (2, tstzrange('2026-01-01', '2026-01-01 00:00:01.000001')),
  (3, tstzrange('2026-01-01', '2026-01-01 00:00:04')), (4, tstzrange('2026-01-01', '2026-01-01 00:00:04.000001')), (5, tstzrange('2026-01-01', '2026-02-01')),
  (6, tstzrange('2026-01-01', '2326-02-01')), (7, tstzrange('2026-01-01', NULL)), (8, '(,)'), (9, 'empty'), (10, '[-infinity,infinity]')) v(i, p) ORDER BY i;

DROP VIEW asked;
DROP FUNCTION versions(name), at(text);
DROP PROCEDURE tell(name);
DROP TABLE instant;
SELECT drop_store('plain', cascade => true), drop_store('split', cascade => true);
DROP ROLE agm_history_reader, agm_history_writer;
