# After a row is deleted and scrubbed, nothing of its 8-bit code is in the index's file: not where it was, and not where moves have left
# copies of it that VACUUM has not freed yet.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id int, tenant int, embedding agentmem.vector(150));
	CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding agentmem.vector_cosine_ops) WITH (flat_limit = 200, list_size = 50);
	INSERT INTO docs SELECT i, i % 3, some_vector(i, 150) FROM generate_series(1, 100) i;
});
my $path = $node->data_dir . '/' . $node->safe_psql('postgres', q{SELECT pg_relation_filepath('docs_idx')});

sub content
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	return slurp_file($path);
}

# How often these bytes are in the file.
sub copies
{
	my ($pattern) = @_;
	return scalar(() = content() =~ /\Q$pattern\E/sg);
}

# The longest run of bytes that a row brings with it.
my $before = content();
$node->safe_psql('postgres', q{INSERT INTO docs VALUES (1000, 1, some_vector(5000, 150))});
my $after = content();
my ($longest, $at) = (0, 0);
my $differ = ($before . ("\0" x (length($after) - length($before)))) ^ $after;
while ($differ =~ /([^\0]{20,})/sg)
{
	($longest, $at) = (length($1), $-[1]) if length($1) > $longest;
}
cmp_ok($longest, '>=', 40, 'the row is found in the file');
my $pattern = substr($after, $at, $longest);
is(copies($pattern), 1, 'once');

# It is brought from a node to its key, then to a list; what it leaves is retired, as a transaction is older.
my $old = $node->background_psql('postgres');
$old->query_safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM docs});
$node->safe_psql('postgres', q{INSERT INTO docs SELECT i, 1, some_vector(i, 150) FROM generate_series(2001, 2150) i});
$node->safe_psql('postgres', q{VACUUM docs});
$node->safe_psql('postgres', q{INSERT INTO docs SELECT i, 1, some_vector(i, 150) FROM generate_series(3001, 3400) i});
$node->safe_psql('postgres', q{VACUUM docs});
my $copies = copies($pattern);
cmp_ok($copies, '>=', 3, "moves have left $copies copies of it");
is($node->safe_psql('postgres', q{SELECT clustered_keys FROM agentmem.index_stats('docs_idx')}), '1', 'in a list');

my $tid = $node->safe_psql('postgres', q{SELECT ctid FROM docs WHERE id = 1000});
my ($ret, $out, $err) = $node->psql('postgres', qq{SELECT agentmem.ivfbq_scrub('docs_idx', ARRAY['$tid']::tid[])});
like($err, qr/is not gone/, 'refused while it is there');
$node->safe_psql('postgres', q{DELETE FROM docs WHERE id = 1000});
($ret, $out, $err) = $node->psql('postgres', qq{SELECT agentmem.ivfbq_scrub('docs_idx', ARRAY['$tid']::tid[])});
like($err, qr/is not gone/, 'refused while somebody may see it');
is(copies($pattern), $copies, 'nothing is changed then');
$old->query_safe('COMMIT');
$old->quit;
cmp_ok($node->safe_psql('postgres', qq{SELECT agentmem.ivfbq_scrub('docs_idx', ARRAY['$tid']::tid[])}), '>=', $copies, 'all copies are found');
is(copies($pattern), 0, 'and nothing is left of them');
like($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true)}), qr/^650$/, 'the others are there');

# VACUUM leaves nothing either.
$node->safe_psql('postgres', q{INSERT INTO docs VALUES (1000, 1, some_vector(5000, 150))});
$tid = $node->safe_psql('postgres', q{SELECT ctid FROM docs WHERE id = 1000});
# The same row but for its TID, which lies in its head.
my $code = substr($pattern, -40);
is(copies($code), 1, 'again');
$node->safe_psql('postgres', q{DELETE FROM docs WHERE id = 1000});
$node->safe_psql('postgres', q{VACUUM (INDEX_CLEANUP ON) docs});
is(copies($code), 0, 'VACUUM leaves nothing');

# A crash after it brings nothing back.
$node->stop('immediate');
$node->start;
is(copies($code), 0, 'nor does a crash');

$node->stop;
done_testing();
