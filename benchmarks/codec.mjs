// What the codec costs on top of structured clone: `npm run build && node benchmarks/codec.mjs`.
// Each line compares posting a value as it is with encoding, posting and decoding it; both are the
// best of many rounds, taken in turn, since absolute figures depend on the machine and on its load.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { decode, encode } from '../packages/core/dist/portable/codec.js';

const row = (id) => ({
  id,
  name: `name ${id}`,
  price: id * 1.5,
  tags: ['a', 'b'],
  active: true,
  created: '2026-01-01',
  owner: { id, mail: `${id}@example.org` },
  note: null,
});
const rows = Array.from({ length: 1_000 }, (_, id) => row(id));
const values = {
  '1,000 rows with nested parts': rows,
  '1,000 flat rows': rows.map((of) => ({ ...of, tags: 'a b', owner: of.id })),
  '1,000 rows with a date': rows.map((of) => ({ ...of, created: new Date(of.id) })),
  '1,000 rows of many shapes': rows.map((of) => ({ ...of, [`extra${of.id % 50}`]: of.id })),
  '1,000 rows as JSON.parse makes them': JSON.parse(JSON.stringify(rows)),
  '10,000 numbers': Array.from({ length: 10_000 }, (_, index) => index),
  'one small object': row(1),
};

const { port1, port2 } = new MessageChannel();
const post = (value) => {
  port1.postMessage(value);
  return receiveMessageOnPort(port2).message;
};

/** Microseconds of processor time per call: on a busy machine the clock says less. */
function time(work, calls) {
  const start = process.cpuUsage();
  for (let call = 0; call < calls; call++) work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / calls;
}

for (const [name, value] of Object.entries(values)) {
  let cloned = Infinity;
  let coded = Infinity;
  const calls = value === values['one small object'] ? 5_000 : 40;
  for (let round = 0; round < 25; round++) {
    cloned = Math.min(
      cloned,
      time(() => post({ value }), calls),
    );
    coded = Math.min(
      coded,
      time(() => decode(post(encode(value).encoded)), calls),
    );
  }
  const share = ((coded / cloned - 1) * 100).toFixed(1);
  console.log(`${name}: clone ${cloned.toFixed(1)} µs, codec ${coded.toFixed(1)} µs (+${share} %)`);
}
port1.close();
