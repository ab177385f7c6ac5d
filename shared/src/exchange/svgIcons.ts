import type { NodeKind } from '../flow/records/registry.ts';

/** Line drawings in a box of 24 by 24, to be stroked with round ends; one per node kind. */
export const ICONS: Record<NodeKind, string> = {
  // a flash
  generator: 'M13 3 5 13.5h6L10.5 21 19 10.5h-6L13 3Z',
  // a clock at three
  schedule: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z M12 7.5V12h4',
  // an arrow coming in
  http: 'M14 4h3.5A2.5 2.5 0 0 1 20 6.5v11a2.5 2.5 0 0 1-2.5 2.5H14 M4 12h10.5 M10.5 8l4 4-4 4',
  // a clock running backwards
  replay: 'M4 12a8 8 0 1 0 2.6-5.9L4 8.5 M4 4v4.5h4.5 M12 8v4.3l3 1.7',
  // sheets of a log
  topic: 'M12 3.5 3.5 8 12 12.5 20.5 8 12 3.5Z M3.5 12 12 16.5l8.5-4.5 M3.5 16 12 20.5l8.5-4.5',
  // braces
  handler:
    'M9 4H8a2.5 2.5 0 0 0-2.5 2.5v3A2.5 2.5 0 0 1 3 12a2.5 2.5 0 0 1 2.5 2.5v3A2.5 2.5 0 0 0 8 20h1 M15 4h1a2.5 2.5 0 0 1 2.5 2.5v3A2.5 2.5 0 0 0 21 12a2.5 2.5 0 0 0-2.5 2.5v3A2.5 2.5 0 0 1 16 20h-1',
  // a funnel
  filter: 'M3.5 5h17l-6.5 8v6l-4-2v-4L3.5 5Z',
  // one way becomes two
  route: 'M4 12h5c3 0 3-6 6-6h5 M17 3l3 3-3 3 M9 12c3 0 3 6 6 6h5 M17 15l3 3-3 3',
  // an arrow bent into another direction
  transform: 'M4 7h9a4 4 0 0 1 4 4v8 M13 15.5l4 4 4-4 M4 11.5h5 M4 16h5',
  // a gauge
  throttle: 'M4.5 18a9 9 0 1 1 15 0 M12 14l4-5.5 M12 14.8a.8.8 0 1 0 0-1.6.8.8 0 0 0 0 1.6Z',
  // boxes in a box
  batch: 'M4 4h16v16H4V4Z M8 8h3v3H8V8Z M13 8h3v3h-3V8Z M8 13h3v3H8v-3Z M13 13h3v3h-3v-3Z',
  // a globe
  call: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z M3.5 12h17 M12 3.5c5 5 5 12 0 17 M12 3.5c-5 5-5 12 0 17',
  // a drum
  database: 'M5 6c0-3.3 14-3.3 14 0s-14 3.3-14 0Z M5 6v12c0 3.3 14 3.3 14 0V6 M5 12c0 3.3 14 3.3 14 0',
  // a sheet with an arrow into it
  file: 'M14 3H7.5A2.5 2.5 0 0 0 5 5.5v13A2.5 2.5 0 0 0 7.5 21h9a2.5 2.5 0 0 0 2.5-2.5V8l-5-5Z M14 3v5h5 M12 11.5v6 M9.5 15l2.5 2.5 2.5-2.5',
  // lines of text
  log: 'M5 5.5h14 M5 10h14 M5 14.5h9 M5 19h11',
};
