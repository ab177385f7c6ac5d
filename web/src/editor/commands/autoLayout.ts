import type { FlowDocument, Position } from '@millrace/shared/flow/document.ts';
import { nodeSize, portSpots } from '@millrace/shared/flow/geometry.ts';
import { layoutIdOf } from '@millrace/shared/flow/records.ts';
import type { Command } from './command.ts';

const GAP_BETWEEN_LAYERS = '72';
const GAP_IN_LAYER = '40';

type Arranged = { positions: Map<string, Position> } | 'cancelled';

/** ELK is 1.6 MB: it is loaded on first use and works in a worker of its own, which is what cancelling ends. */
async function arrange(document: FlowDocument, signal: AbortSignal): Promise<Arranged> {
  const [{ default: Elk }, { default: workerUrl }] = await Promise.all([
    import('elkjs/lib/elk-api.js'),
    import('elkjs/lib/elk-worker.min.js?url'),
  ]);
  if (signal.aborted) return 'cancelled';
  const elk = new Elk({ workerUrl });
  try {
    const cancelled = new Promise<'cancelled'>((resolve) => {
      signal.addEventListener('abort', () => resolve('cancelled'), { once: true });
    });
    const result = await Promise.race([elk.layout(elkGraphOf(document)), cancelled]);
    if (result === 'cancelled') return result;
    return {
      positions: new Map(
        (result.children ?? []).map(({ id, x = 0, y = 0 }) => [id, { x: Math.round(x), y: Math.round(y) }]),
      ),
    };
  } finally {
    elk.terminateWorker();
  }
}

const ELK_SIDES = { left: 'WEST', right: 'EAST', bottom: 'SOUTH' } as const;

function elkGraphOf(document: FlowDocument) {
  return {
    id: 'flow',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.layered.spacing.nodeNodeBetweenLayers': GAP_BETWEEN_LAYERS,
      'elk.spacing.nodeNode': GAP_IN_LAYER,
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.considerModelOrder.strategy': 'PREFER_EDGES',
      'elk.padding': '[top=0,left=0,bottom=0,right=0]',
    },
    children: document.nodes.map((node) => ({
      id: node.id,
      ...nodeSize(node),
      layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
      ports: portSpots(node).map((spot) => ({
        id: `${node.id}/${spot.id}`,
        x: spot.at.x,
        y: spot.at.y,
        width: 0,
        height: 0,
        layoutOptions: { 'elk.port.side': ELK_SIDES[spot.side] },
      })),
    })),
    edges: document.edges.map((edge) => ({
      id: edge.id,
      sources: [`${edge.source}/${edge.sourcePort}`],
      targets: [`${edge.target}/in`],
    })),
  };
}

/** Edges whose port is gone (a problem of their own) must not fail the whole layout. */
function drawable(document: FlowDocument): FlowDocument {
  const ports = new Set(
    document.nodes.flatMap((node) => portSpots(node).map((spot) => `${node.id}/${spot.id}`)),
  );
  const edges = document.edges.filter(
    (edge) => ports.has(`${edge.source}/${edge.sourcePort}`) && ports.has(`${edge.target}/in`),
  );
  return { ...document, edges };
}

export const autoLayoutCommand: Command = {
  id: 'auto-layout',
  label: 'Arrange automatically',
  group: 'Arrange',
  keywords: ['layout', 'tidy', 'elk'],
  shortcuts: ['alt+shift+A'],
  history: 'step',
  canRun: ({ editor }) => editor.graph.nodes.size > 1,
  run: async ({ editor, canvas, page }) => {
    const abort = new AbortController();
    const done = page.showProgress(`Arranging ${editor.graph.nodes.size} nodes`, () => abort.abort());
    try {
      const arranged = await arrange(drawable(editor.document), abort.signal);
      if (arranged === 'cancelled') return;
      editor.change({ label: 'Arrange automatically' }, (transaction) => {
        for (const [nodeId, position] of arranged.positions) {
          // The flow may have changed while ELK worked.
          const id = layoutIdOf(nodeId);
          if (transaction.records.has(nodeId)) transaction.put({ type: 'layout', id, position });
        }
      });
      canvas.fit();
    } finally {
      done();
    }
  },
};
