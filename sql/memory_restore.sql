-- restore: the last operation on a memory is undone as a whole; a version is made current again.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('undo', dimensions => 3);
CREATE FUNCTION place(ns text, value text, f date, u date DEFAULT NULL) RETURNS TABLE (id bigint, action text) LANGUAGE sql AS $$
  SELECT id, action FROM agentmem.remember('undo', ns, 'Alice lives in ' || value, 'fact', subject => 'Alice', predicate => 'lives in',
                                          object => value, valid_from => f, valid_to => u) $$;
CREATE FUNCTION held(ns text) RETURNS TABLE (id bigint, content text, f date, u date, tags text[]) LANGUAGE sql AS $$
  SELECT m.id, m.content, lower(m.valid_period)::date, upper(m.valid_period)::date, tags FROM undo.memory m
  WHERE m.namespace = ns ORDER BY m.valid_period, m.id $$;

-- An insert, a value that ended another, and the undoing of an undo.
SELECT * FROM place('s', 'Rome', '2020-01-01');
SELECT * FROM place('s', 'Oslo', '2022-01-01');
SELECT restore('undo', 's', 1);
SELECT * FROM held('s');
SELECT count(*) FROM undo.edge WHERE namespace = 's';
SELECT restore('undo', 's', 2);
SELECT * FROM held('s');
SELECT restore('undo', 's', 1);
SELECT * FROM held('s');
SELECT details FROM undo.audit WHERE namespace = 's' ORDER BY id;

-- A value over many: cut, taken out, gone on.
SELECT count(*) FROM generate_series(0, 4) i, place('f', 'City ' || i, make_date(2020 + i, 1, 1));
CREATE TABLE before AS SELECT * FROM held('f');
SELECT * FROM place('f', 'Ship', '2020-07-01', '2023-07-01');
SELECT count(*) FROM held('f');
SELECT restore('undo', 'f', id) FROM held('f') WHERE content LIKE '%Ship';
(TABLE before EXCEPT SELECT * FROM held('f')) UNION ALL (SELECT * FROM held('f') EXCEPT TABLE before);
SELECT * FROM place('f', 'Barge', '2020-07-01', '2020-09-01');
SELECT restore('undo', 'f', min(id)) FROM held('f');
(TABLE before EXCEPT SELECT * FROM held('f')) UNION ALL (SELECT * FROM held('f') EXCEPT TABLE before);
-- A correction.
SELECT * FROM place('f', 'Rimini', '2020-01-01');
SELECT restore('undo', 'f', min(id)) FROM held('f');
(TABLE before EXCEPT SELECT * FROM held('f')) UNION ALL (SELECT * FROM held('f') EXCEPT TABLE before);
DROP TABLE before;

-- revise, forget, a repetition that added something, a batch.
SELECT id AS k FROM remember('undo', 'r', 'The kettle is blue', 'fact', '[1,0,0]', tags => '{a}') \gset
SELECT revise('undo', 'r', :k, 'The kettle is red', '[0,1,0]', tags => '{b}');
SELECT restore('undo', 'r', :k);
SELECT content, tags, embedding FROM undo.memory WHERE namespace = 'r';
SELECT content FROM recall('undo', 'r', 'blue kettle', '[1,0,0]');
SELECT forget('undo', 'r', :k);
SELECT count(*) FROM recall('undo', 'r', 'blue kettle', '[1,0,0]');
SELECT restore('undo', 'r', :k);
SELECT content FROM recall('undo', 'r', 'blue kettle', '[1,0,0]');
SELECT action FROM remember('undo', 'r', 'The kettle is blue', 'fact', tags => '{c}');
SELECT restore('undo', 'r', :k);
SELECT content, tags FROM held('r');
SELECT count(*) FROM remember_many('undo', 'r', '[{"content": "one", "kind": "fact"}, {"content": "two", "kind": "fact"}]');
SELECT restore('undo', 'r', max(id)) FROM held('r');
SELECT content FROM held('r');
-- Deleted by hand: no operation, but its last version comes back.
DELETE FROM undo.memory WHERE id = :k;
SELECT restore('undo', 'r', :k);
SELECT content, tags FROM held('r');

-- Each resolution of a conflict.
CREATE FUNCTION pair(ns text, OUT a bigint, OUT b bigint, OUT c bigint) LANGUAGE plpgsql AS $$
BEGIN
  SELECT id INTO a FROM agentmem.remember('undo', ns, 'The shop opens at 8', 'fact', '[1,0,0]', valid_from => '2025-01-01', tags => '{a}');
  SELECT id INTO b FROM agentmem.remember('undo', ns, 'The shop opens at 9', 'fact', '[1,0,0.1]', valid_from => '2025-06-01', tags => '{b}');
  SELECT conflict INTO c FROM agentmem.conflicts('undo', ns);
