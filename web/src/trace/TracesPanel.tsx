import { Group, Panel, Separator } from 'react-resizable-panels';
import { useSelection } from '../live/selection.ts';
import { useLiveRun, useWatch } from '../live/watch.tsx';
import { useNarrow } from '../ui/useNarrow.ts';
import { classes } from './styles.ts';
import { TraceDetail } from './TraceDetail.tsx';
import { TraceList } from './TraceList.tsx';

/** Below this width the open trace takes the place of the list. */
const SIDE_BY_SIDE_PX = 720;

/** The dock's tab of traces: the list, and beside it the selected trace. */
export function TracesPanel() {
  const { live } = useLiveRun();
  const { reader } = useWatch();
  const traceId = useSelection((state) => state.traceId);
  const { ref, narrow } = useNarrow(SIDE_BY_SIDE_PX);
  if (!live || !reader) {
    return (
      <p className={classes.empty} data-testid="traces-empty">
        Press <b>Run</b> to send messages through the flow. Each message that a producer makes begins a trace:
        everything it causes, with times, attempts and errors, is listed here as it happens.
      </p>
    );
  }
  if (narrow && traceId !== null) {
    return (
      <div className={classes.panel} data-testid="traces-panel" ref={ref}>
        <TraceDetail live={live} reader={reader} correlationId={traceId} key={traceId} />
      </div>
    );
  }
  return (
    <div className={classes.panel} data-testid="traces-panel" ref={ref}>
      <Group orientation="horizontal" id="traces">
        <Panel id="trace-list" minSize={280} defaultSize={traceId === null ? '100%' : '36%'}>
          <TraceList live={live} reader={reader} key={live.runId} />
        </Panel>
        {traceId === null ? null : (
          <>
            <Separator className={classes.separator} aria-label="Width of the trace list" />
            <Panel id="trace-detail" minSize={320}>
              <TraceDetail live={live} reader={reader} correlationId={traceId} key={traceId} />
            </Panel>
          </>
        )}
      </Group>
    </div>
  );
}
