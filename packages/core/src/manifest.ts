/** Lists what the threads must find: the modules to import and the classes to look for in them. */
import type { Node, OffloadedNode } from './node.js';
import { loop, sideOf, type Sides } from './placement.js';
import { findRecord, portableModules } from './record.js';
import type { Manifest, NeededClass } from './threads/executor.js';
import { tokenName, type AbstractClass } from './token.js';

/**
 * @param nodes - the nodes of the graph.
 * @param extra - URLs of modules that the user named, imported first.
 */
export function manifestOf(
  nodes: readonly Node[],
  sides: ReadonlyMap<Node, Sides>,
  extra: readonly string[],
): Manifest {
  const byClass = new Map<
    AbstractClass,
    { labels: string[]; methods: NeededClass['methods'][number][] }
  >();
  const needOf = (target: AbstractClass) => {
    let need = byClass.get(target);
    if (need === undefined) byClass.set(target, (need = { labels: [], methods: [] }));
    return need;
  };
  const addOffloaded = ({ needs: [instance], methods }: OffloadedNode): void => {
    // What a provider or a test gives is reached by itself, if it is in a thread at all.
    if (instance?.kind !== 'class') return;
    const need = needOf(instance.target);
    if (!need.labels.includes(instance.label)) need.labels.push(instance.label);
    need.methods.push(
      ...methods.map((name) => ({ name, static: false, offloaded: true as const })),
    );
  };
  for (const node of nodes) {
    const isMethod = node.kind === 'method' && sideOf(node) !== loop;
    const isClass = node.kind === 'class' && (sides.get(node)?.threads.length ?? 0) > 0;
    if (node.kind === 'offloaded') addOffloaded(node);
    if (!isMethod && !isClass) continue;
    const need = needOf(node.target);
    // The class of a method's instance is reported by its methods.
    if (isMethod) {
      need.labels.push(node.label);
      need.methods.push({ name: String(node.method), static: node.static });
    }
  }
  const needs = [...byClass].map(([target, { labels, methods }]): NeededClass => {
    const record = findRecord(target);
    return {
      classId: record?.id ?? '',
      module: record?.site?.module,
      labels: labels.length > 0 ? labels : [tokenName(target)],
      ...(record?.label === undefined ? {} : { call: record.label }),
      methods,
      twins: record?.twins.count ?? 1,
      ambiguous: record?.twins.isRepeated ?? false,
    };
  });
  const modules = needs.flatMap(({ module }) => (module === undefined ? [] : [module]));
  const groups = nodes.map((node) => {
    if (node.scope === 'thread') return loop;
    return node.kind === 'offloaded' ? node.group : sideOf(node);
  });
  return {
    groups: [...new Set(groups)].filter((group) => group !== loop),
    modules: [...new Set([...extra, ...modules])],
    portableModules: portableModules(),
    needs,
  };
}
