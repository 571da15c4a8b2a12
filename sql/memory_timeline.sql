-- One subject and predicate: values follow each other in time and never overlap.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('line', dimensions => 3);
CREATE FUNCTION place(ns text, value text, f date DEFAULT NULL, u date DEFAULT NULL, OUT id bigint, OUT action text, OUT related bigint[])
LANGUAGE sql AS $$
  SELECT * FROM agentmem.remember('line', ns, 'Alice lives in ' || value, 'fact', subject => 'Alice', predicate => 'lives in',
                                  object => value, valid_from => f, valid_to => u) $$;
CREATE FUNCTION timeline(ns text) RETURNS TABLE (id bigint, value text, f date, u date) LANGUAGE sql AS $$
  SELECT m.id, m.object, lower(m.valid_period)::date, upper(m.valid_period)::date FROM line.memory m
  WHERE m.namespace = ns ORDER BY m.valid_period $$;
CREATE VIEW overlap AS
  SELECT a.namespace, a.id, b.id AS other FROM line.memory a JOIN line.memory b
  ON b.namespace = a.namespace AND b.key_hash = a.key_hash AND b.id > a.id AND b.valid_period && a.valid_period;

-- (d) A later value ends the one that holds; the key is folded.
SELECT * FROM place('d', 'Rome', '2020-01-01');
SELECT action, related FROM remember('line', 'd', 'Alice lives in Paris', 'fact', subject => ' ALICE ', predicate => 'Lives  In',
                                     object => 'Paris', valid_from => '2022-01-01');
SELECT * FROM timeline('d');
-- A late arrival goes where it belongs; the present does not move.
SELECT * FROM place('d', 'Oslo', '2021-01-01');
SELECT * FROM place('d', 'Bern', '2019-01-01');
SELECT * FROM timeline('d');
-- (d) With an end inside: the old value goes on after it.
SELECT * FROM place('d', 'Bonn', '2020-03-01', '2020-05-01');
SELECT * FROM timeline('d');
SELECT source, target, type FROM line.edge WHERE namespace = 'd' ORDER BY source, target;

-- (b) The same value where it holds: reinforced. Its end moves if a later one is given, never past the next value.
SELECT * FROM place('b', 'Rome', '2020-01-01', '2021-01-01');
SELECT * FROM place('b', 'Oslo', '2023-01-01');
SELECT * FROM place('b', 'Rome', '2020-06-01');
SELECT * FROM place('b', 'Rome', '2020-06-01', '2020-09-01');
SELECT * FROM timeline('b');
SELECT * FROM place('b', 'Rome', '2020-06-01', '2022-01-01');
SELECT * FROM timeline('b');
SELECT * FROM place('b', 'Rome', '2020-06-01', '2024-01-01');
SELECT * FROM timeline('b');
SELECT confirmations FROM get('line', 'b', keys => NULL, ids => ARRAY(SELECT id FROM timeline('b') WHERE value = 'Rome'));
-- The same value where it does not hold is a value of its own.
SELECT action FROM place('b', 'Rome', '2025-01-01');
SELECT * FROM timeline('b');

-- (c) The same beginning: a correction, under the same id.
SELECT * FROM place('c', 'Rome', '2020-01-01');
SELECT * FROM place('c', 'Roma', '2020-01-01');
SELECT * FROM place('c', 'Rimini', '2020-01-01', '2021-01-01');
SELECT * FROM timeline('c');

-- (f) A given end: what lies inside goes, what straddles it begins there.
SELECT count(*) FROM generate_series(0, 5) i, place('f', 'City ' || i, make_date(2020 + i, 1, 1));
SELECT * FROM place('f', 'Ship', '2020-07-01', '2024-07-01');
SELECT * FROM timeline('f');
-- Without an end it lasts until the next value begins, gaps included.
SELECT * FROM place('g', 'Rome', '2020-01-01', '2021-01-01');
SELECT * FROM place('g', 'Oslo', '2024-01-01');
SELECT * FROM place('g', 'Bern', '2020-06-01');
SELECT * FROM timeline('g');
SELECT * FROM place('g', 'Kiel', '2022-01-01', '2023-01-01');
SELECT * FROM timeline('g');
-- From the beginning of time.
SELECT action FROM remember('line', 'g', 'Alice lives nowhere', 'fact', subject => 'Alice', predicate => 'lives in', object => 'nowhere',
                            valid_from => '-infinity');
SELECT * FROM timeline('g');
SELECT action FROM remember('line', 'g', 'Alice lived nowhere', 'fact', subject => 'Alice', predicate => 'lives in', object => 'nowhere',
                            valid_from => '-infinity', valid_to => '2000-01-01');
