import { isMarked, type ITagged, mark } from '../marking';

const cell = (...tags: string[]): ITagged & { tags: unknown } => ({
  tags,
  getMetadata() {
    return this.tags;
  },
  setMetadata(_, value) {
    this.tags = value;
  }
});

describe('the cell of the parameters', () => {
  it('is one of a notebook at most, and keeps its other tags', () => {
    const [first, second] = [cell('parameters', 'slow'), cell('raises-exception')];
    mark([first, second], second);
    expect([first.tags, second.tags]).toEqual([['slow'], ['raises-exception', 'parameters']]);
    expect([isMarked(first), isMarked(second)]).toEqual([false, true]);
    mark([first, second], second);
    expect(second.tags).toEqual(['raises-exception']);
  });

  it('is made of a cell without tags, or with what are none', () => {
    const odd = cell();
    odd.tags = 'parameters';
    mark([odd], odd);
    expect(odd.tags).toEqual(['parameters']);
  });
});
