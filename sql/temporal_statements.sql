-- agentmem.versioning beside all else that can write a row: other triggers, rules of foreign keys,
-- COPY, MERGE, cursors, views, several times in one statement.

CREATE SCHEMA vs;
SET search_path = vs, pg_catalog;

-- The versions of a table, by `a`: what each said, and whether it begins where the one before ended.
CREATE FUNCTION versions(what text) RETURNS TABLE (a int, b text, held boolean, follows boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT v.a, v.b, upper_inf(v.p), lower(v.p) = lag(upper(v.p)) OVER (PARTITION BY v.a ORDER BY lower(v.p))
     FROM (SELECT a, b, p FROM %1$s UNION ALL SELECT a, b, p FROM %1$s_history) v ORDER BY v.a, lower(v.p)', what);
END
$$;

CREATE TABLE t (a int PRIMARY KEY, b text, p tstzrange NOT NULL);
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');

-- Nothing is found, nothing is kept.
UPDATE t SET b = 'x';
DELETE FROM t;
INSERT INTO t SELECT 1, 'one' WHERE false;
SELECT * FROM versions('t');

-- COPY, with a period and without one: since now() in any case.
BEGIN;
COPY t (a, b) FROM stdin;
1	one
2	two
\.
COPY t FROM stdin;
3	three	[2000-01-01,2001-01-01)
4	four	empty
\.
SELECT count(*) FROM t WHERE p = tstzrange(now(), NULL);
COMMIT;

-- What is returned, and what a trigger AFTER and a transition table see, is what is stored.
CREATE FUNCTION shows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_level = 'ROW' THEN
    RAISE NOTICE 'row: % %', new.a, new.p = tstzrange(now(), NULL);
  ELSE
    RAISE NOTICE 'transition table: %', (SELECT bool_and(c.p = tstzrange(now(), NULL)) FROM changed c);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER shows_row AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION shows();
CREATE TRIGGER shows_all AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION shows();
UPDATE t SET b = 'uno', p = '[2000-01-01,)' WHERE a = 1 RETURNING a, b, p = tstzrange(now(), NULL) AS since_now;
DROP TRIGGER shows_row ON t;
DROP TRIGGER shows_all ON t;

-- MERGE that deletes, and that does nothing; a join that finds a row twice changes it once.
MERGE INTO t USING (VALUES (1), (2), (9)) n(a) ON t.a = n.a
  WHEN MATCHED AND n.a = 1 THEN DELETE WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING;
UPDATE t SET b = t.b || n.c FROM (VALUES (3, '!'), (3, '!')) n(a, c) WHERE t.a = n.a;
SELECT * FROM versions('t');

-- ON CONFLICT whose condition is false; one that meets a row of its own statement fails, and leaves nothing.
INSERT INTO t VALUES (2, 'nothing') ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE false;
INSERT INTO t VALUES (7, 'one'), (7, 'other') ON CONFLICT (a) DO UPDATE SET b = excluded.b;
-- ... one that meets a row of its own transaction makes no version.
BEGIN;
INSERT INTO t VALUES (7, 'seven');
INSERT INTO t VALUES (7, 'sette') ON CONFLICT (a) DO UPDATE SET b = excluded.b;
INSERT INTO t VALUES (2, 'due') ON CONFLICT (a) DO UPDATE SET b = excluded.b;
INSERT INTO t VALUES (2, 'deux') ON CONFLICT (a) DO UPDATE SET b = excluded.b;
COMMIT;
SELECT * FROM versions('t') WHERE a IN (2, 7);

-- A row taken out and put back: in one statement, in one transaction, in two.
WITH gone AS (DELETE FROM t WHERE a = 7 RETURNING *) INSERT INTO t SELECT a + 1, b, p FROM gone;
BEGIN;
DELETE FROM t WHERE a = 8;
INSERT INTO t VALUES (8, 'otto');
COMMIT;
DELETE FROM t WHERE a = 8;
INSERT INTO t SELECT a, b, p FROM t_history WHERE a = 8 AND b = 'otto';
SELECT a, b, held, follows FROM versions('t') WHERE a IN (7, 8);
-- Two parts of one statement that change the same row: the first does.
WITH one AS (UPDATE t SET b = 'acht' WHERE a = 8 RETURNING b), two AS (UPDATE t SET b = 'huit' WHERE a = 8 RETURNING b)
SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM two) AS changed;
SELECT count(*) FROM t_history WHERE a = 8;

