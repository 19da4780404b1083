import { putBack } from '../order';
import type { IMemory, IShelf, IVisit } from '../tokens';

/** Visits that are kept. */
const KEPT = 20;
const PINS = 'pins';
const VISITS = 'visits';

/** What the user pinned, and what was opened last; it comes back after a reload. */
export class Shelf implements IShelf {
  constructor(private readonly _memory: IMemory) {
    void this._load();
  }

  get pinned(): readonly string[] {
    return this._pinned;
  }

  get recent(): readonly IVisit[] {
    return this._recent;
  }

  pin = (reference: string, pinned: boolean, before: readonly string[] = []): void => {
    const others = this._pinned.filter(other => other !== reference);
    this._pinned = pinned ? putBack(others, reference, before) : others;
    this._memory.write(PINS, this._pinned);
    this._tell();
  };

  visit = (reference: string): void => {
    const others = this._recent.filter(({ ref }) => ref !== reference);
    this._recent = [{ ref: reference, at: new Date().toISOString() }, ...others].slice(0, KEPT);
    this._memory.write(VISITS, this._recent);
    this._tell();
  };

  subscribe = (changed: () => void): (() => void) => {
    this._listeners.add(changed);
    return () => this._listeners.delete(changed);
  };

  private async _load(): Promise<void> {
    const [pinned, recent] = await Promise.all([
      this._memory.read<readonly string[]>(PINS),
      this._memory.read<readonly IVisit[]>(VISITS)
    ]);
    // What happened while it was read counts.
    this._pinned = [...new Set([...(pinned ?? []), ...this._pinned])];
    const listed = new Set(this._recent.map(({ ref }) => ref));
    this._recent = [...this._recent, ...(recent ?? []).filter(({ ref }) => !listed.has(ref))].slice(
      0,
      KEPT
    );
    this._tell();
  }

  private _tell(): void {
    for (const listener of this._listeners) {
      listener();
    }
  }

  private _listeners = new Set<() => void>();
  private _pinned: readonly string[] = [];
  private _recent: readonly IVisit[] = [];
}
