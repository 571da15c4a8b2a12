# A namespace goes through a file into another database, and answers there as here.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE there');
foreach my $database ('postgres', 'there')
{
	$node->safe_psql($database, q{CREATE EXTENSION agentmem CASCADE; SELECT agentmem.create_store('mem', dimensions => 8)});
}
$node->safe_psql('postgres', q{
	SELECT agentmem.remember('mem', 'n', E'Line one\nline "two", \\\\ ' || i, 'fact', array_agg(sin(i + j))::real[]::agentmem.vector, subject => 's' || i % 7, predicate => 'p',
		valid_from => '2020-01-01'::timestamptz + i * interval '1 day', attributes => jsonb_build_object('i', i))
	FROM generate_series(1, 60) i, generate_series(1, 8) j GROUP BY i ORDER BY i;
});
$node->safe_psql('postgres', q{SELECT agentmem.revise('mem', 'n', id, tags => '{again}') FROM mem.memory WHERE id % 3 = 0});
$node->safe_psql('postgres', q{SELECT agentmem.forget('mem', 'n', 60)});
$node->safe_psql('postgres', q{UPDATE mem.memory SET embedding = agentmem.quantize(embedding, (ARRAY[32, 16, 8, 1])[1 + id % 4])});

my $file = $node->basedir . '/n.jsonl';
append_to_file($file, $node->safe_psql('postgres', q{SELECT agentmem.export('mem', 'n')}) . "\n");
$node->safe_psql('there', qq{
	CREATE TABLE line (n serial, line jsonb);
	COPY line (line) FROM '$file' CSV QUOTE e'\\x01' DELIMITER e'\\x02';
});
like($node->safe_psql('there', q{SELECT agentmem.import('mem', 'n', (SELECT array_agg(line ORDER BY n) FROM line))}), qr/"memory": 59/, 'all came');

foreach my $query (
	q{SELECT l - 'exported_at' FROM agentmem.export('mem', 'n') l},
	q{SELECT h FROM generate_series(1, 60) id, LATERAL agentmem.history('mem', 'n', id) h},
	q{SELECT a FROM agentmem.as_of('mem', 'n', valid_at => '2020-02-01') a},
	q{SELECT encode(agentmem.vector_send(embedding), 'hex'), agentmem.precision(embedding), lexemes, content_hash, key_hash FROM mem.memory ORDER BY id},
	q{SELECT r FROM agentmem.recall('mem', 'n', 'line two 14', embedding => '[1,2,3,4,5,4,3,2]', during => '(,)', k => 20) r},
	q{SELECT a.conflict IS NOT NULL, a.a, a.b, a.reason, a.similarity FROM agentmem.conflicts('mem', 'n') a ORDER BY 2, 3})
{
	my $here = $node->safe_psql('postgres', $query);
	isnt($here, '', "answered: $query") if $query !~ /conflicts/;
	is($node->safe_psql('there', $query), $here, "the same: $query");
}

# What stops half way leaves nothing.
$node->safe_psql('there', q{INSERT INTO line (line) VALUES ('{"line": "edge", "source": 1, "target": 2}')});
my ($ret, $out, $err) = $node->psql('there', q{SELECT agentmem.import('mem', 'other', (SELECT array_agg(line ORDER BY n) FROM line))});
like($err, qr/line \d+ of the import/, 'the line at fault is named');
is($node->safe_psql('there', q{SELECT (SELECT count(*) FROM mem.memory WHERE namespace = 'other') + (SELECT count(*) FROM mem.memory_history WHERE namespace = 'other')
	+ (SELECT count(*) FROM mem.edge WHERE namespace = 'other') + (SELECT count(*) FROM mem.audit WHERE namespace = 'other')}), '0', 'and nothing is left');

$node->stop;
done_testing();
