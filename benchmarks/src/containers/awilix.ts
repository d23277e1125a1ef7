/** awilix: a scope for each request, disposers, names of parameters. It has no async providers. */
import { asClass, createContainer, InjectionMode, type Constructor } from 'awilix';
import { declareRequest, declareTree, plain, type Scoped, type Sum } from './graph.js';
import type { Works } from './works.js';

/** The works that it has means for, with one container. */
export async function createWorks(): Promise<Works> {
  const { singletons, scoped } = declareRequest(plain, plain);
  const container = createContainer<Record<string, Sum>>({
    injectionMode: InjectionMode.CLASSIC,
    strict: true,
  });
  for (const [name, made] of Object.entries(singletons)) {
    container.register(name, asClass(made as Constructor<Sum>).singleton());
  }
  for (const [name, made] of Object.entries(scoped)) {
    const resolver = asClass(made as unknown as Constructor<Scoped>);
    container.register(
      name,
      resolver.scoped().disposer((value) => value.dispose()),
    );
  }
  for (const [name, made] of Object.entries(declareTree(plain))) {
    container.register(name, asClass(made as Constructor<Sum>).transient());
  }
  return {
    request: async () => {
      const scope = container.createScope();
      const handler = scope.resolve<Sum>('handler');
      await scope.dispose();
      return handler;
    },
    transient: () => container.resolve<Sum>('root'),
  };
}
