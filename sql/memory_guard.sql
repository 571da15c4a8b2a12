-- Rows that are written by hand: checked and completed as remember() would.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never

SELECT create_store('mem', dimensions => 2);
SELECT create_store('parts', dimensions => 2, partitions => 3);

-- By hand as by remember(): the same derived columns.
SELECT action FROM remember('mem', 'f', 'The kettle is blue', 'fact', subject => 'Kettle', predicate => 'colour', object => 'blue', valid_from => '2026-01-01');
INSERT INTO mem.memory (namespace, kind, content, subject, predicate, object, valid_period)
VALUES ('h', 'fact', 'The kettle is blue', 'Kettle', 'colour', 'blue', '[2026-01-01,infinity)');
SELECT count(DISTINCT (content_hash, key_hash, lexemes, tokens, language, confidence, valid_period, provenance, pinned)) AS sorts, count(*) FROM mem.memory;
SELECT namespace, operation IS NULL AS by_hand FROM mem.memory ORDER BY namespace;
SELECT content FROM recall('mem', 'h', 'kettles');
SELECT languages FROM mem.namespace WHERE namespace = 'h';
-- What a row brings is not believed.
INSERT INTO mem.memory (namespace, kind, content, tokens, lexemes, content_hash, key_hash, operation)
VALUES ('h', 'fact', 'The cup is red', 77, 'nonsense', gen_random_uuid(), gen_random_uuid(), 5) RETURNING tokens, lexemes, key_hash, operation;
-- Defaults and normal forms.
INSERT INTO mem.memory (namespace, content, subject, session, expires_at, valid_period)
VALUES ('h', 'seen', '  ', '', 'infinity', '(2026-01-01,2026-01-02]') RETURNING kind, subject, session, expires_at, confidence, language, valid_period;
INSERT INTO mem.memory (namespace, content, valid_period) VALUES ('h', 'ever', '[-infinity,infinity]') RETURNING valid_period;
INSERT INTO mem.memory (namespace, content) VALUES ('h', 'now') RETURNING now() - lower(valid_period) < '1 minute' AND upper_inf(valid_period) AS now;
INSERT INTO mem.memory (namespace, content, language) VALUES ('h', 'die Häuser', 'german') RETURNING lexemes;
SELECT languages FROM mem.namespace WHERE namespace = 'h';
SELECT content FROM recall('mem', 'h', 'Haus');

-- COPY.
COPY mem.memory (namespace, kind, content, embedding, attributes) FROM stdin;
c1	event	one small step	[1,0]	{"occurred_at": "1969-07-20"}
c2	event	a giant leap	[0,1]	\N
c1	fact	the moon is grey	\N	\N
\.
SELECT namespace, kind, tokens, lexemes FROM mem.memory WHERE namespace IN ('c1', 'c2') ORDER BY id;
SELECT content FROM recall('mem', 'c2', 'leap', '[0,1]');

-- UPDATE: what depends on what changed.
UPDATE mem.memory SET content = 'The kettle is green', object = 'green' WHERE namespace = 'f';
SELECT lexemes, tokens, operation IS NULL AS by_hand FROM mem.memory WHERE namespace = 'f';
SELECT content FROM recall('mem', 'f', 'green');
SELECT action FROM remember('mem', 'f', 'The kettle is green', 'fact', subject => 'kettle', predicate => 'colour', object => 'green');
UPDATE mem.memory SET predicate = 'hue' WHERE namespace = 'f';
SELECT action FROM remember('mem', 'f', 'The kettle is green', 'fact', subject => 'kettle', predicate => 'colour', object => 'green');
UPDATE mem.memory SET language = 'simple' WHERE namespace = 'h' AND content = 'now' RETURNING lexemes;
-- Counters and vectors leave the rest alone.
UPDATE mem.memory SET embedding = '[1,1]' WHERE namespace = 'c1' AND kind = 'event' RETURNING tokens;

