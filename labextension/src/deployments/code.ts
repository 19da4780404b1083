import type { Code, IDeployment } from '../api/types';
import { literal } from '../code/python';
import { quoted } from '../code/shell';

/** The call that sets this traffic, by every door. */
export function trafficCode(
  name: string,
  weights: Readonly<Record<string, number | string>>
): Code {
  const shares = Object.entries(weights);
  const words = [quoted(name), ...shares.map(([version, percent]) => `${version}=${percent}`)].join(
    ' '
  );
  const python = shares
    .map(([version, percent]) => `${JSON.stringify(version)}: ${percent}`)
    .join(', ');
  return {
    python: `import jupyter_mlinfra as ml\nml.deployment(${JSON.stringify(name)}).traffic({${python}})`,
    magic: `%deploy traffic ${words}`,
    cli: `mlinfra deployments traffic ${words}`
  };
}

/** The call that sends this body. */
export function requestCode({ name, url }: IDeployment, body: unknown, curl: string): Code {
  const text = quoted(JSON.stringify(body));
  const asked = curl.lastIndexOf(' -d ');
  return {
    python: `import jupyter_mlinfra as ml\nml.deployment(${JSON.stringify(name)}).predict(${literal(body)})`,
    cli: `echo ${text} | mlinfra deployments predict ${quoted(name)} --rows -`,
    ...(url && asked > 0 ? { curl: `${curl.slice(0, asked)} -d ${text}` } : {})
  };
}
