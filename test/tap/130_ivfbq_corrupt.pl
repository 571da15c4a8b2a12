# Pages of every kind are edited on disk, field by field: index_check says what and where, everything else that
# meets the damage ends in an error, nothing crashes or runs for ever, and REINDEX repairs.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use constant {
	PAGE => 8192,
	START => 24,	 # of a page's content
	TAIL => 8176,	# of it
	NONE => 0xffffffff,
	META => 1, DIRECTORY => 2, LISTS => 3, CODES => 4, TIDS => 5, REFINE => 6, BASE => 7, FREE => 8,
};
# Offsets that format.h gives: of a cell's lists in a cell, of the first cell, of a list on a lists page.
use constant { CELLS => 32, ROWS => 16, ROW_TIDS => 40, CENTROIDS => 88, LIST => 40 };

my $node = PostgreSQL::Test::Cluster->new('main');
# Pages are edited: releases since 18 have checksums that would find that before anything else does.
$node->init(no_data_checksums => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nstatement_timeout = 20s");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(0.5 + sin(i * 12.9898 + j * 78.233 + (i % 7) * j)) FROM generate_series(1, d) j$$;
});

# What an index is made of, and how; all of them have columns tenant and embedding.
my %shapes = (
	flat => {
		dim => 8,
		rows => 'SELECT 1 AS tenant, CASE WHEN i > 3 THEN some_vector(i, 8)::agentmem.vector END AS embedding FROM generate_series(1, 1100) i',
		index => '(embedding agentmem.vector_l2_ops)',
	},
	keys => {
		dim => 8,
		rows => 'SELECT CASE WHEN i <= 400 THEN i % 200 ELSE 1000 END AS tenant, some_vector(i, 8)::agentmem.vector AS embedding FROM generate_series(1, 700) i',
		index => '(tenant, embedding agentmem.vector_l2_ops)',
	},
	clustered => {
		dim => 8,
		rows => 'SELECT 1 AS tenant, some_vector(i, 8)::agentmem.vector AS embedding FROM generate_series(1, 2000) i',
		index => '(embedding agentmem.vector_l2_ops) WITH (flat_limit = 100, list_size = 100)',
	},
	wide => {
		dim => 9000,
		rows => 'SELECT 1 AS tenant, some_vector(i, 9000)::agentmem.vector AS embedding FROM generate_series(1, 30) i',
		index => '(embedding agentmem.vector_l2_ops)',
	},
	long_base => {
		dim => 8200,
		rows => 'SELECT 1 AS tenant, some_vector(i % 10, 8200)::agentmem.vector AS embedding FROM generate_series(1, 1000) i',
		index => '(embedding agentmem.vector_l2_ops)',
	},
	freed => {
		dim => 8,
		rows => 'SELECT 1 AS tenant, some_vector(i, 8)::agentmem.vector AS embedding FROM generate_series(1, 2000) i',
		index => '(embedding agentmem.vector_l2_ops) WITH (flat_limit = 100, list_size = 100)',
		then => [
			'DELETE FROM %s', 'VACUUM (INDEX_CLEANUP ON) %s', 'SELECT txid_current()', 'VACUUM (INDEX_CLEANUP ON) %s',
			'INSERT INTO %s SELECT 1, some_vector(i, 8)::agentmem.vector FROM generate_series(1, 5) i',
			'DELETE FROM %s', 'VACUUM (INDEX_CLEANUP ON) %s',
			'INSERT INTO %s SELECT 1, some_vector(i, 8)::agentmem.vector FROM generate_series(1, 3) i',
		],
	},
);

# A page's number, kind and the like, found by a condition.
sub page_at
{
	my ($pages, $block) = @_;
	my $page = $pages->[$block];
	my ($retired, $kind, $version, $flags) = unpack('Q< S< S< S<', substr($$page, TAIL));
	my %found = (block => $block, page => $page, kind => $kind, retired => $flags & 1);
	if ($kind == CODES || $kind == TIDS)
	{
		@found{qw(next free owner_block owner_index role unused flags nslots nlive nrefine)} =
		  unpack('L< L< L< S< C C S< S< S< S<', substr($$page, START));
	}
	return \%found;
}

