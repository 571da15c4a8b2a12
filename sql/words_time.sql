-- What texts say of time: the phrase, its range, and whether the limits are certain.  It is
-- Wednesday, 14 June 2023, in Berlin.
SET TimeZone = 'Europe/Berlin';
SET DateStyle = 'ISO, MDY';
CREATE FUNCTION pg_temp.says(source text, language text DEFAULT 'english', at timestamptz DEFAULT '2023-06-14 15:00')
RETURNS TABLE (phrase text, first timestamp, "end" timestamp, hard boolean) LANGUAGE sql AS $$
  SELECT phrase, lower(during)::timestamp, upper(during)::timestamp, hard
  FROM agentmem.time_expressions(source, at, language)
$$;
CREATE FUNCTION pg_temp.each(language text, VARIADIC sources text[])
RETURNS TABLE (source text, phrase text, during text, hard boolean) LANGUAGE sql AS $$
  SELECT source, nullif(s.phrase, source),
    CASE WHEN s.phrase IS NOT NULL THEN replace(coalesce(first::text, '...') || ' to ' || coalesce("end"::text, '...'), ' 00:00:00', '') END, s.hard
  FROM unnest(sources) WITH ORDINALITY u (source, n) LEFT JOIN LATERAL pg_temp.says(source, language) s ON true
  ORDER BY n, first
$$;

-- Days.
SELECT * FROM pg_temp.each('english', 'I met her yesterday', 'today', 'tomorrow', 'the day before yesterday', 'yesterday morning', 'last night',
  'tonight', '3 days ago', 'a few days ago', 'on 7 May 2023', 'May 7, 2023', 'may 7, 2023', 'the 7th of May 2023', 'May 7th', '29 February',
  'Sunday, 7 May 2023', 'Mon, 8 May 2023', '2023-05-07', '2023/05/07', '05/07/2023', '25/12/2023', '07.05.2023', '2023-05-07T10:00:00Z',
  '3-5 May 2023', 'May 3-5, 2023', 'between the 3rd and 5th of May 2023', 'from 3 to 5 May');
-- Weeks begin on Monday.
SELECT * FROM pg_temp.each('english', 'last week', 'this week', 'two weeks ago', 'a couple of weeks ago', 'in two weeks', 'in the last two weeks',
  'next Tuesday', 'last Friday', 'this Friday', 'next Wednesday', 'last Wednesday', 'on Friday', 'on Friday evening', 'last weekend',
  'over the weekend', 'the weekend of 20 May 2023', 'the week of May 8, 2023', 'the week before 25 May 2023', 'the week after 25 May 2023',
  'the Friday before 25 May 2023', 'last weekend before 25 May 2023', 'this past weekend', 'past Friday', 'the weekend before 25 May 2023', 'the weekend before 28 May 2023', 'two weeks before 25 May 2023',
  'the first weekend of July 2023', 'the last Monday of May 2023', 'the first week of May 2023', 'week 21 of 2023', '2023-W21', '2021-W53', '2020-W53');
-- Months, quarters, seasons, years.
SELECT * FROM pg_temp.each('english', 'this month', 'last month', 'past 3 months', 'in May 2023', 'in may 2023', 'Sept. 2022', 'last May', 'last June',
  'next May', 'in May', 'in July', 'May last year', 'early May 2023', 'mid-May', 'at the end of last year', 'beginning of the month', 'around May 2023',
  'Q2 2023', '2023-Q2', 'the second quarter of 2023', 'last quarter', 'in Q3', 'last summer', 'this winter', 'the summer of 2022', 'in the fall of 2022',
  'winter 2022', 'in 2022', 'the year 2022', 'last year', 'three years ago', 'the past year', 'next 5 years', 'in the 1990s', 'last decade');
-- Open ends and both ends.
SELECT * FROM pg_temp.each('english', 'since June', 'since the end of May 2023', 'since last June', 'before 2020', 'after March 2021', 'until Friday',
  'between March and May 2023', 'between March and May', 'between November and February 2023', 'between 2023 and 2020', 'from 2019 to 2021',
  'from Monday to Friday');
-- Vague.
SELECT * FROM pg_temp.each('english', 'recently', 'start recently', 'go on recently', 'in on 31 July 2022', 'lately', 'these days', 'the other day', '2 hours ago', 'in the last 90 minutes');
-- Several, and where they end.
SELECT * FROM pg_temp.each('english', 'The meeting is on 3 May, then 4 May 2024. In 2025 we move.', 'It was last. Week two begins.', 'today, tomorrow',
  E'I left in May\n2023 was good');
