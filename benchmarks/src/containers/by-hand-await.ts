/** By hand as an async function: what any container that may have to wait has to pay, too. */
import { createWorks as createByHand } from './by-hand.js';
import type { Works } from './works.js';

const nothing = Promise.resolve();

/** The works that are synchronous by hand, with one `await` each. */
export async function createWorks(): Promise<Works> {
  const { request, transient } = await createByHand();
  return {
    request: async () => {
      await nothing;
      return request!();
    },
    transient: async () => {
      await nothing;
      return transient!();
    },
  };
}