-- Refused, as remember() would.
INSERT INTO mem.memory (namespace, kind, content) VALUES ('e', 'unknown', 'x');
INSERT INTO mem.memory (namespace, kind, content) VALUES ('e', 'secret', 'x');
INSERT INTO mem.memory (namespace, content) VALUES ('e', ' ');
INSERT INTO mem.memory (namespace, content) VALUES (E'e\n', 'x');
INSERT INTO mem.memory (namespace, content) VALUES (NULL, 'x');
INSERT INTO mem.memory (namespace, content, provenance) VALUES ('e', 'x', 'rumour');
INSERT INTO mem.memory (namespace, content, confidence) VALUES ('e', 'x', 2);
INSERT INTO mem.memory (namespace, content, parent) VALUES ('e', 'x', 1);
INSERT INTO mem.memory (namespace, content, valid_period) VALUES ('e', 'x', 'empty');
INSERT INTO mem.memory (namespace, content, valid_period) VALUES ('e', 'x', '[infinity,)');
INSERT INTO mem.memory (namespace, content, language) VALUES ('e', 'x', 'volapuek');
INSERT INTO mem.memory (namespace, content, subject) VALUES ('e', 'x', repeat('s', 2000));
INSERT INTO mem.memory (namespace, content, attributes) VALUES ('e', 'x', '[]');
UPDATE mem.memory SET namespace = 'e' WHERE namespace = 'f';
UPDATE mem.memory SET valid_period = NULL WHERE namespace = 'f';
UPDATE mem.memory SET kind = NULL WHERE namespace = 'f';
SELECT count(*) FROM mem.namespace WHERE namespace = 'e';

-- Values of one key do not overlap, in one statement either.
INSERT INTO mem.memory (namespace, kind, content, subject, predicate, valid_period) VALUES
  ('k', 'fact', 'Ann lives in Rome', 'Ann', 'lives in', '[2020-01-01,2021-01-01)'),
  ('k', 'fact', 'Ann lives in Oslo', 'ANN', ' Lives  in', '[2021-01-01,)');
\set VERBOSITY sqlstate
INSERT INTO mem.memory (namespace, kind, content, subject, predicate, valid_period) VALUES ('k', 'fact', 'Ann lives in Bonn', 'Ann', 'lives in', '[2020-06-01,2020-07-01)');
INSERT INTO mem.memory (namespace, kind, content, subject, predicate, valid_period) VALUES
  ('k', 'fact', 'Bob lives in Rome', 'Bob', 'lives in', '[2020-01-01,)'), ('k', 'fact', 'Bob lives in Oslo', 'Bob', 'lives in', '[2020-02-01,)');
UPDATE mem.memory SET valid_period = '[2020-01-01,)' WHERE content = 'Ann lives in Rome';
\set VERBOSITY default
INSERT INTO mem.memory (namespace, kind, content, subject, predicate, object) VALUES
  ('k', 'preference', 'Ann likes tea', 'Ann', 'likes', 'tea'), ('k', 'preference', 'Ann likes jam', 'Ann', 'likes', 'jam');
SELECT content FROM mem.memory WHERE namespace = 'k' ORDER BY id;
-- and remember() goes on from there.
SELECT action FROM remember('mem', 'k', 'Ann lives in Bonn', 'fact', subject => 'Ann', predicate => 'lives in');
SELECT content, upper_inf(valid_period) AS open FROM mem.memory WHERE namespace = 'k' AND predicate ILIKE '%lives%' ORDER BY id;

-- Partitions.
INSERT INTO parts.memory (namespace, kind, content, embedding) SELECT 'p' || i, 'fact', 'number ' || i, '[1,0]' FROM generate_series(1, 9) i;
SELECT count(DISTINCT tableoid) > 1 AS spread, count(*) FROM parts.memory WHERE tokens = 2;
SELECT content FROM recall('parts', 'p7', 'number 7');
INSERT INTO parts.kind_event (namespace, content, occurred_at) VALUES ('p1', 'a start', '2026-01-01') RETURNING content, occurred_at;
UPDATE parts.memory SET content = 'digit 7' WHERE namespace = 'p7';
SELECT lexemes FROM parts.memory WHERE namespace = 'p7';
UPDATE parts.memory SET namespace = 'p8' WHERE namespace = 'p7';

