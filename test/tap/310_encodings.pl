# Words in databases that are not UTF8: the same text gives the same tokens and, where the
# encoding can hold them, the same folds; what it cannot hold is never an error and never
# lost.  Rules: src/lexical/README.md, 14 to 16.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$node->start;

# Texts are sent as bytes of the database's encoding, so that nothing is converted on the way.
my %database = (
	utf8 => 'UTF8',
	latin1 => 'LATIN1',
	sql_ascii => 'SQL_ASCII',
	euc_jp => 'EUC_JP');
foreach my $name (sort keys %database)
{
	my $encoding = $database{$name};
	$node->safe_psql('postgres',
		"CREATE DATABASE $name ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($name, q(
		CREATE EXTENSION agentmem;
		CREATE FUNCTION bytes(hex text) RETURNS text LANGUAGE sql AS
			$$SELECT convert_from(decode(hex, 'hex'), getdatabaseencoding())$$;
		CREATE FUNCTION hex(source text) RETURNS text LANGUAGE sql AS
			$$SELECT encode(convert_to(source, getdatabaseencoding()), 'hex')$$;
		CREATE FUNCTION tokens(hex text) RETURNS text LANGUAGE sql AS
			$$SELECT string_agg(tokid || ':' || hex(token), ' ' ORDER BY n)
			  FROM ts_parse('agentmem.icu', bytes(hex)) WITH ORDINALITY p(tokid, token, n)
			  WHERE tokid <> 12$$;
		CREATE FUNCTION lossless(hex text) RETURNS boolean LANGUAGE sql AS
			$$SELECT string_agg(token, '' ORDER BY n) = bytes(hex)
			  FROM ts_parse('agentmem.icu', bytes(hex)) WITH ORDINALITY p(tokid, token, n)$$;
	));
}

# The bytes of SQL_ASCII have no encoding to convert from.
$node->safe_psql('sql_ascii', q(
	CREATE OR REPLACE FUNCTION bytes(hex text) RETURNS text LANGUAGE plpgsql AS
		$$BEGIN RETURN convert_from(decode(hex, 'hex'), 'SQL_ASCII'); END$$;
));

sub is_query
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $query, $expected, $what) = @_;
	is($node->safe_psql($name, "SET client_encoding = 'SQL_ASCII'; $query"), $expected, "$name: $what");
	return;
}

# ASCII is the same everywhere, keys included.
my $ascii = $node->safe_psql('utf8', q(SELECT agentmem.lexeme_keys('n', to_tsvector('agentmem.english', 'Running dogs'))));
foreach my $name (sort keys %database)
{
	is_query($name, q(SELECT to_tsvector('agentmem.english', 'Running dogs see foo_bar at https://x.org')),
		q('dog':2 'foo_bar':4 'https://x.org':6 'run':1 'see':3), 'lexemes of ASCII');
	is_query($name, q(SELECT agentmem.lexeme_keys('n', to_tsvector('agentmem.english', 'Running dogs'))),
		$ascii, 'keys of ASCII');
}

# "Größe ÉTÉ", in LATIN1 and in UTF-8.
my ($latin1, $utf8) = ('4772f6df6520c954c9', '4772c3b6c39f6520c38954c389');
is_query('utf8', "SELECT tokens('$utf8')", '2:4772c3b6c39f65 2:c38954c389', 'tokens');
is_query('utf8', "SELECT hex(agentmem.fold(bytes('$utf8')))", '6772c3b673736520c3a974c3a9', 'fold');
is_query('latin1', "SELECT tokens('$latin1')", '2:4772f6df65 2:c954c9', 'tokens');
is_query('latin1', "SELECT hex(agentmem.fold(bytes('$latin1')))", '6772f673736520e974e9', 'fold');
is_query('sql_ascii', "SELECT tokens('$utf8')", '2:4772c3b6c39f65 2:c38954c389', 'tokens of UTF-8');
is_query('sql_ascii', "SELECT hex(agentmem.fold(bytes('$utf8')))", '6772c3b673736520c3a974c3a9', 'fold of UTF-8');
is_query('sql_ascii', "SELECT tokens('$latin1')", '2:4772f6df65 2:c954c9', 'tokens of LATIN1');
is_query('sql_ascii', "SELECT hex(agentmem.fold(bytes('$latin1')))", '6772f673736520e974e9', 'fold of LATIN1');

