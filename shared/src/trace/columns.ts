import { type ByteReader, type ByteWriter, corrupt } from './bytes.ts';

/** How a column of numbers is stored. Chosen per column and frame; the smallest that keeps every value exactly. */
const CONSTANT = 0;
const INTEGERS = 1;
const DELTAS = 2;
const FLOATS = 3;

/** Differences and zigzag doubling of integers up to this size stay exact. */
const EXACT_MAX = 2 ** 50;

export function writeNumbers(writer: ByteWriter, values: Float64Array, count: number): void {
  writer.reserve(9 + count * 8);
  const first = values[0] as number;
  let constant = true;
  let exact = true;
  let integerCost = 0;
  let deltaCost = 0;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    if (value !== first) constant = false;
    // Also false for NaN and for −0, which only a float keeps.
    if (
      !(Math.trunc(value) === value && value <= EXACT_MAX && value >= -EXACT_MAX) ||
      (value === 0 && 1 / value < 0)
    ) {
      exact = false;
      break;
    }
    integerCost += Math.abs(value);
    deltaCost += Math.abs(value - previous);
    previous = value;
  }
  if (exact && constant) {
    writer.byte(CONSTANT);
    writer.float64(first);
    return;
  }
  if (!exact) {
    writer.byte(FLOATS);
    for (let i = 0; i < count; i++) writer.float64(values[i] as number);
    return;
  }
  const deltas = deltaCost < integerCost;
  writer.byte(deltas ? DELTAS : INTEGERS);
  previous = 0;
  for (let i = 0; i < count; i++) {
    const value = (values[i] as number) - previous;
    if (deltas) previous = values[i] as number;
    writer.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }
}

export function readNumbers(reader: ByteReader, count: number): Float64Array {
  const values = new Float64Array(count);
  const mode = reader.byte();
  if (mode === CONSTANT) return values.fill(reader.float64());
  if (mode === FLOATS) {
    for (let i = 0; i < count; i++) values[i] = reader.float64();
    return values;
  }
  if (mode !== INTEGERS && mode !== DELTAS) throw corrupt('an unknown kind of column');
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const zigzag = reader.varint();
    const value = (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2) + previous;
    if (mode === DELTAS) previous = value;
    values[i] = value;
  }
  return values;
}

/** Codes are indexes into a dictionary, 0 meaning null. */
export function writeCodes(writer: ByteWriter, codes: Uint32Array, count: number): void {
  writer.reserve(6 + count * 5);
  const first = codes[0] as number;
  let constant = true;
  for (let i = 1; i < count && constant; i++) constant = codes[i] === first;
  writer.byte(constant ? CONSTANT : INTEGERS);
  if (constant) writer.varint(first);
  else for (let i = 0; i < count; i++) writer.varint(codes[i] as number);
}

export function readCodes(reader: ByteReader, count: number, dictionarySize: number): Uint32Array {
  const codes = new Uint32Array(count);
  const mode = reader.byte();
  if (mode !== CONSTANT && mode !== INTEGERS) throw corrupt('an unknown kind of column');
  const first = mode === CONSTANT ? reader.varint() : 0;
  for (let i = 0; i < count; i++) {
    const code = mode === CONSTANT ? first : reader.varint();
    if (code > dictionarySize) throw corrupt('a reference leads nowhere');
    codes[i] = code;
  }
  return codes;
}
