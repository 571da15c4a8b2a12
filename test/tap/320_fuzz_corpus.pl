# What fuzzing has found worth keeping: hostile text, messages and stored bytes of vectors,
# read again under the address sanitizer.  `test/fuzz/run SECONDS` looks for more.
use strict;
use warnings;

use Test::More;

my $output = qx(bash test/fuzz/run 0 2>&1);
my $status = $?;

plan skip_all => $1 if $status == 0 && $output =~ /^skipped: (.*)/m;

is($status, 0, 'no input breaks a promise') or diag($output);
for my $file (glob 'test/fuzz/fuzz_*.c')
{
	my ($target) = $file =~ /fuzz_(\w+)\.c$/;

	like($output, qr/^replayed [1-9][0-9]{2,} inputs of $target$/m, "$target: some hundred inputs were read");
}

done_testing();
