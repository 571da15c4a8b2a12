-- The dictionary agentmem.fold, the configurations on the parser, and what is built of
-- their lexemes.
SET client_encoding = 'UTF8';
-- Plans and keys are shown; nothing may depend on the size of the tables.
SET enable_seqscan = off;

-- One form for comparing.
SELECT agentmem.fold(source) FROM unnest(ARRAY[
  'Hello  World', E' \t trimmed\n', 'STRASSE Straße', 'ＦＵＬＬ　ｗｉｄｔｈ', 'ﬁn Ⅷ ½', 'O’Brien Oʼbrien',
  U&'cafe\0301 CAF\00C9', U&'soft\00ADhyphen\200D', U&'\0130stanbul I\0307stanbul', 'ΣΊΣΥΦΟΣ', '한국어', '']) source;
SELECT agentmem.fold(repeat('Äé ', 100000)) = rtrim(repeat('äé ', 100000)) AS long,
  agentmem.fold(repeat(U&'\0041\030A\0323', 10000)) = repeat(U&'\1EA1\030A', 10000) AS composed;
-- Folding twice is folding once.
SELECT count(*) FROM (SELECT chr(point) || chr(775) || chr(769) AS source FROM generate_series(160, 65535) point
                      WHERE point NOT BETWEEN 55296 AND 57343) s
WHERE agentmem.fold(agentmem.fold(source)) <> agentmem.fold(source);

-- The dictionary passes on what needs no folding, and drops what is invisible.
SELECT ts_lexize('agentmem.fold', 'plain'), ts_lexize('agentmem.fold', 'ÉTÉ'), ts_lexize('agentmem.fold', 'ABC'),
  ts_lexize('agentmem.fold', U&'\3164');
-- A word whose fold is too long for a tsvector stays as it is.
SELECT length(lexeme) FROM unnest(to_tsvector('agentmem.simple', repeat(U&'\FDFA', 600)));

-- Every language that the server can stem, and one that does not stem.
SELECT count(*) FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = d.dicttemplate
WHERE t.tmplname = 'snowball' AND d.dictnamespace = 'pg_catalog'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_ts_config c WHERE c.cfgnamespace = 'agentmem'::regnamespace
                  AND c.cfgname || '_stem' = d.dictname);
SELECT count(*) > 15 AS enough, count(*) FILTER (WHERE mapped <> 12) AS incomplete
FROM (SELECT c.oid, count(DISTINCT m.maptokentype) AS mapped
      FROM pg_ts_config c LEFT JOIN pg_ts_config_map m ON m.mapcfg = c.oid
      WHERE c.cfgnamespace = 'agentmem'::regnamespace GROUP BY c.oid) config;

SELECT alias, token, dictionaries, dictionary, lexemes
FROM ts_debug('agentmem.english', 'Running v2 of foo_bar at https://Example.com #Fun');

-- Stemming.
SELECT to_tsvector('agentmem.english', 'Caroline''s dogs were running; they don''t run for GitHub or YouTube');
SELECT to_tsvector('agentmem.german', 'Die STRASSEN und Straße der größten Häuser');
SELECT to_tsvector('agentmem.french', 'L’homme qu’il aimait; les CHEVAUX');
SELECT to_tsvector('agentmem.russian', 'Большие КНИГИ и running databases');
SELECT to_tsvector('agentmem.spanish', 'Las canciones de los niños');
SELECT to_tsvector('agentmem.turkish', 'İstanbul''da EVLERİ');
SELECT to_tsvector('agentmem.simple', 'The dogs 北京 ภาษาไทย 🍕 ＦＵＬＬ');
SELECT cfgname, to_tsvector(oid::regconfig, 'Ünïcode naïve 北京 foo_bar 42') AS lexemes FROM pg_ts_config
WHERE cfgnamespace = 'agentmem'::regnamespace
  AND NOT to_tsvector(oid::regconfig, 'Ünïcode naïve 北京 foo_bar 42') @@ 'foo_bar & 42 & 北京'::tsquery;

-- Text and query meet.
SELECT config, source, query, to_tsvector(config, source) @@ plainto_tsquery(config, query) AS found
FROM (VALUES
  ('agentmem.english'::regconfig, 'She was painting landscapes', 'paint landscape'),
  ('agentmem.english', 'Watch YouTube', 'youtube'),
  ('agentmem.english', 'see agm_lexemes_make()', 'AGM_lexemes_make'),
  ('agentmem.german', 'STRASSE', 'straße'),
  ('agentmem.simple', '我爱北京', '北京'),
  ('agentmem.simple', 'ＦＵＬＬ', 'full'),
  ('agentmem.english', 'cats', 'dog')) v(config, source, query);
SELECT to_tsquery('agentmem.english', 'runs & !dogs'), websearch_to_tsquery('agentmem.english', '"big dogs" or cats'),
  phraseto_tsquery('agentmem.english', 'Caroline''s dogs'), to_tsquery('agentmem.english', 'pain:*');

