import type { DOMWidgetModel, DOMWidgetView } from '@jupyter-widgets/base';
import { Panel, Widget } from '@lumino/widgets';
import { act, screen } from '@testing-library/react';

import { fakeWorkbench } from '../../components/__tests__/workbench';
import { exportsOf } from '../table';

const ROWS = { title: 'runs', rows: [{ run: 'a1', auc: '0.9' }], refs: ['run:a1'], total: 1 };

/** A table of `ml.ui` in the output of a cell. */
async function output(): Promise<{ area: Panel; model: DOMWidgetModel; view: DOMWidgetView }> {
  const { TableModel, TableView } = exportsOf(fakeWorkbench().workbench);
  const manager = { loadClass: jest.fn() };
  const model = new TableModel(ROWS, { model_id: 'm', widget_manager: manager as never });
  model.set({ layout: null, style: null, tabbable: null, tooltip: null });
  const view = new TableView({ model, options: {} });
  const area = new Panel();
  await act(async () => {
    Widget.attach(area, document.body);
    view.render();
    area.addWidget(view.luminoWidget);
  });
  return { area, model, view };
}

describe('a table of ml.ui', () => {
  it('shows its rows and follows the kernel', async () => {
    const { area, model } = await output();
    expect(screen.getByText('0.9')).toBeTruthy();
    await act(async () => void model.set('rows', [{ run: 'a1', auc: '0.7' }]));
    expect(screen.getByText('0.7')).toBeTruthy();
    act(() => area.dispose());
  });

  it.each(['luminoWidget', 'view'] as const)(
    'is gone when its %s goes: the cell ran again',
    async which => {
      const { area, view } = await output();
      const [shown] = view.luminoWidget.children();
      act(() => {
        if (which === 'view') {
          view.remove();
        } else {
          view.luminoWidget.dispose();
        }
      });
      expect(screen.queryByText('0.9')).toBeNull();
      expect(view.el.querySelector('table')).toBeNull();
      expect(area.widgets).toEqual([]);
      expect(shown?.isDisposed).toBe(true);
      act(() => area.dispose());
    }
  );
});
