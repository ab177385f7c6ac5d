import { corrupt } from './bytes.ts';

/**
 * The binary form of a TraceBatch: the same bytes on disk, between processes and on the socket.
 *
 *     magic "MTRF" · version u8 · checksum u32 of all that follows · firstSeq f64 · count u32 ·
 *     strings · ids · one column per field
 *
 * A batch repeats itself: a message shows up in several records, nodes and types in thousands. So the frame starts with
 * two dictionaries, texts and ids (a UUID takes 16 bytes), and its columns hold indexes into them.
 */
export const MAGIC = [0x4d, 0x54, 0x52, 0x46] as const;
export const FRAME_VERSION = 1;
export const CHECKSUM_AT = 5;
export const CHECKED_FROM = 9;
export const HEADER_BYTES = 21;

/** More records than this never share a frame; what writes frames splits earlier. */
export const FRAME_RECORDS_MAX = 65_536;

export const TEXT_FIELDS = [
  'nodeId',
  'messageType',
  'key',
  'topic',
  'errorCode',
  'errorMessage',
  'detail',
] as const;
export const ID_FIELDS = ['messageId', 'correlationId', 'causationId'] as const;
export const NUMBER_FIELDS = ['timeMs', 'partition', 'offset', 'attempt', 'durationUs'] as const;

/** How an id is written: as text, or as the sixteen bytes of a UUID. */
export const TEXT_ID = 0;
export const PACKED_UUID = 1;

/** First sequence number and number of records, without decoding or checking the rest. */
export function frameHeader(frame: Uint8Array): { firstSeq: number; count: number } {
  if (frame.length < HEADER_BYTES) throw corrupt('it ends early');
  if (MAGIC.some((byte, index) => frame[index] !== byte)) throw corrupt('it does not start as one');
  if (frame[MAGIC.length] !== FRAME_VERSION)
    throw corrupt(`its version is ${frame[MAGIC.length]}, this program reads ${FRAME_VERSION}`);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const firstSeq = view.getFloat64(CHECKED_FROM, true);
  const count = view.getUint32(CHECKED_FROM + 8, true);
  if (count > FRAME_RECORDS_MAX || !Number.isSafeInteger(firstSeq))
    throw corrupt('its header makes no sense');
  return { firstSeq, count };
}
