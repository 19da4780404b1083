import { fireEvent, screen } from '@testing-library/react';
import React from 'react';

import { dragFrom } from '../../code/drag';
import { PageHeader } from '../header';
import { fakeWorkbench, show } from './workbench';

jest.mock('../../code/drag', () => ({ dragFrom: jest.fn() }));

describe('the title of a page', () => {
  it('drags the object, and its exact version with Shift only', () => {
    show(
      fakeWorkbench(),
      <PageHeader icon="catalog" title="n.a" reference="dataset:n.a" pinned="dataset:n.a@7" />
    );
    fireEvent.mouseDown(screen.getByRole('heading'));
    const refs = jest.mocked(dragFrom).mock.calls[0]?.[1];
    expect(refs?.(false)).toEqual(['dataset:n.a']);
    expect(refs?.(true)).toEqual(['dataset:n.a@7']);
  });

  it('has no long id: the reference is shown short, and copied whole', () => {
    const fake = fakeWorkbench();
    const reference = 'run:0af7651916cd43dd8448eb211c80319c';
    show(fake, <PageHeader icon="experiments" title="eager-owl" reference={reference} />);
    const button = screen.getByRole('button');
    expect(button.textContent).toBe('run:0af76519');
    expect(button.title).toContain(reference);
    fireEvent.click(button);
    expect(fake.code.copy).toHaveBeenCalledWith(reference);
  });

  it('of what is only made has no reference to drag or to copy', () => {
    jest.mocked(dragFrom).mockClear();
    show(fakeWorkbench(), <PageHeader icon="clock" title="New schedule" reference="" />);
    fireEvent.mouseDown(screen.getByRole('heading'));
    expect(dragFrom).not.toHaveBeenCalled();
    expect(screen.queryByRole('button')).toBeNull();
  });
});
