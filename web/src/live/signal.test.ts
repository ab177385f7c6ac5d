import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Signal } from './signal.ts';

describe('Signal', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('tells at once after a rest, then at most once per interval', () => {
    const signal = new Signal(100);
    const heard = vi.fn();
    signal.subscribe(heard);
    for (let bump = 0; bump < 50; bump++) signal.bump();
    vi.advanceTimersByTime(0);
    expect(heard).toHaveBeenCalledTimes(1);
    for (let ms = 0; ms < 1_000; ms++) {
      signal.bump();
      vi.advanceTimersByTime(1);
    }
    expect(heard.mock.calls.length).toBeGreaterThanOrEqual(10);
    expect(heard.mock.calls.length).toBeLessThanOrEqual(11);
  });

  it('shows a version that changes only when listeners are told', () => {
    const signal = new Signal(100);
    signal.subscribe(() => {});
    const before = signal.published;
    signal.bump();
    expect(signal.published).toBe(before);
    vi.advanceTimersByTime(0);
    expect(signal.published).not.toBe(before);
  });

  it('leaves no timer behind when nobody listens', () => {
    const signal = new Signal(100);
    const leave = signal.subscribe(() => {});
    signal.bump();
    leave();
    expect(vi.getTimerCount()).toBe(0);
    signal.bump();
    expect(vi.getTimerCount()).toBe(0);
  });
});
