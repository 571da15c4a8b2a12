-- forget_where: all that match, as one operation; feedback: counters that make no version.
SET timezone = 'UTC';
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT agentmem.create_store('mem', dimensions => 2);
RESET client_min_messages;
SELECT id, action FROM agentmem.remember_many('mem', 'n', '[
  {"content": "the tide is high", "kind": "event", "tags": ["sea"], "session": "s1", "attributes": {"port": 1}},
  {"content": "the tide is low", "kind": "event", "tags": ["sea", "old"], "session": "s1"},
  {"content": "the sun is high", "kind": "event", "tags": ["sky"], "session": "s2"},
  {"content": "Anna lives in Rome", "kind": "fact", "subject": "Anna", "predicate": "lives in", "object": "Rome", "valid_from": "2020-01-01", "tags": ["sea"], "key": "home"},
  {"content": "Anna lives in Oslo", "kind": "fact", "subject": "anna", "predicate": "lives in", "object": "Oslo", "valid_from": "2021-01-01"},
  {"content": "Key of the house", "kind": "secret", "attributes": {"value": "x"}},
  {"content": "here till noon", "kind": "event", "tags": ["sea"], "expires_at": "2001-01-01"}]');
SELECT action FROM agentmem.remember('mem', 'other', 'the tide is high', 'event', tags => '{sea}');

-- Which it would be; nothing is written.
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', dry_run => true);
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)', dry_run => true),
       agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)', n => 2, dry_run => true),
       agentmem.forget_where('mem', 'n', kinds => '{event}', attributes => '{"port": 1}', dry_run => true) AS attributes,
       agentmem.forget_where('mem', 'n', subject => 'ANNA', dry_run => true) AS subject,
       agentmem.forget_where('mem', 'n', subject => 'ANNA', valid_at => '2020-06-01', dry_run => true) AS valid_at,
       agentmem.forget_where('mem', 'n', session => 's2', dry_run => true) AS session,
       agentmem.forget_where('mem', 'n', predicate => 'Lives in', tags_any => '{sea,sky}', during => '(,)', dry_run => true) AS tags_any,
       agentmem.forget_where('mem', 'n', tags => '{sea}', states => '{archived}', dry_run => true) AS states,
       agentmem.forget_where('mem', 'nobody', tags => '{sea}', dry_run => true) AS nobody;
SELECT count(*) FROM mem.memory_history;
SELECT count(*) FROM mem.audit WHERE action = 'forget';

-- One operation; the other namespace keeps its own.
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)', reason => 'too much sea');
SELECT id FROM agentmem.list('mem', 'n', during => '(,)');
SELECT agentmem.count('mem', 'other');
SELECT action, role = current_user AS mine, ids, details FROM mem.audit WHERE action = 'forget';
SELECT id, content, tags FROM agentmem.history('mem', 'n', 4);
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)') AS nothing;
SELECT count(*) FROM mem.audit WHERE action = 'forget';

-- Undone as a whole, by any of its memories; one alone comes back by known_at.
SELECT agentmem.restore('mem', 'n', 2);
SELECT id, content FROM agentmem.list('mem', 'n', during => '(,)');
SELECT id FROM agentmem.get('mem', 'n', keys => '{home}');
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)', n => 2) AS n_2;
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', during => '(,)', n => 2) AS n_2;
SELECT agentmem.restore('mem', 'n', 4, known_at => lower(system_period)) FROM agentmem.history('mem', 'n', 4) LIMIT 1;
SELECT id FROM agentmem.list('mem', 'n', during => '(,)');
SELECT agentmem.restore('mem', 'n', 1);
SELECT id FROM agentmem.list('mem', 'n', during => '(,)');

-- Secrets are forgotten with their captions and come back with their values; everything.
SELECT agentmem.forget_where('mem', 'n', during => '(,)', states => NULL) AS everything;
SELECT agentmem.reveal('mem', 'n', 6);
SELECT agentmem.restore('mem', 'n', 6);
SELECT agentmem.reveal('mem', 'n', 6);

-- In its own transaction it sees what that wrote.
BEGIN;
SELECT action FROM agentmem.remember('mem', 'n', 'brief', 'event', session => 's9');
SELECT cardinality(agentmem.forget_where('mem', 'n', session => 's9'));
COMMIT;

