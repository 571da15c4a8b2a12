-- agentmem.versioning on tables whose shape changes while they have versions, alone or with the history.

CREATE SCHEMA va;
SET search_path = va, pg_catalog;

-- Columns come, first here, then there: an error until the history has it, also for rows that hold NULL.
CREATE TABLE t (a int, b text, p tstzrange NOT NULL);
CREATE TABLE t_history (p tstzrange, b text, a int);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO t VALUES (1, 'one'), (2, 'two');
UPDATE t SET b = 'uno' WHERE a = 1;
ALTER TABLE t ADD c int;
UPDATE t SET b = 'un' WHERE a = 1;
ALTER TABLE t_history ADD c int;
UPDATE t SET b = 'un' WHERE a = 1;
UPDATE t SET c = 1 WHERE a = 1;
-- ... with a default, which rows that are not rewritten have too; in the history it is no value of old versions.
ALTER TABLE t ADD d text DEFAULT 'given';
ALTER TABLE t_history ADD d text;
UPDATE t SET d = 'given';
UPDATE t SET b = 'due' WHERE a = 2;
UPDATE t SET d = 'taken' WHERE a = 2;
SELECT a, b, c, d FROM t_history ORDER BY a, p;
-- ... first there: a column of the history alone takes its default.
ALTER TABLE t_history ADD e text DEFAULT 'none here';
UPDATE t SET b = 'deux' WHERE a = 2;
ALTER TABLE t ADD e text;
UPDATE t SET e = 'here' WHERE a = 2;
SELECT a, b, e FROM t_history WHERE a = 2 ORDER BY p DESC LIMIT 2;

-- Columns go: the history keeps what it had, and NULL from then on; one that is gone there alone is an error.
ALTER TABLE t DROP b;
UPDATE t SET c = 2;
SELECT a, b, c FROM t_history ORDER BY a, p DESC;
ALTER TABLE t_history DROP c;
UPDATE t SET c = 3;
DELETE FROM t WHERE a = 1;
ALTER TABLE t DROP c;
DELETE FROM t WHERE a = 1;
-- One of the same name that comes back is another column.
ALTER TABLE t ADD b text;
UPDATE t SET b = 'back';
UPDATE t SET b = 'again';
SELECT a, b FROM t_history WHERE a = 2 ORDER BY p DESC LIMIT 2;

-- Renamed in one table, in both; the period, in which case the trigger says what it misses.
ALTER TABLE t RENAME b TO bb;
UPDATE t SET bb = 'x';
ALTER TABLE t_history RENAME b TO bb;
UPDATE t SET bb = 'x';
ALTER TABLE t RENAME p TO period;
UPDATE t SET bb = 'y';
INSERT INTO t (a) VALUES (3);
ALTER TABLE t RENAME period TO p;
ALTER TABLE t_history RENAME p TO period;
UPDATE t SET bb = 'y';
ALTER TABLE t_history RENAME period TO p;
UPDATE t SET bb = 'y';
SELECT a, bb FROM t_history WHERE a = 2 ORDER BY p DESC LIMIT 2;
-- The trigger renamed; the history in another schema, or under another name.
ALTER TRIGGER v ON t RENAME TO keeps;
UPDATE t SET bb = 'z';
CREATE SCHEMA va_other;
ALTER TABLE t_history SET SCHEMA va_other;
UPDATE t SET bb = 'zz';
ALTER TABLE va_other.t_history SET SCHEMA va;
ALTER TABLE t_history RENAME TO t_past;
UPDATE t SET bb = 'zz';
-- ... another takes its place, before anything was said of it.
CREATE TABLE t_history (LIKE t);
UPDATE t SET bb = 'zz';
SELECT (SELECT count(*) FROM t_history) AS new, (SELECT bb FROM t_past ORDER BY p DESC LIMIT 1) AS last_of_old;
DROP SCHEMA va_other;
DROP TABLE t, t_history, t_past;