# Stemmed in either encoding: the Snowball stemmers of German know LATIN1 and UTF-8.
is_query('utf8', "SELECT hex(to_tsvector('agentmem.german', bytes('48c3a4757365722047524fc39f'))::text)",
	unpack('H*', "'gross':2 'haus':1"), 'German lexemes');
is_query('latin1', "SELECT hex(to_tsvector('agentmem.german', bytes('48e4757365722047524fdf'))::text)",
	unpack('H*', "'gross':2 'haus':1"), 'German lexemes');

# The micro sign folds to a Greek letter, which LATIN1 lacks: lower case instead.
is_query('utf8', "SELECT hex(agentmem.fold(bytes('c2b5c389')))", 'cebcc3a9', 'micro sign');
is_query('latin1', "SELECT hex(agentmem.fold(bytes('b5c9')))", 'b5e9', 'micro sign');
is_query('latin1', "SELECT tokens('b5c9')", '2:b5c9', 'token with a micro sign');
is_query('latin1', "SELECT hex(to_tsvector('agentmem.simple', bytes('b5c9'))::text)", '27b5e9273a31',
	'lexeme with a micro sign');

# Tokyo and a katakana word, in EUC_JP and in UTF-8.
is_query('utf8', q(SELECT tokens('e69db1e4baace381abe8a18ce3818f')), '2:e69db1e4baac 2:e381ab 2:e8a18ce3818f', 'Japanese');
is_query('euc_jp', q(SELECT tokens('c5ecb5fea4cbb9d4a4af')), '2:c5ecb5fe 2:a4cb 2:b9d4a4af', 'Japanese');
is_query('sql_ascii', q(SELECT tokens('e69db1e4baace381abe8a18ce3818f')), '2:e69db1e4baac 2:e381ab 2:e8a18ce3818f', 'Japanese');
# Full-width letters; half-width katakana folds to full width, voiced mark included.
is_query('euc_jp', q(SELECT tokens('a3c1a3c2'), hex(agentmem.fold(bytes('a3c1a3c2')))), '2:a3c1a3c2|6162', 'full width');
is_query('euc_jp', q(SELECT hex(agentmem.fold(bytes('8eb68ede')))), 'a5ac', 'half width');
is_query('euc_jp', q(SELECT ts_headline('agentmem.simple', bytes('c5ecb5fea4cbb9d4a4af'), plainto_tsquery('agentmem.simple', bytes('c5ecb5fe')))
	= '<b>' || bytes('c5ecb5fe') || '</b>' || bytes('a4cbb9d4a4af')), 't', 'headline');
# 0xF5A1 is a valid character of EUC_JP that Unicode lacks: part of a word, left as it is.
is_query('euc_jp', q(SELECT tokens('4142f5a1'), lossless('4142f5a1'), hex(agentmem.fold(bytes('4142f5a1')))),
	'2:4142f5a1|t|6162f5a1', 'character without Unicode');
# ... and different ones stay different.
is_query('euc_jp', q(SELECT agentmem.fold(bytes('f5a1')) = agentmem.fold(bytes('f5a2'))), 'f', 'two of them');

# Bytes that are no encoding at all: the same tokens each time, none lost.
foreach my $hex ('ff', '80', 'c3', '41ff42', 'e4b8', '20c320', 'f09f8d', 'c3a9ff', '6162c328', 'eda080', 'c080')
{
	is_query('sql_ascii', "SELECT lossless('$hex'), tokens('$hex') IS NOT DISTINCT FROM tokens('$hex')", 't|t', "bytes $hex are kept");
	is_query('sql_ascii', "SELECT length(agentmem.fold(bytes('$hex'))) > 0, agentmem.lexeme_keys('n', to_tsvector('agentmem.english', bytes('$hex'))) IS NOT NULL",
		't|t', "bytes $hex are folded and keyed");
}

