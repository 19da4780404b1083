import { exampleOf } from '../example';

const column = (name: string, type: string): never =>
  ({ name, type, required: false, doc: '', used_by: [] }) as never;

describe('the example of a feature view', () => {
  it('is made of the key, the moment and the numbers of a dataset', () => {
    const code = exampleOf('shop.sales', [
      column('at', 'ts[us, tz]'),
      column('shop', 'str'),
      column('day', 'date'),
      column('items', 'i64'),
      column('euros', 'f64')
    ]);
    for (const line of [
      'from feast.types import Float64, Int64',
      'key = Entity(name="shop", join_keys=["shop"], value_type=ValueType.STRING)',
      '        Field(name="items", dtype=Int64),',
      '        Field(name="euros", dtype=Float64),',
      '    source=DatasetSource(dataset="shop.sales", timestamp_field="at"),'
    ]) {
      expect(code?.split('\n')).toContain(line);
    }
    expect(code).not.toContain('"day"');
  });

  it.each([
    ['a moment', [column('shop', 'str'), column('items', 'i64')]],
    ['a key', [column('at', 'ts[us]'), column('euros', 'f64')]],
    ['a number', [column('at', 'ts[us]'), column('shop', 'str')]]
  ])('is not made of a dataset without %s', (_, columns) => {
    expect(exampleOf('shop.sales', columns)).toBeNull();
  });

  it('keeps a hostile name inside the text', () => {
    const code = exampleOf('shop.sales', [
      column("a'''\nimport os\n'''", 'str'),
      column('at', 'ts[us]'),
      column('n', 'i64')
    ]);
    expect(code).toContain("\\'\\'\\'");
    expect(code?.split("'''")).toHaveLength(3);
  });
});
