/**
 * Who may use something that several can share but that one sometimes needs alone. Whoever asks to be alone waits for
 * those who share it now and goes before those who ask later; all others go in the order in which they asked.
 */
export class Turns {
  readonly #sharersMax: number;
  #sharers = 0;
  #taken = false;
  readonly #toBeAlone: (() => void)[] = [];
  readonly #toShare: (() => void)[] = [];

  constructor(sharersMax: number) {
    this.#sharersMax = sharersMax;
  }

  async shared<Result>(act: () => Promise<Result>): Promise<Result> {
    if (!this.#mayShare()) await new Promise<void>((resolve) => this.#toShare.push(resolve));
    else this.#sharers++;
    try {
      return await act();
    } finally {
      this.#sharers--;
      this.#admit();
    }
  }

  async alone<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#taken || this.#sharers > 0) await new Promise<void>((resolve) => this.#toBeAlone.push(resolve));
    else this.#taken = true;
    try {
      return await act();
    } finally {
      this.#taken = false;
      this.#admit();
    }
  }

  #mayShare(): boolean {
    return !this.#taken && this.#toBeAlone.length === 0 && this.#sharers < this.#sharersMax;
  }

  /** A turn is taken here, on behalf of whoever is let in, so that nobody slips in before it wakes up. */
  #admit(): void {
    const alone = this.#taken || this.#sharers > 0 ? undefined : this.#toBeAlone.shift();
    if (alone) {
      this.#taken = true;
      alone();
      return;
    }
    while (this.#mayShare()) {
      const next = this.#toShare.shift();
      if (!next) return;
      this.#sharers++;
      next();
    }
  }
}
