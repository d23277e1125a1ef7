/** By hand: `new`, in the right order, and `Promise.all`. What the containers are compared with. */
import {
  breadth,
  chains,
  declareRequest,
  declareTree,
  gather,
  makeMiddle,
  makeSink,
  makeSource,
  Middle,
  plain,
  Sink,
  waitFor,
} from './graph.js';
import type { Works } from './works.js';

/** The works as they are wired by hand. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(plain, plain);
  const config = new singletons.config();
  const clock = new singletons.clock();
  const pool = new singletons.pool(config);
  const cache = new singletons.cache(config, clock);
  const mailer = new singletons.mailer(config);
  const tree = declareTree(plain);

  return {
    request: () => {
      const connection = new scoped.connection(pool);
      const transaction = new scoped.transaction(connection);
      const users = new scoped.users(transaction, cache);
      const orders = new scoped.orders(transaction, clock);
      const handler = new scoped.handler(users, orders, mailer);
      handler.dispose();
      orders.dispose();
      users.dispose();
      transaction.dispose();
      connection.dispose();
      return handler;
    },
    transient: () =>
      new tree.root(
        new tree.branchA(new tree.leafA(), new tree.leafB()),
        new tree.branchB(new tree.leafC(), new tree.leafD()),
        new tree.branchC(new tree.leafE(), new tree.leafF()),
      ),
    diamond: async () => {
      const source = await makeSource();
      const middles = Array.from({ length: breadth }, () => makeMiddle(source));
      return makeSink(...(await Promise.all(middles)));
    },
    part: async () => {
      const source = await makeSource();
      const waited = [makeMiddle(source), makeMiddle(source)];
      const made = Array.from({ length: breadth - waited.length }, () => new Middle(source));
      return new Sink([...made, ...(await Promise.all(waited))]);
    },
    waits: async () =>
      gather(...(await Promise.all(Array.from({ length: breadth }, () => waitFor(10))))),
    chains: async () => {
      const chain = async ([first, second]: (typeof chains)[number]) =>
        waitFor(second, await waitFor(first));
      return gather(...(await Promise.all(chains.map(chain))));
    },
  };
}