-- By a cursor, and after the row was locked.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t WHERE a = 3 FOR UPDATE;
FETCH FROM c \gset
UPDATE t SET b = 'tre' WHERE CURRENT OF c;
COMMIT;
-- By a view, and by a rule.
CREATE VIEW w AS SELECT a, b FROM t WHERE a < 5 WITH CHECK OPTION;
UPDATE w SET b = 'drei' WHERE a = 3;
DELETE FROM w WHERE a = 3;
CREATE VIEW by_rule AS SELECT a, b FROM t;
CREATE RULE r AS ON UPDATE TO by_rule DO INSTEAD UPDATE t SET b = new.b WHERE a = old.a;
UPDATE by_rule SET b = 'vier' WHERE a = 4;
SELECT * FROM versions('t') WHERE a IN (3, 4);
DROP VIEW w, by_rule;

-- A history that does not take the version: the row stays as it was, and goes on when it does.
ALTER TABLE t_history ADD CONSTRAINT not_this CHECK (b <> 'vier');
DO $$
BEGIN
  UPDATE vs.t SET b = 'five' WHERE a = 4;
EXCEPTION WHEN check_violation THEN
  RAISE NOTICE 'kept by the constraint';
END
$$;
SELECT b FROM t WHERE a = 4;
ALTER TABLE t_history DROP CONSTRAINT not_this;
UPDATE t SET b = 'five' WHERE a = 4;
SELECT * FROM versions('t') WHERE a = 4;

-- TRUNCATE ends no version, and cannot be had where a trigger forbids it, by way of a foreign key neither.
CREATE TABLE refers (a int REFERENCES t);
BEGIN;
TRUNCATE t CASCADE;
SELECT count(*) FROM versions('t') WHERE held;
ROLLBACK;
CREATE TRIGGER keep BEFORE TRUNCATE ON refers FOR EACH STATEMENT EXECUTE FUNCTION agentmem.versioning();
TRUNCATE t CASCADE;
DROP TABLE refers;

-- Triggers rest on a subscriber, unless they are to fire ALWAYS.
SET session_replication_role = replica;
UPDATE t SET b = 'copied' WHERE a = 4;
ALTER TABLE t ENABLE ALWAYS TRIGGER v;
UPDATE t SET b = 'cinq' WHERE a = 4;
RESET session_replication_role;
SELECT * FROM versions('t') WHERE a = 4;
DROP TABLE t, t_history;

-- Another trigger first: what it makes of the row is what is versioned; what it suppresses never was.
CREATE TABLE t (a int, b text, at timestamptz, p tstzrange);
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_op = 'DELETE' THEN
    RETURN CASE WHEN old.a <> 3 THEN old END;
  END IF;
  IF new.b = 'not this' THEN
    RETURN NULL;
  END IF;
  new.b := replace(new.b, ' ', '-');
  new.p := NULL;
  RETURN new;
END
$$;
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION before();
INSERT INTO t VALUES (1, 'one and one'), (2, 'not this'), (3, 'three');
UPDATE t SET b = 'one and one';
SELECT a, b, upper_inf(p) AS held FROM t ORDER BY a;
SELECT a, b FROM t_history ORDER BY a, p;
UPDATE t SET b = 'not this';
DELETE FROM t;
SELECT * FROM versions('t');
DROP TRIGGER before ON t;
-- ... one that notes the time of each change makes each a change.
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN new.at := clock_timestamp(); RETURN new; END$$;
CREATE TRIGGER stamp BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stamp();
UPDATE t SET b = b;
UPDATE t SET b = b;
SELECT * FROM versions('t') WHERE a = 3;
DROP TRIGGER stamp ON t;
-- ... one that writes other rows of the table, before and after.
CREATE FUNCTION writes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN
    INSERT INTO vs.t VALUES (new.a + CASE tg_when WHEN 'BEFORE' THEN 10 ELSE 20 END, tg_when);
    UPDATE vs.t SET b = b || '+' WHERE a > 10;
  END IF;
  RETURN new;
END
$$;
CREATE TRIGGER a_writes BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION writes();
CREATE TRIGGER writes AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION writes();
UPDATE t SET b = 'four' WHERE a = 3;
SELECT * FROM versions('t') WHERE a >= 3;
DROP TABLE t, t_history;
DROP FUNCTION shows(), before(), stamp(), writes();

-- Two histories of one table, each with a period of its own.
CREATE TABLE t (a int, b text, p tstzrange, q tstzrange);
CREATE TABLE t_history (LIKE t);
CREATE TABLE t_other (a int, b text, q tstzrange);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', 'q');
CREATE TRIGGER w BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('q', 't_other', 'b, p');
INSERT INTO t VALUES (1, 'one');
UPDATE t SET b = 'uno';
UPDATE t SET b = b;
UPDATE t SET a = 2;
SELECT a, b FROM t_history ORDER BY p;
SELECT a, b FROM t_other ORDER BY q;
SELECT lower(p) = lower(q) AS same FROM t;
DROP TABLE t, t_history, t_other;

