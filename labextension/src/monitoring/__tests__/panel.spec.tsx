import { fireEvent, screen, within } from '@testing-library/react';
import React from 'react';

import { exactly, pageOf, pass, settle } from '../../components/__tests__/samples';
import { fakeWorkbench, show } from '../../components/__tests__/workbench';
import { AlertsSection, MonitorsSection } from '../section';
import { alertOf, AT, monitorOf } from './records';

beforeEach(() => jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00Z') }));
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('in the panel', () => {
  it('alerts that ask for attention are listed, the quiet ones counted', async () => {
    const alerts = [
      alertOf(),
      alertOf({
        ref: 'alert:a/b',
        metric: 'error_fraction',
        name: 'errors',
        subject: '',
        state: 'pending',
        value: null
      }),
      alertOf({ ref: 'alert:a/c', name: 'latency', subject: '', labels: {}, state: 'ok' }),
      alertOf({ ref: 'alert:flights/drift/wind', subject: 'wind', state: 'ok' })
    ];
    show(fakeWorkbench({ monitoring: { alerts: async () => pageOf(alerts) } }), <AlertsSection />);
    await settle();
    const rows = screen.getAllByRole('treeitem');
    expect(rows).toHaveLength(2);
    expect(within(rows[0]!).getByRole('img', { name: 'firing' })).toBeTruthy();
    expect(rows[0]?.textContent).toContain('PSI 0.6 · limit 0.2');
    expect(within(rows[1]!).getByRole('img', { name: 'pending' })).toBeTruthy();
    expect(rows[1]?.textContent).toContain('errors not measured · limit 20 %');
    expect(screen.getByText('1 firing · 1 pending')).toBeTruthy();
    expect(screen.getByText('ok: latency, drift wind')).toBeTruthy();
  });

  it('quiet features of a rule are one line each way, beside those that fire', async () => {
    const rule = { ref: 'alert:flights/drift', labels: {}, value: null, count: 30 };
    const alerts = [
      alertOf(),
      alertOf({ ...rule, state: 'no_data', subject: '30 features', text: '0 rows in the window' }),
      alertOf({ ...rule, state: 'ok', subject: '769 features', count: 769 })
    ];
    const asked = jest.fn(async () => pageOf(alerts));
    show(fakeWorkbench({ monitoring: { alerts: asked } }), <AlertsSection />);
    await settle();
    const [firing, silent] = screen.getAllByRole('treeitem');
    expect(asked).toHaveBeenCalledWith(
      expect.objectContaining({ folded: true }),
      expect.anything()
    );
    expect(firing?.textContent).toContain('drift temp');
    expect(silent?.textContent).toContain('drift 30 features');
    expect(silent?.textContent).toContain('0 rows in the window');
    expect(screen.getAllByRole('treeitem')).toHaveLength(2);
    expect(screen.getByText('ok: drift 769 features')).toBeTruthy();
  });

  it('of many features of a rule the first is in full, some are a line, the rest on demand', async () => {
    const alerts = Array.from({ length: 30 }, (_, index) =>
      alertOf({ ref: `alert:flights/drift/f${index}`, subject: `f${index}` })
    );
    show(fakeWorkbench({ monitoring: { alerts: async () => pageOf(alerts) } }), <AlertsSection />);
    await settle();
    const rows = screen.getAllByRole('treeitem');
    expect(rows).toHaveLength(6);
    expect(screen.getAllByRole('button', { name: 'Notebook' })).toHaveLength(1);
    expect(rows[1]?.textContent).toContain('drift f1PSI 0.6');
    expect(rows[5]?.textContent).toContain('drift: 25 more');
    fireEvent.keyDown(rows[5]!, { key: 'ArrowRight' });
    expect(screen.getAllByRole('treeitem')).toHaveLength(31);
  });

  it('a row says how bad it is, of which version, why, and how long it still waits', async () => {
    const silence = { number: 1, monitor: 'flights', rule: 'drift', labels: null, begun_at: AT };
    const alerts = [
      alertOf({
        severity: 'critical',
        version: 'v7',
        cause: 'ingest.ipynb, cell 4',
        owner: 'ana'
      }),
      alertOf({
        ref: 'alert:flights/p95',
        state: 'pending',
        since: '2026-01-01T11:58:00Z',
        hold_seconds: 300
      }),
      alertOf({
        ref: 'alert:flights/other',
        state: 'silenced',
        silence: {
          ...silence,
          until: '2026-01-01T13:00:00Z',
          by: 'ana',
          why: 'known',
          ended_by: ''
        }
      })
    ];
    const fake = fakeWorkbench({ monitoring: { alerts: async () => pageOf(alerts) } });
    show(fake, <AlertsSection />);
    await settle();
    const [firing, pending, silenced] = screen.getAllByRole('treeitem');
    expect(firing?.textContent).toContain('critical · flights v7 · PSI 0.6 · limit 0.2');
    expect(firing?.textContent).toContain('likely cause: ingest.ipynb, cell 4');
    expect(firing?.textContent).toContain('owner ana');
    expect(pending?.textContent).not.toContain('owner');
    expect(firing?.textContent).toContain('1 h');
    expect(pending?.textContent).toContain('2 of 5 min');
    expect(within(pending!).queryAllByRole('button')).toEqual([]);
    expect(silenced?.textContent).toMatch(/silenced until .* by ana/);
    expect(within(silenced!).queryAllByRole('button')).toEqual([]);
    const [notebook, silenceIt] = within(firing!).getAllByRole('button');
    expect([notebook?.textContent, silenceIt?.textContent]).toEqual(['Notebook', 'Silence…']);
  });

  it('the buttons of a row act on its alert, and do not open its page', async () => {
    const notebook = jest.fn(async () => ({ path: 'alerts/a.ipynb' }));
    const fake = fakeWorkbench({
      monitoring: { alerts: async () => pageOf([alertOf()]), notebook }
    });
    show(fake, <AlertsSection />);
    await settle();
    fireEvent.click(screen.getByRole('button', { name: 'Notebook' }));
    await settle();
    expect(notebook).toHaveBeenCalledWith('alert:flights/drift/temp');
    expect(fake.open).not.toHaveBeenCalled();
  });

  it('a monitor says its state, its largest PSI, and since when nobody asks', async () => {
    const monitors = [
      monitorOf({
        state: 'firing',
        worst: 'temp',
        worst_psi: exactly(0.612_345),
        lately: (
          [
            [1, 0.02],
            [2, 0.05],
            [5, 0.1],
            [6, null],
            [7, 0.3],
            [8, 0.61]
          ] as const
        ).map(([hour, psi]) => ({ at: `2026-01-01T0${hour}:00:00Z`, psi }))
      }),
      monitorOf({ ref: 'monitor:b', name: 'b', state: 'no_data', worst_psi: exactly(null) })
    ];
    show(
      fakeWorkbench({ monitoring: { list: async () => pageOf(monitors) } }),
      <MonitorsSection />
    );
    await settle();
    const [first, second] = screen.getAllByRole('treeitem');
    expect(within(first!).getByRole('img', { name: 'firing' })).toBeTruthy();
    expect(first?.textContent).toContain('PSI 0.612');
    expect(first?.textContent).toContain('1 h ago');
    const line = within(first!).getByRole('img', {
      name: 'Largest PSI of the last 24 hours: 0.02 to 0.61'
    });
    expect(line.querySelectorAll('path')).toHaveLength(6); // three lines and their areas: gaps at 3 to 4 and at 6
    expect(within(second!).queryByRole('img', { name: /Largest PSI/ })).toBeNull();
    expect(within(second!).getByRole('img', { name: 'no data' })).toBeTruthy();
    expect(second?.textContent).toContain('no request for 1 h');
    expect(second?.textContent).not.toContain('PSI');
  });

  it('the list of monitors is drawn anew when one is evaluated', async () => {
    const list = jest
      .fn()
      .mockResolvedValueOnce(pageOf([]))
      .mockResolvedValue(pageOf([monitorOf()]));
    const fake = fakeWorkbench({ monitoring: { list } });
    show(fake, <MonitorsSection />);
    await settle();
    expect(screen.queryAllByRole('treeitem')).toHaveLength(0);
    fake.emit({ topic: 'monitor', ref: 'monitor:flights', data: {} });
    await pass(2_000);
    expect(screen.getAllByRole('treeitem')).toHaveLength(1);
  });
});