sub find
{
	my ($pages, $condition) = @_;
	for my $block (0 .. $#$pages)
	{
		my $found = page_at($pages, $block);
		return $found if $condition->($found);
	}
	return undef;
}
sub kind { my ($kind) = @_; return sub { $_[0]{kind} == $kind && !$_[0]{retired} } }
# Code pages of a role that have rows.
sub role { my ($role, $kind) = @_; $kind //= CODES; return sub { $_[0]{kind} == $kind && !$_[0]{retired} && $_[0]{role} == $role && $_[0]{nlive} > 1 } }
my $last_rows = sub { role(1)->($_[0]) && $_[0]{next} == NONE };

# [shape, page, offset in it, template of pack, value or code of the page, what the message says beside the block].
# A damage that makes the fault show at another block than the page's says `elsewhere`.
my @cases;
sub damage { my ($name, $shape, $page, $offset, $template, $value, %more) = @_; push @cases, {name => $name, shape => $shape, page => $page, offset => $offset, template => $template, value => $value, %more}; return; }

# The meta page.
damage('meta: magic', 'flat', kind(META), START, 'L<', 1);
damage('meta: version', 'flat', kind(META), START + 4, 'S<', 9);
damage('meta: nkeys', 'flat', kind(META), START + 6, 'S<', 3);
damage('meta: metric', 'flat', kind(META), START + 8, 'a', 'x');
damage('meta: refine', 'flat', kind(META), START + 9, 'C', 4);
damage('meta: unused', 'flat', kind(META), START + 10, 'S<', 1);
damage('meta: dim', 'flat', kind(META), START + 12, 'L<', 9, elsewhere => 1);
damage('meta: dim none', 'flat', kind(META), START + 12, 'L<', 0, elsewhere => 1);
damage('meta: dim too many', 'flat', kind(META), START + 12, 'L<', 100000);
damage('meta: free, a page in use', 'flat', kind(META), START + 32, 'L<', 1, elsewhere => 1);
damage('meta: free, beyond the end', 'flat', kind(META), START + 32, 'L<', 100000, elsewhere => 1);
damage('meta: free_pages', 'freed', kind(META), START + 36, 'L<', 77777);
damage('meta: directory_tail', 'flat', kind(META), START + 40, 'L<', 2, elsewhere => 1);
damage('meta: mean', 'flat', kind(META), START + 44, 'L<', 1, elsewhere => 1);
damage('meta: thresholds', 'clustered', kind(META), START + 60, 'f<', -1, unless => sub { unpack('q<', substr(${$_[0]{page}}, START + 48, 8)) == 0 });

# Ends and headers, of every kind.
for (['flat', META], ['keys', DIRECTORY], ['clustered', LISTS], ['flat', CODES], ['flat', TIDS], ['flat', REFINE], ['flat', BASE], ['freed', FREE])
{
	my ($shape, $kind) = @$_;
	damage("end of $kind: kind", $shape, kind($kind), TAIL + 8, 'S<', 77);
	damage("end of $kind: another kind", $shape, kind($kind), TAIL + 8, 'S<', $kind == CODES ? REFINE : CODES, elsewhere => 1);
	damage("end of $kind: version", $shape, kind($kind), TAIL + 10, 'S<', 2, version => 1);
	damage("end of $kind: flags", $shape, kind($kind), TAIL + 12, 'S<', 0x80);
	damage("end of $kind: retired", $shape, kind($kind), TAIL, 'Q< x4 S<', [3, 1], keep => 12) if $kind != FREE && $kind != META;
	damage("end of $kind: page_id", $shape, kind($kind), TAIL + 14, 'S<', 0);
	damage("header of $kind: lower", $shape, kind($kind), 12, 'S<', START - 4);
	damage("header of $kind: special", $shape, kind($kind), 16, 'S<', TAIL - 8, core => 1);
	damage("$kind all zeros", $shape, kind($kind), 0, 'a*', "\0" x PAGE, zeros => $kind == FREE);
	damage("$kind torn", $shape, kind($kind), PAGE / 2, 'a*', substr("\xa5\x17\x00\xff" x PAGE, 0, PAGE / 2));
}
damage('end: retired in the future', 'freed', sub { $_[0]{retired} }, TAIL, 'Q<', 1 << 50);
damage('end: retired never', 'freed', sub { $_[0]{retired} }, TAIL, 'Q<', 0);

# The directory.
damage('directory: next, a circle', 'keys', kind(DIRECTORY), START, 'L<', 1, elsewhere => 1);
damage('directory: next, another page', 'keys', kind(DIRECTORY), START, 'L<', 0, elsewhere => 1);
damage('directory: ncells', 'keys', kind(DIRECTORY), START + 4, 'S<', 60000);
damage('directory: no cells', 'keys', kind(DIRECTORY), START + 4, 'S<', 0);
damage('cell: type', 'keys', kind(DIRECTORY), CELLS, 'S<', 7);
damage('cell: node is a key', 'keys', kind(DIRECTORY), CELLS, 'S<', 2);
damage('cell: key is a node', 'flat', kind(DIRECTORY), CELLS, 'S<', 1);
damage('cell: flags', 'keys', kind(DIRECTORY), CELLS + 2, 'S<', 4);
damage('cell: closed, flat', 'flat', kind(DIRECTORY), CELLS + 2, 'S<', 6);
damage('cell: wanted', 'clustered', kind(DIRECTORY), CELLS + 6, 'S<', 0);
damage('cell: wanted, flat', 'flat', kind(DIRECTORY), CELLS + 6, 'S<', 5);
damage('cell: depth', 'keys', kind(DIRECTORY), CELLS + 4, 'S<', 9);
damage('cell: hash', 'keys', kind(DIRECTORY), CELLS + 8, 'Q<', 1 << 62);
damage('cell: next, itself', 'keys', kind(DIRECTORY), CELLS + 64, 'L< S<', [1, 0]);
damage('cell: next, no such cell', 'keys', kind(DIRECTORY), CELLS + 64, 'L< S<', [1, 5000]);
damage('cell: left, the root', 'keys', kind(DIRECTORY), CELLS + 72, 'L< S<', [1, 0]);
damage('cell: left, none', 'keys', kind(DIRECTORY), CELLS + 72, 'L< S<', [NONE, 0]);
damage('cell: right, not a directory page', 'keys', kind(DIRECTORY), CELLS + 80, 'L< S<', [0, 0], elsewhere => 1);
damage('cell: clustered, not so', 'flat', kind(DIRECTORY), CELLS + 2, 'S<', 1);
damage('cell: not clustered', 'clustered', kind(DIRECTORY), CELLS + 2, 'S<', 0);
damage('cell: lists', 'clustered', kind(DIRECTORY), CELLS + 112, 'L<', 1, elsewhere => 1);
damage('cell: lists beyond the end', 'clustered', kind(DIRECTORY), CELLS + 112, 'L<', 1000000, elsewhere => 1);
damage('cell: lists_tail', 'clustered', kind(DIRECTORY), CELLS + 116, 'L<', 1, elsewhere => 1);
damage('cell: nlists', 'clustered', kind(DIRECTORY), CELLS + 120, 'L<', 3, elsewhere => 1);
damage('cell: spread', 'clustered', kind(DIRECTORY), CELLS + 124, 'f<', -1);

# A list of a cell, and of a lists page.
for (['flat', kind(DIRECTORY), CELLS + ROWS, 'rows'], ['flat', kind(DIRECTORY), CELLS + ROW_TIDS, 'tids'],
	['clustered', kind(DIRECTORY), CELLS + CENTROIDS, 'centroids'], ['clustered', kind(LISTS), LIST, 'list'])
{
	my ($shape, $page, $offset, $name) = @$_;
	damage("$name: head, the meta page", $shape, $page, $offset, 'L<', 0, elsewhere => 1);
	damage("$name: head beyond the end", $shape, $page, $offset, 'L<', 1000000, elsewhere => 1);
	damage("$name: head none", $shape, $page, $offset, 'L<', NONE);
	damage("$name: tail", $shape, $page, $offset + 4, 'L<', 1, elsewhere => 1);
	damage("$name: free", $shape, $page, $offset + 8, 'L<', 1, elsewhere => 1);
	damage("$name: free, the head", $shape, $page, $offset + 8, 'L<', undef, of => $offset, elsewhere => 1);
	damage("$name: pages", $shape, $page, $offset + 12, 'L<', 99, elsewhere => 1);
	damage("$name: base", $shape, $page, $offset + 16, 'L<', 0, elsewhere => 1);
	damage("$name: slot", $shape, $page, $offset + 20, 'S<', 30000, elsewhere => $name eq 'list');
	damage("$name: closed", $shape, $page, $offset + 22, 'S<', 1);
	damage("$name: flags", $shape, $page, $offset + 22, 'S<', 2);
}
damage('list: the slot of another centroid', 'clustered', kind(LISTS), LIST + 20, 'S<', 1, elsewhere => 1);
damage('lists: next, a circle', 'clustered', kind(LISTS), START, 'L<', undef, own => 1, elsewhere => 1);
damage('lists: nlists', 'clustered', kind(LISTS), START + 4, 'S<', 60000);
damage('lists: one less', 'clustered', kind(LISTS), START + 4, 'S<', 1);
damage('lists: key_index', 'clustered', kind(LISTS), START + 6, 'S<', 1);
damage('lists: key_block', 'clustered', kind(LISTS), START + 8, 'L<', 5);

# Code pages: of a key's rows, of nodes, of lists, of centroids; tids pages.
for (['flat', $last_rows, 'rows'], ['keys', sub { role(1)->($_[0]) && $_[0]{flags} & 4 }, 'node'], ['clustered', role(4), 'list'],
	['clustered', role(3), 'centroids'], ['flat', role(2, TIDS), 'tids'], ['wide', role(1), 'wide'])
{
	my ($shape, $page, $name) = @$_;
	damage("$name: next, itself", $shape, $page, START, 'L<', undef, own => 1, elsewhere => 1);
	damage("$name: next, beyond the end", $shape, $page, START, 'L<', 1000000, elsewhere => 1);
	damage("$name: next, another", $shape, $page, START, 'L<', 1, elsewhere => 1);
	damage("$name: owner_block", $shape, $page, START + 8, 'L<', 0);
	damage("$name: owner_index", $shape, $page, START + 12, 'S<', 3333);
	damage("$name: role", $shape, $page, START + 14, 'C', 9);
	damage("$name: unused", $shape, $page, START + 15, 'C', 9);
	damage("$name: flags", $shape, $page, START + 16, 'S<', 0x100);
	damage("$name: tags", $shape, $page, START + 16, 'S<', $name eq 'node' ? 0 : 4);
	damage("$name: sealed", $shape, sub { $page->($_[0]) && $_[0]{next} == NONE }, START + 16, 'S<', $name eq 'node' ? 5 : 1);
	damage("$name: nslots, many", $shape, $page, START + 18, 'S<', 0xffff);
	damage("$name: nslots, none", $shape, $page, START + 18, 'S<', 0);
	damage("$name: nlive", $shape, $page, START + 20, 'S<', 1);
	damage("$name: tid of no row", $shape, $page, TAIL - 6, 'S< S< S<', [0, 0, 0]);
	damage("$name: tid beyond the table", $shape, $page, TAIL - 6, 'S< S< S<', [0x7fff, 3, 1]);
	damage("$name: tid twice", $shape, $page, TAIL - 6, 'a6', undef, copy => TAIL - 12, elsewhere => 1);
	next if $name eq 'tids';
	damage("$name: nrefine, many", $shape, $page, START + 22, 'S<', 0xffff);
	damage("$name: nrefine, none", $shape, $page, START + 22, 'S<', 0);
	damage("$name: refine page, another", $shape, $page, START + 24, 'L<', 0, elsewhere => 1);
	damage("$name: refine page, beyond the end", $shape, $page, START + 24, 'L<', 1000000, elsewhere => 1);
	damage("$name: codes", $shape, $page, undef, 'L<', 0xdeadbeef, middle => 1);
}

# Refine pages and bases: a row's scale, residual, norm, sum, tid, codes.
for (['flat', 'rows'], ['keys', 'node'], ['clustered', 'list'], ['wide', 'wide'])
{
	my ($shape, $name) = @$_;
	my $page = sub { $_[0]{kind} == REFINE && !$_[0]{retired} && unpack('S<', substr(${$_[0]{page}}, START + 4, 2)) == 0 };
	damage("refine, $name: codes_block", $shape, $page, START, 'L<', 0);
	damage("refine, $name: number", $shape, $page, START + 4, 'S<', 99);
	damage("refine, $name: lower", $shape, $page, 12, 'S<', START + 8 + 10, sometimes => 1);
	# At the code page, which has the row.
	damage("refine, $name: scale", $shape, $page, START + 8, 'L<', 0x7fc00000, elsewhere => 1);
	damage("refine, $name: scale below zero", $shape, $page, START + 8, 'f<', -1, elsewhere => 1);
	damage("refine, $name: residual", $shape, $page, START + 12, 'L<', 0x7fc00000, elsewhere => 1);
	damage("refine, $name: norm", $shape, $page, START + 16, 'f<', 1e9, elsewhere => 1);
	damage("refine, $name: square_sum", $shape, $page, START + 20, 'L<', 3, elsewhere => 1);
	damage("refine, $name: tid", $shape, $page, START + 24, 'S<', 9, elsewhere => 1);
	damage("refine, $name: code", $shape, $page, START + 30, 'C', 0, elsewhere => 1);
}
damage('base: next', 'long_base', kind(BASE), START, 'L<', 0, elsewhere => 1);
damage('base: bytes', 'flat', kind(BASE), START + 4, 'S<', 9999);
damage('base: no bytes', 'flat', kind(BASE), START + 4, 'S<', 0);
damage('base: scale', 'flat', kind(BASE), START + 8, 'L<', 0x7f800000, elsewhere => 1);
damage('base: code', 'flat', kind(BASE), START + 30, 'C', 200, elsewhere => 1);
damage('free: next, itself', 'freed', kind(FREE), START, 'L<', undef, own => 1);
damage('free: next, in use', 'freed', kind(FREE), START, 'L<', 1, elsewhere => 1);
damage('free: content', 'freed', kind(FREE), START + 100, 'L<', 12);

# All of them take minutes; without --full, some of each group.
if (!$ENV{AGENTMEM_FULL})
{
	my $i = 0;
	@cases = grep { $i++ % 9 == 0 && $_->{shape} ne 'long_base' } @cases;
}

# One table a case, so that the server is stopped once.
my $setup = '';
for my $i (0 .. $#cases)
{
	my ($shape, $table) = ($shapes{$cases[$i]{shape}}, "t$i");
	$setup .= "CREATE TABLE $table AS $shape->{rows};\nCREATE INDEX ${table}_idx ON $table USING ivfbq $shape->{index};\n";
	$setup .= sprintf("$_;\n", ($table) x (() = /%s/g)) for @{$shape->{then} // []};
	$cases[$i]{index} = "${table}_idx";
	$cases[$i]{table} = $table;
}
{
	my ($out, $err);
	$node->psql('postgres', $setup, stdout => \$out, stderr => \$err, on_error_stop => 1, on_error_die => 1);
}
my $sound = $node->safe_psql('postgres', join(';', map { "SELECT '$_->{name}', agentmem.index_check('$_->{index}', true)" } @cases));
is(scalar(split /\n/, $sound), scalar(@cases), 'all indexes are sound');
$_->{file} = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$_->{index}')") for @cases;
$node->stop;

for my $case (@cases)
{
	my $bytes = slurp_file($case->{file});
	my @pages = map { my $page = substr($bytes, PAGE * $_, PAGE); \$page } 0 .. length($bytes) / PAGE - 1;
	my $found = find(\@pages, $case->{page});
	if (!$found || ($case->{unless} && $case->{unless}->($found)))
	{
		$case->{missing} = 1;
		next;
	}
	my $value = $case->{value};
	my $page = $found->{page};
	my $offset = $case->{offset};
	$value = unpack('L<', substr($$page, $case->{of}, 4)) if defined $case->{of};
	$value = $found->{block} if $case->{own};
	$value = substr($$page, $case->{copy}, 6) if $case->{copy};
	# In the block of codes that every page of codes has at half of its lower bound.
	$offset = int(unpack('S<', substr($$page, 12, 2)) / 8) * 4 if $case->{middle};
	my $damage = pack($case->{template}, ref $value ? @$value : $value);
	substr($damage, 8, 4) = substr($$page, $offset + 8, 4) if $case->{keep};
	$case->{nothing} = substr($$page, $offset, length $damage) eq $damage;
	substr($$page, $offset, length $damage) = $damage;
	$case->{block} = $found->{block};
	open(my $file, '+<:raw', $case->{file}) or die "$case->{file}: $!";
	seek($file, $case->{block} * PAGE, 0);
	print $file $$page;
	close($file);
}
$node->start;

# Runs statements and returns what failed: [SQLSTATE, message] each.
sub errors
{
	my ($sql) = @_;
	my ($out, $err);
	$node->psql('postgres', "\\set VERBOSITY verbose\nSET enable_seqscan = off;\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 0);
	return ([ map { /ERROR:  (\w{5}): (.*)/ ? [$1, $2] : () } split /\n/, $err // '' ], $err // '');
}

for my $case (@cases)
{
	my ($name, $table, $index) = @$case{qw(name table index)};
	subtest $name => sub {
		if ($case->{missing} || $case->{nothing})
		{
			# A case that damages nothing would prove nothing.
			fail($case->{missing} ? 'there is such a page' : 'the damage changes the page');
			return;
		}
		my ($errors, $all) = errors("SELECT agentmem.index_check('$index');");
		if ($case->{zeros} || $case->{sometimes})
		{
			ok(@$errors <= 1, 'index_check ends');
		}
		elsif (@$errors == 1)
		{
			my ($state, $message) = @{$errors->[0]};
			my $place = $case->{elsewhere} ? qr/block \d+/ : qr/block $case->{block}\b/;
			if ($case->{version}) { is($state, '0A000', "another version: $message"); like($message, qr/"$index" has format version 2/, 'its message'); }
			elsif ($case->{core}) { like($state, qr/XX00[12]/, "found: $message"); }
			else { is($state, 'XX002', "found: $message"); like($message, qr/^index "$index" is corrupted at $place/, 'index and block'); }
			like($all, qr/HINT:.*REINDEX/s, 'and what to do') unless $case->{core};
		}
		else { fail("index_check finds it: $all"); }

		my $where = $case->{shape} eq 'keys' ? 'WHERE tenant = 1000' : '';
		my $dim = $shapes{$case->{shape}}{dim};
		my $order = "ORDER BY embedding OPERATOR(agentmem.<->) some_vector(7, $dim)::agentmem.vector";
		($errors, $all) = errors(qq{
			SELECT count(*) FROM (SELECT FROM $table $where $order LIMIT 5) x;
			SELECT count(*) FROM (SELECT FROM $table $where $order) x;
			SET agentmem.ivfbq_exact = on;
			SELECT count(*) FROM (SELECT FROM $table WHERE tenant = 7 $order) x;
			RESET agentmem.ivfbq_exact;
			INSERT INTO $table SELECT 1000, some_vector(10000 + i, $dim)::agentmem.vector FROM generate_series(1, 5) i;
			INSERT INTO $table SELECT i, some_vector(20000 + i, $dim)::agentmem.vector FROM generate_series(1, 20) i;
			INSERT INTO $table VALUES (1000, NULL);
			SELECT agentmem.index_stats('$index');
			SELECT agentmem.index_recall('$index', 5, 5);
			SELECT agentmem.index_check('$index', true);
			DELETE FROM $table WHERE ctid IN (SELECT ctid FROM $table LIMIT 20);
			VACUUM (INDEX_CLEANUP ON) $table;
			VACUUM (INDEX_CLEANUP ON) $table;
		});
		# PostgreSQL itself sees that a row is nearer than its bound; another dimension is what the index says it is of.
		my @bad = grep { $_->[0] !~ /^(XX00[12]|0A000)$/ && $_->[1] !~ /^index returned tuples in wrong order$|^expected \d+ dimensions, not|^different vector dimensions/ } @$errors;
		is(scalar(@bad), 0, 'no other errors') or diag($all);
		unlike($all, qr/server closed|terminat/, 'no crash');
		($errors, $all) = errors("REINDEX INDEX $index;\nSELECT agentmem.index_check('$index', true);");
		is(scalar(@$errors), 0, 'REINDEX repairs it') or diag($all);
	};
}
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|server process .* was terminated/, 'no process of the server crashed');

$node->stop;
done_testing();
