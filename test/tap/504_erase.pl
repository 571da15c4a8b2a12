# After erase, and the VACUUM that its receipt asks for, no byte of a memory is in the data files of the database: not of its text, its subject,
# its vector, its code in the index, its hashes; not of its versions; not in statistics.  The write-ahead log is another matter (docs/howto/erase.md).
use strict;
use warnings;

use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j))::real[]::agentmem.vector FROM generate_series(1, 64) j$$;
});
my $database = $node->data_dir . '/base/' . $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = current_database()});

# Files of the database that have these bytes, as relation names.
sub holders
{
	my ($pattern) = @_;
	my %names;
	find(
		{   no_chdir => 1,
			wanted => sub {
				return if !-f $_ || slurp_file($_) !~ /\Q$pattern\E/s;
				my ($file) = m{/(\d+)[^/]*$};
				$names{ $node->safe_psql('postgres', "SELECT relname FROM pg_class WHERE pg_relation_filenode(oid) = $file") || $_ } = 1;
			} },
		$database);
	return join(' ', sort keys %names);
}

# What the row of the memory adds to the file of the index, as its longest run of bytes.
sub longest_addition
{
	my ($before, $after) = @_;
	my ($longest, $at) = (0, 0);
	my $differ = ($before . ("\0" x (length($after) - length($before)))) ^ $after;
	while ($differ =~ /([^\0]{8,})/sg)
	{
		($longest, $at) = (length($1), $-[1]) if length($1) > $longest;
	}
	return substr($after, $at, $longest);
}