SELECT * FROM timeline('g');

-- Without dates the clock decides, also within one transaction.
BEGIN;
SELECT action FROM place('now', 'Rome');
SELECT action FROM place('now', 'Oslo');
SELECT action FROM place('now', 'Oslo');
SELECT value, u IS NULL AS open FROM timeline('now');
COMMIT;
SELECT id, content FROM recall('line', 'now', 'Alice lives');

-- A predicate of many values: each object is a key of its own.
SELECT action FROM remember('line', 'm', 'Alice likes tea', 'preference', subject => 'Alice', predicate => 'likes', object => 'tea');
SELECT action FROM remember('line', 'm', 'Alice likes milk', 'preference', subject => 'Alice', predicate => 'likes', object => 'milk');
SELECT action FROM remember('line', 'm', 'Alice likes hot milk', 'preference', subject => 'Alice', predicate => 'LIKES', object => 'Milk');
SELECT content, upper_inf(valid_period) AS holds FROM list('line', 'm', during => '(,)');
INSERT INTO line.predicate VALUES ('plays', 'many');
SELECT action FROM remember('line', 'm', 'Alice plays chess', 'fact', subject => 'Alice', predicate => 'plays', object => 'chess');
SELECT action FROM remember('line', 'm', 'Alice plays tennis', 'fact', subject => 'Alice', predicate => 'plays', object => 'tennis');
-- No key: the predicate is missing, or the kind replaces nothing.
SELECT action FROM remember('line', 'm', 'Bob sings', 'fact', subject => 'Bob');
SELECT action FROM remember('line', 'm', 'Bob sings loud', 'fact', subject => 'Bob');
SELECT action FROM remember('line', 'm', 'Bob met Eve', 'event', subject => 'Bob', predicate => 'met');
SELECT action FROM remember('line', 'm', 'Bob met Dan', 'event', subject => 'Bob', predicate => 'met');

-- A batch is as if called one by one, as one operation.
SELECT ordinal, action FROM remember_many('line', 'batch', '[
  {"content": "Alice lives in Rome", "kind": "fact", "subject": "Alice", "predicate": "lives in", "object": "Rome", "valid_from": "2020-01-01"},
  {"content": "Alice lives in Oslo", "kind": "fact", "subject": "Alice", "predicate": "lives in", "object": "Oslo", "valid_from": "2021-01-01"},
  {"content": "Alice lives in Bern", "kind": "fact", "subject": "Alice", "predicate": "lives in", "object": "Bern", "valid_from": "2019-01-01"}]');
SELECT * FROM timeline('batch');
SELECT count(*), count(DISTINCT operation) FROM line.memory WHERE namespace = 'batch';
SELECT action, cardinality(ids) FROM line.audit WHERE namespace = 'batch';

-- Random values and periods: never an overlap, and at each day what was said last of it holds.  (What repeats the value that
-- holds at its beginning says nothing of the time after the next value begins.)
CREATE TABLE said (n serial, value text, f date, u date);
DO $$
DECLARE
  f date; u date; v text;
BEGIN
  PERFORM setseed(0.42);
  FOR i IN 1 .. 200 LOOP
    f := date '2020-01-01' + (random() * 300)::int;
    u := f + 1 + (random() * 60)::int;
    v := 'City ' || (random() * 12)::int;
    INSERT INTO public.said (value, f, u)
    SELECT v, f, least(u, (SELECT min(n.f) FROM public.timeline('random') n WHERE n.f > said_at
                           AND EXISTS (SELECT FROM public.timeline('random') h WHERE h.value = v AND h.f <= said_at AND h.u > said_at)))
    FROM (SELECT f AS said_at) s;
    PERFORM public.place('random', v, f, u);
  END LOOP;
END $$;
SELECT * FROM overlap;
SELECT count(*) AS days, count(*) FILTER (WHERE l.value IS DISTINCT FROM s.value) AS wrong
FROM generate_series(date '2019-12-25', date '2021-01-10', interval '1 day') d
LEFT JOIN LATERAL (SELECT value FROM said WHERE d >= f AND d < u ORDER BY n DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT value FROM timeline('random') WHERE d >= f AND d < u) l ON true;

-- Periods that make no sense, and a key that direct DML would break.
SELECT place('e', 'Rome', '2020-01-01', '2020-01-01');

DROP VIEW overlap;
DROP TABLE said;
DROP FUNCTION place, timeline;
SELECT drop_store('line', cascade => true);