-- The functions' own rows pass; those of a trigger that they fire do not.
CREATE FUNCTION public.echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.namespace <> 'echo' THEN
    INSERT INTO mem.memory (namespace, content) VALUES ('echo', NEW.content || ' echoed');
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER echo AFTER INSERT ON mem.memory FOR EACH ROW EXECUTE FUNCTION public.echo();
SELECT action FROM remember('mem', 'o', 'a shout');
SELECT content, lexemes, operation IS NULL AS by_hand FROM mem.memory WHERE namespace IN ('o', 'echo') ORDER BY id;
DROP TRIGGER echo ON mem.memory;
-- An error in between leaves nothing behind.
CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER fail AFTER INSERT ON mem.memory FOR EACH ROW EXECUTE FUNCTION public.fail();
SELECT remember('mem', 'o', 'another');
DROP TRIGGER fail ON mem.memory;
DO $$ BEGIN INSERT INTO mem.memory (namespace, content) VALUES ('o', 'afterwards'); END $$;
SELECT lexemes FROM mem.memory WHERE content = 'afterwards';

-- Who may only insert, inserts: the policy is read for them.
CREATE ROLE guard_writer;
GRANT USAGE ON SCHEMA mem, agentmem TO guard_writer;
GRANT INSERT ON mem.memory, mem.kind_event TO guard_writer;
GRANT USAGE ON SEQUENCE mem.id_seq TO guard_writer;
SET ROLE guard_writer;
INSERT INTO mem.memory (namespace, kind, content, subject, predicate) VALUES ('w', 'fact', 'written blindly', 'it', 'was');
INSERT INTO mem.kind_event (namespace, content, occurred_at) VALUES ('w', 'an event', '2026-01-01');
INSERT INTO mem.kind_fact (namespace, content) VALUES ('w', 'x');
UPDATE mem.kind_event SET content = 'y';
SELECT count(*) FROM mem.memory;
RESET ROLE;
SELECT content, lexemes FROM mem.memory WHERE namespace = 'w' ORDER BY id;
SELECT content FROM recall('mem', 'w', 'blindly');
-- A right on the view is none on the table.
GRANT ALL ON mem.kind_fact TO guard_writer;
REVOKE INSERT ON mem.memory FROM guard_writer;
SET ROLE guard_writer;
INSERT INTO mem.kind_fact (namespace, content) VALUES ('w', 'x');
SELECT count(*) FROM mem.kind_fact;
DELETE FROM mem.kind_fact;
RESET ROLE;

-- Under row security nothing tells what others hold.
GRANT SELECT, INSERT ON mem.memory TO guard_writer;
ALTER TABLE mem.memory ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mem.memory USING (namespace = 'w');
SET ROLE guard_writer;
INSERT INTO mem.memory (namespace, kind, content, subject, predicate) VALUES ('k', 'fact', 'Ann lives in Rome', 'Ann', 'lives in');
INSERT INTO mem.memory (namespace, kind, content) VALUES ('w', 'fact', 'seen') RETURNING tokens;
SELECT content FROM mem.kind_fact ORDER BY id;
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA mem FROM guard_writer;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA mem FROM guard_writer;
REVOKE ALL ON SCHEMA mem, agentmem FROM guard_writer;
DROP ROLE guard_writer;

-- The trigger belongs to a store's memories.
CREATE TABLE public.memory (namespace text);
CREATE TRIGGER memory_guard BEFORE INSERT ON public.memory FOR EACH ROW EXECUTE FUNCTION memory_guard();
INSERT INTO public.memory VALUES ('x');
DROP TABLE public.memory;
CREATE TABLE mem.other (namespace text);
CREATE TRIGGER memory_guard BEFORE INSERT ON mem.other FOR EACH ROW EXECUTE FUNCTION memory_guard();
INSERT INTO mem.other VALUES ('x');

SELECT drop_store('mem', cascade => true);
SELECT drop_store('parts', cascade => true);
DROP FUNCTION public.echo(), public.fail();