sub index_file
{
	my ($index) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	return slurp_file($node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$index')"));
}

sub bytes
{
	my ($query) = @_;
	return pack('H*', $node->safe_psql('postgres', "SELECT encode($query, 'hex')"));
}

# What must not be left, by name.
sub patterns
{
	my ($store, $id) = @_;
	return (
		'content' => 'The xylomarker',
		'old content' => 'The quondamarker',
		'long content' => $node->safe_psql('postgres', "SELECT substr(content, 9000, 60) FROM $store.memory WHERE content LIKE 'Long%' AND namespace = 'n'"),
		'subject' => 'Zorblatt Quimby',
		'folded subject' => 'zorblatt quimby',
		'word' => 'xylomark',
		'tag' => 'tagmarker',
		'attribute' => 'attrmarker',
		'reason' => 'reasonmarker',
		'vector' => pack('f<*', split(/,/, $node->safe_psql('postgres', "SELECT substr(some_vector(777)::text, 2, length(some_vector(777)::text) - 2)"))),
		'statement' => bytes("(SELECT uuid_send(content_hash) FROM $store.memory WHERE namespace = 'n' AND id = $id)"),
		'timeline' => bytes("(SELECT uuid_send(key_hash) FROM $store.memory WHERE namespace = 'n' AND id = $id)"),
		# But for the lowest byte, in which the row's class is.
		'word in GIN' => substr(reverse(bytes("int8send((agentmem.lexeme_keys('n', to_tsvector('agentmem.english', 'xylomarker')))[1])")), 1),
	);
}

sub make_store
{
	my ($store, $partitions) = @_;
	$node->safe_psql('postgres', qq{
		SELECT agentmem.create_store('$store', dimensions => 64, partitions => $partitions);
		SELECT agentmem.remember('$store', n, 'Something else ' || i, 'fact', some_vector(i), subject => 'Somebody ' || i, predicate => 'is', object => 'else', tags => '{other}', attributes => '{"a": 1}')
		FROM generate_series(1, 30) i, (VALUES ('n'), ('o')) v(n);
		SELECT agentmem.revise('$store', namespace, id, content => content || ' again', embedding => embedding, attributes => '{"a": 2}') FROM $store.memory WHERE id % 10 = 0;
	});
}

# The memory that is to vanish, with what belongs to it.
sub remember
{
	my ($store) = @_;
	my $index = $node->safe_psql('postgres', "SELECT c.oid::regclass FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ivfbq' AND c.relkind = 'i'
		AND c.relnamespace = '$store'::regnamespace AND c.relname ~ '^memory_(p\\d+_.*)?embedding|^memory_p\\d+_namespace_embedding'
		ORDER BY pg_relation_size(c.oid) DESC");
	my @indexes = grep { $_ !~ /history/ } split(/\n/, $index);
	my %before = map { $_ => index_file($_) } @indexes;
	my $id = $node->safe_psql('postgres', qq{SELECT id FROM agentmem.remember('$store', 'n', 'The quondamarker of it', 'fact', some_vector(777), subject => 'Zorblatt Quimby', predicate => 'has',
		object => 'a thing', valid_from => '2020-01-01', tags => '{tagmarker}', attributes => '{"attrmarker": "attrmarker"}')});
	my $code = '';
	foreach my $name (@indexes)
	{
		my $added = longest_addition($before{$name}, index_file($name));
		$code = $added if length($added) > length($code);
	}
	cmp_ok(length($code), '>=', 16, "$store: its code is found in an index");
	$node->safe_psql('postgres', qq{
		SELECT agentmem.revise('$store', 'n', $id, content => 'The xylomarker of it', embedding => some_vector(777));
		SELECT agentmem.remember('$store', 'n', 'The xylomarker of it', 'fact', subject => 'Zorblatt Quimby', predicate => 'has', object => 'a thing');
		SELECT agentmem.remember('$store', 'n', 'Long ' || (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 600) i), 'episode', parent => $id);
		SELECT agentmem.remember('$store', 'n', 'The xylomarker, forgotten', 'observation', subject => 'Zorblatt Quimby');
	});
	# A memory that comes and goes in one transaction has no version.
	$node->safe_psql('postgres', qq{
		SELECT agentmem.forget('$store', 'n', (SELECT id FROM $store.memory WHERE content = 'The xylomarker, forgotten'), 'reasonmarker');
		ANALYZE;
		CHECKPOINT;
	});
	return ($id, $code);
}

sub erase
{
	my ($store, $arguments) = @_;
	my $receipt = $node->safe_psql('postgres', "SELECT agentmem.erase('$store', 'n', $arguments)");
	is($node->safe_psql('postgres', "SELECT sum(remaining) FROM agentmem.erase_verify('$store', \$\$$receipt\$\$)"), '0', "$store, $arguments: verified");
	foreach my $relation (split(/\n/, $node->safe_psql('postgres', "SELECT jsonb_array_elements_text(\$\$$receipt\$\$::jsonb -> 'relations')")))
	{
		# ANALYZE leaves those of a table that has become empty.
		$node->safe_psql('postgres', "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = '$store'::regnamespace AND reltuples = 0)")
		  if $relation eq 'pg_catalog.pg_statistic';
		$node->safe_psql('postgres', "VACUUM (FULL, ANALYZE) $relation");
	}
	$node->safe_psql('postgres', 'CHECKPOINT');
	return $receipt;
}

foreach my $case (
	[ 'by_subject', 0, "subject => 'zorblatt quimby'" ],
	[ 'in_partitions', 2, "subject => 'zorblatt quimby'" ],
	[ 'by_ids', 0, "ids => (SELECT array_agg(id) FROM (SELECT id FROM by_ids.memory WHERE subject ~ 'Zorb' UNION SELECT id FROM by_ids.memory_history WHERE subject ~ 'Zorb') i)" ],
	[ 'by_namespace', 0, 'everything => true' ])
{
	my ($store, $partitions, $arguments) = @$case;
	make_store($store, $partitions);
	my ($id, $code) = remember($store);
	my %patterns = (patterns($store, $id), 'code' => $code);
	foreach my $name (sort keys %patterns)
	{
		my $holders = holders($patterns{$name});
		isnt($holders, '', "$store: $name is there before");
		like($holders, qr/pg_statistic/, "$store: $name is in statistics too") if $name eq 'tag';
	}
	my $receipt = erase($store, $arguments);
	foreach my $name (sort keys %patterns)
	{
		is(holders($patterns{$name}), '', "$store: $name is nowhere after");
	}
	is($node->safe_psql('postgres', "SELECT count(*) FROM agentmem.recall('$store', 'o', 'something else')"), 10, "$store: others are there");
	is($node->safe_psql('postgres', "SELECT count(*) FROM $store.memory WHERE namespace = 'n'"), $arguments =~ /everything/ ? 0 : 30, "$store: and no more went");
	$node->safe_psql('postgres', "SELECT agentmem.drop_store('$store', cascade => true)");
	$node->safe_psql('postgres', 'VACUUM (FULL) pg_statistic');
}

$node->stop;
done_testing();
