# A build in which tests can hold processes at points (src/base/README.md, "Points"): the extension of the check, compiled
# with AGENTMEM_POINTS, beside it.
package Points;
use strict;
use warnings;

use Exporter 'import';
use File::Basename;
use Test::More;
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(points_library use_points hold_at waits release);

# Builds it; the path of the library without its ending.
sub points_library
{
	my $directory = PostgreSQL::Test::Utils::tempdir();

	# Objects and all, so that only what has points is compiled.
	mkdir "$directory/src";
	system("tar -cf - --exclude=./tmp_check . | tar -C '$directory/src' -xf -") == 0 or die 'the sources cannot be copied';
	my @changed = split /\n/, `grep -lr AGM_POINT '$directory/src/src' --include='*.c'`;
	push @changed, "$directory/src/src/base/point.c";
	utime(time, time, @changed);
	unlink "$directory/src/agentmem.so";
	my $said = `make -s -C '$directory/src' COPT=-DAGENTMEM_POINTS with_llvm=no agentmem.so 2>&1`;
	die "the build failed: $said" if $? != 0;
	return "$directory/src/agentmem";
}

# From now on, new sessions have the functions of that library.
sub use_points
{
	my ($node, $library, $database) = @_;
	$node->safe_psql($database // 'postgres', qq(UPDATE pg_proc SET probin = '$library' WHERE probin = '\$libdir/agentmem'));
	return;
}

# A session that waits for lock `number` wherever it comes by `point`.
sub hold_at
{
	my ($session, $point, $number) = @_;
	$session->query_safe("SET agentmem_test.point = '$point'; SET agentmem_test.action = 'wait $number'");
	return;
}

# Whether somebody comes to wait for lock `number`.
sub waits
{
	my ($node, $number) = @_;
	return $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $number");
}

sub release
{
	my ($holder, $number) = @_;
	$holder->query_safe("SELECT pg_advisory_unlock($number)");
	return;
}

1;
