import '../../style/jobs.css';

import React from 'react';

import type { ICompute, IDevice } from '../api/types';
import { Button } from '../components/button';
import { cx } from '../components/cx';
import { Shape } from '../components/icon';
import { Num } from '../components/number';
import { Progress } from '../components/progress';
import * as format from '../format';
import { RefLink } from '../components/reflink';
import { useWorkbench } from '../hooks/context';
import { parseRef } from '../refs';
import { type IKernelHolder, kernelsIn } from './lines';

const whole = (value: unknown): string => format.percent(value, 0);

/** What the backend has: each GPU with its holder, CPUs, memory, disk. */
export function Compute({
  compute,
  onFreed
}: {
  compute: ICompute;
  onFreed?: () => void;
}): React.ReactElement {
  const { trans } = useWorkbench();
  const held = trans.__('%1 of %2 held', compute.cpus_used, compute.cpus);
  return (
    <div className={cx('jobs-compute')}>
      {compute.devices.map((device, index) => (
        <Device key={device.id} device={device} number={index} onFreed={onFreed} />
      ))}
      <div className={cx('jobs-compute-line')}>
        <span>{trans.__('CPU')}</span>
        <Progress fraction={Number(compute.load.value ?? 0)} label={trans.__('CPU load')} />
        <span className={cx('jobs-compute-number')}>
          <Num value={compute.load} format={whole} />
        </span>
        <span className={cx('quiet')} title={held}>
          {held}
        </span>
      </div>
      <p className={cx('quiet')}>
        {trans.__('memory')} <Num value={compute.memory} format={whole} /> · {trans.__('disk')}{' '}
        <Num value={compute.disk} format={whole} />
      </p>
    </div>
  );
}

/** The GPUs in words: `4 × A100`; empty where there are none, or of several kinds. */
export function gpusOf({ devices }: ICompute): string {
  const names = new Set(devices.map(({ name }) => name));
  const [name = ''] = names;
  return names.size === 1 ? `${devices.length} × ${name}` : '';
}

interface IDeviceProps {
  device: IDevice;
  number: number;
  /** The kernel that held it has been ended. */
  onFreed?: () => void;
}

function Device({ device, number, onFreed }: IDeviceProps): React.ReactElement {
  const { trans } = useWorkbench();
  const [kernel] = kernelsIn(device.holder);
  const jobs = device.holder.split(', ').filter(ref => parseRef(ref)?.kind === 'job');
  const name = trans.__('GPU%1', number);
  return (
    <>
      <div
        className={cx('jobs-compute-line')}
        title={device.name}
        data-holder={device.holder || undefined}
      >
        <span>{name}</span>
        <Progress
          fraction={Number(device.load?.value ?? 0)}
          label={trans.__('Load of %1', name)}
          tone={device.holder && !jobs.length ? 'wait' : 'run'}
        />
        <span className={cx('jobs-compute-number')}>
          <Num value={device.load} format={whole} />
        </span>
        {jobs.length > 0 ? (
          <span>
            {jobs.map(ref => (
              <RefLink key={ref} reference={ref} />
            ))}
          </span>
        ) : kernel ? (
          <span className={cx('tone-wait', 'jobs-with-shape')}>
            <Shape name="caution" /> {trans.__('kernel')}
          </span>
        ) : (
          <span className={cx('quiet')} title={device.holder}>
            {device.holder || trans.__('free')}
          </span>
        )}
      </div>
      {kernel && <Kernel kernel={kernel} device={device} onFreed={onFreed} />}
    </>
  );
}

/** The notebook whose kernel holds a GPU: the way to it, and the way to end it. */
function Kernel({
  kernel,
  device,
  onFreed
}: Omit<IDeviceProps, 'number'> & { kernel: IKernelHolder }): React.ReactElement {
  const { trans } = useWorkbench();
  const { notebook, pid } = kernel;
  const memory = device.memory?.value;
  const title =
    typeof memory === 'number'
      ? trans.__('%1: process %2 holds %3 of the memory', notebook, pid, whole(memory))
      : trans.__('%1: process %2', notebook, pid);
  return (
    <div className={cx('jobs-compute-holder')}>
      <span title={title}>{notebook}</span>
      <KernelButtons kernel={kernel} onFreed={onFreed} />
    </div>
  );
}

interface IKernelButtonsProps {
  kernel: IKernelHolder;
  /** Whether the buttons name the notebook, since nothing beside them does. */
  named?: boolean;
  onFreed?: () => void;
}

/** Go to the notebook of a kernel, or end the kernel. */
export function KernelButtons({
  kernel,
  named,
  onFreed
}: IKernelButtonsProps): React.ReactElement | null {
  const { commands, trans } = useWorkbench();
  if (!commands.hasCommand(SHOW_KERNEL)) {
    return null;
  }
  const { notebook, pid } = kernel;
  return (
    <>
      <Button
        label={named ? trans.__('Go to %1', notebook) : trans.__('Go to')}
        onClick={() => void commands.execute(SHOW_KERNEL, { notebook, pid })}
      />
      <Button
        label={named ? trans.__('Shut Down Its Kernel…') : trans.__('Shut Down…')}
        onClick={() => void commands.execute(END_KERNEL, { notebook, pid }).then(onFreed)}
      />
    </>
  );
}

/** The notebook plugin adds these, since they need JupyterLab's sessions. */
export const SHOW_KERNEL = 'mlinfra:jobs-show-kernel';
export const END_KERNEL = 'mlinfra:jobs-shut-down-kernel';
