/**
 * The clients of the suite `mixed`: a light route is asked at fixed times, whatever has become of earlier
 * requests, while some clients keep a heavy one busy. In a process of their own.
 */
import { Agent, get } from 'node:http';
import { setPriority } from 'node:os';
import { percentile } from '../statistics.js';

export interface OpenLoop {
  /** Of the light route, in milliseconds from the time at which a request was due to its whole answer. */
  readonly p50: number;
  readonly p99: number;
  readonly heavyPerSecond: number;
}

export interface Load {
  readonly lightUrl: string;
  readonly lightBody: string;
  readonly perSecond: number;
  readonly heavyUrl: string;
  readonly heavyBody: string;
  readonly heavyClients: number;
  readonly seconds: number;
}

// What waits for a processor shall be the server, not these clients. Only root may.
try {
  setPriority(-10);
} catch {
  // The numbers of all candidates then hold that wait.
}

/** @throws Error for an answer that is not 200 with the body that it has to have. */
export async function openLoop(load: Load): Promise<OpenLoop> {
  const agent = new Agent({ keepAlive: true });
  const until = performance.now() + load.seconds * 1_000;
  const light = askLight(load, agent, until);
  const heavy = Array.from({ length: load.heavyClients }, () => keepBusy(load, agent, until));
  const [times, counts] = await Promise.all([light, Promise.all(heavy)]);
  agent.destroy();
  return {
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    heavyPerSecond: counts.reduce((sum, count) => sum + count, 0) / load.seconds,
  };
}

async function askLight(load: Load, agent: Agent, until: number): Promise<readonly number[]> {
  const pause = 1_000 / load.perSecond;
  const asked: Promise<number>[] = [];
  const started = performance.now();
  for (let due = started; due < until; due = started + asked.length * pause) {
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const at = due;
    const answered = ask(load.lightUrl, load.lightBody, agent).then(() => performance.now() - at);
    // It is reported below, when all have been asked.
    answered.catch(() => undefined);
    asked.push(answered);
  }
  return Promise.all(asked);
}

/** @returns how many answers have come in time, the last one in part. */
async function keepBusy({ heavyUrl, heavyBody }: Load, agent: Agent, until: number) {
  for (let count = 0; ; count++) {
    const started = performance.now();
    await ask(heavyUrl, heavyBody, agent);
    const ended = performance.now();
    if (ended >= until) return count + (until - started) / (ended - started);
  }
}

function ask(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200 && text === body) resolve();
        else reject(new Error(`${url}: ${response.statusCode} ${text}, not 200 ${body}.`));
      });
    });
    request.once('error', reject);
  });
}
