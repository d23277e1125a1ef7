/** The program of a candidate's process: imports the module it is told and answers calls of its exports. */
import type { Answer, Call } from './call.js';

type Exports = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

const send = (answer: Answer): void => void process.send?.(answer);

/** The stack tells which candidate, the cause what has failed in it. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${textOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

async function answer({ id, name, args }: Call, exports: Exports): Promise<void> {
  try {
    send({ id, value: await exports[name]!(...args) });
  } catch (error) {
    send({ id, error: textOf(error) });
  }
}

// A parent that has gone away has no use for this process.
process.on('disconnect', () => process.exit());
const exports = import(process.argv[2]!) as Promise<Exports>;
process.on('message', (call: Call) => {
  exports.then(
    (exports) => answer(call, exports),
    (error: unknown) => send({ id: call.id, error: textOf(error) }),
  );
});
