# No assumptions about a machine's words: what is on disk has one layout, checked by the compiler, and numbers are read from bytes
# by memcpy or through a struct that has a place for them.
# Each struct of a file that says what is on disk is checked there, and has fields of fixed width only.
for file in src/ivfbq/format.h src/vector/vector.h src/vector/halfvec.h src/vector/quantize.h; do
	sed -n 's/^} \(\(Ivfbq\|Agm\)[A-Za-z]*Data\);$/\1/p' "$file" | while read -r struct; do
		grep -A6 'StaticAssertDecl' "$file" | grep -q "\"$struct\"" || echo "$file: no StaticAssertDecl of $struct"
	done
	awk -v file="$file" '/^typedef struct/ { inside = 1 } /^}/ { inside = 0 }
		inside && /^\t+(const )?(unsigned |signed )?(int|long|short|size_t|Size|bool|double|Datum|[A-Za-z]+ \*|TimestampTz|enum)[ \t]/ { print file ":" NR ": not of fixed width: " $0 }' "$file"
done
# The width and the order of words: one place each is known, which does without the assumption.
grep -rnwE 'SIZEOF_(DATUM|LONG|VOID_P|SIZE_T)|USE_FLOAT8_BYVAL|__(LITTLE|BIG)_ENDIAN__|__BYTE_ORDER__|__LP64__|__x86_64__ *&& *sizeof' src contrib --include='*.[ch]'
grep -rnw 'WORDS_BIGENDIAN' src contrib --include='*.[ch]' | grep -v '^src/ivfbq/query\.c:'
grep -rnE 'sizeof\((long|unsigned long|size_t|Size|Datum|void \*)\) *[=<>!]=' src contrib --include='*.[ch]'
# A long or a pointer is 32 bits wide on some.
grep -rnE '\((long|unsigned long)( long)?( int)? \*\)|\((int|int32|uint32|long)\) *\(?(PointerGetDatum|\(char \*\))' src contrib --include='*.[ch]'
# Bytes that stand anywhere are no wider number: names of pointers to char and bytes that are cast and read at once.
grep -rnE '\*\((const )?(u?int(16|32|64)|float|double) \*\) *\(?(buf|bytes|data|message|msg|cursor|raw|VARDATA)' src contrib --include='*.[ch]'
# int8 and float8 may be pointers in a Datum.
grep -rnE '\((u?int64|double)\) *(PG_GETARG_DATUM|[a-z_]*values\[[^]]*\]|[a-z_]*datum\b *[;,)])|\(Datum\) *\(?(u?int64|double)\b' src contrib --include='*.[ch]'
grep -rnE 'deconstruct_array\([^;]*(INT8OID|FLOAT8OID), *(8|sizeof\([a-z0-9]+\)), *true|construct_array\([^;]*(INT8OID|FLOAT8OID), *(8|sizeof\([a-z0-9]+\)), *true' src contrib --include='*.[ch]'
exit 0
