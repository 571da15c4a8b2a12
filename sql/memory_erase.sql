-- Erasing: what goes with a memory, what stays, and what the receipt says.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT agentmem.create_store('erase_test', dimensions => 2);
CREATE FUNCTION held(ns text) RETURNS text LANGUAGE sql AS
  $$SELECT string_agg(id || ' ' || content, ', ' ORDER BY id) FROM erase_test.memory WHERE namespace = ns$$;
-- Without what differs from run to run.
CREATE FUNCTION brief(receipt jsonb) RETURNS text LANGUAGE sql AS
  $$SELECT (receipt -> 'ids')::text || ' ' || (SELECT string_agg(key || ' ' || value, ', ' ORDER BY key)
      FROM jsonb_each_text(receipt -> 'erased') WHERE key IN ('memory', 'activity', 'edge', 'conflict', 'key_lock', 'audit', 'namespace'))$$;
CREATE FUNCTION left_over(receipt jsonb) RETURNS text LANGUAGE sql AS
  $$SELECT coalesce(string_agg(relation || ' ' || remaining, ', ' ORDER BY relation) FILTER (WHERE remaining > 0), 'nothing')
    FROM agentmem.erase_verify('erase_test', receipt)$$;

-- By ids: row, counters, locks; what others said stays.
SELECT id FROM agentmem.remember('erase_test', 'ids', 'The kettle is blue', 'fact', '[1,0]', key => 'kettle');
SELECT id FROM agentmem.remember('erase_test', 'ids', 'The kettle is on', 'fact', '[0,1]');
SELECT id, action FROM agentmem.remember('erase_test', 'ids', 'the kettle is BLUE', 'fact', key => 'kettle');
SELECT receipt FROM agentmem.erase('erase_test', 'ids', ids => '{1,1,99}') receipt \gset
SELECT brief(:'receipt'), left_over(:'receipt');
SELECT held('ids'), (SELECT count(*) FROM erase_test.activity), (SELECT count(*) FROM erase_test.key_lock WHERE namespace = 'ids');
SELECT jsonb_object_keys(:'receipt') ORDER BY 1;
SELECT :'receipt'::jsonb ->> 'store', :'receipt'::jsonb ->> 'namespace',
       (SELECT a.action FROM erase_test.audit a WHERE a.id = (:'receipt'::jsonb ->> 'operation')::bigint);
SELECT r FROM jsonb_array_elements_text(:'receipt'::jsonb -> 'relations') r WHERE r NOT LIKE '%history' AND r NOT LIKE '%secret' ORDER BY 1;
-- It is searched for no more, cannot come back, and its id is not given again.
SELECT content FROM agentmem.recall('erase_test', 'ids', 'kettle');
SELECT agentmem.restore('erase_test', 'ids', 1), agentmem.forget('erase_test', 'ids', 1);
SELECT id > 2 AS new_id, action FROM agentmem.remember('erase_test', 'ids', 'The kettle is blue', 'fact', key => 'kettle');
-- Nothing of the sort: a receipt of nothing, no row in audit.
SELECT brief(agentmem.erase('erase_test', 'ids', ids => '{}'));
SELECT brief(agentmem.erase('erase_test', 'ids', ids => '{1}'));
SELECT count(*) FROM erase_test.audit WHERE action = 'erase';
-- An id is that of one namespace.
SELECT brief(agentmem.erase('erase_test', 'others', ids => '{2}'));
SELECT held('ids') LIKE '2 %' AS still;

-- By subject: folded, as subject or object.
SELECT setval('erase_test.id_seq', 100);
SELECT id FROM agentmem.remember('erase_test', 'subject', 'Ann likes tea', 'preference', subject => 'Ann Lee', predicate => 'likes', object => 'tea');
SELECT id FROM agentmem.remember('erase_test', 'subject', 'Bob knows Ann', 'relationship', subject => 'Bob', predicate => 'knows', object => 'ANN   lee');
SELECT id FROM agentmem.remember('erase_test', 'subject', 'Bob likes tea', 'preference', subject => 'Bob', predicate => 'likes', object => 'tea');
SELECT id FROM agentmem.remember('erase_test', 'subject', 'Ann Lee rang', 'event');
SELECT receipt FROM agentmem.erase('erase_test', 'subject', subject => ' ann lee') receipt \gset
SELECT brief(:'receipt'), left_over(:'receipt');
SELECT held('subject');
SELECT details -> 'by' AS by, (details::text ILIKE '%lee%') AS quoted FROM erase_test.audit WHERE namespace = 'subject' AND action = 'erase';

