import type { RequestOf, ResponseOf } from '@millrace/shared/protocol/catalog.ts';

type SeekTo = RequestOf<'run.seek'>['to'];
export type SeekDraft = {
  topicId: string | null;
  partition: number | null;
  at: SeekTo['at'];
  /** As the browser's date field gives it: local, without a zone. */
  time: string;
  offset: string;
};

export const NO_SEEK: SeekDraft = { topicId: null, partition: null, at: 'earliest', time: '', offset: '0' };

export type SeekReading = { ok: true; to: SeekTo } | { ok: false; sentence: string };

/** Where a form says that a group is to go on (CG3), or why that is no place. */
export function readSeek({ at, time, offset }: SeekDraft): SeekReading {
  switch (at) {
    case 'earliest':
    case 'latest':
      return { ok: true, to: { at } };
    case 'time': {
      const timeMs = Date.parse(time);
      if (Number.isNaN(timeMs)) return { ok: false, sentence: 'A date and a time are needed.' };
      return { ok: true, to: { at, time: new Date(timeMs).toISOString() } };
    }
    case 'offset': {
      const value = Number(offset.replaceAll(/[,_\s]/g, ''));
      const isOffset = offset.trim() !== '' && Number.isInteger(value) && value >= 0;
      return isOffset
        ? { ok: true, to: { at, offset: value } }
        : { ok: false, sentence: 'An offset is a whole number from 0.' };
    }
  }
}

export type Moved = ResponseOf<'run.seek'>['moved'][number];

/** `back 120`, `on 3`, `stays`: what a seek did to one partition. */
export function movedText({ from, to }: Pick<Moved, 'from' | 'to'>): string {
  if (to === from) return 'stays';
  return to < from
    ? `back ${(from - to).toLocaleString('en-US')}`
    : `on ${(to - from).toLocaleString('en-US')}`;
}