-- Nothing but stop words, nothing at all.
SELECT to_tsvector('agentmem.english', 'the of and'), to_tsvector('agentmem.english', ''),
  plainto_tsquery('agentmem.english', 'the'), agentmem.lexemes('english', 'the of'),
  agentmem.query_lexemes('{english}', 'the of'), agentmem.lexeme_keys('n', '');

-- Headlines keep every byte of the text, URLs included.
SELECT ts_headline('agentmem.english', 'She runs to https://example.com/x daily, @bob #run 跑步 1.2.3!', to_tsquery('agentmem.english', 'running'));
SELECT ts_headline('agentmem.simple', '我爱北京', to_tsquery('agentmem.simple', '北京'));
SELECT ts_headline('agentmem.english', 'see https://example.com now', plainto_tsquery('agentmem.english', 'https://example.com'));

-- lexemes() is to_tsvector() without its limits.
SELECT agentmem.lexemes('english', source) = to_tsvector('agentmem.english', source) AS same
FROM unnest(ARRAY['', 'A dog and another dog', repeat('dogs run ', 3000), repeat('word ', 20000)]) source;
SELECT agentmem.lexemes('simple', 'b a aa ab a');
-- Longer than a piece, with and without white space.
SELECT length(lexemes), lexemes @@ 'first & last & middle'::tsquery AS found
FROM agentmem.lexemes('simple', 'first ' || repeat('x y ', 20000) || 'middle ' || repeat('z ', 20000) || 'last') lexemes;
SELECT length(agentmem.lexemes('simple', repeat('北京-', 100000))) BETWEEN 1 AND 4 AS cut;

-- A megabyte of distinct words is stored, not all of it indexed.
SELECT length(lexemes), lexemes @@ 'w1'::tsquery AS start, lexemes @@ 'w199999'::tsquery AS ending, lexemes @@ 'again'::tsquery AS again
FROM (SELECT agentmem.lexemes('simple', 'again ' || string_agg('w' || i, ' ' ORDER BY i) || ' again')
      FROM generate_series(1, 199999) i) t(lexemes);
-- A word that occurred before the limit is still counted behind it.
SELECT positions FROM unnest(agentmem.lexemes('simple', 'again ' || (SELECT string_agg('w' || i, ' ' ORDER BY i) FROM generate_series(1, 14000) i) || ' again'))
WHERE lexeme = 'again';

-- A query's words under several languages, each once, in a tsvector's order.
SELECT agentmem.query_lexemes('{english,german}', 'Running Häuser running dogs');
SELECT agentmem.query_lexemes('{}', 'dogs'), agentmem.query_lexemes('{simple}', 'b a aa ab');

-- Keys: equal for equal namespace and word only.
SELECT agentmem.lexeme_keys('user:1', 'dog:1 run:2');
SELECT agentmem.lexeme_keys('user:1', 'dog') <@ agentmem.lexeme_keys('user:1', 'cat dog:5A run') AS word,
  agentmem.lexeme_keys('user:1', 'dog') && agentmem.lexeme_keys('user:2', 'dog') AS namespace,
  agentmem.lexeme_keys('user:', '1dog') && agentmem.lexeme_keys('user:1', 'dog') AS border;

-- The lexical index on an ordinary user's table.
CREATE ROLE regress_lexical_user;
CREATE SCHEMA regress_lexical AUTHORIZATION regress_lexical_user;
GRANT USAGE ON SCHEMA agentmem TO regress_lexical_user;
SET ROLE regress_lexical_user;
CREATE TABLE regress_lexical.note (
  namespace text COLLATE "C", content text,
  lexemes tsvector GENERATED ALWAYS AS (to_tsvector('agentmem.english', content)) STORED
);
CREATE INDEX note_words ON regress_lexical.note USING gin (agentmem.lexeme_keys(namespace, lexemes));
CREATE INDEX note_subject ON regress_lexical.note (agentmem.fold(content));
INSERT INTO regress_lexical.note (namespace, content) VALUES
  ('user:1', 'Caroline paints landscapes'), ('user:2', 'Caroline paints portraits'), ('user:1', 'Melanie RUNS');
EXPLAIN (COSTS OFF) SELECT content FROM regress_lexical.note
WHERE agentmem.lexeme_keys(namespace, lexemes) @> agentmem.lexeme_keys('user:1', 'carolin paint');
SELECT content FROM regress_lexical.note
WHERE agentmem.lexeme_keys(namespace, lexemes) @> agentmem.lexeme_keys('user:1', 'carolin paint')
  AND namespace = 'user:1' AND lexemes @@ 'carolin & paint'::tsquery;
EXPLAIN (COSTS OFF) SELECT content FROM regress_lexical.note WHERE agentmem.fold(content) = 'melanie runs';
SELECT content FROM regress_lexical.note WHERE agentmem.fold(content) = agentmem.fold('  Melanie ｒｕｎｓ ');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA regress_lexical CASCADE;
DROP OWNED BY regress_lexical_user;
DROP ROLE regress_lexical_user;
