-- Memories that may contradict each other: recorded, listed, settled by hand.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('conf', dimensions => 3);

-- Near vectors of one kind; not the same statement, not another kind, not a time that does not meet.
SELECT id, action, related FROM remember('conf', 'n', 'Bob is tall', 'fact', '[1,0,0.1]');
SELECT id, action, related FROM remember('conf', 'n', 'Bob is short', 'fact', '[1,0,0]');
SELECT id, action, related FROM remember('conf', 'n', 'bob is SHORT', 'fact', '[1,0,0]');
SELECT id, action, related FROM remember('conf', 'n', 'Bob was seen', 'observation', '[1,0,0]');
SELECT id, action, related FROM remember('conf', 'n', 'Bob should eat', 'decision', '[1,0,0]');
SELECT id, action, related FROM remember('conf', 'n', 'Bob was small', 'fact', '[1,0,0]', valid_from => '1990-01-01', valid_to => '2000-01-01');
SELECT id, action, related FROM remember('conf', 'n', 'Rome is old', 'fact', '[0,1,0]');
SELECT id, action, related FROM remember('conf', 'n', 'No vector', 'fact');
SELECT id, action, related FROM remember('conf', 'n', 'Zero vector', 'fact', '[0,0,0]');
SELECT a, b, reason, round(similarity::numeric, 4) AS similarity FROM conflicts('conf', 'n');
-- At most five.
SELECT cardinality(related) FROM generate_series(1, 9) i, remember('conf', 'many', 'Take ' || i, 'fact', '[1,1,1]') ORDER BY i;

-- The same subject and predicate under another kind.
SELECT id, related FROM remember('conf', 'k', 'Bob lives in Rome', 'fact', subject => 'Bob', predicate => 'lives in', object => 'Rome');
SELECT id, related FROM remember('conf', 'k', 'Bob will live in Riga', 'decision', subject => 'bob', predicate => 'LIVES in', object => 'Riga');
SELECT id, related FROM remember('conf', 'k', 'Bob decided on Rome', 'instruction', subject => 'bob', predicate => 'lives in', object => 'Rome');
-- A kind whose values are noted.
UPDATE conf.kind SET supersede = 'annotate' WHERE name = 'instruction';
SELECT action, related FROM remember('conf', 'k', 'Always knock', 'instruction', subject => 'door', predicate => 'rule');
SELECT action, related FROM remember('conf', 'k', 'Never knock', 'instruction', subject => 'door', predicate => 'rule');
SELECT a, b, reason, similarity FROM conflicts('conf', 'k');

-- A pair of which one is forgotten is not listed.
SELECT id AS door FROM list('conf', 'k') WHERE content = 'Never knock' \gset
SELECT forget('conf', 'k', :door);
SELECT count(*) FROM conflicts('conf', 'k');

-- supersede: the later ends the other; the side can be chosen.
CREATE FUNCTION pair(ns text, OUT a bigint, OUT b bigint, OUT c bigint) LANGUAGE plpgsql AS $$
BEGIN
  SELECT id INTO a FROM agentmem.remember('conf', ns, 'The shop opens at 8', 'fact', '[1,0,0]', valid_from => '2025-01-01',
                                         tags => '{a}', importance => 0.2);
  SELECT id INTO b FROM agentmem.remember('conf', ns, 'The shop opens at 9', 'fact', '[1,0,0.1]', valid_from => '2025-06-01',
                                         tags => '{b}', importance => 0.7, attributes => '{"source": "sign"}');
  SELECT conflict INTO c FROM agentmem.conflicts('conf', ns);
END $$;
CREATE FUNCTION show(ns text) RETURNS TABLE (content text, f date, u date, tags text[], importance real, attributes jsonb, confirmations int)
LANGUAGE sql AS $$ SELECT content, lower(valid_period)::date, upper(valid_period)::date, tags, importance, attributes, confirmations
                   FROM agentmem.list('conf', ns, during => '(,)') ORDER BY content $$;