-- Errors.
SELECT agentmem.forget_where('mem', 'n');
SELECT agentmem.forget_where('mem', 'n', reason => 'all of it');
SELECT agentmem.forget_where('mem', 'n', states => NULL);
SELECT agentmem.forget_where('mem', 'n', states => '{archived}');
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', n => 0);
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}', dry_run => NULL);
SELECT agentmem.forget_where('mem', 'n', kinds => '{nothing}');
SELECT agentmem.forget_where('mem', 'n', during => '(,)', valid_at => now());
SELECT agentmem.forget_where('mem', NULL, tags => '{sea}');
SELECT agentmem.forget_where('nowhere', 'n', tags => '{sea}');
BEGIN READ ONLY;
SELECT agentmem.forget_where('mem', 'n', tags => '{sea}');
ROLLBACK;

-- Memory is bounded: ids and locks of more than maintenance_work_mem are refused, parts are not.
ALTER TABLE mem.memory DISABLE TRIGGER USER;
INSERT INTO mem.memory (namespace, kind, valid_period, tokens, lexemes, content, language, content_hash)
SELECT 'large', 'event', '[2020-01-01,)', 0, '', 'x', 'english', md5(i::text)::uuid FROM generate_series(1, 17000) i;
ALTER TABLE mem.memory ENABLE TRIGGER USER;
SET maintenance_work_mem = '1MB';
SELECT agentmem.forget_where('mem', 'large', kinds => '{event}');
SELECT cardinality(agentmem.forget_where('mem', 'large', kinds => '{event}', n => 1000));
RESET maintenance_work_mem;
SELECT cardinality(agentmem.forget_where('mem', 'large', kinds => '{event}'));
SELECT action, cardinality(ids) FROM mem.audit WHERE namespace = 'large' ORDER BY id;
SELECT count(*) FROM mem.memory_history WHERE namespace = 'large';

-- feedback: a row of activity, no version, no operation.
SELECT action FROM agentmem.remember('mem', 'f', 'Tea at four', 'preference', importance => 0.5, confidence => 0.5);
SELECT id, system_period AS since FROM mem.memory WHERE namespace = 'f' \gset
SELECT count(*) AS operations FROM mem.audit \gset
SELECT agentmem.feedback('mem', 'f', :id, true);
SELECT agentmem.feedback('mem', 'f', :id, true);
SELECT confirmations, useful, useless, accesses, last_confirmed IS NOT NULL AS confirmed FROM mem.activity WHERE namespace = 'f';
SELECT confidence, importance, confirmations FROM agentmem.get('mem', 'f', ARRAY[:id]);
SELECT agentmem.feedback('mem', 'f', :id, false);
SELECT agentmem.feedback('mem', 'f', :id, false);
SELECT confirmations, useful, useless FROM mem.activity WHERE namespace = 'f';
SELECT confidence, importance, confirmations FROM agentmem.get('mem', 'f', ARRAY[:id]);
SELECT importance, system_period = :'since' AS same FROM mem.memory WHERE namespace = 'f';
SELECT count(*) FROM mem.memory_history WHERE namespace = 'f';
SELECT count(*) = :operations AS same FROM mem.audit;
-- What did not help ranks lower: 1 + 0.2 * 0.32, not 1 + 0.2 * 0.5.
SELECT round((score * 1.2)::numeric, 3) FROM agentmem.recall('mem', 'f', 'tea');
SELECT n, agentmem.effective_importance(0.5, n) FROM generate_series(0, 2) n;
SELECT agentmem.effective_importance(NULL, 1), agentmem.effective_importance(1, 100000);
-- Its counters go with it when it is erased.
SELECT agentmem.erase('mem', 'f', ARRAY[:id]) -> 'erased' -> 'activity' AS activity;
SELECT agentmem.feedback('mem', 'f', :id, true);
SELECT count(*) FROM mem.activity WHERE namespace = 'f';
SELECT agentmem.feedback('mem', 'n', NULL, true);
SELECT agentmem.feedback('mem', 'n', 1, NULL);
SELECT agentmem.feedback('mem', 'other', 1, true);
BEGIN READ ONLY;
SELECT agentmem.feedback('mem', 'n', 1, true);
ROLLBACK;
SELECT agentmem.drop_store('mem', cascade => true);