END $$;
SELECT a, c FROM pair('c1') \gset
SELECT resolve('undo', 'c1', :c, 'supersede');
SELECT restore('undo', 'c1', :a);
SELECT content, f, u, tags FROM held('c1');
SELECT count(*) FROM conflicts('undo', 'c1');
SELECT a, c FROM pair('c2') \gset
SELECT resolve('undo', 'c2', :c, 'merge');
SELECT content, f, u, tags FROM held('c2');
SELECT restore('undo', 'c2', :a);
SELECT content, f, u, tags FROM held('c2');
SELECT count(*) FROM conflicts('undo', 'c2');
SELECT a, c FROM pair('c3') \gset
SELECT resolve('undo', 'c3', :c, 'retain');
SELECT restore('undo', 'c3', :a);
SELECT content, f, u, tags FROM held('c3');
SELECT count(*) FROM conflicts('undo', 'c3');
SELECT a, c FROM pair('c4') \gset
SELECT resolve('undo', 'c4', :c, 'annotate');
SELECT restore('undo', 'c4', :a);
SELECT count(*) AS edges FROM undo.edge WHERE namespace = 'c4';
SELECT count(*) FROM conflicts('undo', 'c4');

-- A version of an instant.
SELECT id AS v FROM remember('undo', 'v', 'First words', 'fact') \gset
SELECT clock_timestamp() AS first \gset
SELECT revise('undo', 'v', :v, 'Second words');
SELECT clock_timestamp() AS second \gset
SELECT revise('undo', 'v', :v, 'Third words');
SELECT restore('undo', 'v', :v, :'first');
SELECT content FROM held('v');
SELECT forget('undo', 'v', :v);
SELECT restore('undo', 'v', :v, :'second');
SELECT content FROM held('v');
SELECT restore('undo', 'v', :v, clock_timestamp()), restore('undo', 'v', :v, '1999-01-01');
SELECT count(*) FROM history('undo', 'v', :v);

-- What cannot be undone.
\set VERBOSITY terse
SELECT restore('undo', 'v', 999), restore('undo', 'nowhere', :v), restore('undo', 'v', 999, now());
-- A later operation on something that it touched.
SELECT id AS x FROM place('l', 'Rome', '2020-01-01') \gset
SELECT id AS y FROM place('l', 'Oslo', '2021-01-01') \gset
SELECT revise('undo', 'l', :y, tags => '{later}');
SELECT restore('undo', 'l', :x);
-- A time, or a name, that another has taken.
SELECT forget('undo', 'l', :y);
SELECT id AS z FROM place('l', 'Bern', '2022-01-01') \gset
SELECT restore('undo', 'l', :y);
SELECT id AS w FROM remember('undo', 'l', 'Named', 'fact', key => 'name') \gset
SELECT forget('undo', 'l', :w);
SELECT action FROM remember('undo', 'l', 'Another', 'fact', key => 'name');
SELECT restore('undo', 'l', :w);
-- Operations of one transaction.
BEGIN;
SELECT id AS t FROM remember('undo', 't', 'Said', 'fact') \gset
SELECT revise('undo', 't', :t, 'Said better');
COMMIT;
SELECT restore('undo', 't', :t);
-- What a merge gave goes with it: the other's confirmations and one more, not those that came before or since.
SELECT action FROM remember('undo', 'cm', 'The tea is green', 'fact', '[1,0,0]', subject => 'tea', predicate => 'is', object => 'green');
SELECT action FROM remember('undo', 'cm', 'The tea is green', 'fact', subject => 'tea', predicate => 'is', object => 'green');
SELECT action FROM remember('undo', 'cm', 'Green is the tea', 'fact', '[1,0,0]');
SELECT action FROM remember('undo', 'cm', 'Green is the tea', 'fact');
SELECT action FROM remember('undo', 'cm', 'Green is the tea', 'fact');
SELECT min(id) AS a, max(id) AS b FROM undo.memory WHERE namespace = 'cm' \gset
CREATE FUNCTION confirmed(ns text) RETURNS SETOF int LANGUAGE sql AS $$ SELECT confirmations FROM undo.activity WHERE namespace = ns ORDER BY id $$;
SELECT resolve('undo', 'cm', conflict, 'merge', side => :a) FROM conflicts('undo', 'cm');
SELECT confirmed('cm');
SELECT action FROM remember('undo', 'cm', 'The tea is green', 'fact', subject => 'tea', predicate => 'is', object => 'green');
SELECT restore('undo', 'cm', :b);
SELECT confirmed('cm');
DROP FUNCTION confirmed;
-- Attributes that the kind does not take any more stay in history, and so does all of the operation.
SELECT add_kind('undo', 'note', 'semantic', 'A note');
SELECT id AS d FROM remember('undo', 'd', 'Due', 'note', attributes => '{"n": "word"}') \gset
SELECT forget('undo', 'd', :d);
SELECT alter_kind('undo', 'note', attributes => '{"n": "int"}');
SELECT restore('undo', 'd', :d);
SELECT restore('undo', 'd', :d, known_at => lower(system_period)) FROM history('undo', 'd', :d);
SELECT count(*) FROM held('d');
SELECT alter_kind('undo', 'note', attributes => '{"n": null}');
SELECT restore('undo', 'd', :d);
SELECT count(*) FROM held('d');
-- A new vector, with the provenance that a correction has.
SELECT id AS e FROM remember('undo', 'e', 'A vector', 'fact', '[1,0,0]') \gset
SELECT revise('undo', 'e', :e, embedding => '[0,1,0]');
SELECT restore('undo', 'e', :e);
\set VERBOSITY sqlstate
SELECT restore('undo', 'l', :y);
SELECT restore('undo', 'l', :x);
SELECT restore('undo', 'l', NULL);
BEGIN READ ONLY; SELECT restore('undo', 'l', :x); ROLLBACK;
\set VERBOSITY default

DROP FUNCTION place, held, pair;
SELECT drop_store('undo', cascade => true);