SELECT c FROM pair('s') \gset
SELECT resolve('conf', 's', :c, 'supersede', note => 'seen at the door');
SELECT * FROM show('s');
SELECT resolution, note, side = b AS side_b, resolved_at IS NOT NULL AS at FROM conf.conflict WHERE namespace = 's';
SELECT type FROM conf.edge WHERE namespace = 's';
-- One that began no earlier than the winner goes altogether.
SELECT a, c FROM pair('s2') \gset
SELECT resolve('conf', 's2', :c, 'supersede', side => :a);
SELECT * FROM show('s2');
SELECT c FROM pair('r') \gset
SELECT resolve('conf', 'r', :c, 'retain');
SELECT * FROM show('r');
SELECT count(*) FROM conflicts('conf', 'r');
-- A settled pair is not raised again, unless a side has a new version.
SELECT action FROM remember('conf', 'r', 'The shop opens at 9', 'fact', '[1,0,0.1]');
SELECT count(*) FROM conflicts('conf', 'r');
SELECT revise('conf', 'r', max(id), 'The shop opens at ten', '[1,0,0.2]') FROM conf.memory WHERE namespace = 'r';
SELECT count(*) FROM conflicts('conf', 'r');
SELECT c FROM pair('a') \gset
SELECT resolve('conf', 'a', :c, 'annotate');
SELECT * FROM show('a');
SELECT type FROM conf.edge WHERE namespace = 'a';
SELECT a, c FROM pair('m') \gset
SELECT action FROM remember('conf', 'm', 'The shop opens at 9', 'fact');
SELECT resolve('conf', 'm', :c, 'merge', side => :a);
SELECT * FROM show('m');

-- Errors.
SELECT c FROM pair('e') \gset
\set VERBOSITY sqlstate
SELECT resolve('conf', 'e', :c, 'obey');
SELECT resolve('conf', 'e', :c, 'supersede', side => 1);
SELECT resolve('conf', 'e', -1, 'retain');
SELECT resolve('conf', 'e', NULL, 'retain');
SELECT resolve('conf', 'e', :c, NULL);
SELECT forget('conf', 'e', b) FROM conf.conflict WHERE id = :c;
SELECT resolve('conf', 'e', :c, 'merge');
SELECT resolve('conf', 'e', :c, 'retain');
SELECT resolve('conf', 'e', :c, 'retain');
SELECT conflicts('conf', NULL);
SELECT conflicts('nowhere', 'n');
\set VERBOSITY default

-- What is near is of other kinds, or of another time, mostly: the one that is meant is found behind them all.
SELECT count(*) FROM generate_series(1, 20) i, remember('conf', 'crowd', 'Seen ' || i, 'observation', '[1,0,0]');
SELECT count(*) FROM generate_series(1, 20) i, remember('conf', 'crowd', 'Said ' || i, 'fact', '[1,0,0]', valid_from => '2000-01-01', valid_to => '2001-01-01') WHERE i > 0;
SELECT cardinality(related) FROM remember('conf', 'crowd', 'Bob is tall', 'fact', '[1,0,0.1]');
SELECT cardinality(related) FROM remember('conf', 'crowd', 'Bob is short', 'fact', '[1,0,0]');
SELECT cardinality(related) FROM remember('conf', 'crowd', 'Bob is elsewhere', 'fact', '[0,1,0]');
SELECT cardinality(related) FROM remember('conf', 'crowd', 'Bob is nowhere', 'fact', '[0,0,0]');

-- A namespace of more than 20,000 is left to maintenance, which need not have counted it.
ALTER TABLE conf.memory DISABLE TRIGGER USER;
INSERT INTO conf.memory (namespace, kind, content, valid_period, language, content_hash, tokens, lexemes)
  SELECT 'large', 'observation', 'One of many', '(,)', 'english', gen_random_uuid(), 3, '' FROM generate_series(1, 19998);
ALTER TABLE conf.memory ENABLE TRIGGER USER;
SELECT cardinality(related) FROM remember('conf', 'large', 'Bob is tall', 'fact', '[1,0,0.1]');
SELECT cardinality(related) FROM remember('conf', 'large', 'Bob is short', 'fact', '[1,0,0]');
SELECT cardinality(related) FROM remember('conf', 'large', 'Bob is middling', 'fact', '[1,0,0.05]');

DROP FUNCTION pair, show;
SELECT drop_store('conf', cascade => true);
