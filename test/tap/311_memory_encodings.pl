# Stores in databases of other encodings: LATIN1, EUC_JP and SQL_ASCII.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

sub database
{
	my ($encoding) = @_;
	my $name = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql($name, q{
		CREATE EXTENSION agentmem CASCADE;
		SELECT agentmem.create_store('mem', dimensions => 2, language => 'simple');
	});
	return $name;
}

# LATIN1: accented words are folded, found and reinforced; what LATIN1 cannot hold after
# folding (a ligature, a fraction) is hashed and found all the same.
my $db = database('LATIN1');
my $utf8 = "SET client_encoding = 'UTF8';";
is($node->safe_psql($db, "$utf8 SELECT action FROM agentmem.remember('mem', 'n', 'Caf\xc3\xa9 \xc3\x89COLE \xc2\xbd \xc2\xb5', 'fact', '[1,0]', subject => '\xc3\x89cole')"),
	'inserted', 'LATIN1: remembered');
is($node->safe_psql($db, "$utf8 SELECT action FROM agentmem.remember('mem', 'n', 'caf\xc3\xa9  \xc3\xa9cole \xc2\xbd \xc2\xb5', 'fact', subject => '\xc3\xa9COLE')"),
	'reinforced', 'LATIN1: the same after folding');
is($node->safe_psql($db, "$utf8 SELECT count(*) FROM agentmem.recall('mem', 'n', 'CAF\xc3\x89')"), '1', 'LATIN1: found by word');
is($node->safe_psql($db, "$utf8 SELECT count(*) FROM agentmem.recall('mem', 'n', '\xc2\xb5')"), '1', 'LATIN1: found by a word that does not fold into LATIN1');
is($node->safe_psql($db, "$utf8 SELECT agentmem.count('mem', 'n', subject => '\xc3\x89COLE')"), '1', 'LATIN1: subject compared folded');

# EUC_JP: words are segmented after conversion and come back converted.
$db = database('EUC_JP');
is($node->safe_psql($db, "$utf8 SELECT action FROM agentmem.remember('mem', 'n', '\xe6\x98\x8e\xe6\x97\xa5\xe6\xb5\xb7\xe3\x81\xab\xe8\xa1\x8c\xe3\x81\x8f', 'episode')"),
	'inserted', 'EUC_JP: remembered');
is($node->safe_psql($db, "$utf8 SELECT count(*) FROM agentmem.recall('mem', 'n', '\xe6\xb5\xb7')"), '1', 'EUC_JP: found by word');

# SQL_ASCII: any bytes, valid UTF-8 or not.
$db = database('SQL_ASCII');
is($node->safe_psql($db, "SELECT action FROM agentmem.remember('mem', 'n', 'Caf\xc3\xa9 au lait', 'fact')"), 'inserted', 'SQL_ASCII: UTF-8 remembered');
is($node->safe_psql($db, "SELECT count(*) FROM agentmem.recall('mem', 'n', 'CAF\xc3\x89')"), '1', 'SQL_ASCII: UTF-8 found folded');
is($node->safe_psql($db, "SELECT action FROM agentmem.remember('mem', 'n', 'broken \xff\xfe bytes', 'fact')"), 'inserted', 'SQL_ASCII: bytes that are no text remembered');
is($node->safe_psql($db, "SELECT action FROM agentmem.remember('mem', 'n', 'BROKEN \xff\xfe bytes', 'fact')"), 'reinforced', 'SQL_ASCII: and recognised');
is($node->safe_psql($db, "SELECT encode(content::bytea, 'escape') FROM agentmem.recall('mem', 'n', 'bytes')"), 'broken \377\376 bytes', 'SQL_ASCII: found and returned as given');
is($node->safe_psql($db, "SELECT agentmem.recall_context('mem', 'n', 'bytes') ~ 'broken'"), 't', 'SQL_ASCII: as context too');
foreach my $language ('german', 'french', 'english')
{
	is($node->safe_psql($db, "SELECT action FROM agentmem.remember('mem', '$language', 'H\xe4USER und cats', 'fact', language => '$language')"), 'inserted', "SQL_ASCII, $language: bytes that are no text remembered");
	is($node->safe_psql($db, "SELECT count(*) FROM agentmem.recall('mem', '$language', 'h\xe4user')"), '1', "SQL_ASCII, $language: found by them");
	is($node->safe_psql($db, "SELECT count(*) FROM agentmem.recall('mem', '$language', 'cats')"), '1', "SQL_ASCII, $language: and by another word");
}

$node->stop;
done_testing();
