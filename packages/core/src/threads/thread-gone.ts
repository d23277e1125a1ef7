/** Why a thread is not there any more. */

export class ThreadGone extends Error {
  /** Whether the hop that it held is lost; else it has not begun, and another thread can run it. */
  isLost = true;
  /** Whether it was a process. */
  isProcess = false;
}
