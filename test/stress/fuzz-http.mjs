/**
 * Sends valid HTTP requests with some of their bytes changed, over sockets, to two apps, and looks at
 * what comes back: `node --import ./register.mjs test/stress/fuzz-http.mjs [--cases 20000] [--seed 1]
 * [--threads 2] [--lanes 48] [--only n]`.
 *
 * Whatever is sent: well-formed answers, none of them a 5xx except 501 and 505; the connection ends;
 * handlers see what they have declared; nothing is logged as an error; the next client is served. One app
 * has threads and no middleware, the other one runs all on the loop, behind middleware; `--threads 0`:
 * both without threads. Ends with a line that sums up, and with code 1 if anything is not as it must be.
 * `--only n` sends case n alone, and shows it.
 */
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { createApp } from '@turno/http-adapter';
import fc from 'fast-check';
import helmet from 'helmet';
import { InThreads, mark, OnLoop, providers } from './fuzz-controllers.ts';
import { bytesOf, fuzzCase, packetsOf } from './fuzz-requests.mjs';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    lanes: { type: 'string', default: '48' },
    only: { type: 'string' },
  },
});
const [cases, seed, threads, lanes] = [
  options.cases,
  options.seed,
  options.threads,
  options.lanes,
].map(Number);
const only = options.only === undefined ? undefined : Number(options.only);

const wrong = [];
// Until its last line: what ends it before has failed.
process.exitCode = 1;
process.on('warning', (warning) => wrong.push(`a warning: ${warning.stack}`));
process.on('unhandledRejection', (reason) =>
  wrong.push(`an unhandled rejection: ${reason?.stack}`),
);
process.on('uncaughtException', (error) => {
  wrong.push(`an uncaught exception: ${error.stack}`);
  console.error(error);
});

const logger = {
  error: (fields, message) =>
    wrong.push(`logged about ${fields.method} ${fields.url}: ${message}: ${fields.err?.stack}`),
  warn: (fields, message) => wrong.push(`warned of: ${message}: ${fields.err?.stack}`),
  info: () => undefined,
};
const common = {
  controllers: [OnLoop, InThreads],
  providers,
  logger,
  bodyLimit: 2000,
  forms: { size: 4000, fileSize: 2000, fieldSize: 1000, fields: 10, files: 3, nameLength: 100 },
  decompress: true,
};
const inline = { executor: 'inline' };
const apps = [
  await createApp({
    ...common,
    threads: threads === 0 ? inline : { size: threads, queue: 100_000 },
  }),
  await createApp({ ...common, threads: inline, trustProxy: 'loopback', logRequests: true }),
];
apps[1].use(helmet()).use('/loop', (_request, _response, next) => next());
/** Longer than what is in work takes, so that only clients that stop run into them. */
const limits = { headersTimeout: 700, requestTimeout: 700, keepAliveTimeout: 200 };
const ports = [];
for (const app of apps) ports.push((await app.listen({ port: 0, ...limits })).port);

/** How long a connection may go on, in milliseconds: the limits, and what an answer lingers. */
const patience = 15_000;

const good =
  'GET /loop/items/42?page=3 HTTP/1.1\r\nHost: a\r\nX-Good: yes\r\nConnection: close\r\n\r\n';
const goodBody = '{"fine":7}';

/** @returns what came until the connection ended; undefined when it has not. */
function exchange(port, packets, ending) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const chunks = [];
    let timer = setTimeout(() => {
      timer = undefined;
      socket.destroy();
    }, patience);
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(timer && Buffer.concat(chunks).toString('latin1'));
    });
    socket.on('connect', async () => {
      for (const [index, packet] of packets.entries()) {
        if (index > 0) await new Promise(setImmediate);
        if (!socket.writable) return;
        socket.write(packet);
      }
      if (ending === 'request') socket.write(good);
      else if (ending === 'end') socket.end();
      else if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), packets.length % 3);
    });
  });
}

const head = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*\r\n((?:[!-9;-~]+: [\t -~\x80-\xff]*\r\n)*)\r\n/;

