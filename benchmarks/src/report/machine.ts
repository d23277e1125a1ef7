/** Where, when and with which versions numbers were measured. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  /** Of the last minute before the start: well above 0 means that others worked here too. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    date: new Date().toISOString(),
    system: `${type()} ${release()}`,
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0]!,
    versions: { node: process.versions.node, v8: process.versions.v8, ...peers(), ...others() },
  };
}

/** The versions of what benchmarks/package.json depends on: exact ones, except for turno's own. */
function peers(): Record<string, string> {
  const manifest = new URL('../../package.json', import.meta.url);
  const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}

function others(): Record<string, string> {
  const versions = {
    go: versionOf('go', ['version']),
    fastapi: versionOf('/usr/bin/python3', ['-c', 'import fastapi; print(fastapi.__version__)']),
    python: versionOf('/usr/bin/python3', ['--version']),
  };
  return Object.fromEntries(
    Object.entries(versions).flatMap(([name, version]) =>
      version === undefined ? [] : [[name, version]],
    ),
  );
}

function versionOf(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}
