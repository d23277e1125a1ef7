/** tsyringe: a child container for each request, which disposes what it has made. It has no async providers. */
import 'reflect-metadata';
import { container, injectable, Lifecycle, scoped as scopedTo, singleton } from 'tsyringe';
import { declareRequest, declareTree } from './graph.js';
import type { Works } from './works.js';

/** The works that it has means for, with the global container. */
export async function createWorks(): Promise<Works> {
  const { scoped } = declareRequest(singleton(), scopedTo(Lifecycle.ContainerScoped));
  const tree = declareTree(injectable());
  return {
    request: async () => {
      const child = container.createChildContainer();
      const handler = child.resolve(scoped.handler);
      await child.dispose();
      return handler;
    },
    transient: () => container.resolve(tree.root),
  };
}
