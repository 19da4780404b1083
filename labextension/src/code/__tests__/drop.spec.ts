import { dragFrom, mimeDataOf, REFS_MIME } from '../drag';

describe('a drag', () => {
  it('brings the import, whichever notebook, console or file it is dropped on', () => {
    const data = mimeDataOf(['job:7']);
    expect(data.getData('text/plain')).toBe(
      'import jupyter_mlinfra as ml\njob = ml.job("7")\nprint(job.logs(tail=50))'
    );
    expect(data.getData(REFS_MIME)).toEqual(['job:7']);
    expect(data.types().filter(type => type.startsWith('text'))).toEqual(['text/plain']);
  });

  it('does not begin on what has no code', () => {
    const listen = jest.spyOn(document, 'addEventListener');
    dragFrom({ clientX: 0, clientY: 0, button: 0 }, () => ['file:a.ipynb'], 'a.ipynb');
    expect(listen).not.toHaveBeenCalled();
    dragFrom({ clientX: 0, clientY: 0, button: 0 }, () => ['job:7'], '7');
    expect(listen).toHaveBeenCalled();
  });
});