-- What was derived goes too, however far, unless it is to be kept; what says the same goes anyway.
SELECT setval('erase_test.id_seq', 200);
CREATE FUNCTION family(ns text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first bigint := (SELECT r.id FROM agentmem.remember('erase_test', ns, 'The minutes', 'episode') r);
BEGIN
  PERFORM agentmem.remember('erase_test', ns, 'A passage of them', 'episode', parent => first);
  PERFORM agentmem.remember('erase_test', ns, 'A fact of the passage', 'fact');
  PERFORM agentmem.remember('erase_test', ns, 'A summary of facts', 'summary');
  PERFORM agentmem.remember('erase_test', ns, 'What replaced the minutes', 'episode');
  PERFORM agentmem.remember('erase_test', ns, 'The minutes, going on', 'episode');
  PERFORM agentmem.remember('erase_test', ns, 'Made of that', 'fact');
  INSERT INTO erase_test.edge (namespace, source, target, type) VALUES
    (ns, first + 2, first + 1, 'derived_from'), (ns, first + 3, first + 2, 'summary_of'), (ns, first + 4, first, 'supersedes'),
    (ns, first + 5, first, 'continues'), (ns, first + 6, first + 5, 'part_of');
END
$$;
SELECT family('all');
SELECT receipt FROM agentmem.erase('erase_test', 'all', ids => '{201}') receipt \gset
SELECT brief(:'receipt'), left_over(:'receipt');
SELECT held('all');
SELECT setval('erase_test.id_seq', 300);
SELECT family('kept');
-- From the later half.
SELECT receipt FROM agentmem.erase('erase_test', 'kept', ids => '{306}', derived => 'keep') receipt \gset
SELECT brief(:'receipt'), left_over(:'receipt');
SELECT held('kept'), (SELECT count(*) FROM erase_test.memory WHERE namespace = 'kept' AND parent IS NOT NULL) AS parents;
SELECT source, target, type FROM erase_test.edge WHERE namespace = 'kept';

-- Conflicts go; reasons and notes of earlier operations too, ids and actions stay.
SELECT setval('erase_test.id_seq', 400);
SELECT id FROM agentmem.remember('erase_test', 'conflict', 'The office is in Bern', 'fact', '[1,0]');
SELECT id, related FROM agentmem.remember('erase_test', 'conflict', 'The office is in Rome', 'fact', '[1,0.1]');
SELECT a, b FROM agentmem.conflicts('erase_test', 'conflict');
SELECT agentmem.forget('erase_test', 'conflict', 401, 'the person asked');
SELECT brief(agentmem.erase('erase_test', 'conflict', ids => '{402}'));
SELECT count(*) FROM erase_test.conflict;
SELECT receipt FROM agentmem.erase('erase_test', 'conflict', everything => true) receipt \gset
SELECT left_over(:'receipt');

-- Everything: other namespaces keep theirs.
SELECT setval('erase_test.id_seq', 500);
SELECT id FROM agentmem.remember('erase_test', 'gone', 'One thing', 'fact');
SELECT id FROM agentmem.remember('erase_test', 'gone', 'Another thing', 'observation');
INSERT INTO erase_test.activity (namespace, id) VALUES ('gone', 77);
INSERT INTO erase_test.key_lock (namespace, hash, n) VALUES ('gone', 5, 1);
SELECT receipt FROM agentmem.erase('erase_test', 'gone', everything => true) receipt \gset
SELECT brief(:'receipt'), left_over(:'receipt');
SELECT namespace FROM agentmem.namespaces('erase_test');
SELECT held('subject');
-- The namespace can begin anew.
SELECT action FROM agentmem.remember('erase_test', 'gone', 'One thing', 'fact');
SELECT content FROM agentmem.recall('erase_test', 'gone', 'thing');
SELECT left_over(:'receipt');

-- What the receipt should not find is found, in tables of the owner's too.
INSERT INTO erase_test.activity (namespace, id) VALUES ('gone', 501);
INSERT INTO erase_test.edge (namespace, source, target, type) VALUES ('gone', 900, 502, 'supersedes');
CREATE TABLE erase_test.mine (namespace text, memory bigint);
INSERT INTO erase_test.mine VALUES ('gone', 501), ('gone', 502), ('gone', 503), ('subject', 501);
SELECT left_over(:'receipt');

-- Legal hold.
SELECT agentmem.hold('erase_test', 'subject', 'case 12');
SELECT agentmem.erase('erase_test', 'subject', everything => true);
SELECT agentmem.forget('erase_test', 'subject', 103);
SELECT agentmem.release('erase_test', 'subject'), agentmem.release('erase_test', 'subject'), agentmem.release('erase_test', 'nobody');
SELECT (agentmem.erase('erase_test', 'subject', everything => true)) -> 'namespace';
SELECT action, details ->> 'reason' AS reason FROM erase_test.audit WHERE action IN ('hold', 'release') ORDER BY id;

-- Every version goes, also of what was forgotten, and what a subject was before.
SELECT setval('erase_test.id_seq', 600);
SELECT id FROM agentmem.remember('erase_test', 'past', 'Cy likes tea', 'observation', subject => 'Cy Young');
UPDATE erase_test.memory SET subject = 'Someone' WHERE id = 601;
SELECT agentmem.revise('erase_test', 'past', 601, 'Someone likes tea');
SELECT id FROM agentmem.remember('erase_test', 'past', 'Cy likes milk', 'fact', subject => 'Cy Young');
SELECT agentmem.forget('erase_test', 'past', 602, 'Cy asked');
SELECT id FROM agentmem.remember('erase_test', 'past', 'Made of it', 'fact', parent => 601);
SELECT id FROM agentmem.remember('erase_test', 'past', 'Of it once', 'observation', parent => 601);
UPDATE erase_test.memory SET parent = NULL WHERE id = 604;
SELECT id, count(*) FROM erase_test.memory_history WHERE namespace = 'past' GROUP BY 1 ORDER BY 1;
BEGIN;
SELECT receipt FROM agentmem.erase('erase_test', 'past', subject => 'CY YOUNG') receipt \gset
SELECT brief(:'receipt'), :'receipt'::jsonb #>> '{erased,memory_history}' AS versions, left_over(:'receipt');
ROLLBACK;
SELECT receipt FROM agentmem.erase('erase_test', 'past', subject => 'CY YOUNG', derived => 'keep') receipt \gset
SELECT brief(:'receipt'), :'receipt'::jsonb #>> '{erased,memory_history}' AS versions, left_over(:'receipt');
SELECT id, parent, content FROM erase_test.memory_history WHERE namespace = 'past' ORDER BY 1, lower(system_period);
SELECT count(*) FROM agentmem.history('erase_test', 'past', 602);
SELECT agentmem.restore('erase_test', 'past', 602), agentmem.restore('erase_test', 'past', 602, now());
SELECT action, details FROM erase_test.audit WHERE namespace = 'past' AND action = 'forget';
-- What is left of a memory in history alone.
SELECT agentmem.forget('erase_test', 'past', 603);
SELECT brief(agentmem.erase('erase_test', 'past', ids => '{603}'));
SELECT DISTINCT id FROM erase_test.memory_history WHERE namespace = 'past' ORDER BY 1;
SELECT receipt FROM agentmem.erase('erase_test', 'past', everything => true) receipt \gset
SELECT count(*) FROM erase_test.memory_history WHERE namespace = 'past';
-- An operation that touched an erased memory cannot be undone.
SELECT id FROM agentmem.remember('erase_test', 'undo', 'The office is in Bern', 'fact', subject => 'office', predicate => 'is in', object => 'Bern', valid_from => '2020-01-01');
SELECT id FROM agentmem.remember('erase_test', 'undo', 'The office is in Rome', 'fact', subject => 'office', predicate => 'is in', object => 'Rome', valid_from => '2021-01-01') \gset
SELECT brief(agentmem.erase('erase_test', 'undo', ids => ARRAY[:id]));
SELECT agentmem.restore('erase_test', 'undo', 605);

-- In the transaction that wrote it; and taken back.
BEGIN;
SELECT id FROM agentmem.remember('erase_test', 'own', 'Said and unsaid', 'fact') \gset
SELECT left_over(agentmem.erase('erase_test', 'own', ids => ARRAY[:id]));
COMMIT;
SELECT held('own');
SELECT id FROM agentmem.remember('erase_test', 'own', 'Kept', 'fact') \gset
BEGIN;
SELECT receipt FROM agentmem.erase('erase_test', 'own', everything => true) receipt \gset
ROLLBACK;
SELECT count(*) FROM agentmem.recall('erase_test', 'own', 'kept');

DROP FUNCTION held, brief, left_over, family(text);
SELECT agentmem.drop_store('erase_test', cascade => true);