-- What is not of time.
SELECT * FROM pg_temp.each('english', 'I may go', 'May I ask', 'we march on', 'march 2000 miles', 'the second may be wrong', 'wait a second', 'mon ami',
  'he sat in the sun', 'a fall of 3 m', 'last name', 'three times in a week', '1.2.3', '2023-13-45', '2023-05-07-12', '555-2023-1234', '$2022',
  'in 5000000', '-5 days ago', '99999999 years ago', '9999 decades ago', '31 April', 'yesterday.txt', 'between us and them', '2022', '')
WHERE during IS NOT NULL;

-- German.
SELECT * FROM pg_temp.each('german', 'gestern', 'vorgestern', 'heute Abend', 'heute Morgen', 'komm morgen', 'Guten Morgen', 'letzte Woche', 'in diesem Monat',
  'nächsten Dienstag', 'letzten Freitag', 'am Freitag', 'am Wochenende', 'vor zwei Wochen', 'vor ein paar Tagen', 'vor einem Jahr', 'im Mai 2023',
  'am 7. Mai 2023', '7.5.2023', 'Montag, 8. Mai 2023', 'im Jahr 2022', 'letzten Sommer', 'im Sommer 2022', 'die Woche vor dem 25. Mai 2023',
  'zwei Wochen vor dem 25. Mai 2023', 'seit Juni', 'ab 2024', 'vor 2020', 'bis Freitag', 'nach März 2021', 'zwischen März und Mai 2023',
  'vom 3. bis 5. Mai 2023', 'das Wochenende des 20. Mai 2023', 'im zweiten Quartal 2023', '2. Quartal 2023', 'letztes Quartal', 'KW 21/2023',
  'in den letzten zwei Wochen', 'Anfang Mai', 'Ende letzten Jahres', 'Anfang des Jahres', 'seit Ende Mai 2023', 'erste Woche im Mai 2023',
  'Mai letzten Jahres', '1990er', 'kürzlich', 'neulich', 'So ist das', 'Zwei Wochen vor Weihnachten');
-- Of other languages dates with names of months; without a language digits.
SELECT * FROM pg_temp.each('french', 'le 7 mai 2023');
SELECT * FROM pg_temp.each('russian', '7 мая 2023');
SELECT * FROM pg_temp.each('simple', '2023-05-07 or yesterday');

-- The order of days and months, the time zone and its summer.
SET DateStyle = 'ISO, DMY';
SELECT * FROM pg_temp.each('english', '05/07/2023', '12/25/2023');
SELECT during FROM agentmem.time_expressions('26 March 2023, today', '2023-06-14 23:30+02');
SET TimeZone = 'America/New_York';
SELECT during FROM agentmem.time_expressions('today', '2023-06-15 01:30+00');
SET TimeZone = 'UTC';

-- Nothing is relative to infinity or NULL, and nothing exceeds what a timestamp can be.
SELECT phrase FROM agentmem.time_expressions(NULL) UNION ALL SELECT phrase FROM agentmem.time_expressions('today', NULL)
UNION ALL SELECT phrase FROM agentmem.time_expressions('today', now(), NULL);
SELECT phrase FROM agentmem.time_expressions('today, last May, recently, 2 hours ago and 2023-05-07', 'infinity');
SELECT phrase FROM agentmem.time_expressions('today, last May, recently, 2 hours ago and 2023-05-07', '-infinity');
SELECT phrase, during FROM agentmem.time_expressions('tomorrow, last year, next decade, in 9999 years, next 9999 decades, in 5 hours, between Monday and 2023, between May and 2023',
  '294276-12-31 23:59:59');
SELECT phrase, during FROM agentmem.time_expressions('today, last month, last year, 9999 years ago, past 9999 decades, 9999 hours ago', '4714-11-24 BC');
-- As many as there are, whatever the window.
SELECT count(*), count(DISTINCT (phrase, during)) FROM agentmem.time_expressions(repeat('the end of last May, or two weeks before 25 May 2023; ', 20000), '2023-06-14');
SELECT count(*) FROM agentmem.time_expressions(repeat('the first of ', 100000), '2023-06-14');
SELECT count(*) FROM agentmem.time_expressions(repeat('2023-', 200000), '2023-06-14');
SELECT count(*) FROM agentmem.time_expressions(repeat('x', 1000000), '2023-06-14');
SELECT * FROM agentmem.time_expressions('today', now(), 'klingon');
DROP FUNCTION pg_temp.each(text, text[]);
