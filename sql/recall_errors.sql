-- What recall, recall_context, get, list, count and namespaces refuse.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('mem', dimensions => 3);
SELECT create_store('words');
SELECT action FROM remember('mem', 'a', 'something', embedding => '[1,2,3]');
\set VERBOSITY default
\set SHOW_CONTEXT never

SELECT * FROM recall(NULL, 'a', 'x');
SELECT * FROM recall('mem', NULL, 'x');
SELECT * FROM recall('nowhere', 'a', 'x');
SELECT * FROM recall('public', 'a', 'x');
SELECT * FROM recall('mem', '', 'x');
SELECT * FROM recall('mem', 'a', 'x', k => 0);
SELECT * FROM recall('mem', 'a', 'x', k => -1);
SELECT * FROM recall('mem', 'a', 'x', k => 10001);
SELECT * FROM recall('mem', 'a', 'x', k => NULL);
SELECT * FROM recall('mem', 'a', embedding => '[1,2]');
SELECT * FROM recall('words', 'a', embedding => '[1,2,3]');
SELECT * FROM recall('mem', 'a', 'x', kinds => '{fact,rumour}');
SELECT * FROM recall('mem', 'a', 'x', kinds => '{fact,NULL}');
SELECT * FROM recall('mem', 'a', 'x', tags => '{NULL}');
SELECT * FROM recall('mem', 'a', 'x', tags_any => '{NULL}');
SELECT * FROM recall('mem', 'a', 'x', tags => '{{a},{b}}');
SELECT * FROM recall('mem', 'a', 'x', states => '{active,NULL}');
SELECT * FROM recall('mem', 'a', 'x', states => '{asleep}');
SELECT * FROM recall('mem', 'a', 'x', shared => '{NULL}');
SELECT * FROM recall('mem', 'a', 'x', shared => '{{a},{b}}');
SELECT * FROM recall('mem', 'a', 'x', shared => ARRAY['a', '']);
SELECT * FROM recall('mem', 'a', 'x', valid_at => now(), during => '(,)');
SELECT * FROM recall('mem', 'a', 'x', min_score => 'NaN');
SELECT * FROM recall('mem', 'a', 'x', min_similarity => 0.5);
SELECT * FROM recall('mem', 'a', 'x', max_tokens => 0);
SELECT * FROM recall('mem', 'a', 'x', mode => 'quick');
SELECT * FROM recall('mem', 'a', 'x', mode => NULL);
SELECT * FROM recall('mem', 'a', 'x', fusion => 'sum');
SELECT * FROM recall('mem', 'a', 'x', weights => '{"colour": 1}');
SELECT * FROM recall('mem', 'a', 'x', weights => '{"lexical": -1}');
SELECT * FROM recall('mem', 'a', 'x', weights => '{"lexical": "1"}');
SELECT * FROM recall('mem', 'a', 'x', weights => '[1]');
SELECT * FROM recall('mem', 'a', 'x', granularity => 'book');
-- States are not kept.
SELECT * FROM recall('mem', 'a', 'x', known_at => now(), states => '{active}');
-- Not there yet, and it says so.
SELECT * FROM recall('mem', 'a', 'x', diversity => 1.5);
SELECT * FROM recall('mem', 'a', 'x', diversity => -0.1);
SELECT * FROM recall('mem', 'a', 'x', diversity => 'NaN');
-- All modes answer.
SELECT m, (SELECT count(*) FROM recall('mem', 'a', 'something', mode => m)) FROM unnest('{fast,exact,auto}'::text[]) m;

SELECT recall_context('mem', 'a', 'x', k => 0);
SELECT * FROM get('mem', NULL, ids => '{1}');
SELECT * FROM list('mem', 'a', n => 0);
SELECT * FROM list('mem', 'a', kinds => '{rumour}');
SELECT count('mem', 'a', tags => '{NULL}');
SELECT * FROM namespaces('nowhere');
SELECT * FROM namespaces('mem', n => 10001);
SELECT * FROM namespaces('mem', depth => -1);

\set VERBOSITY sqlstate
SELECT * FROM recall('mem', 'a', 'x', k => 0);
SELECT * FROM recall('nowhere', 'a', 'x');
SELECT * FROM recall('mem', 'a', embedding => '[1,2]');
SELECT * FROM recall('mem', 'a', 'x', tags => '{NULL}');
SELECT * FROM recall('mem', 'a', 'x', known_at => now(), states => '{active}');

SELECT drop_store('mem', cascade => true), drop_store('words', cascade => true);