# Nor does a stemmer raise one, which converts to UTF-8: such a word is folded, and stays as it is.  The others are stemmed.
foreach my $language ('german', 'english', 'russian', 'simple')
{
	foreach my $call ("agentmem.lexemes('$language', bytes('HEX'))", "to_tsvector('agentmem.$language', bytes('HEX'))")
	{
		is_query('sql_ascii', 'SELECT hex(' . ($call =~ s/HEX/48e455534572/r) . '::text)', unpack('H*', "'h\xe4user':1"), "stray bytes, $call");
		is_query('euc_jp', 'SELECT hex(' . ($call =~ s/HEX/4142f5a1/r) . '::text)', unpack('H*', "'ab\xf5\xa1':1"), "no Unicode, $call") if $language ne 'russian';
	}
}
is_query('sql_ascii', "SELECT agentmem.lexemes('german', bytes('ff204875736572')) = to_tsvector('agentmem.german', bytes('ff204875736572'))", 't', 'both ways the same');
is_query('sql_ascii', "SELECT hex(agentmem.query_lexemes('{german}', bytes('48e455534572'))::text)", unpack('H*', "{h\xe4user}"), 'a query of stray bytes');
is_query('sql_ascii', "SELECT count(*) > 0 FROM agentmem.extract_concepts(bytes('48e4757365722047524fdf'), 'german')", 't', 'concepts of stray bytes');

# Punctuation is known in any encoding: "Große", ja!
is_query('utf8', "SELECT hex(agentmem.plain_words('german', bytes('e2809e476772c3b6c39f65e2809c2c206a6121'))::text)", unpack('H*', "{ggr\xc3\xb6sse,ja}"), 'plain words');
is_query('latin1', "SELECT hex(agentmem.plain_words('german', bytes('ab476772f6df65bb2c206a6121'))::text)", unpack('H*', "{ggr\xf6sse,ja}"), 'plain words');
is_query('sql_ascii', "SELECT hex(agentmem.plain_words('german', bytes('ab476772f6df65bb2c206a6121'))::text)", unpack('H*', "{ggr\xf6sse,ja}"), 'plain words of stray bytes');
is_query('euc_jp', "SELECT hex(agentmem.plain_words('simple', bytes('a1d64142f5a1a1d7 a1a3'))::text)", unpack('H*', "{ab\xf5\xa1}"), 'plain words without Unicode');
foreach my $hex ('ff', '80', 'c3', '22ff', 'e4b8', '20c320', 'f09f8d', 'e2809c', 'e280', '3522')
{
	is_query('sql_ascii', "SELECT length(agentmem.plain_words('english', bytes('$hex'))::text) >= 2", 't', "bytes $hex: plain words");
}

# Every byte and, in EUC_JP, every pair that the encoding allows: no error, nothing lost.
foreach my $name ('latin1', 'sql_ascii')
{
	is_query($name, q(SELECT count(*), count(*) FILTER (WHERE NOT lossless(hex)), count(agentmem.fold(bytes(hex)))
		FROM (SELECT '61' || lpad(to_hex(i), 2, '0') || '62' AS hex FROM generate_series(1, 255) i) b), '255|0|255', 'every byte');
}
is_query('euc_jp', q(SELECT count(*), count(*) FILTER (WHERE NOT lossless(hex)), count(agentmem.fold(bytes(hex)))
	FROM (SELECT '61' || to_hex(i) || to_hex(j) || '62' AS hex
		  FROM generate_series(161, 254) i, generate_series(161, 254) j) b), '8836|0|8836', 'every pair of bytes');

# Long texts, over the pieces that are converted at once.
is_query('latin1', q(SELECT length(agentmem.fold(repeat(bytes('c9e4b520'), 10000))), lossless(repeat('c9e4b520', 10000))),
	'39999|t', 'long text');
