# shellcheck shell=bash
# Times of the kernels on every table that the processor can run, without the server; 768
# dimensions for the rotation.  The first lines are docs/benchmarks/kernels.csv.
(
	cd "$WORK/src" || exit
	# shellcheck disable=SC2046
	quiet as_user gcc -O2 -Wall -fwrapv -fno-strict-aliasing -D_GNU_SOURCE -Isrc \
		-I"$(as_user "$PG_CONFIG" --includedir-server)" -o test/bench/kernels/kernels \
		test/bench/kernels/kernels.c src/vector/kernels_*.c src/vector/simd.c src/vector/rotation.c \
		-L"$(as_user "$PG_CONFIG" --pkglibdir)" -L"$(as_user "$PG_CONFIG" --libdir)" -lpgcommon -lpgport -lm
	echo "384 dimensions, arrays that begin with a cache line"
	as_user test/bench/kernels/kernels 384 0
	echo "384 dimensions, 8 bytes after a line: nearly each load of 64 bytes is of two lines"
	as_user test/bench/kernels/kernels 384 8
	echo "768 dimensions"
	as_user test/bench/kernels/kernels 768 0
	as_user test/bench/kernels/kernels floor
)
