/** What the module of a server exports. */

export interface Server {
  readonly url: string;
  /** The process that serves: another one where the server is no module of Node. */
  readonly pid: number;
}

export interface Skipped {
  /** Why the server cannot run here. */
  readonly skipped: string;
}

export type Start = () => Promise<Server | Skipped>;

/** @returns what is said of a server of this process. */
export function serving(port: number): Server {
  return { url: `http://127.0.0.1:${port}`, pid: process.pid };
}
