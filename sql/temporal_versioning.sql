-- agentmem.versioning on tables that are no stores.  Times are not printed: a period is said by
-- what it touches.  In one transaction now() stands still; statements here are one each.

CREATE SCHEMA vt;
SET search_path = vt, pg_catalog;

-- One version of a row since `now`, its earlier ones in order, each ending where the next begins.
CREATE FUNCTION versions(what text) RETURNS TABLE (is text, a int, b text, follows boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT v.is, v.a, v.b, lower(v.p) = lag(upper(v.p)) OVER (PARTITION BY v.a ORDER BY lower(v.p))
     FROM (SELECT ''now'' AS is, a, b, p FROM %1$s UNION ALL SELECT ''was'', a, b, p FROM %1$s_history) v
     ORDER BY v.a, lower(v.p)', what);
END
$$;

CREATE TABLE t (a int, b text, c int, p tstzrange NOT NULL);
CREATE TABLE t_history (p tstzrange, extra text DEFAULT 'extra', b text, a int, c int);
CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON t
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');

-- An insert: since now(), whatever the writer says.
BEGIN;
INSERT INTO t VALUES (1, 'one', 0), (2, 'two', 0);
INSERT INTO t VALUES (3, 'three', 0, 'empty'), (4, 'four', 0, '[2000-01-01,2001-01-01)');
DELETE FROM t WHERE a = 4;
SELECT a, p = tstzrange(now(), NULL) AS since_now, lower_inc(p) FROM t ORDER BY a;
COMMIT;
SELECT count(*) FROM t_history;

-- An update and a delete keep what was; the history matches by name and fills what it has besides.
BEGIN;
UPDATE t SET b = 'uno' WHERE a = 1;
SELECT p = tstzrange(now(), NULL) AS since_now FROM t WHERE a = 1;
SELECT b, upper(p) = now() AS until_now, lower(p) < upper(p) AS lasted, extra FROM t_history;
COMMIT;
DELETE FROM t WHERE a = 2;
SELECT * FROM versions('t');

-- The period that an update gives counts for nothing, alone or with other changes.
BEGIN;
UPDATE t SET p = '[2000-01-01,)' WHERE a = 1;
UPDATE t SET p = NULL WHERE a = 1;
UPDATE t SET p = 'empty', b = 'un' WHERE a = 1;
SELECT p = tstzrange(now(), NULL) AS since_now FROM t WHERE a = 1;
COMMIT;
SELECT * FROM versions('t') WHERE a = 1;

-- Nothing changed, nothing written.
UPDATE t SET a = a, b = b, c = c;
SELECT count(*) FROM t_history;

-- Several changes in one transaction make one version; what comes and goes in it makes none.
BEGIN;
INSERT INTO t VALUES (4, 'four', 0), (5, 'five', 0);
UPDATE t SET b = 'vier' WHERE a = 4;
DELETE FROM t WHERE a = 5;
UPDATE t SET b = 'drei' WHERE a = 3;
UPDATE t SET b = 'tres' WHERE a = 3;
UPDATE t SET b = 'trois' WHERE a = 3;
COMMIT;
SELECT * FROM versions('t') WHERE a >= 3;
BEGIN;
UPDATE t SET b = 'quatre' WHERE a = 4;
DELETE FROM t WHERE a = 4;
COMMIT;
SELECT * FROM versions('t') WHERE a = 4;

-- What is rolled back was never.
BEGIN;
UPDATE t SET b = 'x' WHERE a = 3;
ROLLBACK;
BEGIN;
SAVEPOINT s;
UPDATE t SET b = 'y' WHERE a = 3;
ROLLBACK TO s;
UPDATE t SET b = 'san' WHERE a = 3;
SAVEPOINT s;
UPDATE t SET b = 'z' WHERE a = 3;
RELEASE s;
COMMIT;
SELECT * FROM versions('t') WHERE a = 3;

-- ON CONFLICT and MERGE.
CREATE UNIQUE INDEX ON t (a);
INSERT INTO t VALUES (1, 'eins', 0) ON CONFLICT (a) DO UPDATE SET b = excluded.b;
INSERT INTO t VALUES (1, 'nothing', 0) ON CONFLICT DO NOTHING;
MERGE INTO t USING (VALUES (1, 'ichi'), (6, 'roku')) n(a, b) ON t.a = n.a
  WHEN MATCHED THEN UPDATE SET b = n.b WHEN NOT MATCHED THEN INSERT VALUES (n.a, n.b, 0);
SELECT * FROM versions('t') WHERE a IN (1, 6);
DROP TABLE t, t_history;

-- Columns that are not versions: neither period nor history when only they change, also where the
-- writer gives a period; kept with the others where the history has them.
CREATE TABLE counted (a int, b text, n int DEFAULT 0, "Odd, name" int DEFAULT 0, p tstzrange);
CREATE TABLE elsewhere (a int, b text, n int, p tstzrange);
CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON counted
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', 'vt.elsewhere', 'n, "Odd, name"');
INSERT INTO counted VALUES (1, 'one');
BEGIN;
UPDATE counted SET n = n + 1, "Odd, name" = 7, p = '[2000-01-01,)';
SELECT lower(p) < now() AS same, lower(p) > '2000-01-02' AS ours FROM counted;
COMMIT;
UPDATE counted SET n = n + 1;
SELECT count(*) FROM elsewhere;
-- Such a change first, in one transaction with one that is a version.
BEGIN;
UPDATE counted SET n = n + 1;
UPDATE counted SET b = 'uno', n = n + 1;
COMMIT;
SELECT a, b, n FROM elsewhere;
BEGIN;
UPDATE counted SET n = n + 1;
DELETE FROM counted;
COMMIT;
SELECT a, b, n FROM elsewhere ORDER BY p;
DROP TABLE counted, elsewhere;

-- NULL and not NULL differ; long values are compared where they are stored.
CREATE TABLE t (a int, b text, p tstzrange);
ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON t
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '');
INSERT INTO t VALUES (1, NULL);
UPDATE t SET b = NULL;
UPDATE t SET b = repeat('x', 10000);
UPDATE t SET a = 1;
UPDATE t SET b = repeat('x', 10000);
UPDATE t SET b = repeat('x', 9999) || 'y';
UPDATE t SET b = NULL;
SELECT a, length(b) FROM t_history ORDER BY p;

