/** A timer that can be stopped and started again: what happens meanwhile does not count. */
export class Countdown {
  private timer: NodeJS.Timeout | undefined;
  private startedAt = 0;

  /**
   * Starts it.
   * @param left - how long it has still to run, in milliseconds.
   * @param over - called once, when it has run out.
   */
  constructor(
    private left: number,
    private readonly over: () => void,
  ) {
    this.start();
  }

  start(): void {
    this.startedAt = performance.now();
    this.timer = setTimeout(this.over, this.left);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.left -= performance.now() - this.startedAt;
  }
}
