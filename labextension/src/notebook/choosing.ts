import { FileDialog, type IFileBrowserFactory } from '@jupyterlab/filebrowser';

/** Ask for notebooks; none when the question is left. */
export async function chooseNotebooks(
  browsers: IFileBrowserFactory | null,
  title: string
): Promise<readonly string[]> {
  const manager = browsers?.tracker.currentWidget?.model.manager;
  const answer =
    manager &&
    (await FileDialog.getOpenFiles({
      manager,
      title,
      filter: model => (model.type === 'notebook' || model.type === 'directory' ? {} : null)
    }));
  return answer?.button.accept
    ? (answer.value ?? []).filter(({ type }) => type === 'notebook').map(({ path }) => path)
    : [];
}
