import type { FlowNode } from './document.ts';

/** What a node's settings come down to, in a few words; what stands on it in drawings and tables. */
export function gistOf(node: FlowNode): string {
  switch (node.kind) {
    case 'generator':
      return node.config.count === null
        ? perSecond(node.config.ratePerSecond)
        : `${perSecond(node.config.ratePerSecond)}, ${grouped(node.config.count)} in all`;
    case 'schedule':
      return node.config.cron;
    case 'http':
      return `POST …/${node.config.path}`;
    case 'replay': {
      const { file, speed } = node.config;
      if (speed.mode === 'full') return `${file}, full speed`;
      return speed.mode === 'rate'
        ? `${file}, ${perSecond(speed.ratePerSecond)}`
        : `${file}, time × ${speed.factor}`;
    }
    case 'topic': {
      const lanes = plural(node.config.partitions, 'partition');
      return node.config.key === '' ? lanes : `${lanes}, by ${node.config.key}`;
    }
    case 'handler':
      return `${plural(node.config.code.trim().split('\n').length, 'line')}, ${plural(node.config.retry.attemptsMax, 'attempt')}`;
    case 'filter':
    case 'transform':
      return node.config.expression
        .replaceAll(/\bevent\.data\./g, '')
        .replaceAll(/\s+/g, ' ')
        .trim();
    case 'route':
      return plural(node.config.routes.length, 'rule');
    case 'throttle':
      return `at most ${perSecond(node.config.ratePerSecond)}`;
    case 'batch':
      return `${grouped(node.config.items)} or ${span(node.config.waitMs)}, by ${node.config.scope}`;
    case 'call':
      return `${node.config.method} ${node.config.url.replace(/^https?:\/\//, '')}`;
    case 'database':
      return `${node.config.target.engine === 'sqlite' ? node.config.target.file : 'PostgreSQL'}, ${node.config.table}`;
    case 'file':
      return node.config.path;
    case 'log':
      return `at level ${node.config.level}`;
  }
}

function plural(count: number, word: string): string {
  return `${grouped(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** Groups of three, the same on every machine. */
function grouped(value: number): string {
  const [whole = '', fraction] = String(value).split('.');
  const digits = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? digits : `${digits}.${fraction}`;
}

function span(ms: number): string {
  return ms % 1000 === 0 ? `${grouped(ms / 1000)} s` : `${grouped(ms)} ms`;
}

function perSecond(rate: number): string {
  return `${grouped(rate)}/s`;
}
