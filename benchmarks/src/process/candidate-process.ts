/** A process of its own for one candidate: what one does to heap, loop and compiled code is not felt by another. */
import { fork, type ChildProcess } from 'node:child_process';
import type { Answer, Call } from './call.js';

const program = new URL('./child.js', import.meta.url);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class CandidateProcess implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  /** @param module - URL of the module whose exports are called. */
  constructor(
    private readonly module: URL,
    execArgv: readonly string[] = [],
  ) {
    this.child = fork(program, [module.href], { execArgv: [...execArgv] });
    this.child.on('message', (answer: Answer) => this.settle(answer));
    this.child.once('exit', (code, signal) => {
      const error = new Error(`The process of ${module.href} ended with ${signal ?? code}.`);
      for (const { reject } of this.waiting.values()) reject(error);
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /**
   * Calls an export of the module.
   * @throws Error with what the export has thrown, as text.
   */
  call<T = void>(name: string, ...args: readonly unknown[]): Promise<T> {
    const call: Call = { id: ++this.lastId, name, args };
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.set(call.id, { resolve, reject });
      this.child.send(call);
    }) as Promise<T>;
  }

  private settle({ id, value, error }: Answer): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.module.href}: ${error}`));
  }

  /** Ends the process, whatever it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    const late = setTimeout(() => this.child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(late);
  }
}

/** Ends all that it has started, all at once. */
export class Processes implements AsyncDisposable {
  private readonly started: CandidateProcess[] = [];

  /** As the constructor of {@link CandidateProcess}. */
  start(module: URL, execArgv?: readonly string[]): CandidateProcess {
    const process = new CandidateProcess(module, execArgv);
    this.started.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.started.map((process) => process[Symbol.asyncDispose]()));
  }
}