-- What a foreign key does to the rows that refer is versioned as any change is.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (a int PRIMARY KEY, b text, cascades int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE,
                clears int REFERENCES parent ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, itself int REFERENCES t ON DELETE CASCADE, p tstzrange);
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO parent VALUES (1), (2), (3);
INSERT INTO t VALUES (1, 'one', 1, NULL, NULL), (2, 'two', 2, 3, NULL), (3, 'of two', NULL, NULL, 2), (4, 'of that', NULL, NULL, 3);
UPDATE parent SET id = 10 WHERE id = 1;
DELETE FROM parent WHERE id = 3;
SELECT a, cascades, clears FROM t ORDER BY a;
SELECT a, cascades, clears FROM t_history ORDER BY a, p;
DELETE FROM parent WHERE id = 2;
SELECT a, itself FROM t_history WHERE a > 1 ORDER BY a, p;
-- A row that refers is changed and taken out by one transaction.
BEGIN;
UPDATE parent SET id = 11 WHERE id = 10;
DELETE FROM parent WHERE id = 11;
COMMIT;
SELECT a, cascades FROM t_history WHERE a = 1 ORDER BY p;
SELECT count(*) FROM t;
DROP TABLE t, t_history, parent;

-- Partitions: COPY and MERGE find them; one that joins or leaves brings its rows along.
CREATE TABLE m (a int, b text, region int, p tstzrange) PARTITION BY LIST (region);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);
CREATE TABLE m_history (a int, b text, region int, p tstzrange);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
COPY m (a, b, region) FROM stdin;
1	one	1
2	two	2
3	three	1
\.
MERGE INTO m USING (VALUES (1, 2), (2, 0), (4, 1)) n(a, region) ON m.a = n.a
  WHEN MATCHED AND n.region = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET region = n.region
  WHEN NOT MATCHED THEN INSERT VALUES (n.a, 'new', n.region);
SELECT tableoid::regclass AS partition, a, b FROM m ORDER BY a;
SELECT a, b, region FROM m_history ORDER BY a, p;
-- Written directly, a partition is versioned too.
UPDATE m1 SET b = 'tre' WHERE a = 3;
ALTER TABLE m DETACH PARTITION m2;
UPDATE m2 SET b = 'alone';
CREATE TABLE m3 (a int, b text, region int, p tstzrange);
INSERT INTO m3 VALUES (5, 'five', 3, '[2000-01-01,)'), (6, 'six', 3, NULL);
ALTER TABLE m ATTACH PARTITION m3 FOR VALUES IN (3);
UPDATE m SET b = 'cinque' WHERE a = 5;
UPDATE m SET b = 'sei' WHERE a = 6;
DELETE FROM m WHERE a = 5;
SELECT * FROM versions('m') WHERE a IN (3, 5);

-- While a row moves, triggers before this one write other tables that have versions.
DELETE FROM m WHERE a = 4;
CREATE TABLE log (a int, b text, p tstzrange) PARTITION BY LIST (a);
CREATE TABLE log_0 PARTITION OF log FOR VALUES IN (0);
CREATE TABLE log_1 PARTITION OF log FOR VALUES IN (1);
CREATE TABLE log_history (a int, b text, p tstzrange);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON log FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE vs.log SET b = b || left(tg_op, 1), a = 1 - a;
  RETURN coalesce(new, old);
END
$$;
CREATE TRIGGER logs BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION logs();
INSERT INTO log VALUES (0, 'log ');
UPDATE m SET region = 3;
SELECT a, b, region, upper_inf(p) AS held FROM (TABLE m UNION ALL TABLE m_history) m WHERE a = 3 ORDER BY p;
SELECT b FROM (TABLE log UNION ALL TABLE log_history) l ORDER BY p;
-- ... also where the partition is no version: the row keeps its period, the log's begin now.
DROP TRIGGER v ON m;
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', 'region');
BEGIN;
UPDATE m SET region = 1 WHERE a = 3;
SELECT lower(p) < now() AS as_before FROM m WHERE a = 3;
SELECT b, p = tstzrange(now(), NULL) AS since_now FROM log;
COMMIT;
SELECT count(*) FROM m_history WHERE a = 3;
-- A change that a later trigger suppresses is none, and what is taken out afterwards is kept once.
CREATE FUNCTION suppresses() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER x BEFORE UPDATE ON m FOR EACH ROW EXECUTE FUNCTION suppresses();
BEGIN;
UPDATE m SET region = 1 WHERE a = 3;
DELETE FROM m WHERE a = 3;
COMMIT;
SELECT a, b, region, upper_inf(p) AS held FROM (TABLE m UNION ALL TABLE m_history) m WHERE a = 3 ORDER BY p;
DROP TABLE m, m2, m_history, log, log_history;

DROP FUNCTION versions(text), logs(), suppresses();
RESET search_path;
DROP SCHEMA vs;
