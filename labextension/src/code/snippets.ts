import type { ICodeCall } from '../api/client';
import type { Code } from '../api/types';
import { kinds } from '../kinds';
import { kindOf } from '../refs';
import type { IWorkbench } from '../tokens';

/** What code is asked for: of objects, or of a call. */
export type CodeOf = readonly string[] | ICodeCall;

export const codeKey = (of: CodeOf): string => `code:${JSON.stringify(of)}`;

/** Whether the server has code for such an object. */
export const hasCode = (ref: string): boolean => kinds.get(kindOf(ref))?.code === true;

/** The code of objects or of a call, by every door; it is asked for once. */
export const codeOf = async ({ answers, client }: IWorkbench, of: CodeOf): Promise<Code> =>
  answers.ask(codeKey(of), signal => client.code(of, signal));

/**
 * The code of what a row stands for, where it is not that of its reference: as it is, or a call.
 */
export type OwnCode = string | ICodeCall;

/** The Python of one row. */
export async function pythonOfOwn(workbench: IWorkbench, own: OwnCode): Promise<string> {
  return typeof own === 'string' ? own : ((await codeOf(workbench, own)).python ?? '');
}

/** The Python of objects; empty where there is none. */
export async function pythonOf(workbench: IWorkbench, refs: readonly string[]): Promise<string> {
  const having = refs.filter(hasCode);
  return having.length ? ((await codeOf(workbench, having)).python ?? '') : '';
}