-- Types without equality: bytes are compared.
ALTER TABLE t ADD j json, ADD pt point;
ALTER TABLE t_history ADD j json, ADD pt point;
UPDATE t SET j = '{"a": 1}', pt = '(1,2)';
UPDATE t SET j = '{"a": 1}', pt = '(1,2)';
UPDATE t SET j = '{"a":1}';
SELECT j, pt FROM t_history WHERE j IS NOT NULL;

-- Columns come and go; attribute numbers differ.
ALTER TABLE t DROP b;
UPDATE t SET a = 2;
ALTER TABLE t ADD b int DEFAULT 5;
ALTER TABLE t_history DROP b;
ALTER TABLE t_history ADD b int;
ALTER TABLE t DROP pt;
UPDATE t SET a = 3;
SELECT a, b, j, pt FROM t_history ORDER BY p DESC LIMIT 2;

-- A version from before the trigger; one that began before all time.
ALTER TABLE t DISABLE TRIGGER versioning;
DELETE FROM t;
INSERT INTO t (a, p) VALUES (10, '(,)'), (11, '[-infinity,)'), (12, '[2000-01-01,)'), (13, '(2000-01-01,)');
ALTER TABLE t ENABLE TRIGGER versioning;
TRUNCATE t_history;
UPDATE t SET a = a + 10;
SELECT a, lower_inf(p), lower(p) = '-infinity' AS minus_infinity, lower_inc(p), upper_inf(p) FROM t_history ORDER BY a;
SELECT count(*) FROM t WHERE upper_inf(p) AND lower(p) > '2001-01-01';

