-- What texts are about: names, words, pairs of words.
CREATE FUNCTION pg_temp.about(source text, language text DEFAULT 'english', max integer DEFAULT 5) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concept || ' (' || normalized || ') ' || round(weight::numeric, 2), ', ' ORDER BY n)
  FROM agentmem.extract_concepts(source, language, max) WITH ORDINALITY c (concept, normalized, weight, n)
$$;

-- Names: several capitalised words with small ones between; a word that begins a sentence is
-- one if it is elsewhere too; who is greeted and who speaks.
SELECT pg_temp.about('Melanie moved to New York and works at the Museum of California.');
SELECT pg_temp.about('Joan of Arc met Ludwig van Beethoven, Vincent van Gogh and Charles de Gaulle.');
SELECT pg_temp.about('Apollo flew. They launched Apollo.'), pg_temp.about('Trees grow.');
SELECT pg_temp.about('Hey Melanie! How are you? Thanks Caroline.');
SELECT pg_temp.about('Painting Melanie was hard. I asked Melanie.');
SELECT pg_temp.about(E'Melanie: I love camping\nCaroline: me too, camping is fun');
SELECT pg_temp.about('NASA and the LGBTQ group');
SELECT pg_temp.about('they played Long Winding Road Leads Nowhere');
-- Words by frequency, pairs that recur or have a hyphen; parts that are nowhere else weigh less.
SELECT pg_temp.about('I joined a support group. The support group was kind; a group of friends.');
SELECT pg_temp.about('a self-driving car, a self driving one', max => 3), pg_temp.about('really happy, quickly painted', max => 9);
-- One for all forms: case, number, script variants.
SELECT pg_temp.about('Agency, agencies, AGENCY'), pg_temp.about('Ｗｉｄｔｈ width ﬁnger finger'), pg_temp.about('straße, STRASSE, Straße', 'german');
SELECT normalized FROM agentmem.extract_concepts('Cats') INTERSECT SELECT normalized FROM agentmem.extract_concepts('a cat');
-- No stop words, numbers, dates, addresses, single letters, halves of contractions.
SELECT pg_temp.about('See https://example.com or mail bob@x.org, v1.2, 3.5, 42, 7th, 3pm, a x I', max => 99);
SELECT pg_temp.about('On 7 May 2023, last week and two Fridays ago in March we met in the summer', max => 99);
SELECT pg_temp.about('Didn''t you say it wasn''t Bob''s dog? We''ve, they''ll, I''m', max => 99);
SELECT pg_temp.about('a #Hiking tour with @melanie.k, src/fuse.c', max => 99);
-- Other languages and scripts.
SELECT pg_temp.about('Die Katze von Angela Merkel schläft gern. Katzen schlafen am Montag im Haus.', 'german');
SELECT pg_temp.about('Мелани переехала в Нью-Йорк. Кошки любят рыбу, кошка ест рыбу.', 'russian');
SELECT pg_temp.about('Η γάτα κοιμάται. Οι γάτες στην Αθήνα', 'greek');
SELECT pg_temp.about('東京大学の学生は東京大学にいます', 'simple', 3);
-- The weightiest first, of equal ones the first; as many as asked for.
SELECT pg_temp.about('dog cat cow', max => 2), count(*) FROM agentmem.extract_concepts('dog cat cow', max => 1);
-- The lexemes are those that are indexed.
SELECT agentmem.query_lexemes('{english}', 'New York agencies') @> string_to_array(string_agg(normalized, ' '), ' ') AS indexed
FROM agentmem.extract_concepts('the agencies in New York', max => 2);
-- A configuration that changes is seen.
CREATE TEXT SEARCH CONFIGURATION agentmem.words_test (COPY = agentmem.english);
SELECT pg_temp.about('the running dogs', 'words_test');
ALTER TEXT SEARCH CONFIGURATION agentmem.words_test ALTER MAPPING FOR asciiword WITH agentmem.fold, pg_catalog.simple;
SELECT pg_temp.about('the running dogs', 'words_test');
DROP TEXT SEARCH CONFIGURATION agentmem.words_test;
-- Large texts: one word, one repeated, many different.
SELECT pg_temp.about(repeat('x', 1000000)), pg_temp.about(repeat('word ', 200000)), pg_temp.about(repeat('New ', 200000)),
  pg_temp.about(repeat('猫', 100000), 'simple', 2) IS NOT NULL AS han;
SELECT count(*), min(weight) > 0 AS positive FROM agentmem.extract_concepts((SELECT string_agg('word' || i, ', ') FROM generate_series(1, 100000) i), max => 1000);
SELECT length(concept), weight FROM agentmem.extract_concepts(repeat('y', 128) || ' ' || repeat('z', 129));
-- Nothing, and what is refused.
SELECT count(*) FROM agentmem.extract_concepts('');
SELECT count(*) FROM agentmem.extract_concepts(E' \n\t ... 12 the');
SELECT count(*) FROM (SELECT FROM agentmem.extract_concepts(NULL) UNION ALL SELECT FROM agentmem.extract_concepts('a dog', NULL)
  UNION ALL SELECT FROM agentmem.extract_concepts('a dog', 'english', NULL)) n;
SELECT * FROM agentmem.extract_concepts('a dog', 'klingon');
SELECT * FROM agentmem.extract_concepts('a dog', max => 0);
SELECT * FROM agentmem.extract_concepts('a dog', max => -5);
SELECT * FROM agentmem.extract_concepts('a dog', max => 1001);