-- Types: changed in one table, an error; in both, what was kept is converted with it.
CREATE DOMAIN short AS text CHECK (length(value) < 10);
CREATE TYPE mood AS ENUM ('calm', 'glad');
CREATE TYPE pair AS (x int, y int);
CREATE TABLE t (a int, b varchar(5), m mood, d short, c pair, l int[], n numeric, p tstzrange);
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO t VALUES (1, 'one', 'calm', 'd', '(1,2)', '{1,2}', 1.0);
UPDATE t SET b = 'one', m = 'calm', d = 'd', c = '(1,2)', l = '{1,2}', n = 1.0;
SELECT count(*) FROM t_history;
ALTER TYPE mood ADD VALUE 'sad';
UPDATE t SET m = 'sad';
UPDATE t SET c.y = 3;
UPDATE t SET l[3] = 3;
-- Equal, and written otherwise.
UPDATE t SET n = 1.00;
ALTER TABLE t ALTER a TYPE bigint;
UPDATE t SET a = 5000000000;
ALTER TABLE t_history ALTER a TYPE bigint, ALTER b TYPE text;
UPDATE t SET a = 5000000000;
ALTER TABLE t ALTER b TYPE text;
UPDATE t SET b = 'a longer one';
SELECT a, b, m, d, c, l, n FROM t_history ORDER BY p;
-- A rewritten table has its rows elsewhere, and no new versions.
VACUUM FULL t, t_history;
CREATE INDEX t_idx ON t (a);
CLUSTER t USING t_idx;
UPDATE t SET a = a;
SELECT count(*) FROM t_history;
-- A composite type that gains an attribute: values of before are compared as they are now.
ALTER TYPE pair ADD ATTRIBUTE z int;
UPDATE t SET c = c;
SELECT count(*) FROM t_history;
UPDATE t SET c.z = 1;
SELECT c FROM t_history ORDER BY p DESC LIMIT 1;
DROP TABLE t, t_history;
DROP TYPE pair;
DROP TYPE mood;
-- A domain is no period: its checks would meet what the trigger writes.
CREATE DOMAIN period AS tstzrange CHECK (NOT isempty(value));
CREATE TABLE t (a int, p period);
CREATE TABLE t_history (LIKE t);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO t VALUES (1);
DROP TABLE t, t_history;
DROP DOMAIN period;
DROP DOMAIN short;

-- Constraints and indexes on the period are the owner's, and hold.
CREATE TABLE t (a int, b text, p tstzrange NOT NULL DEFAULT 'empty' CHECK (upper_inf(p) AND NOT isempty(p)), UNIQUE (a, p));
CREATE TABLE t_history (LIKE t, CHECK (NOT upper_inf(p)), UNIQUE (a, p));
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO t (a, b) VALUES (1, 'one');
UPDATE t SET b = 'uno';
\set VERBOSITY terse
INSERT INTO t VALUES (1, 'twice'), (1, 'twice');
\set VERBOSITY default
INSERT INTO t VALUES (1, 'since another instant');
SELECT a, count(*) FROM t GROUP BY a;
-- The trigger comes off, the history is cut, and it goes on: with a row of no history that is no error.
BEGIN;
ALTER TABLE t DISABLE TRIGGER v;
UPDATE t SET b = b || '!';
DELETE FROM t_history;
ALTER TABLE t ENABLE TRIGGER v;
COMMIT;
UPDATE t SET b = 'eins' WHERE b = 'uno!';
SELECT a, b, upper(h.p) = (SELECT lower(t.p) FROM t WHERE b = 'eins') AS follows FROM t_history h;
-- The history outlives its table, and serves another with the same columns.
DROP TABLE t;
CREATE TABLE t (b text, p tstzrange, a int);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO t (a, b) VALUES (1, 'anew');
DELETE FROM t;
SELECT a, b FROM t_history ORDER BY p;
DROP TABLE t, t_history;

-- Inheritance: a column of the parent comes to the children, and to their histories alike; a child
-- without a trigger keeps nothing, also when it is written by way of its parent.
CREATE TABLE parent (a int, b text, p tstzrange);
CREATE TABLE parent_history (LIKE parent);
CREATE TABLE child () INHERITS (parent);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO parent VALUES (1, 'one');
INSERT INTO child VALUES (2, 'two');
UPDATE parent SET b = b || '!';
SELECT a, b, p IS NULL AS no_period FROM parent ORDER BY a;
SELECT a, b FROM parent_history;
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', 'parent_history');
UPDATE parent SET p = tstzrange(now(), NULL) WHERE a = 2;
ALTER TABLE child DISABLE TRIGGER v;
UPDATE child SET p = tstzrange(now(), NULL);
ALTER TABLE child ENABLE TRIGGER v;
ALTER TABLE parent ADD c int;
ALTER TABLE parent_history ADD c int;
UPDATE parent SET c = a;
DELETE FROM ONLY parent;
DELETE FROM parent;
SELECT a, b, c FROM parent_history ORDER BY a, p;
DROP TABLE parent, child, parent_history;

-- Partitions: a column of all, in whatever place it comes in each.
CREATE TABLE m (a int, b text, p tstzrange) PARTITION BY RANGE (a);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10);
CREATE TABLE m_history (a int, b text, p tstzrange);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
INSERT INTO m VALUES (1, 'one');
ALTER TABLE m ADD c int DEFAULT 7;
ALTER TABLE m_history ADD c int;
CREATE TABLE m2 (c int DEFAULT 8, gone int, a int, p tstzrange, b text);
ALTER TABLE m2 DROP gone;
ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM (10) TO (20);
INSERT INTO m VALUES (11, 'eleven');
UPDATE m SET a = a + 10 WHERE a < 10;
UPDATE m SET b = b || '!';
ALTER TABLE m DROP b;
UPDATE m SET c = 9;
SELECT a, b, c FROM m_history ORDER BY a, p, b;
DROP TABLE m, m_history;

RESET search_path;
DROP SCHEMA va;