-- Both tables renamed; the history under its own name; another schema.
ALTER TABLE t RENAME TO u;
ALTER TABLE t_history RENAME TO u_history;
UPDATE u SET a = a + 10;
SELECT count(*) FROM u_history;
ALTER SCHEMA vt RENAME TO vt2;
SET search_path = vt2, pg_catalog;
UPDATE u SET a = a + 10;
SELECT count(*) FROM u_history;
ALTER SCHEMA vt2 RENAME TO vt;
SET search_path = vt, pg_catalog;
DROP TABLE u, u_history;

-- Names that need quotes.
CREATE TABLE "T 1" ("a ""b" int, "p p" tstzrange);
CREATE TABLE "T 1_history" (LIKE "T 1");
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON "T 1" FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p p', 'vt."T 1_history"');
INSERT INTO "T 1" VALUES (1);
UPDATE "T 1" SET "a ""b" = 2;
SELECT "a ""b" FROM "T 1_history";
DROP TABLE "T 1", "T 1_history";

-- Generated columns: kept as values, or generated there too.  Identity columns keep their numbers.
CREATE TABLE g (a int, b text GENERATED ALWAYS AS (a::text || '!') STORED, i int GENERATED ALWAYS AS IDENTITY, p tstzrange);
CREATE TABLE g_history (LIKE g INCLUDING GENERATED INCLUDING IDENTITY);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON g FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO g (a) VALUES (1), (2);
UPDATE g SET a = a WHERE a = 2;
UPDATE g SET a = 3 WHERE a = 2;
ALTER TABLE g_history ALTER b DROP EXPRESSION;
DELETE FROM g WHERE a = 3;
SELECT a, b, i FROM g_history ORDER BY p;
DROP TABLE g, g_history;

-- Partitions: one history for all, named by the parent; rows that move keep one version a change.
CREATE TABLE m (a int, b text, region int, p tstzrange) PARTITION BY LIST (region);
CREATE TABLE m1 (b text, dropped int, p tstzrange, a int, region int);
ALTER TABLE m1 DROP dropped;
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES IN (1);
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2, 3) PARTITION BY LIST (region);
CREATE TABLE m_history (a int, b text, region int, p tstzrange) PARTITION BY HASH (a);
CREATE TABLE m_history_0 PARTITION OF m_history FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_history_1 PARTITION OF m_history FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
CREATE TABLE m22 PARTITION OF m2 FOR VALUES IN (2);
CREATE TABLE m23 PARTITION OF m2 FOR VALUES IN (3);
INSERT INTO m VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);
UPDATE m SET b = b || '!';
DELETE FROM m WHERE a = 3;
SELECT * FROM versions('m');
UPDATE m SET region = 3 - region;
SELECT * FROM versions('m');
BEGIN;
UPDATE m SET region = 3 WHERE a = 1;
UPDATE m SET region = 2 WHERE a = 1;
DELETE FROM m WHERE a = 2;
INSERT INTO m VALUES (4, 'four', 1);
UPDATE m SET region = 2 WHERE a = 4;
SELECT a, region, p = tstzrange(now(), NULL) AS since_now FROM m ORDER BY a;
COMMIT;
SELECT * FROM versions('m');
DROP TABLE m, m_history;

-- ... also where the partition is no version.
CREATE TABLE m (a int, b text, region int, p tstzrange) PARTITION BY LIST (region);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);
CREATE TABLE m_history (a int, b text, region int, p tstzrange);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', 'region');
INSERT INTO m VALUES (1, 'one', 1), (2, 'two', 2);
BEGIN;
UPDATE m SET region = 3 - region;
SELECT a, region, lower(p) < now() AS as_before FROM m ORDER BY a;
INSERT INTO m VALUES (3, 'three', 1, '[2000-01-01,)');
SELECT p = tstzrange(now(), NULL) AS since_now FROM m WHERE a = 3;
COMMIT;
SELECT * FROM versions('m');
-- A move that is rolled back leaves nothing that a later delete could take for it.
BEGIN;
SAVEPOINT s;
UPDATE m SET b = 'x' WHERE a = 1;
ROLLBACK TO s;
DELETE FROM m WHERE a = 1;
COMMIT;
SELECT * FROM versions('m') WHERE a = 1;
DROP TABLE m, m_history;

