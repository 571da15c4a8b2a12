# Bytes of pages are changed at random: whatever meets them ends in an answer or an error, and nothing crashes or runs for
# ever.  130 does the same field by field and looks at what is said.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The same bytes every time, unless many are tried: what fails is to be found by whoever looks for it.
my $seed = $ENV{AGENTMEM_SEED} // ($ENV{AGENTMEM_FULL} ? time : 1);
srand($seed);
note("AGENTMEM_SEED=$seed");
my $rounds = $ENV{AGENTMEM_FULL} ? 12 : 1;
my $copies = 10;

my %shapes = (
	flat => ['SELECT 1 AS tenant, CASE WHEN i > 3 THEN some_vector(i, 8)::agentmem.vector END AS embedding FROM generate_series(1, 700) i', '(embedding agentmem.vector_cosine_ops)', 8],
	keys => ['SELECT CASE WHEN i <= 400 THEN i % 200 ELSE 1000 END AS tenant, some_vector(i, 8)::agentmem.vector AS embedding FROM generate_series(1, 700) i', '(tenant, embedding agentmem.vector_ip_ops)', 8],
	clustered => ['SELECT 1 AS tenant, some_vector(i, 8)::agentmem.vector AS embedding FROM generate_series(1, 2000) i', '(embedding agentmem.vector_l2_ops) WITH (flat_limit = 100, list_size = 100)', 8],
	wide => ['SELECT 1 AS tenant, some_vector(i, 9000)::agentmem.vector AS embedding FROM generate_series(1, 30) i', '(embedding agentmem.vector_l2_ops)', 9000],
);

my $node = PostgreSQL::Test::Cluster->new('main');
# Pages are edited: releases since 18 have checksums that would find that before anything else does.
$node->init(no_data_checksums => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nstatement_timeout = 30s");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233 + (i % 7) * j)) FROM generate_series(1, d) j$$;
});

my ($found, $unnoticed, $statements) = (0, 0, 0);
for my $round (1 .. $rounds)
{
	my @cases;
	for my $shape (sort keys %shapes)
	{
		for my $copy (1 .. $copies)
		{
			my $table = "${shape}_$copy";
			$node->safe_psql('postgres', "DROP TABLE IF EXISTS $table; CREATE TABLE $table AS $shapes{$shape}[0]; CREATE INDEX ${table}_idx ON $table USING ivfbq $shapes{$shape}[1]");
			push @cases, {table => $table, dim => $shapes{$shape}[2], file => $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${table}_idx')")};
		}
	}
	$node->stop;
	for my $case (@cases)
	{
		open(my $file, '+<:raw', $case->{file}) or die "$case->{file}: $!";
		my $pages = (-s $file) / 8192;
		# Half of them in the first pages, which are the directory of everything.
		my $block = int(rand() < 0.5 ? rand(4) : rand($pages));
		$block = $pages - 1 if $block >= $pages;
		seek($file, $block * 8192, 0);
		read($file, my $page, 8192);
		# Where something is: neither in the hole, nor what PostgreSQL looks at.
		my ($lower, $upper) = unpack('S< S<', substr($page, 12, 4));
		for (1 .. 1 + int(rand(3)))
		{
			my $at = rand() < 0.5 ? 24 + int(rand(60)) : rand() < 0.8 ? 24 + int(rand($lower - 24)) : $upper + int(rand(8192 - $upper));
			my $value = rand() < 0.5 ? int(rand(256)) : rand() < 0.5 ? 0xff : ord(substr($page, $at, 1)) ^ (1 << int(rand(8)));
			push @{$case->{changes}}, sprintf('block %d byte %d: %d to %d', $block, $at, ord(substr($page, $at, 1)), $value);
			$case->{changed} = 1 if ord(substr($page, $at, 1)) != $value;
			substr($page, $at, 1) = chr($value);
		}
		seek($file, $block * 8192, 0);
		print $file $page;
		close($file);
	}
	$node->start;

	for my $case (@cases)
	{
		my ($table, $dim) = @$case{qw(table dim)};
		my $order = "ORDER BY embedding OPERATOR(agentmem." . ($table =~ /flat/ ? '<=>' : $table =~ /keys/ ? '<#>' : '<->') . ") some_vector(7, $dim)::agentmem.vector";
		my ($out, $err);
		$node->psql('postgres', qq{
			\\set VERBOSITY verbose
			SET enable_seqscan = off;
			SELECT agentmem.index_check('${table}_idx', true);
			SELECT count(*) FROM (SELECT FROM $table WHERE tenant = 1000 $order LIMIT 5) x;
			SELECT count(*) FROM (SELECT FROM $table $order) x;
			SET agentmem.ivfbq_exact = on;
			SELECT count(*) FROM (SELECT FROM $table WHERE tenant = 7 $order) x;
			RESET agentmem.ivfbq_exact;
			INSERT INTO $table SELECT 1000, some_vector(10000 + i, $dim)::agentmem.vector FROM generate_series(1, 5) i;
			INSERT INTO $table SELECT i, some_vector(20000 + i, $dim)::agentmem.vector FROM generate_series(1, 20) i;
			INSERT INTO $table VALUES (1000, NULL);
			SELECT agentmem.index_stats('${table}_idx');
			SELECT agentmem.index_recall('${table}_idx', 5, 5);
			DELETE FROM $table WHERE ctid IN (SELECT ctid FROM $table LIMIT 20);
			VACUUM (INDEX_CLEANUP ON) $table;
			VACUUM (INDEX_CLEANUP ON) $table;
			INSERT INTO $table SELECT i, some_vector(30000 + i, $dim)::agentmem.vector FROM generate_series(1, 20) i;
			SELECT agentmem.index_check('${table}_idx', true);
			REINDEX INDEX ${table}_idx;
			SELECT 'sound', agentmem.index_check('${table}_idx', true);
		}, stdout => \$out, stderr => \$err, on_error_stop => 0);
		my @bad = grep { /ERROR:/ && !/ERROR:  (XX00[12]|0A000):|index returned tuples in wrong order|expected \d+ dimensions, not|different vector dimensions/ } split /\n/, $err;
		push @bad, 'the connection was lost' if $err =~ /server closed|terminating/;
		push @bad, 'it was not repaired' if $out !~ /^sound\|/m;
		ok(!@bad, "$round: $table") or diag("AGENTMEM_SEED=$seed\n", join("\n", @{$case->{changes}}, @bad, $err));
		if ($case->{changed}) { $err =~ /index_check|corrupted|invalid page|format version/ ? $found++ : $unnoticed++; }
		if ($err !~ /ERROR/ && $case->{changed}) { note("not noticed in $table: " . join(', ', @{$case->{changes}})); }
		last if $err =~ /server closed/;
	}
}
note("$found found, $unnoticed not");
cmp_ok($found, '>', $unnoticed, 'most are noticed');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|server process .* was terminated/, 'no process of the server crashed');
$node->stop;
done_testing();
