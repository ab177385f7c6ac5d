import type { FlowDocument } from '@millrace/shared/flow/document.ts';
import { expect, type Page } from '@playwright/test';
import { soon } from '../flows/door.ts';
import { draftFlow, nodeIdOf } from '../flows/draft.ts';
import { Workbench } from '../pages/workbench.ts';

const CHARGE = `export function handle(event, ctx) {
  const { n, amount } = event.data;
  if (n % 7 === 0) throw new Error(\`no price for order \${n}\`);
  if (n % 11 === 0) ctx.fail('CARD_DECLINED', \`card of order \${n} was declined\`);
  ctx.emit('out', { n, charged: amount });
}
`;

/** Three instances that fail now and then, and a second reader that falls behind. */
export function breakable(): FlowDocument {
  const { document } = draftFlow('Orders under stress')
    .add('generator', 'Shop', {
      ratePerSecond: 40,
      key: 'customer-{{number.int {"max":40}}}',
      payload: '{"n":"{{index}}","amount":"{{number.int {\\"min\\":5,\\"max\\":500}}}"}',
    })
    .add('topic', 'orders', { partitions: 6 })
    .add('handler', 'Charge', { code: CHARGE, instances: 3, order: 'key', retry: soon(2) })
    .add('topic', 'charged', {})
    .add('log', 'Receipts', {})
    .add('handler', 'Audit', { code: CHARGE, retry: soon(1) }, { column: 2, row: 1 })
    .wire('Shop', 'orders', 'Charge', 'charged', 'Receipts')
    .wire('orders', 'Audit');
  const edges = document.edges.map((edge) =>
    edge.target === nodeIdOf('Audit') ? { ...edge, backlog: { messages: 400, bytes: 1_048_576 } } : edge,
  );
  return { ...document, edges };
}

/** What is seen while a run is broken on purpose, its groups are moved and its dead letters looked at. */
export async function shootBreaking(
  page: Page,
  flowId: string,
  shoot: (name: string) => Promise<void>,
): Promise<void> {
  const workbench = new Workbench(page);
  const { canvas, dock, run, runPart, deadLetters } = workbench;
  await workbench.open(flowId);
  await run.expectStatus('running');
  await expect(canvas.instances('Charge')).toHaveCount(3);
  await dock.open('faults');
  await shoot('faults-none');

  await canvas.select('Audit');
  if ((await canvas.flag('Audit', 'paused').count()) === 0) await runPart.pauseGroup();
  await canvas.select('Charge');
  await runPart.inject({ kind: 'crash', instance: '1' });
  await runPart.inject({ kind: 'slow', rate: '25', delay: '300 ms' });
  await shoot('node-faults');
  await runPart.root.getByTestId('section-faults').click();
  await expect(runPart.member(1)).toHaveAttribute('data-state', 'down');
  await shoot('node-group');
  await canvas.selectEdge('orders', 'Audit');
  await runPart.inject({ kind: 'delay', delay: '2 s' });
  await expect(canvas.edgeMarks('orders', 'Audit')).toHaveAttribute('data-fullness', /^(0\.[5-9]|1)/, {
    timeout: 60_000,
  });
  await shoot('edge-full');
  await canvas.deselect();
  await shoot('flow-settings');

  await canvas.counter('Charge', 'deadLettered').click();
  await deadLetters.cause('CARD_DECLINED').first().getByTestId('choose-cause').check();
  await deadLetters.dryRun();
  await shoot('dead-letters');

  await canvas.select('Charge');
  await runPart.root.getByTestId('section-group').click();
  await workbench.inspector.root.getByTestId('section-delivery').click();
  await workbench.inspector.field('guarantee').scrollIntoViewIfNeeded();
  await shoot('delivery');
  await canvas.node('Charge').click({ button: 'right', position: { x: 24, y: 14 } });
  await expect(page.getByRole('menuitem', { name: /Crash/ })).toBeVisible();
  await shoot('fault-menu');
  await page.keyboard.press('Escape');
  await page.getByTestId('heal-all').click();
  await expect(page.getByTestId('faults-running')).toHaveCount(0);
}
