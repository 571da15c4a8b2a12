-- What agentmem.versioning refuses.
CREATE SCHEMA ve;
SET search_path = ve, pg_catalog;
CREATE TABLE t (a int, b text, p tstzrange, wrong tsrange, generated tstzrange GENERATED ALWAYS AS (p) STORED);
INSERT INTO t (a, b, p) VALUES (1, 'one', '[2000-01-01,)');

CREATE FUNCTION versioned_by(arguments text, event text DEFAULT 'BEFORE UPDATE', level text DEFAULT 'ROW', statement text DEFAULT 'UPDATE ve.t SET b = ''two''')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text;
BEGIN
  EXECUTE format('CREATE TRIGGER v %s ON ve.t FOR EACH %s EXECUTE FUNCTION agentmem.versioning(%s)', event, level, arguments);
  EXECUTE statement;
  RAISE 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(E'\n', sqlstate || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END
$$;
\t on
\a
-- Called otherwise than BEFORE, FOR EACH ROW.
SELECT agentmem.versioning();
SELECT versioned_by($$'p'$$, 'AFTER UPDATE');
SELECT versioned_by($$'p'$$, 'BEFORE UPDATE', 'STATEMENT');
SELECT versioned_by($$'p'$$, 'BEFORE TRUNCATE', 'STATEMENT', 'TRUNCATE ve.t');
-- Arguments.
SELECT versioned_by('');
SELECT versioned_by($$'p', 'a', 'b', 'c', 'd'$$);
SELECT versioned_by($$'q'$$);
SELECT versioned_by($$'ctid'$$);
SELECT versioned_by($$'P'$$);
SELECT versioned_by($$'b'$$);
SELECT versioned_by($$'wrong'$$);
SELECT versioned_by($$'generated'$$);
SELECT versioned_by($$'p', 'a.b.c.d'$$);
SELECT versioned_by($$'p', '"'$$);
-- The history.
SELECT versioned_by($$'p'$$);
SELECT versioned_by($$'p', 'elsewhere'$$);
SELECT versioned_by($$'p', 'nowhere.t_history'$$);
SELECT versioned_by($$'p', 'pg_catalog.pg_class_oid_index'$$);
SELECT versioned_by($$'p', 't'$$);
CREATE VIEW v AS SELECT * FROM t;
SELECT versioned_by($$'p', 've.v'$$);
DROP VIEW v;
-- Not found by search_path: by default it is in the table's schema.
CREATE SCHEMA ve_other;
CREATE TABLE ve_other.t_history (LIKE t);
SET search_path = ve_other, ve, pg_catalog;
SELECT versioned_by($$'p'$$);
SELECT versioned_by($$'p', 't_history'$$);
SELECT versioned_by($$'p', 've_other.t_history'$$);
SET search_path = ve, pg_catalog;
DROP TABLE ve_other.t_history;
DROP SCHEMA ve_other;
-- Its columns.
CREATE TABLE t_history (a int, p tstzrange, wrong tsrange, generated tstzrange);
SELECT versioned_by($$'p'$$);
SELECT versioned_by($$'p', '', 'b'$$);
SELECT versioned_by($$'p', '', 'b,b b'$$);
SELECT versioned_by($$'p', '', 'b, c'$$);
SELECT versioned_by($$'p', '', 'b, p'$$);
ALTER TABLE t_history ADD b varchar(10), DROP p;
SELECT versioned_by($$'p'$$);
ALTER TABLE t_history ADD p tsrange;
SELECT versioned_by($$'p'$$);
ALTER TABLE t_history ALTER b TYPE text;
SELECT versioned_by($$'p'$$);
ALTER TABLE t_history DROP p;
ALTER TABLE t_history ADD p tstzrange;
SELECT versioned_by($$'p'$$);
ALTER TABLE t ALTER a TYPE numeric(10,2);
SELECT versioned_by($$'p'$$);
ALTER TABLE t_history ALTER a TYPE numeric(10,1);
SELECT versioned_by($$'p'$$);
ALTER TABLE t_history ALTER a TYPE numeric;
SELECT versioned_by($$'p'$$);
-- Its key.
SELECT versioned_by($$'p', '', '', 'a,p'$$);
SELECT versioned_by($$'p', '', '', 'a,q'$$);
SELECT versioned_by($$'p', '', '', 'a,'$$);
-- What the history itself demands.
ALTER TABLE t_history ADD must text NOT NULL;
SELECT split_part(versioned_by($$'p'$$), E'\n', 1);
ALTER TABLE t_history DROP must;
-- Rows whose period is none; they can be changed in columns that are no versions.
UPDATE t SET p = NULL;
SELECT versioned_by($$'p'$$);
SELECT versioned_by($$'p', '', 'b'$$);
SELECT versioned_by($$'p'$$, 'BEFORE DELETE', 'ROW', 'DELETE FROM ve.t');
UPDATE t SET p = 'empty';
SELECT versioned_by($$'p'$$);
UPDATE t SET p = '[2000-01-01,2001-01-01)';
SELECT versioned_by($$'p'$$);
UPDATE t SET p = '[infinity,)';
SELECT versioned_by($$'p'$$);
-- ... as other tools write an end that is open.
UPDATE t SET p = '[2000-01-01,infinity)';
SELECT versioned_by($$'p'$$);
-- A version that began after this transaction: error, or a microsecond.
UPDATE t SET p = '[2999-01-01 00:00:00+00,)';
SET agentmem.versioning_conflict = error;
SET timezone = 'UTC';
SELECT regexp_replace(versioned_by($$'p'$$), 'transaction began at [^.]*\.[0-9]+\+00', 'transaction began at ...');
SELECT regexp_replace(versioned_by($$'p'$$, 'BEFORE DELETE', 'ROW', 'DELETE FROM ve.t'), 'transaction began at [^.]*\.[0-9]+\+00', 'transaction began at ...');
SET agentmem.versioning_conflict = adjust;
CREATE TRIGGER v BEFORE UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p');
UPDATE t SET b = 'adjusted';
SELECT p FROM t;
SELECT p FROM t_history;
SET agentmem.versioning_conflict = whatever;
-- What is found at the first row is found wrong later, too; and works when it is set right.
ALTER TABLE t_history DROP b;
UPDATE t SET b = 'x';
ALTER TABLE t_history ADD b text;
UPDATE t SET b = 'x';
ALTER TABLE t RENAME TO t2;
UPDATE t2 SET b = 'y';
ALTER TABLE t2 RENAME TO t;
DROP TABLE t_history;
DELETE FROM t;
\a
\t off
DROP TABLE t;
DROP FUNCTION versioned_by(text, text, text, text);
RESET search_path;
DROP SCHEMA ve;
