import '../../../style/catalog.css';

import type { DOMWidgetModel } from '@jupyter-widgets/base';
import React, { useEffect, useMemo, useState } from 'react';

import { ApiError } from '../../api/errors';
import type { IColumn, IColumnProfile, IGridBlock, IGridQuery } from '../../api/types';
import { cx } from '../../components/cx';
import { InsertButton } from '../../components/header';
import { useWorkbench } from '../../hooks/context';
import type { IWorkbench } from '../../tokens';
import { Explorer } from './explorer';
import { PLAIN } from './query';
import type { IGridSource } from './source';

interface IAnswer {
  id: string;
  found?: unknown;
  error?: { error: string; message: string; why: string; fix: string };
}

/** What the grid needs of the model of its widget. */
export type Model = Pick<DOMWidgetModel, 'get' | 'send' | 'on' | 'off' | 'comm_live' | 'model_id'>;

let asked = 0;

/** Questions to a kernel, each with its answer. */
class KernelRows {
  constructor(
    private readonly _model: Model,
    private readonly _trans: IWorkbench['trans']
  ) {
    _model.on('msg:custom', this._answer);
    _model.on('comm_live_update', this._end);
  }

  dispose(): void {
    this._model.off('msg:custom', this._answer);
    this._model.off('comm_live_update', this._end);
  }

  /** Throws ApiError. The kernel answers between two cells. */
  async ask<T>(content: Record<string, unknown>, signal?: AbortSignal): Promise<T> {
    if (!this._model.comm_live) {
      throw this._gone();
    }
    asked += 1;
    const id = `${this._model.model_id}:${asked}`;
    return new Promise<T>((resolve, reject) => {
      this._waiting.set(id, { resolve: resolve as (found: unknown) => void, reject });
      signal?.addEventListener('abort', () => {
        this._waiting.delete(id);
        reject(signal.reason as Error);
      });
      try {
        this._model.send({ ...content, id }, {});
      } catch {
        // the comm of a kernel that was shut down still counts as live
        this._waiting.delete(id);
        reject(this._gone());
      }
    });
  }

  private _gone(): ApiError {
    return new ApiError(
      'gone',
      this._trans.__('The kernel that holds these rows is gone.'),
      '',
      this._trans.__('Run the cell again.')
    );
  }

  /** A kernel that was started again answers nothing that was asked before. */
  private readonly _end = (): void => {
    if (!this._model.comm_live) {
      this._waiting.forEach(({ reject }) => reject(this._gone()));
      this._waiting.clear();
    }
  };

  private readonly _answer = ({ id, found, error }: IAnswer): void => {
    const waiting = this._waiting.get(id);
    this._waiting.delete(id);
    if (error) {
      waiting?.reject(new ApiError(error.error, error.message, error.why, error.fix));
    } else {
      waiting?.resolve(found);
    }
  };

  private readonly _waiting = new Map<
    string,
    { resolve: (found: unknown) => void; reject: (error: Error) => void }
  >();
}

/** The grid over a frame of a kernel. */
export function Explore({ model }: { model: Model }): React.ReactElement {
  const { trans } = useWorkbench();
  const [query, setQuery] = useState<IGridQuery>(PLAIN);
  const [block, show] = useState<IGridBlock | null>(null);
  const rows = useMemo(() => new KernelRows(model, trans), [model, trans]);
  useEffect(() => () => rows.dispose(), [rows]);
  const source = useMemo<IGridSource>(
    () => ({
      id: model.model_id,
      name: model.get('title') as string,
      columns: model.get('columns') as readonly IColumn[],
      rows: async (of, start, count, signal) =>
        rows.ask<IGridBlock>({ verb: 'block', query: of, start, count }, signal),
      shape: async (of, column, signal) =>
        rows.ask<IColumnProfile>({ verb: 'shape', query: of, column }, signal)
    }),
    [model, rows]
  );
  return (
    <div className={cx('catalog-explore')} data-lm-suppress-shortcuts="true">
      <Explorer source={source} query={query} onQuery={setQuery} onShown={show}>
        <InsertButton code={block?.code.python} primary={false} />
      </Explorer>
    </div>
  );
}
