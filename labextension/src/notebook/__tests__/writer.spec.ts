import { cellOf, placeOf } from '../writer';

it.each([
  ['notebook:a/b c.ipynb#1f-2', { path: 'a/b c.ipynb', cell: '1f-2' }],
  ['notebook:a#b.ipynb', { path: 'a#b.ipynb' }],
  ['notebook:a#b.ipynb#In[5]', { path: 'a#b.ipynb', cell: 'In[5]' }],
  ['job:7f3a', null],
  ['user:notebook:x', null]
])('the cell of %s', (writer, place) => expect(cellOf(writer)).toEqual(place));

it('a cell is found by its id or the number of its run', () => {
  const cells = [
    { id: 'a', count: null },
    { id: 'b', count: 5 }
  ];
  expect(['a', 'b', 'In[5]', 'In[6]', 'c'].map(cell => placeOf(cell, cells))).toEqual([
    0, 1, 1, -1, -1
  ]);
});
