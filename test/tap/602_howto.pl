# The SQL of the pages in docs runs as it stands, and says what the pages say.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Page qw(blocks errors reference_pages run_parts squeezed);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @pages = (glob('docs/*.md'), glob('docs/howto/*.md'));
plan(skip_all => 'docs is not here') unless @pages;
is(join(' ', sort(reference_pages())), join(' ', sort(glob('docs/reference/*.md'))), 'the index of the reference has its pages');

$ENV{PGTZ} = 'UTC';
my $node = PostgreSQL::Test::Cluster->new('main');
# Pages say who owns what: not whoever runs this.
$node->init(extra => [ '--username', 'postgres' ]);
$ENV{PGUSER} = 'postgres';
$node->start;
my $pgvector = $node->safe_psql('postgres', q(SELECT count(*) = 2 FROM pg_available_extensions WHERE name IN ('vector', 'agentmem_pgvector'))) eq 't';
note('without pgvector: agentmem\'s own vector stands in for it') unless $pgvector;

# pgvector's type and agentmem's have the same bytes, operators and classes.
sub stand_in
{
	my ($sql) = @_;
	return $sql if $pgvector;
	$sql =~ s/^CREATE EXTENSION vector;$/SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS agentmem; RESET client_min_messages; SET search_path = public, agentmem;/m;
	$sql =~ s/^CREATE EXTENSION agentmem_pgvector CASCADE;$//m;
	$sql =~ s/^RESET search_path;$//m;
	return $sql;
}

for my $i (0 .. $#pages)
{
	# The reference is one text, in the order of its index.
	my $page = join('', map { slurp_file($_) } $pages[$i], $pages[$i] eq 'docs/reference.md' ? reference_pages() : ());
	my @blocks = blocks($page);
	my @sql = map { $_->[1] } grep { $_->[0] eq 'sql' } @blocks;
	next unless @sql;

	$page =~ /^CREATE EXTENSION vector;$/m and @sql = map { stand_in($_) } @sql;
	$node->safe_psql('postgres', "CREATE DATABASE page$i");
	# The reference says what it takes for granted.
	unshift @sql, 'CREATE EXTENSION agentmem;' if $pages[$i] eq 'docs/reference.md';
	my @said = run_parts($node, "page$i", \@sql);
	shift @said if $pages[$i] eq 'docs/reference.md';
	my $said = join('', @said);
	# A text block is what the SQL since the last heading or text block has said.  A how-to may leave out what tells nothing.
	my ($heard, $shown, @unsaid);
	$shown = '';
	for my $block (@blocks)
	{
		my ($language, $text) = @$block;
		if ($language eq 'sql')
		{
			$heard .= shift @said;
		}
		elsif ($language eq '#')
		{
			undef $heard;
		}
		elsif ($language eq 'text' && defined $heard)
		{
			my ($said_here, $shown_here) = (squeezed($heard), squeezed($text));
			push @unsaid, $text if $pages[$i] =~ /howto/ ? index($said_here, $shown_here) < 0 : $said_here ne $shown_here;
			$shown .= $text;
			undef $heard;
		}
	}
	is(join("\n", @unsaid), '', "$pages[$i] runs, and says what it says") or diag($said);
	is(errors($said), errors($shown), "$pages[$i]: no error but those that it shows") or diag($said);
}

$node->stop;
done_testing();
