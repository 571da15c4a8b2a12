-- What the parser agentmem.icu makes of texts.  The rules are those of
-- src/lexical/README.md.
SET client_encoding = 'UTF8';
-- How wide a character is shown differs between versions of psql.
\pset format unaligned

-- All tokens but blanks, as kind:token.
CREATE FUNCTION pg_temp.tokens(source text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(t.alias || ':' || p.token, '  ' ORDER BY p.n)
  FROM ts_parse('agentmem.icu', source) WITH ORDINALITY p(tokid, token, n)
  JOIN ts_token_type('agentmem.icu') t USING (tokid)
  WHERE t.alias <> 'blank'
$$;

SELECT * FROM ts_token_type('agentmem.icu') ORDER BY tokid;

-- Kinds that PostgreSQL's own parser has under the same name have the same number, but
-- for url, which headlines would leave out.
SELECT t.alias, t.tokid, d.tokid AS own
FROM ts_token_type('agentmem.icu') t JOIN ts_token_type('default') d USING (alias)
WHERE t.tokid <> d.tokid;

-- Blanks are tokens too.
SELECT tokid, quote_literal(token) FROM ts_parse('agentmem.icu', E'Hello,  world!\n');

-- Rule 4: a blank is whatever starts no token.
SELECT pg_temp.tokens(''), pg_temp.tokens(E' \t\n'), pg_temp.tokens('... !!! ### @@@ /// ~~~ ___ $%^&*()');

-- Rule 5: words, and what an apostrophe does.
SELECT pg_temp.tokens('Caroline''s dogs don''t like O’Brien');
SELECT pg_temp.tokens('l''homme qu’il aujourd’hui où ça');
SELECT pg_temp.tokens('Straße GRÖSSE Zürich naïve niño 4th v2 h2o');
SELECT pg_temp.tokens(U&'cafe\0301 col\00B7lecci\00F3 soft\00ADhyphen zero\200Bwidth');
SELECT pg_temp.tokens('Привет мир подъезд п''ять п’ять слово.Слово');
SELECT pg_temp.tokens('Καλημέρα κόσμε');
SELECT pg_temp.tokens('שלום צה"ל "שלום"');
SELECT pg_temp.tokens('مرحبا بالعالم ١٢٣ ١٬٠٠٠');
SELECT pg_temp.tokens('हिन्दी में');
SELECT pg_temp.tokens('한국어를 공부합니다');
SELECT pg_temp.tokens('ＦＵＬＬ　ｗｉｄｔｈ　１２３');

-- Rule 5: scripts without blanks.
SELECT pg_temp.tokens('我爱北京。');
SELECT pg_temp.tokens('東京に行く、カタカナ');
SELECT pg_temp.tokens('ภาษาไทย');
SELECT pg_temp.tokens('PostgreSQL数据库v2数据');

-- Rule 6: URLs.
SELECT pg_temp.tokens('see https://example.com/a_(b)?q=1&r=2#f. (http://x.y/z), www.example.org; <ftp://h/>');
SELECT pg_temp.tokens('[t](https://md.org/p) git+ssh://h/x http:// www. 看https://example.com吧');

-- Rule 7: e-mail addresses.
SELECT pg_temp.tokens('bob.smith+tag@example.co.uk, bob@localhost <x_y@z.org>. a@b@c.com');

-- Rule 8: identifiers, numbers, versions.
SELECT pg_temp.tokens('snake_case camelCase foo.bar std::vector<int> ptr->field self.__dict __init__ _em_');
SELECT pg_temp.tokens('C++ C++17 g++ C# F#, c++? python3.11 libfoo.so.6 Node.js U.S.A. e.g. README.TXT');
SELECT pg_temp.tokens('end.Next note:this Fig.3 a:b->c 5.Then Ph.D.');
SELECT pg_temp.tokens('1,000.50 3.14 1.2.3 v1.2 192.168.0.1 10,000 1,2,3 50% 2024-01-31 12:30 -5 2.0rc1 0xFF');

-- Rule 9: file names and paths; a hyphen or slash between words parts them.
SELECT pg_temp.tokens('libpq-fe.h a/b/c.py src/my-lib/x.tar.gz /usr/local/bin ./configure ~/.bashrc ../x.c /or');
SELECT pg_temp.tokens('and/or he/she/they well-known gpt-4.1 UTF-8 TCP/IP x-y_z');

-- Rules 10 and 11: hashtags and mentions.
SELECT pg_temp.tokens('#hashtag #größe #日本語 #1st #123 (#x) ##y a#b &#39; 你好#话题');
SELECT pg_temp.tokens('@name, @bob. @scope/pkg a@b @user.name-x @1');

-- Rule 12: emoji.
SELECT pg_temp.tokens(U&'\+01F355 \2764\FE0F \+01F468\200D\+01F469\200D\+01F467 \+01F44D\+01F3FD \+01F1E9\+01F1EA\+01F1EB\+01F1F7 \00A9 \2192');

-- Rule 13: what is too long to be a word is blank, and no NOTICE is raised.
SELECT tokid, length(token) FROM ts_parse('agentmem.icu', repeat('x', 2046) || ' ' || repeat('y', 2047) || ' z');
SELECT tokid, count(*), max(octet_length(token)) FROM ts_parse('agentmem.icu', repeat('é', 3000) || repeat(' ', 3000)) GROUP BY tokid;
SELECT tokid, count(*) FROM ts_parse('agentmem.icu', repeat('a-', 126) || 'b.c ' || repeat('a-', 127) || 'b.c') GROUP BY tokid ORDER BY tokid;

-- The tokens of a text are the text, byte by byte.
SELECT count(*) AS texts, count(*) FILTER (WHERE source <> joined) AS lossy
FROM (
  SELECT source, (SELECT string_agg(token, '' ORDER BY n)
                  FROM ts_parse('agentmem.icu', source) WITH ORDINALITY p(tokid, token, n)) AS joined
  FROM (
    SELECT string_agg(chr(CASE WHEN point % 3 = 0 THEN 32 + point % 95 ELSE point END), '' ORDER BY point * 7919 % 10007) AS source
    FROM generate_series(32, 131071) point
    WHERE point NOT BETWEEN 55296 AND 57343
    GROUP BY point * 31 % 4001
  ) generated
) compared;

-- Long texts of every sort in linear time: these take seconds if one is quadratic.
SELECT sample, count(*) FROM
  unnest(ARRAY['the quick brown fox ', 'a-', 'a/', 'a.', 'a', 'é', '.', './', '#', 'a@', 'a+', '://', 'www.',
               '的', 'カ', 'ภาษาไทย', '🍕', '_', 'a_', '1,', 'C++', '/a', ' ', U&'\0301']) sample,
  LATERAL (SELECT * FROM ts_parse('agentmem.icu', repeat(sample, 1000000 / octet_length(sample))) OFFSET 0) p
GROUP BY sample ORDER BY sample COLLATE "C";