/** Takes the answers of a connection apart. @throws where they are none. */
function answersIn(received, sent) {
  const answers = [];
  let rest = received;
  while (rest !== '') {
    const match = head.exec(rest);
    if (match === null) throw new Error(`no head of an answer: ${JSON.stringify(rest)}`);
    const [whole, status, lines] = match;
    rest = rest.slice(whole.length);
    if (status === '100') continue;
    const headers = {};
    for (const line of lines.split('\r\n').slice(0, -1)) {
      const [name] = line.split(':', 1);
      const known = headers[name.toLowerCase()];
      if (known !== undefined && !/^(set-cookie|vary)$/i.test(name))
        throw new Error(`${name} twice`);
      headers[name.toLowerCase()] = line.slice(name.length + 2);
    }
    const answer = { status: Number(status), headers, body: '' };
    answers.push(answer);
    const length = headers['content-length'];
    const coding = headers['transfer-encoding'];
    if (answer.status === 204 || answer.status === 304) continue;
    // Of an answer to HEAD.
    if (sent.includes('HEAD ') && (rest === '' || rest.startsWith('HTTP/1.1 '))) continue;
    if (length !== undefined && coding === undefined) {
      if (rest.length < Number(length)) throw new Error('an answer is cut off');
      answer.body = rest.slice(0, Number(length));
      rest = rest.slice(Number(length));
    } else if (coding === 'chunked' && length === undefined) {
      for (let size = -1; size !== 0;) {
        const line = /^([\da-f]+)\r\n/i.exec(rest);
        if (line === null) throw new Error('an answer is cut off');
        size = parseInt(line[1], 16);
        const end = line[0].length + size;
        if (rest.slice(end, end + 2) !== '\r\n') throw new Error('an answer is cut off');
        answer.body += rest.slice(line[0].length, end);
        rest = rest.slice(end + 2);
      }
    } else if (headers.connection === 'close') {
      answer.body = rest;
      rest = '';
    } else {
      throw new Error('an answer without a framing');
    }
  }
  return answers;
}

const counts = { answers: 0, served: 0, refused: 0, silent: 0, unannounced: 0 };

function check({ ending, mutations }, sent, received) {
  if (received === undefined) throw new Error(`its connection has not ended in ${patience} ms`);
  const isLeft = ending === 'end' || ending === 'reset';
  let answers;
  try {
    answers = answersIn(received, sent);
  } catch (error) {
    if (isLeft && error.message === 'an answer is cut off') return;
    throw error;
  }
  counts.answers += answers.length;
  if (answers.length === 0) {
    if (!isLeft) throw new Error('there was no answer');
    counts.silent += 1;
  }
  for (const { status, headers, body } of answers) {
    if (status < 400) counts.served += 1;
    else counts.refused += 1;
    if (status >= 500 && status !== 501 && status !== 505) throw new Error(`a ${status}: ${body}`);
    if (body.includes(mark)) throw new Error(`a handler has seen ${body}`);
    if (headers.date === undefined) throw new Error('an answer without a date');
    if (status >= 400 && headers['content-type'] !== 'application/problem+json') {
      throw new Error(`a ${status} that is no problem document`);
    }
  }
  // Of what is no request behind one the answer to that one may not know yet.
  if (ending === 'request' && answers.at(-1).headers.connection !== 'close')
    counts.unannounced += 1;
  if (mutations.length === 0 && ending === 'request') {
    const refused = answers.find(({ status }) => status >= 400 && status !== 403);
    if (refused !== undefined || answers.at(-1).body !== goodBody) {
      throw new Error(`a good request is refused: ${received}`);
    }
  }
}

async function run(number, each) {
  const bytes = bytesOf(each);
  const sent = bytes.toString('latin1');
  const port = ports[number % 2];
  const received = await exchange(port, packetsOf(bytes, each.cuts), each.ending);
  try {
    check(each, sent, received);
    const next = await exchange(port, [Buffer.from(good)]);
    if (!next?.endsWith(`\r\n\r\n${goodBody}`)) throw new Error(`the next client got ${next}`);
  } catch (error) {
    wrong.push(`case ${number}: ${error.message}`);
  }
  if (only === undefined) return;
  console.log(`case ${number}, ended by ${each.ending}: ${JSON.stringify(sent)}`);
  console.log(`answered by: ${JSON.stringify(received)}`);
}

const began = performance.now();
const all = fc.sample(fuzzCase, { seed, numRuns: cases });
const numbers = only === undefined ? all.keys() : [only].values();
let done = 0;
async function lane() {
  for (const number of numbers) {
    await run(number, all[number]);
    if (++done % 5000 === 0 && done < cases) console.log(`${done} cases, ${wrong.length} wrong`);
  }
}
await Promise.all(Array.from({ length: lanes }, lane));
if (Reflect.ownKeys(Object.prototype).length !== 12) wrong.push('Object.prototype has changed');
// All their clients have gone.
for (const app of apps) {
  const began = performance.now();
  await app.close({ grace: patience });
  if (performance.now() - began > patience / 2) wrong.push('requests have not ended');
}

for (const line of wrong.slice(0, 40)) console.error(line);
console.log(
  `fuzz-http: ${done} cases, seed ${seed}, ${counts.answers} answers (${counts.served} served, ${counts.refused} refused), ` +
    `${counts.unannounced} last ones without "close", ${counts.silent} clients gone before theirs; ${((performance.now() - began) / 1_000).toFixed(1)} s; ${wrong.length} wrong`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
