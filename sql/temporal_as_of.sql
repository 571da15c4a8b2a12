-- What a table held at an instant, read from it and its history, against what was seen there: 300
-- transactions of random statements, each of which writes down the table as it leaves it.

CREATE SCHEMA vo;
SET search_path = vo, pg_catalog;

-- Partitioned, with a column that is no version and decides the partition.
CREATE TABLE t (a int, b text, region int, n int DEFAULT 0, p tstzrange NOT NULL) PARTITION BY LIST (region);
CREATE TABLE t0 PARTITION OF t FOR VALUES IN (0);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
CREATE TABLE t_history (a int, b text, n int, p tstzrange NOT NULL);
CREATE TRIGGER v BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION agentmem.versioning('p', '', 'region, n');
-- What was seen, and one that was not asked.
CREATE TABLE seen (at timestamptz, a int, b text);
CREATE TABLE asked (at timestamptz);

-- One of a dozen things that a transaction can do, on few rows, so that they meet.
CREATE PROCEDURE step() LANGUAGE plpgsql AS $$
DECLARE
  i int := 1 + floor(random() * 8);
  word text := 'w' || floor(random() * 3);
BEGIN
  CASE floor(random() * 11)::int
    WHEN 0, 1 THEN INSERT INTO vo.t SELECT i, word, i % 2 WHERE NOT EXISTS (SELECT FROM vo.t WHERE a = i);
    WHEN 2 THEN UPDATE vo.t SET b = word WHERE a = i;
    WHEN 3 THEN UPDATE vo.t SET b = word, region = 1 - region, p = '[2000-01-01,)' WHERE a = i;
    WHEN 4 THEN UPDATE vo.t SET region = 1 - region WHERE a >= i;
    WHEN 5 THEN UPDATE vo.t SET n = n + 1, p = NULL;
    WHEN 6 THEN DELETE FROM vo.t WHERE a = i;
    WHEN 7 THEN WITH gone AS (DELETE FROM vo.t WHERE a = i RETURNING *) INSERT INTO vo.t SELECT a, b, 1 - region, n, p FROM gone;
    WHEN 8 THEN
      MERGE INTO vo.t USING (VALUES (i), (i % 8 + 1)) s(a) ON t.a = s.a
        WHEN MATCHED AND word = 'w0' THEN DELETE WHEN MATCHED THEN UPDATE SET b = word WHEN NOT MATCHED THEN INSERT VALUES (s.a, word, 0);
    WHEN 9 THEN
      -- What is undone was never.
      BEGIN
        UPDATE vo.t SET b = 'undone', region = 1 - region;
        DELETE FROM vo.t WHERE a > i;
        RAISE division_by_zero;
      EXCEPTION WHEN division_by_zero THEN
        UPDATE vo.t SET b = word WHERE a = i;
      END;
    ELSE UPDATE vo.t SET b = b || '+' WHERE a = i;
  END CASE;
END
$$;

SELECT setseed(0.42);
DO $$
BEGIN
  FOR i IN 1 .. 300 LOOP
    FOR j IN 0 .. floor(random() * 4)::int LOOP
      CALL vo.step();
    END LOOP;
    INSERT INTO vo.asked VALUES (now());
    INSERT INTO vo.seen SELECT now(), t.a, t.b FROM vo.t;
    COMMIT;
  END LOOP;
END
$$;

-- As of each transaction's instant, and of the microsecond before the next.
CREATE TABLE instants AS
  SELECT at, at AS asked FROM asked UNION ALL
  SELECT at, coalesce(lead(at) OVER (ORDER BY at) - interval '1 us', 'infinity') FROM asked;
CREATE TABLE known AS
  SELECT i.at, i.asked, v.a, v.b FROM instants i JOIN (SELECT a, b, p FROM t UNION ALL SELECT a, b, p FROM t_history) v ON v.p @> i.asked;
CREATE TABLE expected AS SELECT i.at, i.asked, s.a, s.b FROM instants i JOIN seen s USING (at);
SELECT count(*) AS too_much FROM (TABLE known EXCEPT ALL TABLE expected) d;
SELECT count(*) AS missing FROM (TABLE expected EXCEPT ALL TABLE known) d;
-- Enough has happened; no version is empty, none overlaps another, none is open in the history.
SELECT count(*) > 300 AS versions, count(DISTINCT a) AS rows, bool_and(NOT isempty(p) AND NOT upper_inf(p) AND lower_inc(p) AND NOT upper_inc(p)) AS closed FROM t_history;
SELECT count(*) AS overlaps FROM (SELECT a, p, ctid, tableoid FROM t UNION ALL SELECT a, p, ctid, tableoid FROM t_history) x
  JOIN t_history y ON y.a = x.a AND y.p && x.p AND (y.ctid, y.tableoid) <> (x.ctid, x.tableoid);
-- Two versions that follow each other without a gap differ, but where the row was taken out and put back.
SELECT count(*) < 100 AS few_alike FROM t_history x JOIN t_history y ON y.a = x.a AND upper(x.p) = lower(y.p) AND y.b = x.b;

DROP TABLE t, t_history, seen, asked, instants, known, expected;
DROP PROCEDURE step();
RESET search_path;
DROP SCHEMA vo;