-- Inheritance: a child has a trigger, and a history, of its own.
CREATE TABLE parent (a int, b text, p tstzrange);
CREATE TABLE child (c int) INHERITS (parent);
CREATE TABLE parent_history (LIKE parent);
CREATE TABLE child_history () INHERITS (parent_history);
ALTER TABLE child_history ADD c int;
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO parent VALUES (1, 'one');
INSERT INTO child VALUES (2, 'two', NULL, 3);
UPDATE parent SET b = b || '!';
SELECT a, b FROM ONLY parent_history;
SELECT a, b, c FROM child_history;
DROP TABLE parent, parent_history CASCADE;

-- Who writes the table needs no privilege on the history: its owner writes it, and nobody else can.
-- What the history calls finds nothing by the writer's search_path.
CREATE ROLE agm_vt_owner;
CREATE ROLE agm_vt_writer;
GRANT ALL ON SCHEMA vt TO agm_vt_owner;
GRANT USAGE, CREATE ON SCHEMA vt TO agm_vt_writer;
SET ROLE agm_vt_owner;
CREATE FUNCTION vt.who() RETURNS text LANGUAGE sql AS 'SELECT current_user::text || '' by '' || current_setting(''search_path'')';
CREATE TABLE w (a int, b text, p tstzrange);
CREATE TABLE w_history (LIKE w, who text DEFAULT vt.who());
ALTER TABLE w_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON w FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
GRANT SELECT, INSERT, UPDATE, DELETE ON w TO agm_vt_writer;
SET ROLE agm_vt_writer;
INSERT INTO w VALUES (1, 'one');
UPDATE w SET b = 'uno';
DELETE FROM w;
SELECT current_user;
SHOW search_path;
INSERT INTO w_history VALUES (9, 'forged');
RESET ROLE;
SELECT a, b, who FROM w_history ORDER BY p;
-- Another owner, another writer of the history.
ALTER TABLE w OWNER TO agm_vt_writer;
SET ROLE agm_vt_writer;
INSERT INTO w VALUES (2, 'two');
UPDATE w SET b = 'due';
RESET ROLE;
DROP TABLE w, w_history;
DROP FUNCTION vt.who();
REVOKE ALL ON SCHEMA vt FROM agm_vt_owner, agm_vt_writer;
DROP ROLE agm_vt_owner, agm_vt_writer;

-- A trigger of the history that alters, and writes, the table whose row is being kept.
CREATE TABLE r (a int, b text, p tstzrange);
CREATE TABLE r_history (LIKE r);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON r FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO r VALUES (1, 'one'), (2, 'two');
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.a = 1 THEN
    GRANT SELECT ON vt.r TO CURRENT_USER;
    UPDATE vt.r SET b = b || ' nested' WHERE a = 2;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER nested BEFORE INSERT ON r_history FOR EACH ROW EXECUTE FUNCTION nested();
UPDATE r SET b = 'ein' WHERE a = 1;
SELECT * FROM versions('r');
DROP TABLE r, r_history;

-- A key: a row that comes back begins no earlier than its last version ended, as where a transaction that began
-- later has taken it out.
CREATE TABLE back (k text, l int, b text, p tstzrange NOT NULL);
CREATE TABLE back_history (LIKE back);
CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON back
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', '', 'k,l');
INSERT INTO back_history VALUES ('x', 1, 'older', '[2020-01-01 00:00+00,2020-01-02 00:00+00)'), ('x', 1, 'old', '[2020-01-02 00:00+00,2999-01-01 00:00+00)'),
  ('x', 2, 'other', '[2020-01-01 00:00+00,2021-01-01 00:00+00)'), (NULL, 1, 'none', '[2020-01-01 00:00+00,2999-01-01 00:00+00)');
