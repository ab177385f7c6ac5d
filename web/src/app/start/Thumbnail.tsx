import type { FlowSummary } from '@millrace/shared/protocol/entities.ts';
import styles from './start.module.css';

const WIDTH = 240;
const HEIGHT = 104;
const MARGIN = 16;
const MARK = { width: 26, height: 12 };

type Drawn = FlowSummary['thumbnail'];
type Mark = { family: Drawn['nodes'][number]['family']; at: { x: number; y: number } };

/** The flow from far away: each family in its shape. */
export function Thumbnail({ drawn: { nodes, edges } }: { drawn: Drawn }) {
  if (nodes.length === 0) return <div className={styles.thumbnail} data-empty aria-hidden="true" />;
  const xs = nodes.map((node) => node.x);
  const ys = nodes.map((node) => node.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const spanX = Math.max(...xs) - left;
  const spanY = Math.max(...ys) - top;
  const scale = Math.min(
    spanX > 0 ? (WIDTH - 2 * MARGIN - MARK.width) / spanX : 1,
    spanY > 0 ? (HEIGHT - 2 * MARGIN - MARK.height) / spanY : 1,
    0.2,
  );
  const startX = (WIDTH - spanX * scale - MARK.width) / 2;
  const startY = (HEIGHT - spanY * scale - MARK.height) / 2;
  const marks: Mark[] = nodes.map(({ family, x, y }) => ({
    family,
    at: { x: startX + (x - left) * scale, y: startY + (y - top) * scale },
  }));
  return (
    <svg className={styles.thumbnail} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {edges.map(({ from, to }) => (
        <Line key={`${from}:${to}`} from={marks[from] as Mark} to={marks[to] as Mark} />
      ))}
      {marks.map(({ family, at }) => (
        <Shape key={`${family}:${at.x}:${at.y}`} family={family} at={at} />
      ))}
    </svg>
  );
}

/** From the right of one mark to the left of the other, as ports are on the canvas. */
function Line({ from, to }: { from: Mark; to: Mark }) {
  const start = { x: from.at.x + MARK.width, y: from.at.y + MARK.height / 2 };
  const end = { x: to.at.x, y: to.at.y + MARK.height / 2 };
  const bend = Math.max(6, (end.x - start.x) / 2);
  const d = `M${start.x},${start.y} C${start.x + bend},${start.y} ${end.x - bend},${end.y} ${end.x},${end.y}`;
  return <path d={d} fill="none" stroke="var(--mr-line-strong)" />;
}

function Shape({ family, at }: Mark) {
  const { width, height } = MARK;
  if (family === 'consumer') {
    return (
      <rect
        {...at}
        width={width}
        height={height}
        rx="2.5"
        fill="var(--mr-consumer-soft)"
        stroke="var(--mr-consumer)"
      />
    );
  }
  if (family === 'producer') {
    const d = `M${at.x + 6},${at.y} h${width - 8} q2,0 2,2 v${height - 4} q0,2 -2,2 h-${width - 8} a6,6 0 0 1 0,-${height} z`;
    return <path d={d} fill="var(--mr-producer-soft)" stroke="var(--mr-producer)" />;
  }
  return (
    <g fill="var(--mr-topic-soft)" stroke="var(--mr-topic)">
      <path
        d={`M${at.x + 3},${at.y} h${width - 6} a3,6 0 0 1 0,${height} h-${width - 6} a3,6 0 0 1 0,-${height} z`}
      />
      <path d={`M${at.x + width - 3},${at.y} a3,6 0 0 0 0,${height}`} fill="none" />
    </g>
  );
}