is_query('euc_jp', q(SELECT length(agentmem.fold(repeat(bytes('a3c1c5ec41f5a1'), 3000))), lossless(repeat('a3c1c5ec41f5a1', 3000))),
	'12000|t', 'long text');
is_query('sql_ascii', q(SELECT length(agentmem.lexemes('simple', repeat(bytes('e69db1e4baac'), 60000))) BETWEEN 1 AND 4), 't',
	'long text without blanks is not cut within a character');

# A character that takes more bytes than in UTF-8: what is too long for a word is blank
# without a NOTICE for it, and what is just short enough is a word.
foreach my $n (682, 683, 1000)
{
	my ($ret, $words, $stderr) =
	  $node->psql('euc_jp', "SELECT length(to_tsvector('agentmem.simple', repeat(bytes('8fabb1'), $n)))");
	is($words, $n <= 682 ? '1' : '0', "$n characters of three bytes");
	is($stderr, '', 'nothing is said of it');
	is_query('euc_jp',
		"SELECT lossless(repeat('8fabb1', $n)), max(octet_length(token)) <= 2046 FROM ts_parse('agentmem.icu', repeat(bytes('8fabb1'), $n))",
		't|t', 'nothing is lost of it');
}

# Time expressions and concepts: phrases are slices of the text, lexemes those of the index.
# "im März 2023, früh", "Münchner Häuser" in UTF-8 and LATIN1.
my %german = (
	utf8 => [ '696d204dc3a4727a20323032332c206672c3bc68', '4dc3bc6e63686e65722048c3a4757365722c2068c3a4757365722c20efac81' ],
	latin1 => [ '696d204de4727a20323032332c206672fc68', '4dfc6e63686e65722048e4757365722c2068e4757365722c20b5' ]);
foreach my $name (sort keys %german)
{
	my ($time, $text) = @{ $german{$name} };
	foreach my $database ($name, 'sql_ascii')
	{
		is_query($database, "SELECT hex(phrase), during @> timestamptz '2023-03-15' FROM agentmem.time_expressions(bytes('$time'), '2023-06-14', 'german')",
			substr($time, 0, $name eq 'utf8' ? 26 : 24) . '|t', "time expression in $name");
		is_query($database, "SELECT hex(concept) FROM agentmem.extract_concepts(bytes('$text'), 'english') LIMIT 1",
			$name eq 'utf8' ? '4dc3bc6e63686e65722048c3a475736572' : '4dfc6e63686e65722048e475736572', "concept in $name");
	}
}
# Tokyo, twice, in EUC_JP; a character without Unicode.
is_query('euc_jp', q(SELECT hex(concept), hex(normalized) FROM agentmem.extract_concepts(bytes('c5ecb5fe2c20c5ecb5fe'), 'simple')),
	'c5ecb5fe|c5ecb5fe', 'concept');
is_query('euc_jp', q(SELECT hex(concept) FROM agentmem.extract_concepts(bytes('4142f5a1'), 'simple')), '4142f5a1', 'concept without Unicode');
foreach my $hex ('ff', '80', 'c3', '41ff42', 'e4b8', '20c320', 'f09f8d', 'c3a9ff', '6162c328', 'eda080', 'c080', '237fff41', '40ff41', '2320')
{
	is_query('sql_ascii', "SELECT count(*) <= 2 FROM agentmem.extract_concepts(bytes('$hex'))", 't', "bytes $hex: concepts");
	is_query('sql_ascii', "SELECT count(*) FROM agentmem.time_expressions(bytes('$hex' || '20746f646179'), '2023-06-14')", '1',
		"bytes $hex: time expression behind them");
}
foreach my $name ('latin1', 'sql_ascii')
{
	is_query($name, q(SELECT count(*), count(*) FILTER (WHERE n > 3) FROM generate_series(1, 255) i,
		LATERAL (SELECT count(*) AS n FROM agentmem.extract_concepts(bytes('6162' || lpad(to_hex(i), 2, '0') || '6364'))) c), '255|0', 'concepts with every byte');
}

$node->stop;
done_testing();