BEGIN;
INSERT INTO back VALUES ('x', 1, 'again'), ('x', 2, 'again'), (NULL, 1, 'again'), ('y', 1, 'new');
SELECT k, l, lower(p) = '2999-01-01 00:00+00' AS later, lower(p) = now() AS now FROM back ORDER BY k, l;
UPDATE back SET b = 'changed' WHERE l = 1;
DELETE FROM back WHERE k = 'x';
COMMIT;
SELECT k, l, b, lower(p) = '2999-01-01 00:00+00' AS later FROM back ORDER BY k, l;
SELECT k, l, b FROM back_history ORDER BY k, l, p;
SET agentmem.versioning_conflict = error;
\set VERBOSITY sqlstate
INSERT INTO back VALUES ('x', 1, 'again');
\set VERBOSITY default
RESET agentmem.versioning_conflict;
DROP TABLE back, back_history;

-- A trigger AFTER INSERT finds the same when the row is in the table, of partitions and rows that move too, and moves nothing that a version need not.
CREATE TABLE back (k text, l int, b text, p tstzrange NOT NULL, PRIMARY KEY (k, l)) PARTITION BY LIST (l);
CREATE TABLE back1 PARTITION OF back FOR VALUES IN (1);
CREATE TABLE back2 PARTITION OF back FOR VALUES IN (2);
CREATE TABLE back_history (k text, l int, b text, p tstzrange);
CREATE TRIGGER versioning BEFORE INSERT OR UPDATE OR DELETE ON back
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', '', 'k,l');
CREATE TRIGGER versioning_again AFTER INSERT ON back
  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', '', 'k,l');
INSERT INTO back_history VALUES ('x', 1, 'old', '[2020-01-02 00:00+00,2999-01-01 00:00+00)'), ('x', 2, 'other', '[2020-01-01 00:00+00,2021-01-01 00:00+00)');
BEGIN;
INSERT INTO back VALUES ('x', 1, 'again'), ('x', 2, 'again'), ('y', 1, 'new');
SELECT k, l, lower(p) = '2999-01-01 00:00+00' AS later, lower(p) = now() AS now, upper_inf(p) AS held FROM back ORDER BY k, l;
UPDATE back SET l = 3 - l WHERE k = 'y';
UPDATE back SET b = 'changed' WHERE l = 1;
COMMIT;
SELECT k, l, b, lower(p) = '2999-01-01 00:00+00' AS later, upper_inf(p) AS held FROM back ORDER BY k, l;
DELETE FROM back WHERE k = 'x';
SELECT k, l, b, p FROM back_history WHERE NOT isempty(p) AND upper(p) > '2998-01-01' ORDER BY k, l, p;
INSERT INTO back VALUES ('x', 1, 'thrice') ON CONFLICT (k, l) DO UPDATE SET b = excluded.b;
SELECT k, l, b, lower(p) FROM back WHERE k = 'x';
SET agentmem.versioning_conflict = error;
DELETE FROM back_history WHERE k = 'y';
INSERT INTO back_history VALUES ('y', 1, 'old', '[2020-01-02 00:00+00,2999-01-01 00:00+00)');
\set VERBOSITY sqlstate
INSERT INTO back VALUES ('y', 1, 'again');
\set VERBOSITY default
RESET agentmem.versioning_conflict;
DROP TABLE back, back_history;

-- Many rows by one statement, and a temporary table.
CREATE TEMP TABLE many (a int, b text, p tstzrange);
CREATE TEMP TABLE many_history (LIKE many);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON many FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO many SELECT i, 'x' FROM generate_series(1, 1000) i;
UPDATE many SET b = 'y' WHERE a % 2 = 0;
DELETE FROM many WHERE a % 3 = 0;
SELECT count(*), count(*) FILTER (WHERE lower(p) < upper(p)), count(DISTINCT a) FROM many_history;
DROP TABLE many, many_history;

DROP FUNCTION versions(text), nested();
RESET search_path;
DROP SCHEMA vt;
