# A VACUUM that dies while it makes all lists of a key anew leaves the key and its lists closed, their pages sealed.  The same is
# written here by hand: everything is found, inserts go on, and the next VACUUM opens the key.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Offsets and numbers that format.h gives.
use constant {
	PAGE => 8192,
	CONTENT => 24,
	KIND => 8184,
	RETIRED => 8188,
	DIRECTORY => 2, LISTS => 3, CODES => 4,
	CELL_FLAGS => 34,	# of the first cell
	WANTED => 38,
	KEY_CLOSED => 4,
};

my $node = PostgreSQL::Test::Cluster->new('main');
# Pages are edited: releases since 18 have checksums that would find that before anything else does.
$node->init(no_data_checksums => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nstatement_timeout = 60s");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial, embedding agentmem.vector(12));
	INSERT INTO docs (embedding) SELECT some_vector(i, 12) FROM generate_series(1, 2000) i;
	CREATE INDEX docs_idx ON docs USING ivfbq (embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
	CREATE INDEX other_idx ON docs USING ivfbq (embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
});

# The pages of an index that are in use: [block, bytes] each.
sub pages
{
	my ($index) = @_;
	my $bytes = slurp_file($node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$index')"));
	return map { [$_, substr($bytes, PAGE * $_, PAGE)] } 0 .. length($bytes) / PAGE - 1;
}
sub kind { my ($page) = @_; return (unpack('S<', substr($page->[1], RETIRED, 2)) & 1) ? 0 : unpack('S<', substr($page->[1], KIND, 2)); }
sub key_flags
{
	my ($index) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	my ($directory) = grep { kind($_) == DIRECTORY } pages($index);
	return unpack('S< x2 S<', substr($directory->[1], CELL_FLAGS, 6));
}
sub set16 { my ($page, $offset, $or) = @_; substr($page->[1], $offset, 2) = pack('S<', unpack('S<', substr($page->[1], $offset, 2)) | $or); return; }

# What a search gives by the index, all of it, and by a scan.
sub is_right
{
	my ($name) = @_;
	my $query = q{SELECT string_agg(id::text, ',' ORDER BY id) FROM (SELECT id FROM docs ORDER BY embedding OPERATOR(agentmem.<->) some_vector(%d, 12) LIMIT 30) q};
	for my $i (7, 5003)
	{
		my $sql = sprintf $query, $i;
		is($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; SET agentmem.ivfbq_exact = on; $sql"),
			$node->safe_psql('postgres', "SET enable_indexscan = off; $sql"), "$name: a search for $i");
	}
	return;
}

my ($before, $wanted) = key_flags('docs_idx');
is($before & KEY_CLOSED, 0, 'the key is open');
is($wanted, 40, 'its rows are worth 40 lists');
my %files = map { $_ => [pages($_)] } qw(docs_idx other_idx);
my %paths = map { $_ => $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$_')") } keys %files;
$node->stop;
for my $index (keys %files)
{
	my $closed = 0;
	open(my $file, '+<:raw', $paths{$index}) or die "$paths{$index}: $!";
	for my $page (@{$files{$index}})
	{
		# The other one's lists are closed, and its key is not: that cannot be.
		set16($page, CELL_FLAGS, KEY_CLOSED) if kind($page) == DIRECTORY && $index eq 'docs_idx';
		if (kind($page) == LISTS)
		{
			my $n = unpack('S<', substr($page->[1], CONTENT + 4, 2));
			set16($page, CONTENT + 16 + 24 * $_ + 22, 1) for 0 .. $n - 1;
			$closed += $n;
		}
		set16($page, CONTENT + 16, 1) if kind($page) == CODES && unpack('C', substr($page->[1], CONTENT + 14, 1)) == 4;
		seek($file, $page->[0] * PAGE, 0);
		print $file $page->[1];
	}
	close($file);
	cmp_ok($closed, '>', 30, "lists are closed: $closed");
}
$node->start;

is($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true)}), 2000, 'a closed key is sound');
is_right('closed');
my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT agentmem.index_check('other_idx', true)");
like($err, qr/XX002.*other_idx.*\n.*closed, but its key is not/, 'a list that is closed without its key is found');
($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nINSERT INTO docs (embedding) SELECT some_vector(1, 12)");
like($err, qr/XX002.*other_idx.*\n.*closed, but its key \(1,0\) is not/, 'and an insert does not try for ever');
$node->safe_psql('postgres', 'DROP INDEX other_idx');

$node->safe_psql('postgres', q{INSERT INTO docs (embedding) SELECT some_vector(i, 12) FROM generate_series(5001, 5300) i; DELETE FROM docs WHERE id % 5 = 0});
is($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true) > 2000}), 't', 'inserts go on');
is_right('inserted');
is((key_flags('docs_idx'))[0] & KEY_CLOSED, KEY_CLOSED, 'the key is still closed');
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) docs');
($before, $wanted) = key_flags('docs_idx');
is($before & KEY_CLOSED, 0, 'VACUUM opens it');
cmp_ok($wanted, '>=', 36, "its rows are worth $wanted lists");
is($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true) = (SELECT count(*) FROM docs)}), 't', 'and has all rows');
is_right('opened');

# Lists are made anew when there are a quarter more rows, not before.
my $moves = $node->safe_psql('postgres', q{SELECT moves FROM agentmem.index_stats('docs_idx')});
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) docs');
is($node->safe_psql('postgres', q{SELECT moves FROM agentmem.index_stats('docs_idx')}), $moves, 'nothing is left to do');
$node->safe_psql('postgres', q{INSERT INTO docs (embedding) SELECT some_vector(i, 12) FROM generate_series(6001, 6300) i; VACUUM docs});
is((key_flags('docs_idx'))[1], $wanted, 'a sixth more rows: the same lists');
$node->safe_psql('postgres', q{INSERT INTO docs (embedding) SELECT some_vector(i, 12) FROM generate_series(7201, 7500) i; VACUUM docs});
cmp_ok((key_flags('docs_idx'))[1], '>', 1.25 * $wanted, 'a third more: all of them anew');
is_right('grown');

# All rows go, and with the rows' lists the key's.
$node->safe_psql('postgres', q{DELETE FROM docs; VACUUM (INDEX_CLEANUP ON) docs; SELECT txid_current(); VACUUM (INDEX_CLEANUP ON) docs});
is($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true)}), 0, 'no rows');
is_right('empty');

unlike(slurp_file($node->logfile), qr/TRAP:|terminated by signal/, 'no process of the server crashed');
$node->stop;
done_testing();
