import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeSize } from './geometry.ts';
import { parseDocument, writeDocument } from './serialize.ts';
import { validateFlow } from './validate.ts';

const folder = fileURLToPath(new URL('../../../samples/', import.meta.url));
const flows = readdirSync(folder).filter((name) => name.endsWith('.flow.json'));
const load = (name: string) => parseDocument(readFileSync(folder + name, 'utf8')).document;

describe('the samples', () => {
  it('are the five that the start screen offers', () => {
    expect(flows.toSorted()).toEqual([
      'airports.flow.json',
      'earthquakes.flow.json',
      'flights.flow.json',
      'orders.flow.json',
      'web-hook.flow.json',
    ]);
  });

  it.each(flows)('%s is saved as Millrace itself would save it', (name) => {
    expect(writeDocument(load(name), 'json')).toBe(readFileSync(folder + name, 'utf8'));
  });

  it.each(flows)('%s has no errors and no warnings', (name) => {
    expect(validateFlow(load(name)).filter((problem) => problem.severity !== 'info')).toEqual([]);
  });

  it.each(flows)('%s is described and drawn without overlaps', (name) => {
    const document = load(name);
    expect(document.description.length).toBeGreaterThan(50);
    const boxes = document.nodes.map((node) => {
      const at = document.layout.nodes[node.id];
      return at
        ? { name: node.name, ...at, ...nodeSize(node) }
        : expect.unreachable(`${node.name} has no position`);
    });
    for (const [index, a] of boxes.entries()) {
      for (const b of boxes.slice(index + 1)) {
        const apart =
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart, `${a.name} and ${b.name}`).toBe(true);
      }
    }
  });

  it('bring the data that they replay, with its source named', () => {
    const readme = readFileSync(`${folder}README.md`, 'utf8');
    for (const node of flows.flatMap((name) => load(name).nodes)) {
      if (node.kind !== 'replay') continue;
      expect(existsSync(`${folder}data/${node.config.file}`), node.config.file).toBe(true);
      expect(readme).toContain(`data/${node.config.file}`);
    }
  });
});
