/** The tag by which papermill, and we, find the cell of the parameters. */
const TAG = 'parameters';

/** A cell, as far as its tags go. */
export interface ITagged {
  getMetadata: (key: string) => unknown;
  setMetadata: (key: string, value: unknown) => void;
}

const tagsOf = (cell: Pick<ITagged, 'getMetadata'>): string[] => {
  const tags = cell.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
};

/** Whether a cell is that of the parameters. */
export const isMarked = (cell: Pick<ITagged, 'getMetadata'> | undefined): boolean =>
  cell !== undefined && tagsOf(cell).includes(TAG);

/** Make a cell the one of the parameters, or none where it was that; a notebook has one at most. */
export function mark(cells: Iterable<ITagged>, cell: ITagged): void {
  const marked = isMarked(cell);
  for (const other of cells) {
    if (isMarked(other)) {
      other.setMetadata(
        'tags',
        tagsOf(other).filter(tag => tag !== TAG)
      );
    }
  }
  if (!marked) {
    cell.setMetadata('tags', [...tagsOf(cell), TAG]);
  }
}
