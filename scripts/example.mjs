// Runs an example: `npm run example -- notes`, or another program of it: `npm run example -- notes drive 500`.
import { existsSync, readdirSync } from 'node:fs';

const examples = new URL('../examples/', import.meta.url);
const [name, program = 'main'] = process.argv.slice(2);
const folders = readdirSync(examples, { withFileTypes: true }).filter((each) => each.isDirectory());
const names = folders.map((each) => each.name).filter((each) => programsOf(each).includes('main'));

if (!names.includes(name)) {
  refuse(name === undefined ? 'Which example?' : `There is no example "${name}".`, names);
} else if (!programsOf(name).includes(program)) {
  refuse(`The example "${name}" has no program "${program}".`, programsOf(name), `${name} `);
} else {
  await import(new URL(`${name}/${program}.ts`, examples));
}

/** What can be run of an example: `main.ts` is its server. */
function programsOf(name) {
  return ['main', 'drive', 'train'].filter((each) =>
    existsSync(new URL(`${name}/${each}.ts`, examples)),
  );
}

function refuse(fact, choices, before = '') {
  const commands = choices.map((choice) => `npm run example -- ${before}${choice}`);
  console.error(`${fact} There are: ${commands.join(', ')}.`);
  process.exitCode = 1;
}
